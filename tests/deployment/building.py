"""Builds the image where no container engine runs: buildah, with a Debian of its own for a base."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.deployment.compose import ROOT

TAG = "localhost/credit-express:latest"
SUITE = "trixie"
BASE = f"localhost/credit-express-base:{SUITE}"
# A Python with its venv module, as the Dockerfile asks of its base; nothing that compiles.
PACKAGES = "python3,python3-venv,ca-certificates"
PROGRAMS = ("buildah", "debootstrap", "nsenter", "unshare", "ip", "curl")


def missing() -> str:
    """What this machine lacks for it, in words; empty if nothing."""
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if os.geteuid():
        absent.append("root")
    return ", ".join(absent)


def run(*command: str, seconds: float = 900) -> str:
    """What a command printed; if it fails, what it said is in the error."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: status {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def build() -> str:
    """The tag of the image, built from the Dockerfile of this checkout."""
    if not run("buildah", "images", "--quiet", "--filter", f"reference={BASE}").strip():
        _build_base()
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder) / "pip.conf"
        options = _pip_options()
        configuration.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in options.items()))
        volumes = [f"--volume={path}:{path}:ro" for path in _local_paths(options)]
        secret = f"--secret=id=pip.conf,src={configuration}"
        # The format that knows health checks.
        how = ["--format=docker", "--isolation=chroot", "--network=host", "--layers", f"--build-arg=BASE_IMAGE={BASE}"]
        run("buildah", "bud", *how, secret, *volumes, f"--tag={TAG}", ".")
    return TAG


def _build_base() -> None:
    with tempfile.TemporaryDirectory() as folder:
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, folder)
        container = run("buildah", "from", "--network=host", "scratch").strip()
        try:
            run("buildah", "add", "--quiet", container, folder, "/")
            path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
            run("buildah", "config", f"--env=PATH={path}", container)
            run("buildah", "commit", "--quiet", container, BASE)
        finally:
            run("buildah", "rm", container)


def _pip_options() -> dict[str, str]:
    """Where this machine's pip takes packages from: the build asks there too."""
    listed = run(sys.executable, "-m", "pip", "config", "list")
    return dict(
        re.findall(
            r"^(?:global|:env:)\.(cert|find-links|index-url|extra-index-url|proxy|timeout)='(.*)'$", listed, re.M
        )
    )


def _local_paths(options: dict[str, str]) -> Iterator[str]:
    """Files and folders named in the options; the build has to see them."""
    for word in " ".join(options.values()).split():
        path = word.removeprefix("file://").removesuffix("/simple")
        if Path(path).is_absolute() and Path(path).exists():
            yield path
