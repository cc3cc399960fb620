"""What would have changed a decision: the smallest changes of an application that lead to a better one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from model.alternatives import alternatives_of
from model.brackets import Needed, Variations, first_sufficient, sharpened
from model.pairs import Pairs, rungs_of
from model.policy import DECISIONS, Policy
from model.scorer import Score, Scorer
from model.trained import Model
from schemas.columns import columns_of_one
from schemas.contract import Contract


@dataclass(frozen=True, slots=True)
class Setting:
    """A field, its present value (None if missing) and the one it would have to have, both of the contract's type."""

    field: str
    value: Any
    needed: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One or two fields that would have to differ, and how the application would have been scored then.

    `distance` is the share of the training population between a number and the one needed, or of both sizes where
    training has no values; 1 for another level; the sum of a pair. So 0 to 1 for one field, 0 to 2 for two.
    """

    settings: tuple[Setting, ...]
    distance: float
    score: int
    decision: str
    probability_of_default: float


@dataclass(frozen=True, slots=True)
class BetterDecision:
    """A better decision, its cutoff and the points missing to it, at least 1, and the changes that reach it.

    Changes are ranked, the smallest first, numbers before levels; they are of one field each or, if no single field
    suffices, of two. Without changes not even two fields suffice.
    """

    decision: str
    cutoff: int
    points_short: int
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """How an application is scored, and each better decision, the next one first; none if it is approved."""

    score: int
    decision: str
    probability_of_default: float
    better: tuple[BetterDecision, ...]


def counterfactual(model: Model, contract: Contract, values: Mapping[str, Any]) -> Counterfactual:
    """What would have changed the decision on one application: its fields by name, None for a missing value.

    Every change keeps the contract's limits and was scored as any application is, derived features computed anew. Of
    each field it names the nearest sufficient value within what training has seen (without training values: within the
    contract's bounds and 1,024 times the present value), exact for integers, else rounded by at most a hundredth of the
    change or a thousandth of the training values' spread. Where a derived feature rises and falls again, a nearer value
    may be passed over. Protected fields and dates are left as they are, and nothing is ever made missing. A missing
    value may be given: the one nearest to the middle of training.

    `contract` has to be the one the model was trained for. Raises KeyError if a field is not in `values`.
    """
    scorer = Scorer(model, contract)
    present = scorer.score_one(values)
    better = list(_better(model.policy, present))
    search = _Search(model, contract, scorer, values, present.score) if better else None
    return Counterfactual(
        score=present.score,
        decision=present.decision,
        probability_of_default=present.probability_of_default,
        better=tuple(
            BetterDecision(decision, cutoff, cutoff - present.score, search.changes(cutoff) if search else ())
            for decision, cutoff in better
        ),
    )


def _better(policy: Policy, present: Score) -> Iterator[tuple[str, int]]:
    """Each better decision with its cutoff, the next one first; nobody is referred where both cutoffs are the same."""
    approve, refer, _ = DECISIONS
    if present.score < policy.refer_from < policy.approve_from:
        yield refer, policy.refer_from
    if present.score < policy.approve_from:
        yield approve, policy.approve_from


class _Search:
    """The candidates of one application, scored once for all cutoffs."""

    def __init__(
        self, model: Model, contract: Contract, scorer: Scorer, values: Mapping[str, Any], present: int
    ) -> None:
        columns = columns_of_one(contract, values)
        self._scorer, self._values, self._present = scorer, values, present
        self._derived = {name for _, item in contract.derived for name in item.inputs}
        self._variations = Variations(scorer, columns)
        self._alternatives = list(alternatives_of(model, contract, values, columns))
        blocks = [{item.field.name: path} for item in self._alternatives for path in item.paths]
        scores = iter(self._variations.scores(blocks) if blocks else [])
        self._scores = [list(islice(scores, len(item.paths))) for item in self._alternatives]

    def changes(self, cutoff: int) -> tuple[Change, ...]:
        """The changes that reach a cutoff (points), ranked."""
        found = self._single(cutoff) or self._pairs.reaching(cutoff)
        return tuple(self._change(needed) for needed in sorted(found, key=_rank))

    def _single(self, cutoff: int) -> list[Needed]:
        brackets = [
            bracket
            for item, scores in zip(self._alternatives, self._scores, strict=True)
            for path, score in zip(item.paths, scores, strict=True)
            for bracket in first_sufficient(item, path, score >= cutoff)
        ]
        values = sharpened(self._variations, brackets, cutoff)
        nearest: dict[str, Needed] = {}
        for bracket, value in zip(brackets, values, strict=True):
            name, needed = bracket.alternatives.field.name, ((bracket.alternatives, value),)
            nearest[name] = min(nearest.get(name, needed), needed, key=_rank)
        return list(nearest.values())

    @cached_property
    def _pairs(self) -> Pairs:
        return Pairs(
            self._variations,
            [
                rungs_of(item, scores, self._present, derived=item.field.name in self._derived)
                for item, scores in zip(self._alternatives, self._scores, strict=True)
            ],
        )

    def _change(self, needed: Needed) -> Change:
        settings = tuple(Setting(item.field.name, item.present, item.decoded(value)) for item, value in needed)
        score = self._scorer.score_one({**self._values, **{setting.field: setting.needed for setting in settings}})
        return Change(settings, _distance(needed), score.score, score.decision, score.probability_of_default)


def _distance(needed: Needed) -> float:
    return sum(float(item.distances(np.array([value]))[0]) for item, value in needed)


def _rank(needed: Needed) -> tuple[int, float, list[int]]:
    """Numbers before levels, then the smaller change, then the order of the contract."""
    levels = sum(not item.numeric for item, _ in needed)
    return levels, _distance(needed), [item.place for item, _ in needed]
