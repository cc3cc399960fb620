import logging
import sys
import warnings

import msgspec
import pytest

from service.logs import LONGEST_LINE, JsonFormatter, log_as_json


def line_of(record: logging.LogRecord) -> dict[str, object]:
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert len(line.encode()) <= LONGEST_LINE
    decoded: dict[str, object] = msgspec.json.decode(line)
    return decoded


def record_of(message: str, *values: object, **more: object) -> logging.LogRecord:
    record = logging.LogRecord("service.place", logging.WARNING, "file.py", 1, message, values, None)
    record.__dict__.update(more)
    return record


def test_a_line_has_its_facts_beside_the_message() -> None:
    line = line_of(record_of("%d of %s\nin two lines", 3, "4", facts={"route": "/health", "status": 200}))
    assert line["message"] == "3 of 4\nin two lines"
    assert (line["level"], line["logger"], line["route"], line["status"]) == (
        "warning",
        "service.place",
        "/health",
        200,
    )
    assert str(line["time"]).endswith("Z")


@pytest.mark.parametrize("letter", ["x", "é", "😀", "\x00", '"'])
def test_a_line_that_is_too_long_is_shortened_and_still_json(letter: str) -> None:
    line = line_of(record_of("%s", letter * 10_000))
    assert str(line["message"]) == letter * 500 + "…"


def test_an_exception_shows_where_it_was_raised_and_none_of_its_values() -> None:
    try:
        float("income 51837.25")
    except ValueError:
        line = line_of(record_of("a request failed", exc_info=sys.exc_info()))
    assert line["error"] == "ValueError"
    assert str(line["at"]).startswith("['test_logs.py:")
    assert "51837" not in str(line)


def test_warnings_and_every_logger_write_lines_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    # A test before this one may have begun it, and pytest has undone half of that since.
    logging.captureWarnings(capture=False)
    try:
        log_as_json()
        logging.getLogger("some.library").info("started")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("old", DeprecationWarning, stacklevel=1)
    finally:
        logging.captureWarnings(capture=False)
        root.handlers[:] = handlers
        root.setLevel(level)
    started, old = (msgspec.json.decode(line) for line in capsys.readouterr().out.splitlines())
    assert (started["logger"], started["message"]) == ("some.library", "started")
    assert old["logger"] == "py.warnings"
