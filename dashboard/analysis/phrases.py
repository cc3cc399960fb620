"""How a shift reads: its sizes, its medians, when it was, what is estimated of the model."""

from dashboard.analysis.movement import Estimated, Movement
from dashboard.words import counted, during, listed, share, size, spell_in_words
from model.stability import NAMES, SHARES, Shift


def sizes(item: Movement) -> str:
    """The largest shifts of the whole period; those of its days where they are lost in the whole."""
    large = [shift for shift in item.shifts if shift.statistic in item.beyond and shift.large]
    if large:
        return ", ".join(_size(shift, item.unit) for shift in large)
    days = [value for day, value in item.psi if day in set(item.exceeded)]
    limit = next((shift.floor for shift in item.shifts if shift.statistic == "psi"), None)
    if days:
        return f"PSI up to {size(max(days))} in single batches (limit {size(limit)})"
    return (
        listed([NAMES[shift.statistic] for shift in item.shifts if shift.statistic in item.beyond]) or "beyond a limit"
    )


def brief(item: Movement) -> str:
    """The feature with its largest PSI, that of the whole period or of a day beyond a limit."""
    days = [value for day, value in item.psi if day in set(item.exceeded)]
    return f"{item.label} (PSI up to {size(max([psi(item), *days]))})"


def _size(shift: Shift, unit: str) -> str:
    name, value = NAMES[shift.statistic], shift.value
    if shift.statistic in SHARES:
        return f"{name} {share(value)} (limit {share(shift.floor)})"
    of = f" {unit}" if shift.statistic == "wasserstein" and unit else ""
    return f"{name} {size(value)}{of} (limit {size(shift.floor)})"


def medians(item: Movement) -> str:
    """The median in training and in the last spell beyond limits, if they differ."""
    if not item.medians or size(item.medians[0]) == size(item.medians[1]):
        return ""
    before, now = map(size, item.medians)
    unit = f" {item.unit}" if item.unit else ""
    days = during(item.spells[-1]) if item.spells else "in the period"
    return f"median {before}{unit} in training, {now}{unit} {days}"


def when(item: Movement) -> str:
    """On how many days it was beyond its limits, and which."""
    if not item.exceeded:
        return "in the period as a whole, in no single batch" if len(item.days) > 1 else ""
    runs = listed([spell_in_words(spell) for spell in item.spells])
    lasting = f"beyond its limits in {len(item.exceeded)} of {counted(len(item.days), 'batch')} ({runs})"
    before = ", and before the period already" if item.like_before else ""
    return f"{lasting}{before}{', not since' if item.over else ''}"


def halves(item: Movement) -> str:
    """How far either half of the period lies from training."""
    if not item.halves:
        return ""
    first, second = map(size, item.halves)
    return f"PSI {first} in the first half of the period, {second} in the second"


def blanks(item: Movement) -> str:
    """The day with most missing values."""
    return f"{share(item.worst_missing[1])} of the rows blank on {item.worst_missing[0]}" if item.worst_missing else ""


def unseen(item: Movement) -> str:
    """The levels that training did not have, on the day with most of their rows."""
    return f"on {item.unseen[0]} there were {item.unseen[1]}" if item.unseen else ""


def estimate(estimated: Estimated) -> str:
    """The estimated AUC beside that of the test rows."""
    now, test = estimated.auc, estimated.test
    return (
        f"the estimated AUC of {estimated.vintage:%Y-%m} is {size(now.value)} ({size(now.low)} to {size(now.high)}),"
        f" {size(test.value)} on the test rows of the training"
    )


def psi(item: Movement) -> float:
    """The PSI of the whole period, 0 if there is none."""
    return next((shift.value or 0.0 for shift in item.shifts if shift.statistic == "psi"), 0.0)
