"""The steps of a day on folders in an object store: the same results as on folders of the host."""

import gzip
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars
import pytest

from model.champion import champion_identity, history
from schemas.errors import BatchBlocked, LandingError, MissingFile, StoreUnavailable
from schemas.storage import given
from tasks import gate, repeats
from tasks.arrival import is_written_to
from tasks.days import dates_between, late_dates
from tasks.ingest import open_batch
from tasks.outcomes import load_outcomes
from tasks.project import Project
from tasks.promote import promote, roll_back
from tasks.report import report_path, write_report
from tasks.source.landing import find_source
from tasks.source.parquet_rows import ParquetRows
from tasks.train import train_model
from tests.body import run_day
from tests.flows.homes import landing_file, project_at, query
from tests.store import ObjectStore
from tests.tasks.loans import DAYS, OUTCOMES, second_model

DAY = DAYS[0]
SCORES = """SELECT b.batch_date, b.source_sha256, b.model_sha256, b.rows_received, s.* EXCLUDE (batch_id)
FROM scores s JOIN batches b USING (batch_id) ORDER BY ALL"""
RESULTS = (
    SCORES,
    "SELECT b.batch_date, q.* EXCLUDE (batch_id) FROM quarantine q JOIN batches b USING (batch_id) ORDER BY ALL",
    "SELECT b.batch_date, g.* EXCLUDE (batch_id) FROM gate_results g JOIN batches b USING (batch_id) ORDER BY ALL",
    "SELECT * EXCLUDE (batch_id) FROM drift ORDER BY ALL",
    "SELECT * EXCLUDE (batch_id) FROM drift_verdicts ORDER BY ALL",
)


@pytest.fixture
def shared(store: ObjectStore, portfolio: Path, tmp_path: Path) -> Project:
    """The portfolio with its landing zone and its models in the store, and nothing of them in its home."""
    for name in ("landing", "models"):
        store.put(name, portfolio / name)
    home = tmp_path / "host"
    home.mkdir()
    return project_at(home, **store.settings())


def home_of(project: Project) -> Path:
    return project.settings.home_path


def spoil(path: Path, rows: int) -> None:
    """Ages that nobody has, in the first rows."""
    frame = polars.read_csv(path, infer_schema=False).with_row_index()
    broken = polars.when(polars.col("index") < rows).then(polars.lit("-1")).otherwise(polars.col("age")).alias("age")
    frame.with_columns(broken).drop("index").write_csv(path)


def test_days_from_the_store_have_the_results_of_days_from_folders(
    shared: Project, project: Project, store: ObjectStore
) -> None:
    spoil(landing_file(home_of(project), DAY), 7)
    store.put("landing", home_of(project) / "landing")
    for day in DAYS[:3]:
        assert run_day(shared, day).rows == run_day(project, day).rows
    for question in RESULTS:
        rows = query(home_of(shared), question)
        assert rows == query(home_of(project), question)
    assert len(query(home_of(shared), RESULTS[1])) == 7
    assert {"landing", "models", "reports"}.isdisjoint(path.name for path in home_of(shared).iterdir())


def test_a_day_staged_in_the_store_has_the_results_of_one_staged_on_the_host(
    shared: Project, project: Project, store: ObjectStore
) -> None:
    spoil(landing_file(home_of(project), DAY), 7)
    # An application of the first day comes again with the second.
    first, second = (landing_file(home_of(project), day) for day in DAYS[:2])
    with second.open("a", encoding="utf-8") as file:
        file.write(first.read_text(encoding="utf-8").splitlines()[-1] + "\n")
    store.put("landing", home_of(project) / "landing")
    staged = project_at(home_of(shared), **store.settings(), staging=store.address("staging"))
    for day in DAYS[:2]:
        assert run_day(staged, day).rows == run_day(project, day).rows
    for question in RESULTS:
        assert query(home_of(staged), question) == query(home_of(project), question)
    assert ("already_scored",) in query(home_of(staged), "SELECT rule FROM quarantine")
    assert store.objects("staging") == {}
    assert list((home_of(staged) / "staging").iterdir()) == []


def test_a_blocked_batch_that_was_staged_in_the_store_has_its_broken_rows(
    shared: Project, project: Project, store: ObjectStore
) -> None:
    spoil(landing_file(home_of(project), DAY), 200)
    store.put("landing", home_of(project) / "landing")
    staged = project_at(home_of(shared), **store.settings(), staging=store.address("staging"))
    with pytest.raises(BatchBlocked) as blocked:
        run_day(staged, DAY)
    assert blocked.value.broken_rows
    assert polars.read_csv(blocked.value.broken_rows.read_bytes()).height == 200
    assert store.objects("staging") == {}


def as_gzip(home: Path) -> None:
    path = landing_file(home, DAY)
    path.with_suffix(".csv.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    path.unlink()


def as_parquet(home: Path) -> None:
    path = landing_file(home, DAY)
    polars.read_csv(path, infer_schema=False).write_parquet(path.with_suffix(".parquet"))
    path.unlink()


def as_parts(home: Path) -> None:
    path = landing_file(home, DAY)
    frame = polars.read_csv(path, infer_schema=False)
    folder = path.with_suffix("")
    folder.mkdir()
    frame[:100].write_csv(folder / "part-1.csv")
    frame[100:].write_parquet(folder / "part-2.parquet")
    (folder / "_SUCCESS").touch()
    path.unlink()


@pytest.mark.parametrize("form", [as_gzip, as_parquet, as_parts])
def test_every_form_of_a_landing_file_is_read_from_the_store(
    form: Callable[[Path], None], store: ObjectStore, portfolio: Path, project: Project, tmp_path: Path
) -> None:
    form(home_of(project))
    store.put("landing", home_of(project) / "landing")
    other = project_at(
        Path(shutil.copytree(portfolio, tmp_path / "other", ignore=shutil.ignore_patterns("landing"))),
        landing=store.address("landing"),
    )
    assert run_day(other, DAY).rows == run_day(project, DAY).rows
    assert query(home_of(other), SCORES) == query(home_of(project), SCORES)


def test_the_same_objects_again_publish_nothing(shared: Project) -> None:
    first = run_day(shared, DAY)
    again = run_day(shared, DAY)
    assert (again.batch_id, again.new) == (first.batch_id, False)


def test_the_dates_of_the_landing_zone_are_found(shared: Project, store: ObjectStore) -> None:
    assert dates_between(shared, None, None) == list(DAYS)
    run_day(shared, DAY)
    # Two days on from the last: all are recent, and none is still written to.
    later = datetime.combine(DAYS[-1] + timedelta(days=2), datetime.min.time(), UTC)
    assert late_dates(shared, later.date(), 10, lambda: datetime(2100, 1, 1, tzinfo=UTC)) == list(DAYS[1:])


def test_a_date_without_an_object_is_missing_and_one_with_two_is_refused(shared: Project, store: ObjectStore) -> None:
    with pytest.raises(MissingFile, match=f"no file for 2020-01-01 in s3://{store.bucket}/landing"):
        run_day(shared, DAY.replace(year=2020, month=1, day=1))
    store.client.put_object(Bucket=store.bucket, Key=f"landing/applications_{DAY}.csv.gz", Body=b"")
    with pytest.raises(LandingError, match="more than one file"):
        run_day(shared, DAY)


def test_an_object_that_has_just_come_may_get_company(shared: Project) -> None:
    source = find_source(shared.settings.path("landing"), DAY)
    assert is_written_to(source, datetime.now(UTC))
    assert not is_written_to(source, datetime.now(UTC) + timedelta(minutes=1))


def test_an_object_that_is_replaced_while_it_is_judged_is_not_published(
    shared: Project, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = f"landing/applications_{DAY}.csv"
    before = repeats.find_repeats

    def replaced(*given: Any) -> Any:
        found = before(*given)
        store.client.put_object(Bucket=store.bucket, Key=key, Body=store.objects(key)[key][:-200] + b"\n")
        return found

    monkeypatch.setattr(gate, "find_repeats", replaced)
    with pytest.raises(LandingError, match="was written to while it was read"):
        run_day(shared, DAY)
    assert shared.reader.published(DAY) is None


def test_the_broken_rows_of_a_blocked_batch_go_to_the_store(
    shared: Project, project: Project, store: ObjectStore
) -> None:
    spoil(landing_file(home_of(project), DAY), 200)
    store.put("landing", home_of(project) / "landing")
    with pytest.raises(BatchBlocked) as raised:
        run_day(shared, DAY)
    with pytest.raises(BatchBlocked) as of_folders:
        run_day(project, DAY)
    (name,) = store.objects("reports")
    assert str(raised.value.broken_rows) == store.address(name)
    assert of_folders.value.broken_rows is not None
    assert store.objects("reports")[name] == of_folders.value.broken_rows.read_bytes()


def test_the_report_of_a_day_goes_to_the_store(shared: Project, store: ObjectStore) -> None:
    run_day(shared, DAY)
    note = write_report(shared, DAY)
    assert note.path == report_path(shared, DAY)
    assert store.objects("reports")[f"reports/drift_{DAY}.html"].strip().startswith(b"<!DOCTYPE html>")


def test_a_model_is_trained_promoted_and_rolled_back_in_the_store(
    shared: Project, store: ObjectStore, portfolio: Path
) -> None:
    store.put("history", portfolio / "landing")
    store.client.put_object(Bucket=store.bucket, Key=OUTCOMES, Body=(portfolio / OUTCOMES).read_bytes())
    models = shared.settings.path("models")
    first = champion_identity(models)[0]
    trained = train_model(shared, store.address("history/*.csv"), Path(store.address(OUTCOMES)), None)
    # Trained on the same rows it is the same model, found again by its hash.
    assert (trained.version, trained.role) == (first, "champion")
    assert trained.card.read_text(encoding="utf-8").startswith("#")
    challenger = second_model(shared).version
    assert promote(shared, challenger).before == first
    run_day(shared, DAY)
    assert query(home_of(shared), "SELECT DISTINCT model_version FROM scores") == [(challenger,)]
    assert roll_back(shared).version == first
    assert [reign.version for reign in history(models)] == [first, challenger, first]


def test_a_model_that_was_altered_in_the_store_is_refused(shared: Project, store: ObjectStore) -> None:
    version = champion_identity(shared.settings.path("models"))[0]
    key = f"models/{version}/scorecard.joblib"
    store.client.put_object(Bucket=store.bucket, Key=key, Body=store.objects(key)[key] + b"x")
    with pytest.raises(Exception, match="was altered"):
        run_day(shared, DAY)


def test_a_model_is_a_version_only_when_all_of_it_is_there(
    shared: Project, store: ObjectStore, monkeypatch: Any
) -> None:
    written: list[str] = []
    monkeypatch.setattr("model.artifact.write_file", lambda path, _: written.append(path.name))
    second_model(shared)
    assert written[-1] == "metadata.json"
    assert {"scorecard.joblib", "model_card.md"} <= set(written)


def test_outcomes_are_loaded_from_the_store(shared: Project, store: ObjectStore, portfolio: Path) -> None:
    run_day(shared, DAY)
    store.client.put_object(Bucket=store.bucket, Key=OUTCOMES, Body=(portfolio / OUTCOMES).read_bytes())
    assert load_outcomes(shared, given(Path(store.address(OUTCOMES)))) == len(DAYS) * 300


def test_a_source_given_by_its_address_is_scored(shared: Project, store: ObjectStore) -> None:
    source = Path(store.address(f"landing/applications_{DAY}.csv"))
    assert open_batch(shared, DAYS[1], source).source.name == f"applications_{DAY}.csv"


@pytest.mark.parametrize("verb", [ParquetRows.columns.func, lambda rows: list(rows.chunks(["age"]))])  # type: ignore[attr-defined]
def test_a_store_in_trouble_says_nothing_about_a_parquet_file(
    verb: Callable[[ParquetRows], object], store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    polars.DataFrame({"age": ["1"] * 10}).write_parquet(tmp_path / "a.parquet")
    store.put("landing", tmp_path)
    monkeypatch.setattr("schemas.object_store.PATIENCE_SECONDS", 1.0)
    rows = ParquetRows(given(Path(store.address("landing/a.parquet"))))
    store.stop()
    # As a verdict it would block the batch, and nobody would come back for it.
    with pytest.raises(StoreUnavailable):
        verb(rows)
    store.start()


def test_a_day_goes_on_when_the_store_refuses_for_ten_seconds(
    shared: Project, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = repeats.find_repeats

    def refused(*given: Any) -> Any:
        with store.refusing(10):
            return before(*given)

    monkeypatch.setattr(gate, "find_repeats", refused)
    assert run_day(shared, DAY).rows.scored == 300
