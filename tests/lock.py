"""Is requirements.lock what pyproject.toml asks for? `python -m tests.lock`; with --write it is brought up to date."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"
HEADER = "# Made by `make lock`: every package with its version and hashes, for any platform. Do not edit.\n"


def resolve(lock: Path) -> str:
    """The text of a lock that keeps the versions of `lock` where they still fit."""
    command = ["uv", "pip", "compile", "pyproject.toml", "--extra", "dev", "--universal", "--python-version", "3.11"]
    options = ["--generate-hashes", "--no-emit-index-url", "--no-header", "--quiet", "--output-file", str(lock)]
    uv = Path(sys.executable).parent / command[0]
    subprocess.run([uv, *command[1:], *options], cwd=ROOT, check=True)
    return HEADER + lock.read_text(encoding="utf-8").removeprefix(HEADER)


def pins(text: str) -> list[str]:
    """The packages, versions and conditions of a lock. Not the hashes: a release may gain files for new platforms."""
    return re.findall(r"^[a-z0-9][^\\]*", text, flags=re.MULTILINE)


def main() -> int:
    """0 if the lock is fresh or was written, 1 if it is stale."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / LOCK.name
        copy.write_text(LOCK.read_text(encoding="utf-8"), encoding="utf-8")
        fresh = resolve(copy)
    if "--write" in sys.argv:
        LOCK.write_text(fresh, encoding="utf-8")
        return 0
    if pins(fresh) != pins(LOCK.read_text(encoding="utf-8")):
        print("requirements.lock is not what pyproject.toml asks for; run `make lock`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
