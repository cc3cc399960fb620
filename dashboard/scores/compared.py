"""What a period is compared with: the applications of a model in it, and in another period or in training."""

from dataclasses import dataclass

import polars

from dashboard.desk import Desk
from dashboard.filters import Period
from dashboard.formats import Formats
from dashboard.scores.mix import Spread, bands_of, before, spread_of, total, training_spread, year_earlier
from dashboard.words import counted
from model.artifact import LoadedModel


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The applications of a period that one model scored; `rows` are those of `decisions_by_day.sql`.

    `model` is None if it cannot be loaded any more; `bands` are in order, safest first.
    """

    desk: Desk
    period: Period
    version: str
    model: LoadedModel | None
    rows: polars.DataFrame
    bands: list[str]

    @property
    def name(self) -> str:
        """The period in words."""
        return written(self.desk.formats, self.period)

    @property
    def cutoffs(self) -> dict[str, int]:
        """The lowest score of each decision that has one, in points; none if the model is gone."""
        policy = self.model.model.policy if self.model else None
        return {"approve": policy.approve_from, "refer": policy.refer_from} if policy else {}

    def spread(self, bands: list[str]) -> Spread:
        """Their spread over bands and scores."""
        return spread_of(self.rows, _scores_in(self.desk, self.version, self.period), bands)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The name and the spread of what a period is compared with; without a spread the remark says why.

    `rows` are as those of Chosen, None of training; `bands` are all that either of the two has.
    """

    name: str
    remark: str
    bands: list[str]
    spread: Spread | None = None
    rows: polars.DataFrame | None = None


def choose(desk: Desk, period: Period, version: str) -> Chosen:
    """The applications of a period that a model scored."""
    model = desk.model(version)
    rows = _rows_in(desk, version, period)
    bands = bands_of(rows, model.model.policy if model else None)
    return Chosen(desk=desk, period=period, version=version, model=model, rows=rows, bands=bands)


def compare(chosen: Chosen, against: str, published: polars.DataFrame) -> Compared:
    """What a period is compared with: `before`, `year-earlier` or `training`; `published` are all published days."""
    if against == "training":
        return _training(chosen)
    period = before(chosen.period) if against == "before" else year_earlier(chosen.period)
    formats, name = chosen.desk.formats, written(chosen.desk.formats, period)
    rows = _rows_in(chosen.desk, chosen.version, period)
    others = scored_by_others(published, period, chosen.version)
    if rows.is_empty():
        why = f" (scored by other models: {counted(others, 'batch')} of those dates)" if others else ""
        remark = f"Nothing to compare with: {chosen.version} scored no batch {during(formats, period)}{why}."
        return Compared(name=name, remark=remark, bands=chosen.bands)
    left_out = f"; {counted(others, 'batch')} of other models left out" if others else ""
    remark = (
        f"Compared with {formats.count(total(rows))} applications in {counted(rows['batch_date'].n_unique(), 'batch')}"
        f" {during(formats, period)}{left_out}."
    )
    bands = [*chosen.bands, *sorted(set(rows["band"]) - set(chosen.bands))]
    spread = spread_of(rows, _scores_in(chosen.desk, chosen.version, period), bands)
    return Compared(name=name, remark=remark, bands=bands, spread=spread, rows=rows)


def scored_by_others(published: polars.DataFrame, period: Period, version: str) -> int:
    """How many published batches of a period another model scored."""
    inside = polars.col("batch_date").is_between(period.start, period.end)
    return published.filter(inside, polars.col("model_version") != version).height


def written(formats: Formats, period: Period) -> str:
    """A period in words: `3 Jun 2026 to 30 Jun 2026`, or its one day."""
    ends = [formats.day(period.start), formats.day(period.end)]
    return ends[0] if period.start == period.end else " to ".join(ends)


def during(formats: Formats, period: Period) -> str:
    """`from 3 Jun 2026 to 30 Jun 2026`, `on 3 Jun 2026`."""
    return f"{'on' if period.start == period.end else 'from'} {written(formats, period)}"


def _training(chosen: Chosen) -> Compared:
    spread = training_spread(chosen.model.model) if chosen.model else None
    remark = (
        f"Compared with training: {spread.bands.sum():,} of its scores, which the model keeps."
        if spread
        else "Nothing to compare with: the model keeps the scores of its training, and it is not there."
    )
    return Compared(name="training", remark=remark, bands=chosen.bands, spread=spread)


def _rows_in(desk: Desk, version: str, period: Period) -> polars.DataFrame:
    return desk.ask("decisions_by_day", model_version=version, start=period.start, end=period.end)


def _scores_in(desk: Desk, version: str, period: Period) -> polars.DataFrame:
    return desk.ask("scores_of_period", model_version=version, start=period.start, end=period.end)
