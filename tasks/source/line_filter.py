"""Tells the CSV lines of one application from all others."""

import re
from contextlib import suppress

from tasks.source.csv_dialect import ID_COLUMN, Dialect
from tasks.source.csv_lines import parse_odd_line


class LineFilter:
    """Tells the lines of an application; only those in which its id stands at all are taken apart."""

    def __init__(self, dialect: Dialect | None, application_id: str) -> None:
        self._dialect, self._id = dialect, application_id
        texts = {application_id, application_id.replace('"', '""')}
        self._needles = {text.encode() for text in texts}
        with suppress(UnicodeEncodeError):
            self._needles |= {text.encode("latin-1") for text in texts}

    def __call__(self, line: bytes) -> bool:
        """Whether a line is of the application."""
        return any(needle in line for needle in self._needles) and self._is_meant(text_of(line).rstrip("\r\n"))

    def _is_meant(self, line: str) -> bool:
        if self._dialect:
            delimiter, columns = self._dialect.separator.decode(), self._dialect.columns
            fields, problem = parse_odd_line(line, delimiter, len(columns))
            if not problem:
                return fields[columns.index(ID_COLUMN)].strip() == self._id
        return self._id in (field.strip().strip('"').strip() for field in re.split("[,;\t]", line))


def text_of(line: bytes) -> str:
    """A line as text; what is not UTF-8 is taken as Latin-1, which knows every byte."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")
