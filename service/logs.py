"""The service's own log: one JSON object on a line, each written at once, so that processes do not mix their lines."""

import logging
import os
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

# Up to here a pipe takes a line in one piece (PIPE_BUF on Linux).
LONGEST_LINE = 4_000
# A character may take six bytes.
LONGEST_MESSAGE = 500


class JsonFormatter(logging.Formatter):
    """Time, level, logger, process and message, and what was passed as `extra={"facts": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        facts: Mapping[str, Any] = getattr(record, "facts", {})
        line = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
            **facts,
        }
        if record.exc_info and record.exc_info[2]:
            # Where it happened, not what the values were: a message may quote an application.
            frames = traceback.extract_tb(record.exc_info[2])[-6:]
            line["error"] = getattr(record.exc_info[0], "__name__", "")
            line["at"] = [f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]  # noqa: PTH119
        encoded = msgspec.json.encode(line, enc_hook=str)
        if len(encoded) > LONGEST_LINE:
            encoded = msgspec.json.encode(line | {"message": f"{record.getMessage()[:LONGEST_MESSAGE]}…"}, enc_hook=str)
        return encoded.decode()


def log_as_json() -> None:
    """Sends every logger of this process to standard output as JSON lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
