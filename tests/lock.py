"""Are the lock files what pyproject.toml asks for? `python -m tests.lock`; with --write they are brought up to date."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Everything, for a checkout.
LOCK = ROOT / "requirements.lock"
# What runs, without the tools of development: a part of the other, for the image.
RUNTIME = ROOT / "requirements-runtime.lock"
# The same with the extras for hosts that share a store, a lake or a cluster.
EXTRAS = ROOT / "requirements-runtime-extras.lock"
SHARING = ("lake", "storage", "cluster")
HEADER = "# Made by `make lock`: every package with its version and hashes, for any platform. Do not edit.\n"


def resolve(lock: Path, *more: str) -> str:
    """The text of a lock that keeps the versions of `lock` where they still fit."""
    command = ["uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11", *more]
    options = ["--generate-hashes", "--no-emit-index-url", "--no-header", "--quiet", "--output-file", str(lock)]
    uv = Path(sys.executable).parent / command[0]
    subprocess.run([uv, *command[1:], *options], cwd=ROOT, check=True)
    return HEADER + lock.read_text(encoding="utf-8").removeprefix(HEADER)


def resolve_all(folder: Path) -> dict[Path, str]:
    """The texts of the locks, resolved aside in a folder; the smaller ones have the versions of the first."""
    copies = {lock: folder / lock.name for lock in (LOCK, RUNTIME, EXTRAS)}
    for lock, copy in copies.items():
        copy.write_text(lock.read_text(encoding="utf-8") if lock.exists() else "", encoding="utf-8")
    everything = resolve(copies[LOCK], "--all-extras")
    # Without the comments that would name the folder it was resolved in.
    alike = ("--constraint", str(copies[LOCK]), "--no-annotate")
    extras = [f"--extra={name}" for name in SHARING]
    return {
        LOCK: everything,
        RUNTIME: resolve(copies[RUNTIME], *alike),
        EXTRAS: resolve(copies[EXTRAS], *alike, *extras),
    }


def pins(text: str) -> list[str]:
    """The packages, versions and conditions of a lock. Not the hashes: a release may gain files for new platforms."""
    return re.findall(r"^[a-z0-9][^\\]*", text, flags=re.MULTILINE)


def main() -> int:
    """0 if the locks are fresh or were written, 1 if one is stale."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = resolve_all(Path(folder))
    if "--write" in sys.argv:
        for lock, text in fresh.items():
            lock.write_text(text, encoding="utf-8")
        return 0
    stale = [lock.name for lock, text in fresh.items() if pins(text) != pins(lock.read_text(encoding="utf-8"))]
    if stale:
        print(f"{' and '.join(stale)}: not what pyproject.toml asks for; run `make lock`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
