"""A machine for the roles of the compose file: they run in the image as if `docker compose` had started them.

A network namespace keeps their ports apart from everything else here; all names of the compose file lead to it.
"""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.deployment.building import run
from tests.deployment.compose import Role, compose

OWNER = 10_001
LOG_CHARACTERS = 4_000


class Machine:
    """What the roles share: the container's root, the network and the volumes."""

    def __init__(self, container: str, network: int, volumes: Path) -> None:
        self.container, self._network, self.volumes = container, network, volumes

    def volume(self, name: str) -> Path:
        """The folder of a named volume; that of the data belongs to the image's user, as the image says."""
        folder = self.volumes / name
        if not folder.exists():
            folder.mkdir()
            if name == "data":
                os.chown(folder, OWNER, OWNER)
        return folder

    def inside(self, *command: str) -> list[str]:
        """A command line that runs in the machine's network."""
        return ["nsenter", f"--target={self._network}", "--net", *command]

    def command(self, role: Role, command: Sequence[str]) -> list[str]:
        """A command line that runs in the image as a role, with its user, variables and volumes."""
        variables = [f"--env={name}={value}" for name, value in role.environment.items()]
        mounted = []
        for volume in role.volumes:
            name, _, at = volume.partition(":")
            mounted.append(f"--volume={self.volume(name)}:{at}")
        options = ["--isolation=chroot", f"--user={role.user}", *variables, *mounted]
        return self.inside("buildah", "run", *options, self.container, "--", *command)

    def to_end(self, role: Role, *command: str, seconds: float = 300) -> str:
        """What a role that ends by itself printed, or another command as that role; RuntimeError if it fails."""
        return run(*self.command(role, command or role.command), seconds=seconds)

    def shell(self, script: str) -> str:
        """What a script prints in the image, as its user, with nothing mounted."""
        return run("buildah", "run", "--isolation=chroot", self.container, "--", "sh", "-c", script)

    def healthy(self, role: Role) -> bool:
        """Whether the health check of the compose file passes, run in the image."""
        done = subprocess.run(self.command(role, role.healthcheck), capture_output=True, timeout=60, check=False)
        return done.returncode == 0

    def ask(self, address: str, body: Any = None) -> tuple[int, str]:
        """Status and text of an answer; status 0 if there is none."""
        posted = ["--json", json.dumps(body)] if body is not None else []
        options = ["--silent", "--max-time", "30", "--write-out", "\n%{http_code}"]
        done = subprocess.run(
            self.inside("curl", *options, *posted, address), capture_output=True, text=True, check=False
        )
        text, _, status = done.stdout.rpartition("\n")
        return int(status or 0), text

    @contextmanager
    def running(self, role: Role, address: str, seconds: float) -> Iterator[float]:
        """A role while it runs; the seconds it took until something answered at the address."""
        with tempfile.TemporaryFile() as log:
            started = time.monotonic()
            process = subprocess.Popen(
                self.command(role, role.command), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
            try:
                while self.ask(address)[0] != 200:
                    if process.poll() is not None or time.monotonic() - started > seconds:
                        log.seek(0)
                        raise RuntimeError(f"{role.name} did not start:\n{log.read().decode()[-LOG_CHARACTERS:]}")
                    time.sleep(0.1)
                yield time.monotonic() - started
            finally:
                _end(process)


@contextmanager
def machine(image: str) -> Iterator[Machine]:
    """A machine with an image, until it is left."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="machine-"))
        Path(folder).chmod(0o755)
        names = [f"--add-host={name}:127.0.0.1" for name in compose()["services"]]
        container = run("buildah", "from", "--network=host", *names, image).strip()
        stack.callback(run, "buildah", "rm", container)
        # It lives as long as its standard input is open, that is no longer than this process.
        script = "ip link set lo up && echo up && cat"
        network = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        stack.callback(network.communicate)
        assert network.stdout is not None
        assert network.stdout.readline() == "up\n"
        yield Machine(container, network.pid, Path(folder))


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Asks the role itself to end: what stands between would be killed and not pass it on."""
    with suppress(ProcessLookupError):
        os.kill(_innermost(process.pid), signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _innermost(pid: int) -> int:
    """The first process of the image below one of buildah's."""
    while b"buildah" in (process := Path(f"/proc/{pid}")).joinpath("cmdline").read_bytes().partition(b"\0")[0]:
        # A process belongs to the thread that started it.
        [pid] = [int(child) for thread in process.glob("task/*/children") for child in thread.read_text().split()]
    return pid
