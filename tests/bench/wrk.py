"""The load generator wrk: asks over and over on connections that are kept, and tells how long the answers took."""

import json
import math
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.bench.figure import NotMeasured
from tests.bench.pinning import pinned

CONNECTIONS = 16
LOOK_SECONDS = 2.0
# Beyond the load itself; an answer that takes longer than two seconds wrk counts as an error by itself.
PATIENCE_SECONDS = 30
SCRIPT = """\
local bodies = {{
{bodies}
}}
local asked, turn = {{}}, 0

wrk.headers["Content-Type"] = "application/json"

-- Made once: what wrk does for each request has to cost next to nothing.
function init()
  for number, body in ipairs(bodies) do
    asked[number] = wrk.format("POST", nil, nil, body)
  end
end

function request()
  turn = turn % #asked + 1
  return asked[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\\n{{"requests": %d, "seconds": %f, "refused": %d, "broken": %d, "p50_ms": %f, "p99_ms": %f, "max_ms": %f}}\\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
"""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a load: `refused` answers had a status of 400 or more, `broken` ones did not come."""

    requests: int
    seconds: float
    refused: int
    broken: int
    p50_ms: float
    p99_ms: float
    max_ms: float

    @property
    def answered(self) -> int:
        """How many requests were answered as asked."""
        return self.requests - self.refused

    @property
    def errors(self) -> int:
        """How many were not."""
        return self.refused + self.broken

    @property
    def rate(self) -> float:
        """Requests answered in a second."""
        return self.answered / self.seconds


def find_wrk() -> str:
    """Where wrk is; raises NotMeasured if it is not installed."""
    if found := shutil.which("wrk"):
        return found
    raise NotMeasured("the load generator wrk is missing; install it: apt-get install wrk, or brew install wrk")


def write_script(path: Path, bodies: Sequence[dict[str, Any]]) -> Path:
    """A script for wrk that posts these bodies as JSON in turn."""
    # A long bracket of Lua takes everything as it is up to the same bracket, which no JSON has.
    path.write_text(SCRIPT.format(bodies="\n".join(f"  [==[{json.dumps(body)}]==]," for body in bodies)))
    return path


def ask(url: str, script: Path, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> Load:
    """Puts load on a server for whole seconds, and does something else every two of them."""
    whole = math.ceil(seconds)
    options = [f"--connections={CONNECTIONS}", "--threads=1", f"--duration={whole}s", f"--script={script}", url]
    command = pinned([find_wrk(), *options], "load")
    deadline = time.monotonic() + whole + PATIENCE_SECONDS
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            printed = _wait(process, deadline, meanwhile)
        finally:
            process.kill()
    try:
        return msgspec.json.decode(printed.splitlines()[-1], type=Load)
    except (IndexError, msgspec.DecodeError):
        raise NotMeasured(f"wrk did not measure {url}: {printed.strip() or 'it printed nothing'}") from None


def _wait(process: "subprocess.Popen[str]", deadline: float, meanwhile: Callable[[], None]) -> str:
    while time.monotonic() < deadline:
        try:
            return process.communicate(timeout=LOOK_SECONDS)[0]
        except subprocess.TimeoutExpired:
            meanwhile()
    raise NotMeasured("wrk did not end when it should have")
