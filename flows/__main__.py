"""The command line: `python -m flows COMMAND`. Exit status: 0 done, 1 an error, 2 wrong usage, 3 the gate blocked."""

import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows import model_commands, safekeeping
from flows.console import err, out
from schemas.batch import ChampionOf
from schemas.calendar import DAYS_BACK, MOST_DAYS_BACK
from schemas.errors import BatchBlocked, ScoringError

if TYPE_CHECKING:
    from tasks.days import Day

ERROR, BLOCKED = 1, 3
RESOLVED_LISTED = 30

app = typer.Typer(
    help="Scheduled batch credit scoring with data-quality gates.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(model_commands.app)
app.add_typer(safekeeping.app)


def _date(text: str | date) -> date:
    try:
        # A default is passed through the parser too, and is a date already.
        return date.fromisoformat(str(text))
    except ValueError as error:
        raise typer.BadParameter(f"'{text}' is not a date; write YYYY-MM-DD") from error


BusinessDate = Annotated[date, typer.Option(parser=_date, metavar="DATE", help="Business date, YYYY-MM-DD.")]
Champion = Annotated[
    ChampionOf, typer.Option(help="Score with today's champion, or the one in force when the day's file was due.")
]
OptionalDate = Annotated[date | None, typer.Option(parser=_date, metavar="DATE", help="Business date, YYYY-MM-DD.")]


@app.command()
def sample(
    days: Annotated[int, typer.Option(min=1, help="Number of daily landing files.")] = 60,
    rows: Annotated[int, typer.Option(min=1, help="Applications a day, on average.")] = 1000,
    until: BusinessDate = date(2026, 6, 30),
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files.")] = 0,
) -> None:
    """Write a generated portfolio: landing zone, history to train on, outcomes, and a manifest of planted incidents."""
    from flows.demo import make_sample  # noqa: PLC0415

    make_sample(days=days, rows=rows, until=until, seed=seed)


@app.command()
def train(
    applications: Annotated[str, typer.Option(metavar="GLOB", help="Application files, as a quoted pattern.")],
    outcomes: Annotated[Path, typer.Option(metavar="FILE", help="File with application_id, defaulted, observed_on.")],
    before: Annotated[
        date | None,
        typer.Option(parser=_date, metavar="DATE", help="Train on applications before this date, test on the others."),
    ] = None,
) -> None:
    """Train a scorecard, evaluate it out of time, and register it: champion if there is none, else challenger."""
    from flows.report import print_trained  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415
    from tasks.train import train_model  # noqa: PLC0415

    with err.status("Training the scorecard and comparing it with gradient boosting"):
        trained = train_model(load_project(), applications, outcomes, before)
    print_trained(trained)


@app.command()
def score(
    batch_date: BusinessDate,
    source: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A file or folder in place of the landing zone's.")
    ] = None,
    champion_of: Champion = ChampionOf.TODAY,
) -> None:
    """Run the daily flow for one date."""
    from flows.report import print_published  # noqa: PLC0415
    from flows.runs import run_daily_scoring  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415

    print_published(run_daily_scoring(load_project(), batch_date, source, champion_of))


@app.command()
def backfill(
    start: OptionalDate = None,
    end: OptionalDate = None,
    champion_of: Champion = ChampionOf.TODAY,
) -> None:
    """Run the daily flow for every date with a file, oldest first; without dates, for the whole landing zone."""
    from flows.report import print_days  # noqa: PLC0415
    from flows.runs import run_backfill  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415

    _keep_console_quiet()
    days = run_backfill(load_project(), start, end, champion_of)
    print_days(days)
    _exit_for(days)


@app.command()
def catch_up(
    days_back: Annotated[
        int, typer.Option(min=0, max=MOST_DAYS_BACK, help="How many days back files are looked for.")
    ] = DAYS_BACK,
) -> None:
    """Run the daily flow for every recent date whose file no run has judged: it came late, or its run failed."""
    from flows.report import print_days  # noqa: PLC0415
    from flows.runs import run_catch_up  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415

    _keep_console_quiet()
    days = run_catch_up(load_project(), days_back)
    print_days(days)
    _exit_for(days)


@app.command()
def outcomes(file: Annotated[Path, typer.Argument(help="File with application_id, defaulted, observed_on.")]) -> None:
    """Load outcomes and compute realised performance again."""
    from flows.report import print_performance  # noqa: PLC0415
    from tasks.outcomes import load_outcomes  # noqa: PLC0415
    from tasks.performance import update_performance  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415

    project = load_project()
    with err.status("Loading outcomes"):
        loaded = load_outcomes(project, file)
        performance = update_performance(project)
    print_performance(loaded, performance)


@app.command()
def load_predictions() -> None:
    """Load finished segments of the service's prediction log, each once."""
    from flows.report import print_predictions, print_warning  # noqa: PLC0415
    from tasks import load_predictions as prediction_log  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415

    with err.status("Loading predictions"):
        loaded = prediction_log.load_predictions(load_project(), print_warning)
    print_predictions(loaded)
    if loaded.refused:
        raise ScoringError("\n".join(loaded.refused))


@app.command()
def alerts(
    resolved_too: Annotated[
        bool, typer.Option("--all", help=f"The last {RESOLVED_LISTED} alerts that are resolved as well.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON for each alert.")] = False,
) -> None:
    """List the alerts that are not resolved, acknowledged ones too."""
    from flows.alert_list import print_alerts, print_alerts_as_json  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415

    listed = load_project().reader.frame("listed_alerts", resolved=RESOLVED_LISTED if resolved_too else 0)
    if as_json:
        print_alerts_as_json(listed)
    else:
        print_alerts(listed, resolved_too=resolved_too)


@app.command()
def acknowledge(
    alert_id: Annotated[str, typer.Argument(help="The alert, by the first characters of its id.")],
    by: Annotated[str, typer.Option(metavar="NAME", help="Who has seen it.")],
    until: Annotated[
        date, typer.Option(parser=_date, metavar="DATE", help="Last business date it stays quiet, YYYY-MM-DD.")
    ],
) -> None:
    """Keep an alert quiet until a date, unless it gets worse."""
    from flows.console import out  # noqa: PLC0415
    from tasks import acknowledge as acknowledgement  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415

    acknowledged = acknowledgement.acknowledge(load_project(), alert_id, by, until)
    out.print(f"{acknowledged} is acknowledged until {until}", soft_wrap=True)


@app.command()
def send_alerts() -> None:
    """Send what happened to alerts to the addresses of SCORING_ALERT_URLS, each event once."""
    from flows.console import out  # noqa: PLC0415
    from tasks import send_alerts as alert_sending  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415

    with err.status("Sending alerts"):
        sent = alert_sending.send_alerts(load_project())
    out.print(alert_sending.in_words(sent), markup=False, soft_wrap=True)
    if sent.needs_person:
        raise typer.Exit(ERROR)


@app.command()
def deploy() -> None:
    """Put work pool, deployments, schedules and automations on the Prefect server that PREFECT_API_URL names."""
    from flows.deployment import deploy as run_deploy  # noqa: PLC0415

    run_deploy()


@app.command()
def prefect(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to try first; the next free one is taken.")] = 4200,
) -> None:
    """Prefect server, deployments and a worker on this machine, until Ctrl-C."""
    from flows.local import run_prefect  # noqa: PLC0415

    run_prefect(port)


@app.command()
def replay(application_id: Annotated[str, typer.Argument(help="The application to score again.")]) -> None:
    """Score the stored inputs of an application again and compare with the stored result."""
    from flows.report import print_replay  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415
    from tasks.replay import replay_application  # noqa: PLC0415

    result = replay_application(load_project(), application_id)
    print_replay(result)
    if not result.agrees:
        raise typer.Exit(ERROR)


@app.command()
def report(batch_date: BusinessDate) -> None:
    """Write the Evidently report of a published batch again."""
    from tasks.project import load_project  # noqa: PLC0415
    from tasks.report import write_report  # noqa: PLC0415

    with err.status("Drawing the report"):
        note = write_report(load_project(), batch_date)
    out.print(str(note.path), markup=False, soft_wrap=True)
    for name, reason in note.left_out.items():
        out.print(f"not compared: {name}, {reason}", markup=False, soft_wrap=True)


@app.command()
def retention(
    as_of: Annotated[
        date | None,
        typer.Option(parser=_date, metavar="DATE", help="Date ages are counted from, YYYY-MM-DD; default: today."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, remove nothing.")] = False,
) -> None:
    """Remove personal data that is over its age (SCORING_RETAIN_…_DAYS), from the disk as well."""
    from flows.personal_data import print_retained  # noqa: PLC0415
    from tasks import retention as over_age  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415

    project = load_project()
    date_of_ages = over_age.as_of_date(project, as_of, dry_run=dry_run)
    with err.status("Looking for what is over its age"):
        retained = over_age.remove_over_age(project, date_of_ages, dry_run=dry_run)
    print_retained(retained)


@app.command()
def erase(
    application_id: Annotated[str, typer.Argument(help="The application to erase.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
) -> None:
    """Erase everything held about an application (GDPR art. 17). There is no way back."""
    from flows.personal_data import print_erased  # noqa: PLC0415
    from tasks.erase import erase_application  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415

    project = load_project()
    if not yes:
        typer.confirm(f"Erase everything held about {application_id}? There is no way back", abort=True, err=True)
    with err.status("Erasing"):
        erased = erase_application(project, application_id)
    print_erased(application_id, erased)


@app.command()
def export(
    application_id: Annotated[str, typer.Argument(help="The application to export.")],
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it; default: standard output.")
    ] = None,
) -> None:
    """Write everything held about an application as JSON (GDPR art. 15 and 20)."""
    from flows.personal_data import write_export  # noqa: PLC0415
    from tasks.export import export_application  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415

    write_export(export_application(load_project(), application_id), output)


@app.command()
def demo() -> None:
    """Generate the sample portfolio, train the champion, score 60 days, and say what came of it."""
    from flows.demo import run_demo  # noqa: PLC0415

    _keep_console_quiet()
    _exit_for(run_demo())


def _exit_for(days: "Sequence[Day]") -> None:
    """Ends with the status of the worst day."""
    outcomes = {day.outcome for day in days}
    if "failed" in outcomes:
        raise typer.Exit(ERROR)
    if "blocked" in outcomes:
        raise typer.Exit(BLOCKED)


def _keep_console_quiet() -> None:
    """Leaves the terminal to the progress bar; Prefect's own record of a run stays complete."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_FLOW_RUNS_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_TASK_RUNS_LEVEL", "CRITICAL")


def main(run: Callable[[], object] = app) -> int:
    """Runs a command; errors a person can act on are printed as they are, without a traceback."""
    try:
        run()
    except BatchBlocked as error:
        err.print(str(error), style="red", markup=False, soft_wrap=True)
        return BLOCKED
    except (ScoringError, OSError) as error:
        # A disk that is full or a folder that is a file is for a person to put right as well.
        err.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        return ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main())
