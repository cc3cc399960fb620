"""A PostgreSQL server of the tests' own, on a cluster of its own."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from warehouse import lake

# PostgreSQL refuses to run as root, so that it gets the user its package made.
USER = "postgres" if os.geteuid() == 0 else None
NAMES = ("initdb", "pg_ctl", "createdb", "psql")
NO_POSTGRES = "no PostgreSQL on this machine"


def programs() -> Path | None:
    """The folder PostgreSQL's programs are in; Debian keeps them off the path."""
    folders = [*map(Path, os.environ["PATH"].split(os.pathsep)), *sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    return next((folder for folder in folders if all((folder / name).exists() for name in NAMES)), None)


@dataclass(frozen=True)
class Postgres:
    """A server of this machine; its superuser is postgres and needs no password."""

    programs: Path
    folder: Path
    port: int
    address: str = "127.0.0.1"

    def run(self, program: str, *arguments: str) -> str:
        """What one of PostgreSQL's programs prints."""
        command = [str(self.programs / program), *arguments]
        return subprocess.run(
            command, user=USER, cwd=self.folder, check=True, capture_output=True, text=True, timeout=120
        ).stdout

    def create(self, database: str) -> str:
        """Makes a database and returns libpq's connection string for it."""
        self.run("createdb", "-h", self.address, "-p", str(self.port), "-U", "postgres", database)
        return f"dbname={database} host={self.address} port={self.port} user=postgres"

    def ask(self, database: str, question: str) -> str:
        """The rows of an answer, fields separated by |."""
        where = ["-h", self.address, "-p", str(self.port), "-U", "postgres", "-d", database]
        return self.run("psql", *where, "-tA", "-c", question)

    def start(self) -> None:
        """Starts it and waits until it answers."""
        # Nobody needs these rows after a power cut.
        options = f"-c listen_addresses={self.address} -c port={self.port} -c unix_socket_directories={self.folder}"
        data, log = str(self.folder / "data"), str(self.folder / "log")
        self.run("pg_ctl", "-D", data, "-l", log, "-w", "-o", f"{options} -c fsync=off", "start")

    def stop(self) -> None:
        """Stops it at once, cutting off whoever is connected."""
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-m", "fast", "-w", "stop")

    def restart(self) -> None:
        """Stops it at once and starts it again."""
        self.stop()
        self.start()


@contextmanager
def running_postgres(address: str = "127.0.0.1") -> Iterator[Postgres]:
    """A new server at an address of this machine; it ends with the block, and nothing of it stays."""
    found = programs()
    assert found, NO_POSTGRES
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        if USER:
            shutil.chown(folder, USER)
        server = Postgres(found, folder, _free_port(), address)
        server.run("initdb", "-D", str(folder / "data"), "-U", "postgres", "--auth", "trust", "--no-sync")
        with (folder / "data" / "pg_hba.conf").open("a", encoding="utf-8") as trusted:
            # Who reaches its address at all: only this machine.
            trusted.write("host all all samenet trust\nhost all all 198.18.0.0/15 trust\n")
        server.start()
        try:
            yield server
        finally:
            # What looks at all lakes this process has open would fail from now on.
            for view in list(lake._kept):
                lake._give_up(view)
            server.stop()
    finally:
        shutil.rmtree(folder)


def _free_port() -> int:
    """One the system gives: others start servers at the same moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
