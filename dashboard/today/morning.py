"""Whether a day is all right, and what of it needs a person: from the record of the batch and the alerts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from typing import Any, Literal

import polars

from schemas.alert import short_id
from schemas.calendar import BusinessCalendar

State = Literal["right", "look", "wrong"]
# The page that shows more of an alert, by its kind.
PAGES = {"drift": "drift", "performance": "performance", "fairness": "performance", "gate": "data-quality"}
MOST_DAYS_LATE = 366
# What a page with a period shows before the day that a link to it is about: 28 days with it.
MONTH = timedelta(days=27)
# From so many missing files on it is no late file any more, but an installation that stands still.
LONG_AGO = 31


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something for a person to look at; `page` and `filters` say where more of it is shown."""

    state: State
    title: str
    message: str
    subject: str = ""
    since: date | None = None
    alert_id: str = ""
    page: str = ""
    filters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The figures of a published day; shares lie between 0 and 1."""

    rows_received: int
    rows_scored: int
    rows_quarantined: int
    quarantined_share: float | None
    approval_rate: float | None
    referral_rate: float | None
    mean_probability_of_default: float | None
    mean_score: float | None
    features_drifted: int


def figures_of(row: dict[str, Any]) -> Figures:
    """The figures of a row of `days.sql`."""
    received, scored = row["rows_received"], row["rows_scored"]
    return Figures(
        rows_received=received,
        rows_scored=scored,
        rows_quarantined=row["rows_quarantined"],
        quarantined_share=row["rows_quarantined"] / received if received else None,
        approval_rate=row["rows_approved"] / scored if scored else None,
        referral_rate=row["rows_referred"] / scored if scored else None,
        mean_probability_of_default=row["mean_probability_of_default"],
        mean_score=row["mean_score"],
        features_drifted=len(row["drifted_features"]),
    )


def published_on(days: polars.DataFrame, day: date) -> dict[str, Any] | None:
    """The row of `days.sql` of the batch in force on a date."""
    return next(days.filter(_of(day), polars.col("status") == "published").iter_rows(named=True), None)


def blocked_on(days: polars.DataFrame, day: date) -> dict[str, Any] | None:
    """The row of `days.sql` of the last batch that the gate refused on a date."""
    # A file that is refused once more keeps its revision: only the time says which verdict was the last.
    rows = days.filter(_of(day), polars.col("status") == "blocked").iter_rows(named=True)
    return max(rows, key=itemgetter("finished_at"), default=None)


def findings_of(
    days: polars.DataFrame, day: date, alerts: polars.DataFrame, missing: Sequence[date], today: date | None = None
) -> list[Finding]:
    """What needs a person, the worst first: the day's own batch, files that are missing, alerts that are open.

    `today` is the date it is looked at, by default the day itself: an alert is quiet until the date it was
    acknowledged until, and no longer.
    """
    found = [*_of_batch(days, day), *_of_missing(missing), *_of_alerts(alerts, day, today or day)]
    return sorted(found, key=lambda item: item.state != "wrong")


def state_of(findings: Sequence[Finding]) -> State:
    """How the day is: as bad as the worst finding."""
    states = {item.state for item in findings}
    return "wrong" if "wrong" in states else "look" if "look" in states else "right"


def missing_dates(calendar: BusinessCalendar, last: date, now: datetime) -> list[date]:
    """Dates after `last` whose file was expected and is overdue at an instant, oldest first."""
    today = calendar.business_date(now)
    first = max(last + timedelta(days=1), today - timedelta(days=MOST_DAYS_LATE))
    dates = [first + timedelta(days=number) for number in range((today - first).days + 1)]
    return [day for day in dates if calendar.closed(day) is None and calendar.due(day) <= now.astimezone(UTC)]


def _of(day: date) -> polars.Expr:
    return polars.col("batch_date") == day


def _of_batch(days: polars.DataFrame, day: date) -> Iterator[Finding]:
    published, blocked = published_on(days, day), blocked_on(days, day)
    if blocked and published is None:
        yield Finding(
            state="wrong",
            title="The batch is blocked",
            message="The gate refused the file; nothing of it is published.",
            since=day,
            page="data-quality",
            filters=(("day", str(day)),),
        )
    elif blocked and published and blocked["finished_at"] > published["finished_at"]:
        yield Finding(
            state="look",
            title="A later file was blocked",
            message="The batch in force is an earlier file of the date; another one was refused by the gate.",
            since=day,
            page="data-quality",
            filters=(("day", str(day)),),
        )


def _of_missing(missing: Sequence[date]) -> Iterator[Finding]:
    if len(missing) > LONG_AGO:
        yield Finding(
            state="look",
            title="No file for a long time",
            message="Files were expected on every business date since, and none was scored. Ask the source, or whether"
            " the schedule still runs (make prefect).",
            since=missing[0],
        )
    elif missing:
        yield Finding(
            state="wrong",
            title="Files are missing" if len(missing) > 1 else "A file is missing",
            message=f"Expected since the last batch and not arrived: {len(missing)}. Ask the source.",
            since=missing[0],
        )


def _of_alerts(alerts: polars.DataFrame, day: date, today: date) -> Iterator[Finding]:
    for row in alerts.iter_rows(named=True):
        page = PAGES.get(row["kind"], "data-quality")
        acknowledged = is_quiet(row, today)
        yield Finding(
            state="wrong" if row["severity"] == "critical" and not acknowledged else "look",
            title=row["kind"].replace("_", " ").capitalize(),
            subject=row["subject"],
            message=f"{row['message']}{_acknowledged(row, quiet=acknowledged)}",
            since=row["batch_date"],
            # One that somebody has seen to need not be quieted.
            alert_id="" if acknowledged else short_id(row["alert_id"]),
            page=page,
            filters=_drift_filters(row, day) if page == "drift" else (),
        )


def is_quiet(alert: dict[str, Any], today: date) -> bool:
    """Whether an alert is acknowledged, and still is on a date: the last one that was named is one of them."""
    return alert["status"] == "acknowledged" and bool(alert["acknowledged_until"] >= today)


def _drift_filters(alert: dict[str, Any], day: date) -> tuple[tuple[str, str], ...]:
    """The feature on the last day that showed the drift, up to the day looked at, in a period that ends with it."""
    last = min(day, alert["last_batch_date"] or alert["batch_date"] or day)
    period = (("span", "Dates"), ("from", str(last - MONTH)), ("to", str(last)))
    return (("feature", alert["subject"]), ("day", str(last)), *period)


def _acknowledged(alert: dict[str, Any], *, quiet: bool) -> str:
    if alert["status"] != "acknowledged":
        return ""
    said = f"cknowledged by {alert['acknowledged_by']} until {alert['acknowledged_until']}."
    return f" A{said}" if quiet else f" Was a{said}"
