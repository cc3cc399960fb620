import pickle
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars
import pytest

from model.binning import Bins, CategoryBins
from model.profile import outlined
from model.reference import SCORE, LevelBins
from model.trained import Model
from schemas.columns import columns_of
from schemas.contract import read_contract
from schemas.settings import Settings
from tasks.drift import measure
from tasks.observe import Counted, Observed, added, count_piece, group_counts, profile_of, score_counts
from tasks.staging import Staging
from tests.contracts.guarded import Guarded
from tests.tasks.models import quick_model
from warehouse.monitoring import empty

CONTRACT = read_contract(Guarded)
VERSION = "v1"
ROWS = 700
NEW = ("boat", "plane")


def draw(rows: int, seed: int) -> polars.DataFrame:
    """Applications as they are staged, with something missing in every field that allows it."""
    random = np.random.default_rng(seed)
    born = [date(1940, 1, 1) + timedelta(days=int(days)) for days in random.integers(0, 22_000, rows)]
    ages = [int(age) for age in random.integers(18, 80, rows)]
    origins = random.choice([*"abcdefghijkl"], rows, p=[0.3, *[0.7 / 11] * 11])
    return polars.DataFrame(
        {
            "amount": random.lognormal(8, 1, rows).clip(100).round(2),
            "purpose": random.choice(["car", "home", "other"], rows),
            "age": [None if random.random() < 0.1 else age for age in ages],
            "origin": [None if random.random() < 0.1 else str(origin) for origin in origins],
            "born": [None if random.random() < 0.1 else day for day in born],
            "customer_since": [date(2020, 1, 1) + timedelta(days=int(days)) for days in random.integers(0, 900, rows)],
        },
        schema_overrides={"age": polars.Int64, "origin": polars.String, "born": polars.Date},
    )


@pytest.fixture(scope="module")
def model() -> Model:
    frame = draw(900, seed=1)
    amount, age = frame["amount"].to_numpy(), frame["age"].fill_null(40).to_numpy()
    chance = np.clip(amount / 20_000 + (50 - age) / 100, 0.05, 0.9)
    return quick_model(CONTRACT, columns_of(CONTRACT, frame), chance)


@pytest.fixture(scope="module")
def batch() -> polars.DataFrame:
    """A batch in which some purposes were never seen, with a made-up score and decision beside each application."""
    random = np.random.default_rng(4)
    news = polars.Series(random.choice([*NEW, "", ""], ROWS, p=[0.04, 0.08, 0.44, 0.44]))
    return draw(ROWS, seed=3).with_columns(
        purpose=polars.when(news == "").then("purpose").otherwise(news),
        score=polars.Series(random.integers(480, 640, ROWS), dtype=polars.Int32),
        decision=polars.Series(random.choice(["approve", "refer", "decline"], ROWS)),
    )


def staged(folder: Path, batch: polars.DataFrame, parts: int) -> Staging:
    """The batch in so many parts, one of which is empty if there are several."""
    staging = Staging(folder)
    folder.mkdir()
    edges = [0, 0, *np.linspace(0, batch.height, parts).astype(int).tolist()[1:]] if parts > 1 else [0, batch.height]
    for number, (start, end) in enumerate(pairwise(edges)):
        part = batch[start:end]
        part.drop("score", "decision").write_parquet(staging.part("accepted", number))
        part.select("score", "decision").write_parquet(staging.part("scores", number))
    return staging


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory, model: Model, batch: polars.DataFrame) -> Observed:
    return observe(model, staged(tmp_path_factory.mktemp("batch") / "staging", batch, 4))


def observe(model: Model, staging: Staging) -> Observed:
    """All features and all pieces, as monitoring looks at them."""
    found = {name: profile_of(CONTRACT, model, staging, name) for name in model.reference}
    counted = added([count_piece(CONTRACT, model, staging, piece) for piece in staging.pieces("accepted")])
    return Observed(
        outlines={name: outlined(profile) for name, (profile, _) in found.items()},
        unseen={name: unseen for name, (_, unseen) in found.items() if unseen},
        score_counts=score_counts(counted, VERSION),
        group_counts=group_counts(counted, model, VERSION),
    )


@pytest.mark.parametrize("parts", [1, 4])
def test_profiles_are_those_of_the_whole_batch(
    tmp_path: Path, model: Model, batch: polars.DataFrame, parts: int
) -> None:
    staging = staged(tmp_path / "staging", batch, parts)
    found = {name: profile_of(CONTRACT, model, staging, name)[0] for name in model.reference}
    features = CONTRACT.features_of(columns_of(CONTRACT, batch))
    features[SCORE] = batch[SCORE].to_numpy().astype(np.float64)
    assert list(found) == list(model.reference) == list(features)
    for name, reference in model.reference.items():
        if isinstance(reference.bins, LevelBins):
            expected = reference.profile_of_levels(dict(batch.group_by(name).len().iter_rows()))
        else:
            expected = reference.profile_of_numbers(features[name])
        np.testing.assert_array_equal(found[name].counts, expected.counts)
        np.testing.assert_array_equal(found[name].values, expected.values)
        assert found[name].rows == ROWS


def test_missing_values_are_counted_apart(observed: Observed, batch: polars.DataFrame) -> None:
    assert observed.outlines["age"].missing == batch["age"].null_count() > 0
    assert observed.outlines["first_seen"].missing == batch["born"].null_count() > 0
    assert observed.outlines["amount"].missing == 0


def test_levels_that_training_never_saw_are_named_with_their_rows(observed: Observed, batch: polars.DataFrame) -> None:
    rows = {name: int((batch["purpose"] == name).sum()) for name in NEW}
    assert rows["plane"] > rows["boat"] > 0
    # Most frequent first; nothing is said of features without any.
    assert observed.unseen == {"purpose": [("plane", rows["plane"]), ("boat", rows["boat"])]}


def test_scores_are_counted(observed: Observed, batch: polars.DataFrame) -> None:
    counts = observed.score_counts
    assert counts["score"].is_sorted()
    assert counts["model_version"].unique().to_list() == [VERSION]
    assert dict(counts.select("score", "row_count").iter_rows()) == dict(batch.group_by("score").len().iter_rows())


@pytest.mark.parametrize("field", ["age", "origin", "born", "first_seen"])
def test_decisions_are_counted_by_every_group_of_what_is_protected(
    observed: Observed, model: Model, batch: polars.DataFrame, field: str
) -> None:
    days = (polars.col("customer_since") - polars.col("born")).dt.total_days()
    values = batch.select(age="age", origin="origin", born=polars.col("born").dt.year(), first_seen=days)[field]
    names = polars.Series([name_of(value, model.groups[field]) for value in values])
    direct = batch.group_by(names.alias("group")).agg(polars.len(), (polars.col("decision") == "approve").sum())
    found = observed.group_counts.filter(polars.col("field") == field)
    assert found["group_place"].is_sorted()
    assert found["model_version"].unique().to_list() == [VERSION]
    assert sorted(found.select("group_name", "row_count", "approved_count").rows()) == sorted(direct.rows())
    assert found.height > 3
    assert found["row_count"].sum() == ROWS


def name_of(value: float | str | None, bins: Bins) -> str:
    """The group of a value, worked out one by one."""
    if value is None:
        return "missing"
    if isinstance(bins, CategoryBins):
        return str(value) if value in bins.levels else "other"
    return bins.labels[sum(edge <= value for edge in bins.edges)]  # type: ignore[operator]  # a number


def test_only_what_is_protected_has_groups(observed: Observed, model: Model) -> None:
    fields = observed.group_counts["field"].unique(maintain_order=True).to_list()
    assert fields == list(model.groups) == ["age", "first_seen", "origin", "born"]


def test_where_nothing_is_protected_there_are_no_groups(tmp_path: Path, model: Model, batch: polars.DataFrame) -> None:
    unguarded = replace(model, groups={})
    found = observe(unguarded, staged(tmp_path / "staging", batch, 1)).group_counts
    assert found.equals(empty("group_counts"))


def test_what_a_worker_says_of_a_feature_is_small_however_many_rows_there_are(model: Model) -> None:
    column = np.random.default_rng(5).normal(5_000, 100, 300_000)
    profile = model.reference["amount"].profile_of_numbers(column, keep=True)
    measured = measure(Settings(), model.reference["amount"], profile, ())
    assert profile.values.nbytes > 2_000_000
    assert len(pickle.dumps((outlined(profile), measured))) < 20_000


def test_counts_of_pieces_add_up_whichever_scores_they_have(model: Model) -> None:
    none = {name: np.zeros((2, bins.size), dtype=np.int64) for name, bins in model.groups.items()}
    one = Counted(scores={500: 2, 510: 1}, groups={name: counts + 1 for name, counts in none.items()})
    other = Counted(scores={510: 4}, groups=none)
    together = added([one, other])
    assert together.scores == {500: 2, 510: 5}
    assert all(np.array_equal(together.groups[name], counts + 1) for name, counts in none.items())
