"""What a CSV file's header line says: the delimiter and the column names."""

import codecs
import csv
import re
from dataclasses import dataclass

from schemas.errors import UnreadableSource

DELIMITERS = (b",", b";", b"\t")
ID_COLUMN = "application_id"
# What a file that is not CSV begins with, and what it is.
SIGNATURES = {
    b"\x1f\x8b": "gzip data; name it .csv.gz",
    b"PAR1": "Parquet data; name it .parquet",
    b"PK\x03\x04": "a zip archive or a spreadsheet; export it as CSV",
    codecs.BOM_UTF16_LE: "UTF-16 text; export it as UTF-8",
    codecs.BOM_UTF16_BE: "UTF-16 text; export it as UTF-8",
}


@dataclass(frozen=True)
class Dialect:
    """Delimiter (one byte), column names, and how many bytes the header line takes with what stands before it."""

    separator: bytes
    columns: tuple[str, ...]
    header_bytes: int


def detect_dialect(name: str, start: bytes) -> Dialect:
    """The dialect of a file from its first lines; raises UnreadableSource naming the file and what is wrong with it."""
    for signature, what in SIGNATURES.items():
        if start.startswith(signature):
            raise UnreadableSource("readable", f"{name} is not CSV: it holds {what}")
    header, header_bytes = _header_line(start)
    if not header.strip():
        raise UnreadableSource("readable", f"{name} is empty: it has no header line")
    if b"\0" in header:
        raise UnreadableSource("readable", f"{name} is not text: its first line holds NUL bytes")
    separator = max(DELIMITERS, key=re.sub(b'"[^"]*"', b"", header).count)
    return Dialect(separator, _column_names(name, header, separator), header_bytes)


def _header_line(start: bytes) -> tuple[bytes, int]:
    """The first line that is not blank, without a byte-order mark, and where the next line begins."""
    position = len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0
    while position < len(start):
        end = start.find(b"\n", position) + 1 or len(start)
        line = start[position:end].rstrip(b"\r\n")
        position = end
        if line.strip():
            return line, position
    return b"", position


def _column_names(name: str, header: bytes, separator: bytes) -> tuple[str, ...]:
    try:
        text = header.decode("utf-8")
    except UnicodeDecodeError:
        text = header.decode("latin-1")
    try:
        columns = tuple(
            column.strip() for column in next(csv.reader([text], delimiter=separator.decode(), strict=True))
        )
    except csv.Error as error:
        raise UnreadableSource("readable", f"{name}: the quotes of the header line do not fit ({error})") from error
    if ID_COLUMN not in columns:
        shown = text if len(text) <= 80 else f"{text[:80]}…"
        raise UnreadableSource(
            "columns_present",
            f"{name}: the first line has no column {ID_COLUMN}; it reads {shown!r}."
            " Expected a header line with the columns separated by comma, semicolon or tab",
        )
    return columns
