"""A batch judged, scored and watched piece by piece is the batch as a whole."""

import pickle
from datetime import date
from pathlib import Path

import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import ContractError, LandingError, ScoringError, UnreadableSource
from schemas.loading import load_contract
from schemas.settings import Settings
from tasks import repeats
from tasks.gate import judge_source
from tasks.parallel import in_turn
from tasks.project import Project
from tasks.repeats import find_repeats
from tasks.source.pieces import cut
from tasks.staging import Staging, staging_for
from tasks.survey import Surveyed
from tests.body import run_day
from tests.flows.compared import differences
from tests.flows.disturbed import land, landing_csv
from tests.flows.homes import project_at
from tests.tasks.batches import CONTRACT, DAY, Outcome, batch_at, judge_file, new_project, publish_file, write_rows
from tests.tasks.loans import DAYS

DAY_BEFORE = date(2026, 6, 29)
GOOD = b"n2,30000,1500,,2,35,yes,,2020-02-29,2030-01-01,north,M,web"
# Of the same id, with faults, of another shape, empty, in Latin-1, the header again.
LINES = [
    GOOD,
    GOOD.replace(b"n2", b"n3"),
    GOOD.replace(b"n2", b" n4 "),
    GOOD.replace(b"n2", b"n5").replace(b",35,", b",17,"),
    GOOD.replace(b"n2", b"n6").replace(b",M,", b",M\xfcller,"),
    GOOD.replace(b"n2", b'"n2"'),
    GOOD.replace(b"n2", b""),
    GOOD.replace(b"n2", b"published"),
    GOOD + b",more",
    b'n7,"never closed',
    b"",
    b"\r",
]


def cut_small(project: Project, part_bytes: int) -> Project:
    """The project with pieces smaller than the settings allow."""
    return Project(Settings(home=project.settings.home, part_bytes=part_bytes), project.contract)


def told(found: Outcome) -> tuple[object, ...]:
    """All that the gate found, in an order that does not depend on the pieces."""
    quarantined = found.quarantined.sort(found.quarantined.columns)
    return found.verdict.rows, found.verdict.results, found.accepted.rows(), quarantined.rows()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which an application is scored on the day before."""
    home = tmp_path_factory.mktemp("home")
    made = new_project(home)
    publish_file(made, write_rows(home / "before.csv", [{"application_id": "published"}]), DAY_BEFORE)
    return made


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(st.sampled_from(LINES), max_size=14),
    parts=st.integers(1, 3),
    part_bytes=st.integers(40, 400),
)
def test_an_odd_source_is_judged_the_same_in_any_pieces(
    tmp_path_factory: pytest.TempPathFactory, project: Project, lines: list[bytes], parts: int, part_bytes: int
) -> None:
    header = b"application_id,income,price,savings,dependants,age,has_account,owns_home,customer_since,due_on,region"
    source = tmp_path_factory.mktemp("parts")
    for number in range(parts):
        content = b"\n".join([header + b",employer,channel", *lines[number::parts]])
        (source / f"{number}.csv").write_bytes(content)
    assert told(judge_file(cut_small(project, part_bytes), source)) == told(judge_file(project, source))


def test_the_first_row_of_an_id_counts_across_pieces(project: Project, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "a.csv", [{"application_id": f"a{number % 12}"} for number in range(60)])
    small = cut_small(project, 300)
    assert len(cut(batch_at(file).source, 300)) > 10
    found = judge_file(small, file)
    assert found.accepted["row_number"].to_list() == list(range(1, 13))
    assert found.quarantined["row_number"].to_list() == list(range(13, 61))
    expected = [f"row {number % 12 + 1} of the file has the same application_id" for number in range(12, 60)]
    assert found.quarantined["message"].to_list() == expected


def test_a_file_that_was_appended_to_itself_is_all_repeats_however_few_are_looked_at_at_a_time(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeats, "SUSPECTED_HASHES", 7)
    file = write_rows(tmp_path / "a.csv", [{"application_id": f"a{number % 50}"} for number in range(100)])
    for part_bytes in (1_000, 256_000_000):
        found = judge_file(cut_small(project, part_bytes), file)
        assert found.accepted["row_number"].to_list() == list(range(1, 51))
        assert found.quarantined["row_number"].to_list() == list(range(51, 101))


def test_pieces_of_which_one_breaks_off_are_refused_as_a_whole(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    write_rows(folder / "1.csv", [{}] * 20)
    whole = write_rows(tmp_path / "whole.csv", [{"employer": f"E{number * 7919}"} for number in range(500)])
    polars.read_csv(whole, infer_schema=False).write_parquet(folder / "2.parquet", row_group_size=100)
    data = bytearray((folder / "2.parquet").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 500] = b"\xff" * 500
    (folder / "2.parquet").write_bytes(data)
    found = judge_file(cut_small(project, 1_000), folder)
    assert [item.check_name for item in found.verdict.results] == ["readable"]
    assert found.verdict.rows.received == 0


def test_what_an_earlier_attempt_of_the_run_staged_is_gone(project: Project, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "a.csv", [{}] * 60 + [{"age": "17"}])
    batch = batch_at(file)
    with staging_for(tmp_path / "staging", DAY) as staging:
        judge_source(project, batch, staging)
        left = staging.part("quarantine", 7, 7)
        left.write_bytes(staging.parts("quarantine")[0].read_bytes())
        judge_source(project, batch, staging)
        assert not left.exists()
        assert len(staging.parts("quarantine")) == 1


def test_doing_a_piece_twice_changes_nothing(project: Project, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "a.csv", [{"application_id": f"a{number % 40}"} for number in range(60)])
    small = cut_small(project, 1_000)

    def twice(step: str, verb: object, items: object) -> list[object]:
        in_turn(step, verb, items)  # type: ignore[arg-type]
        return in_turn(step, verb, items)  # type: ignore[arg-type]

    with staging_for(tmp_path / "staging", DAY) as staging:
        once = judge_source(small, batch_at(file), staging).results
        parts = {path.name: polars.read_parquet(path) for path in staging.folder.iterdir()}
        assert judge_source(small, batch_at(file), staging, twice).results == once  # type: ignore[arg-type]
        again = {path.name: polars.read_parquet(path) for path in staging.folder.iterdir()}
    assert parts.keys() == again.keys()
    assert all(frame.equals(again[name]) for name, frame in parts.items())


def test_workers_whose_hashes_differ_are_refused(project: Project, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "a.csv", [{}] * 60)
    pieces = cut(batch_at(file).source, 1_000)

    def on_other_machines(step: str, verb: object, items: object) -> list[object]:
        done: list[object] = in_turn(step, verb, items)  # type: ignore[arg-type]
        return [
            Surveyed(rows=item.rows, probe=number) if isinstance(item, Surveyed) else item
            for number, item in enumerate(done)
        ]

    with (
        staging_for(tmp_path / "staging", DAY) as staging,
        pytest.raises(ScoringError, match="different releases of polars"),
    ):
        find_repeats(pieces, 1_000, staging, project.reader, DAY, on_other_machines)  # type: ignore[arg-type]


def test_a_worker_that_does_not_see_the_file_is_told_from_a_file_that_is_gone(project: Project, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "a.csv", [{}] * 60)

    def elsewhere(*_: object) -> list[object]:
        raise FileNotFoundError(file)

    with (
        staging_for(tmp_path / "staging", DAY) as staging,
        pytest.raises(LandingError, match=r"a worker of the batch did not find it.*same addresses for all workers"),
    ):
        judge_source(cut_small(project, 1_000), batch_at(file), staging, elsewhere)  # type: ignore[arg-type]


@pytest.mark.parametrize("rows", [3_000])
def test_a_day_in_pieces_is_published_as_the_day_as_a_whole(home: Path, rows: int) -> None:
    land(home, DAYS[0], landing_csv(DAYS[0], rows))
    for name, part_bytes in (("whole", 256_000_000), ("pieces", 20_000)):
        run_day(project_at(home, warehouse=f"{name}.duckdb", part_bytes=part_bytes), DAYS[0])
    # What is compared can differ.
    other = project_at(home, warehouse="other.duckdb")
    land(home, DAYS[0], landing_csv(DAYS[0], rows, seed=1))
    run_day(other, DAYS[0])
    assert differences(home / "whole.duckdb", home / "pieces.duckdb") == {}
    assert differences(home / "whole.duckdb", home / "other.duckdb").keys() > {"scores", "drift", "profiles"}


def test_a_project_is_sent_without_secrets_and_with_the_contract_it_has_there(tmp_path: Path) -> None:
    settings = Settings(
        home=str(tmp_path), service_key="secret-1", alert_urls="mailto://secret-2", warehouse="secret-3"
    )
    project = Project(settings, load_contract(settings.contract))
    sent = pickle.dumps(project)
    assert b"secret" not in sent
    received = pickle.loads(sent)
    assert received.contract.hash == project.contract.hash
    assert received.settings.home_path == tmp_path
    assert received.settings.part_bytes == settings.part_bytes


def test_a_worker_with_another_contract_is_refused(tmp_path: Path) -> None:
    sent = pickle.dumps(Project(Settings(home=str(tmp_path)), CONTRACT))
    with pytest.raises(ContractError, match="a worker has another one than the run that sent it"):
        pickle.loads(sent)


@pytest.mark.parametrize("error", [UnreadableSource("readable", "it breaks off"), ContractError("C", ["no", "no"])])
def test_an_error_arrives_from_another_process_as_it_was_raised(error: ScoringError) -> None:
    arrived = pickle.loads(pickle.dumps(error))
    assert type(arrived) is type(error)
    assert (str(arrived), vars(arrived)) == (str(error), vars(error))


def test_staging_lists_the_parts_of_a_piece_only(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    for place in [(1, 0), (1, 1), (11, 0), (2,)]:
        staging.part("accepted", *place).touch()
    assert staging.parts("accepted", 1) == [staging.part("accepted", 1, 0), staging.part("accepted", 1, 1)]
    assert staging.parts("accepted", 2) == [staging.part("accepted", 2)]
    assert staging.pieces("accepted") == [1, 2, 11]
