"""What to do about a period: recommendations drawn from its figures, in sentences that name feature and size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from dashboard.analysis.movement import Estimated, Movement, onset
from dashboard.analysis.phrases import blanks, brief, estimate, halves, medians, psi, sizes, unseen, when
from dashboard.words import counted, listed, size
from model.reference import SCORE

Kind = Literal[
    "challenger",
    "performance",
    "together",
    "ask_missing",
    "ask_levels",
    "ask_source",
    "watch",
    "passed",
    "leave",
    "none",
]
TRAIN = "python -m flows train --applications GLOB --outcomes FILE"


@dataclass(frozen=True, kw_only=True)
class Advice:
    """One recommendation; `feature` is empty where it is about the model as a whole."""

    kind: Kind
    feature: str
    sentence: str


def recommend(movements: Sequence[Movement], estimated: Estimated | None) -> list[Advice]:
    """What to do, most pressing first; there is always something said."""
    few = [item for item in movements if not item.enough]
    if few and len(few) == len(movements):
        return [
            Advice(kind="none", feature="", sentence="There are too few rows for a verdict: choose a longer period.")
        ]
    moved = [item for item in movements if item.moved]
    advice = [*_of_model(movements, estimated), *_together(moved), *map(_of_feature, moved)]
    advice.sort(key=lambda item: get_args(Kind).index(item.kind))
    if not advice:
        advice = [_nothing(movements)]
    return [*advice, *_leave(movements)]


def _of_model(movements: Sequence[Movement], estimated: Estimated | None) -> Iterator[Advice]:
    lasting = [item for item in movements if item.moved and not item.over]
    features = [item for item in lasting if item.feature != SCORE]
    score = next((item for item in lasting if item.feature == SCORE), None)
    fell = estimated if estimated and estimated.fell else None
    if len(features) > 1 and score:
        named = listed([brief(item) for item in (*features, score)])
        performance = f", and {estimate(fell)}" if fell else ""
        yield Advice(
            kind="challenger",
            feature="",
            sentence=f"{named} have moved together{performance}: unless a fault"
            f" at the source explains it, train a challenger on later applications ({TRAIN}) and compare the two.",
        )
    elif fell:
        yield Advice(
            kind="performance",
            feature="",
            sentence=f"{_capital(estimate(fell))}: load outcomes as soon as there are any (python -m flows outcomes"
            f" FILE), and train a challenger ({TRAIN}) if they confirm it.",
        )


def _together(movements: Sequence[Movement]) -> Iterator[Advice]:
    """Features that moved on the same day have most likely moved for the same reason."""
    starts: dict[date, list[str]] = {}
    for item in movements:
        if item.spells and item.feature != SCORE:
            starts.setdefault(item.spells[-1][0], []).append(item.label)
    for day, names in sorted(starts.items()):
        if len(names) > 1:
            sentence = (
                f"{listed(names)} moved on the same day, {day}: look for one cause, such as a channel or a campaign."
            )
            yield Advice(kind="together", feature="", sentence=sentence)


def _of_feature(item: Movement) -> Advice:
    kind, facts, action = _cause(item)
    if item.over:
        kind, action = (
            "passed",
            "it is over: find the cause, and decide whether those batches belong in the next training",
        )
    parts = [f"{item.label}: {sizes(item)}", when(item), medians(item), facts, action]
    return Advice(kind=kind, feature=item.feature, sentence="; ".join(part for part in parts if part) + ".")


def _cause(item: Movement) -> tuple[Kind, str, str]:
    """The kind of advice, what else is known of the cause, and what to do."""
    if "missing_share" in item.beyond:
        return "ask_missing", blanks(item), "ask the source why the field is blank more or less often than it was"
    if "unseen_share" in item.beyond:
        return "ask_levels", unseen(item), "ask the source what these levels mean, and train again if they stay"
    if item.feature == SCORE:
        return "watch", "", "look at the features that moved, and at the share of approvals"
    if item.like_before:
        return "watch", "", "it is training that has aged: plan a challenger on later applications"
    if onset(item) == "gradual":
        return "watch", halves(item), "it came bit by bit, as applicants change: watch it, and plan a challenger"
    came = f"it came at once, on {item.spells[-1][0]}" if onset(item) == "sudden" else ""
    return "ask_source", came, "ask the source what changed: a definition, a channel, a campaign"


def _nothing(movements: Sequence[Movement]) -> Advice:
    judged = max((len(item.days) for item in movements), default=0)
    worst = max((item for item in movements if item.shifts), key=psi, default=None)
    largest = f" The largest PSI is that of {worst.label}, {size(psi(worst))}." if worst else ""
    features = counted(sum(item.feature != SCORE for item in movements), "feature")
    sentence = (
        f"Nothing to do: {features} and the score stayed within their limits in {counted(judged, 'batch')}.{largest}"
    )
    return Advice(kind="none", feature="", sentence=sentence)


def _leave(movements: Sequence[Movement]) -> Iterator[Advice]:
    small = [item for item in movements if item.enough and item.certain and not item.moved]
    if small:
        named = listed([f"{item.label} (PSI {size(psi(item))})" for item in small])
        sentence = f"Leave as it is: {named}. With so many rows the shift is certain, but it is too small to matter."
        yield Advice(kind="leave", feature=small[0].feature if len(small) == 1 else "", sentence=sentence)


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
