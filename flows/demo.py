"""The demo: a generated portfolio from nothing to sixty scored days, and a summary of what was found in it."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars
from rich.panel import Panel
from rich.table import Table

from flows.console import err, out, progress_bar
from flows.report import print_days, print_trained
from flows.runs import run_backfill
from model.champion import CHAMPION
from schemas.batch import ChampionOf
from schemas.errors import SettingsError
from schemas.sample.incidents import Incident
from schemas.sample.manifest import Manifest, decode_manifest
from schemas.sample.parameters import Parameters
from schemas.sample.places import Places
from schemas.settings import Settings
from schemas.storage import is_remote
from tasks.days import Day
from tasks.project import Project, load_project
from tasks.sample import write_sample
from tasks.train import train_model

DAYS, ROWS, UNTIL, SEED = 60, 1000, date(2026, 6, 30), 0


def make_sample(*, days: int, rows: int, until: date, seed: int) -> Manifest:
    """Writes the generated portfolio below home, with a progress bar; does nothing if it is there already."""
    settings = load_project().settings
    if settings.contract != Settings().contract:
        raise SettingsError(
            f"the sample is generated for {Settings().contract}, SCORING_CONTRACT names {settings.contract};"
            " unset it to try the sample, or put files of your own into the landing zone"
        )
    if is_remote(settings.path("landing")):
        raise SettingsError(
            f"the sample is generated into a folder, and SCORING_LANDING is {settings.landing}; unset it to try the"
            " sample, or generate it elsewhere and copy it there"
        )
    places = _places(settings)
    writer = write_sample(places, Parameters(days=days, rows=rows, until=until, seed=seed))
    if len(writer):
        with progress_bar("Generating", len(writer)) as steps:
            for _ in writer:
                steps.done()
        out.print(f"Generated {days} days of about {rows:,} applications in {places.landing}", soft_wrap=True)
    else:
        out.print(f"The generated portfolio is already in {places.landing}", soft_wrap=True)
    return decode_manifest(places.manifest.read_bytes())


def run_demo() -> list[Day]:
    """Sample, champion, sixty days, summary; what is there already is left as it is. Returns the days' outcomes."""
    manifest = make_sample(days=DAYS, rows=ROWS, until=UNTIL, seed=SEED)
    project = load_project()
    places = _places(project.settings)
    if (project.settings.path("models") / CHAMPION).exists():
        out.print("There is a champion already.")
    else:
        with err.status("Training the champion and comparing it with gradient boosting"):
            trained = train_model(project, str(places.history / "applications_*.csv.gz"), places.outcomes, before=None)
        print_trained(trained)
    first, last = manifest.parameters.first_day, manifest.parameters.until
    days = run_backfill(project, first, last, ChampionOf.TODAY)
    print_days(days)
    _print_summary(project, manifest, days)
    return days


def _places(settings: Settings) -> Places:
    home = settings.home_path
    return Places(
        landing=settings.path("landing"),
        history=home / "history",
        outcomes=home / "outcomes.csv",
        manifest=home / "sample_manifest.json",
    )


def _print_summary(project: Project, manifest: Manifest, days: Sequence[Day]) -> None:
    period = {"start": manifest.parameters.first_day, "end": manifest.parameters.until}
    found = project.reader.frame("days", **period).filter(polars.col("status") == "published")
    alerts = project.reader.frame("alerts_of_period", **period)
    out.print()
    out.print(_totals(found, len(days)))
    out.print(_incidents(alerts, manifest.incidents))
    out.print(_quiet_days(found, alerts, manifest.incidents))
    out.print(Panel(_next_steps(project.settings, manifest), title="Where everything lies, and what to try next"))


def _totals(found: polars.DataFrame, asked: int) -> Table:
    totals: dict[str, Any] = found.select(
        polars.col("rows_received", "rows_scored", "rows_quarantined", "rows_approved").sum()
    ).row(0, named=True)
    scored = totals["rows_scored"] or 1
    table = Table(title="Crédit Express, a generated portfolio: nobody in it is real")
    for column in ("days published", "rows received", "scored", "quarantined", "approval rate"):
        table.add_column(column, justify="right")
    table.add_row(
        f"{found.height} of {asked}",
        f"{totals['rows_received']:,}",
        f"{totals['rows_scored']:,}",
        f"{totals['rows_quarantined']:,} ({totals['rows_quarantined'] / max(1, totals['rows_received']):.2%})",
        f"{totals['rows_approved'] / scored:.1%}",
    )
    return table


def _incidents(alerts: polars.DataFrame, incidents: Sequence[Incident]) -> Table:
    """What was planted, and the alerts that it opened."""
    table = Table("planted", "from", "to", title="Planted incidents, and the alerts they raised")
    # Names of fields have no spaces to break at; cut off they would say nothing.
    table.add_column("alerts, with the batches that opened and ended them", overflow="fold")
    for incident in incidents:
        raised = alerts.filter(polars.col("batch_date").is_between(incident.first, incident.last))
        table.add_row(
            # Behind the semicolon the manifest explains its figures.
            incident.description.partition(";")[0].rstrip("."),
            f"{incident.first:%d %b}",
            f"{incident.last:%d %b}",
            "\n".join(map(_life, raised.iter_rows(named=True))) or "none",
        )
    return table


def _life(alert: dict[str, Any]) -> str:
    ended = alert["resolved_by_batch_date"]
    return f"{alert['kind']}: {alert['subject']}, {alert['batch_date']:%d %b} to {f'{ended:%d %b}' if ended else 'now'}"


def _quiet_days(found: polars.DataFrame, alerts: polars.DataFrame, incidents: Sequence[Incident]) -> str:
    planted = polars.any_horizontal(
        *(polars.col("batch_date").is_between(item.first, item.last) for item in incidents), polars.lit(value=False)
    )
    quiet, drifted = found.filter(~planted), polars.col("drifted_features").list.len() > 0
    return (
        f"Days without an incident: {quiet.height}; on these {alerts.filter(~planted).height} alerts were opened and"
        f" {quiet.filter(drifted).height} days showed drift."
    )


def _next_steps(settings: Settings, manifest: Manifest) -> str:
    home = settings.home_path
    last = manifest.parameters.until
    return "\n".join(
        [
            f"landing zone   {_short(settings.path('landing'))}",
            f"warehouse      {_short(settings.path('warehouse'))}",
            f"models         {_short(settings.path('models'))}",
            f"manifest       {_short(home / 'sample_manifest.json')}",
            "",
            "score a day again (says that it is done):",
            f"  .venv/bin/python -m flows score --batch-date {last}",
            f"open the drift report of a day: {_short(settings.path('reports') / f'drift_{last}.html')}",
            "see what needs a person:",
            "  .venv/bin/python -m flows alerts",
            "load the outcomes and see how the scores did:",
            f"  .venv/bin/python -m flows outcomes {_short(home / 'outcomes.csv')}",
            "edit a landing file, score its date again, and see a second revision;",
            "score one application again, step by step:",
            f"  .venv/bin/python -m flows replay GEN-{last:%Y%m%d}-000001",
        ]
    )


def _short(path: Path) -> str:
    """Relative to where the user stands, if it lies below."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
