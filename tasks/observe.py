"""What a batch looks like: the profile of each feature and of the score, and its decisions by group."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars
from numpy.typing import NDArray

from model.groups import group_values
from model.profile import Profile
from model.reference import SCORE, FeatureReference, LevelBins
from model.trained import Model
from schemas.columns import columns_of
from schemas.contract import Contract
from tasks.parallel import in_order
from tasks.staging import Staging
from warehouse.monitoring import framed


@dataclass(frozen=True, eq=False, kw_only=True)
class Observed:
    """A batch as monitoring sees it.

    `unseen`: by category, levels that the reference does not have, with their rows, most frequent first. The frames are
    those of the tables of their names.
    """

    profiles: Mapping[str, Profile]
    unseen: Mapping[str, Sequence[tuple[str, int]]]
    score_counts: polars.DataFrame
    group_counts: polars.DataFrame


def observe(contract: Contract, model: Model, model_version: str, staging: Staging) -> Observed:
    """The profiles of all scored rows of a staged batch, feature by feature: one column is in memory at a time, and
    core.
    """
    accepted, scores = staging.parts("accepted"), staging.parts("scores")

    def profile(name: str) -> tuple[str, Profile, list[tuple[str, int]]]:
        reference = model.reference[name]
        if isinstance(reference.bins, LevelBins):
            levels = _levels(accepted, name)
            return name, reference.profile_of_levels(levels), _unseen(reference.bins, levels)
        return name, reference.profile_of_numbers(_numbers(contract, accepted, scores, reference)), []

    found = list(in_order(profile, model.reference))
    return Observed(
        profiles={name: one for name, one, _ in found},
        unseen={name: levels for name, _, levels in found if levels},
        score_counts=_score_counts(scores, model_version),
        group_counts=framed("group_counts", list(_group_counts(contract, model, model_version, staging))),
    )


def _numbers(
    contract: Contract, accepted: Sequence[Path], scores: Sequence[Path], reference: FeatureReference
) -> NDArray[np.float64]:
    if reference.feature == SCORE:
        score = polars.scan_parquet(list(scores)).select(SCORE).collect()
        return score[SCORE].to_numpy().astype(np.float64)
    inputs = contract.inputs_of(reference.feature)
    frame = polars.scan_parquet(list(accepted)).select(inputs).collect()
    values: NDArray[np.float64] = contract.feature_of(reference.feature, columns_of(contract, frame))
    return values


def _levels(accepted: Sequence[Path], name: str) -> dict[str | None, int]:
    # Whatever the field is called, the names within the query are not its own.
    levels = polars.scan_parquet(list(accepted)).group_by(level=polars.col(name)).agg(rows=polars.len())
    return dict(levels.collect().rows())


def _unseen(bins: LevelBins, levels: Mapping[str | None, int]) -> list[tuple[str, int]]:
    known = {*bins.levels, *bins.rare}
    unseen = [(level, rows) for level, rows in levels.items() if level is not None and level not in known]
    return sorted(unseen, key=lambda item: (-item[1], item[0]))


def _score_counts(scores: Sequence[Path], model_version: str) -> polars.DataFrame:
    counts = polars.scan_parquet(list(scores)).group_by(SCORE).agg(row_count=polars.len().cast(polars.Int64))
    version = polars.lit(model_version).alias("model_version")
    return counts.sort(SCORE).select(version, polars.col(SCORE).cast(polars.Int32), "row_count").collect()


def _group_counts(
    contract: Contract, model: Model, model_version: str, staging: Staging
) -> Iterator[Mapping[str, object]]:
    """Rows and approvals of every group that has rows, part by part: this takes several columns at once."""

    def count(parts: tuple[Path, Path]) -> dict[str, NDArray[np.int64]]:
        accepted, scores = parts
        approved = (polars.read_parquet(scores, columns=["decision"])["decision"] == "approve").to_numpy()
        inputs = {field for name in model.groups for field in contract.inputs_of(name)}
        columns = columns_of(contract, polars.read_parquet(accepted, columns=sorted(inputs)))
        return {
            name: _by_code(bins.codes(group_values(contract.feature_of(name, columns))), approved, bins.size)
            for name, bins in model.groups.items()
        }

    if not model.groups:
        return
    counted = list(in_order(count, zip(staging.parts("accepted"), staging.parts("scores"), strict=True)))
    for name, bins in model.groups.items():
        rows, approved = np.sum([part[name] for part in counted], axis=0)
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
