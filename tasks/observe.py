"""What a batch looks like: the profile of each feature and of the score, and its decisions by group."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars
from numpy.typing import NDArray

from model.groups import group_values
from model.profile import Outline, Profile
from model.reference import SCORE, FeatureReference, LevelBins
from model.trained import Model
from schemas.columns import columns_of
from schemas.contract import Contract
from tasks.parallel import in_order
from tasks.staging import Staging, read_part, rows_in
from warehouse.monitoring import framed


@dataclass(frozen=True, eq=False, kw_only=True)
class Observed:
    """A batch as monitoring sees it.

    `unseen`: by category, levels that the reference does not have, with their rows, most frequent first. The frames are
    those of the tables of their names.
    """

    outlines: Mapping[str, Outline]
    unseen: Mapping[str, Sequence[tuple[str, int]]]
    score_counts: polars.DataFrame
    group_counts: polars.DataFrame


@dataclass(frozen=True, eq=False, kw_only=True)
class Counted:
    """Of some of a batch's rows: how many have each score, and by protected field rows and approvals (2, groups)."""

    scores: Mapping[int, int]
    groups: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)


def profile_of(
    contract: Contract, model: Model, staging: Staging, name: str
) -> tuple[Profile, Sequence[tuple[str, int]]]:
    """The profile of a feature, or of the score, over all scored rows, and a category's levels that are not known.

    Memory: the one column, at 8 bytes a row; of a category, its levels.
    """
    reference = model.reference[name]
    if isinstance(reference.bins, LevelBins):
        levels = _levels(staging.parts("accepted"), name)
        return reference.profile_of_levels(levels), _unseen(reference.bins, levels)
    return reference.profile_of_numbers(_numbers(contract, staging, reference), keep=True), []


def count_piece(contract: Contract, model: Model, staging: Staging, piece: int) -> Counted:
    """What can be counted row by row in a piece: this takes several columns at once."""

    def count(accepted: Path) -> Counted:
        scores = read_part(staging.scores_of(accepted), [SCORE, "decision"])
        by_score = dict(scores.group_by(SCORE).len().rows())
        approved = (scores["decision"] == "approve").to_numpy()
        return Counted(scores=by_score, groups=_by_group(contract, model, accepted, approved))

    return added(list(in_order(count, staging.parts("accepted", piece))))


def added(counted: Sequence[Counted]) -> Counted:
    """The counts of several pieces as one."""
    scores: dict[int, int] = {}
    for item in counted:
        for score, rows in item.scores.items():
            scores[score] = scores.get(score, 0) + rows
    names = counted[0].groups if counted else {}
    groups = {name: np.sum([item.groups[name] for item in counted], axis=0) for name in names}
    return Counted(scores=scores, groups=groups)


def score_counts(counted: Counted, model_version: str) -> polars.DataFrame:
    """Rows of the table `score_counts`."""
    rows = [
        {"model_version": model_version, SCORE: score, "row_count": count}
        for score, count in sorted(counted.scores.items())
    ]
    return framed("score_counts", rows)


def group_counts(counted: Counted, model: Model, model_version: str) -> polars.DataFrame:
    """Rows of the table `group_counts`: rows and approvals of every group that has rows."""
    return framed("group_counts", list(_group_rows(counted, model, model_version)))


def _numbers(contract: Contract, staging: Staging, reference: FeatureReference) -> NDArray[np.float64]:
    """The column, put together part by part: nothing else of the batch is in memory with it."""
    parts = staging.parts("accepted")
    ends = np.cumsum([0, *map(rows_in, parts)])
    values = np.empty(ends[-1])

    def fill(place: int) -> None:
        values[ends[place] : ends[place + 1]] = _column(contract, staging, reference.feature, parts[place])

    deque(in_order(fill, range(len(parts))), maxlen=0)
    return values


def _column(contract: Contract, staging: Staging, name: str, part: Path) -> NDArray[np.float64]:
    if name == SCORE:
        return read_part(staging.scores_of(part), [SCORE])[SCORE].to_numpy().astype(np.float64)
    columns = columns_of(contract, read_part(part, contract.inputs_of(name)))
    values: NDArray[np.float64] = np.asarray(contract.feature_of(name, columns), dtype=np.float64)
    return values


def _levels(parts: Sequence[Path], name: str) -> dict[str | None, int]:
    found = [_levels_of(part, name) for part in parts]
    if not found:
        return {}
    return dict(polars.concat(found).group_by("level").agg(polars.col("rows").sum()).rows())


def _levels_of(part: Path, name: str) -> polars.DataFrame:
    # Whatever the field is called, the names within the query are not its own.
    return read_part(part, [name]).group_by(level=polars.col(name)).agg(rows=polars.len().cast(polars.Int64))


def _unseen(bins: LevelBins, levels: Mapping[str | None, int]) -> list[tuple[str, int]]:
    known = {*bins.levels, *bins.rare}
    unseen = [(level, rows) for level, rows in levels.items() if level is not None and level not in known]
    return sorted(unseen, key=lambda item: (-item[1], item[0]))


def _by_group(
    contract: Contract, model: Model, accepted: Path, approved: NDArray[np.bool_]
) -> dict[str, NDArray[np.int64]]:
    if not model.groups:
        return {}
    inputs = {field for name in model.groups for field in contract.inputs_of(name)}
    columns = columns_of(contract, read_part(accepted, sorted(inputs)))
    return {
        name: _by_code(bins.codes(group_values(contract.feature_of(name, columns))), approved, bins.size)
        for name, bins in model.groups.items()
    }


def _group_rows(counted: Counted, model: Model, model_version: str) -> Iterator[Mapping[str, object]]:
    for name, bins in model.groups.items():
        if name not in counted.groups:
            continue
        rows, approved = counted.groups[name]
        for place in np.flatnonzero(rows).tolist():
            yield {
                "model_version": model_version,
                "field": name,
                "group_place": place,
                "group_name": bins.labels[place],
                "row_count": int(rows[place]),
                "approved_count": int(approved[place]),
            }


def _by_code(codes: NDArray[np.intp], approved: NDArray[np.bool_], size: int) -> NDArray[np.int64]:
    """Rows, and approved rows, by code: shape (2, size)."""
    return np.stack([np.bincount(codes, minlength=size), np.bincount(codes[approved], minlength=size)])
