"""The command line: `python -m dashboard` shows the pages until told to end."""

import socket
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from streamlit import net_util
from streamlit.web import bootstrap

from schemas.errors import ScoringError
from schemas.loading import load_contract
from schemas.settings import load_settings

err = Console(stderr=True)
app = typer.Typer(
    help="The dashboard on the warehouse.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command()
def run(
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for every one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = 8501,
) -> None:
    """Show the dashboard until Ctrl-C or SIGTERM, with the settings SCORING_* of the README."""
    # What cannot be used is said here, once, and not to every visitor.
    load_contract(load_settings().contract)
    _refuse_taken(host, port)
    # Streamlit asks a server on the internet for this machine's address when a page of another host calls it. There is
    # no setting for that; what stands here already is not asked for.
    net_util._internal_ip = net_util._external_ip = "127.0.0.1"
    options = {"server_address": host, "server_port": port}
    bootstrap.load_config_options(options)
    sys.stderr.write(f"The dashboard is at http://{host}:{port}\n")
    sys.stderr.flush()
    bootstrap.run(str(Path(__file__).with_name("app.py")), is_hello=False, args=[], flag_options=options)


def _refuse_taken(host: str, port: int) -> None:
    """Raises ScoringError if nobody can listen there; Streamlit would say less."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
            tried.listen()
        except OSError as error:
            raise ScoringError(
                f"cannot listen at {host}:{port} ({error.strerror}); name another port with --port"
            ) from error


def main() -> int:
    """Runs the command; errors a person can act on are printed as they are, without a traceback."""
    try:
        app()
    except (ScoringError, OSError) as error:
        err.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
