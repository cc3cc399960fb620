"""The command line: `python -m service` serves until told to end, `python -m service new-key` makes an API key."""

import sys
from typing import Annotated

import typer
from rich.console import Console

from schemas.errors import ScoringError
from schemas.settings import load_settings
from service.keys import new_key
from service.run import serve

err = Console(stderr=True)
app = typer.Typer(
    help="Real-time credit scores over HTTP.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for every one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = 8000,
) -> None:
    """Serve until Ctrl-C or SIGTERM, with the settings SCORING_* of the README."""
    if context.invoked_subcommand is None:
        serve(load_settings(), host, port)


@app.command("new-key")
def make_key() -> None:
    """Make an API key: the key goes to its caller, the hash into SCORING_API_KEYS."""
    key, digest = new_key()
    sys.stdout.write(f"key:  {key}\nhash: {digest}\n")


def main() -> int:
    """Runs a command; errors a person can act on are printed as they are, without a traceback."""
    try:
        app()
    except (ScoringError, OSError) as error:
        err.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
