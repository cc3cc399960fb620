import codecs
import io
import zipfile

import pytest

from schemas.errors import UnreadableSource
from tasks.source.csv_dialect import detect_dialect


@pytest.mark.parametrize("separator", [b",", b";", b"\t"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
@pytest.mark.parametrize("bom", [b"", codecs.BOM_UTF8])
def test_the_header_line_says_delimiter_and_columns(separator: bytes, end: bytes, bom: bytes) -> None:
    header = bom + separator.join([b"application_id", b"age", b"income"]) + end
    dialect = detect_dialect("a.csv", header + (b"1,2,3" + end if end else b""))
    assert dialect.separator == separator
    assert dialect.columns == ("application_id", "age", "income")
    assert dialect.header_bytes == len(header)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("age,income,application_id", ("age", "income", "application_id")),
        (" application_id , age ", ("application_id", "age")),
        ('"application_id","age, in years"', ("application_id", "age, in years")),
        ('"application_id";"a ""b"", c"', ("application_id", 'a "b", c')),
        ("application_id;einkommen;größe", ("application_id", "einkommen", "größe")),
        ("application_id", ("application_id",)),
        ("application_id,age,", ("application_id", "age", "")),
        ("application_id;a,b;c", ("application_id", "a,b", "c")),
    ],
)
def test_columns_are_read_in_their_order_without_quotes_and_spaces(header: str, columns: tuple[str, ...]) -> None:
    assert detect_dialect("a.csv", f"{header}\n".encode()).columns == columns


def test_a_latin_1_header_is_read_too() -> None:
    assert detect_dialect("a.csv", "application_id;größe\n".encode("latin-1")).columns == ("application_id", "größe")


def test_blank_lines_before_the_header_belong_to_it() -> None:
    start = b"\r\n  \n\napplication_id,age\n1,2\n"
    dialect = detect_dialect("a.csv", start)
    assert start[dialect.header_bytes :] == b"1,2\n"


@pytest.mark.parametrize("start", [b"", b"\n", b"\r\n\r\n", b"   \n\t\n", codecs.BOM_UTF8, codecs.BOM_UTF8 + b"\n"])
def test_a_file_without_a_header_line_is_empty(start: bytes) -> None:
    with pytest.raises(UnreadableSource, match=r"a\.csv is empty: it has no header line"):
        detect_dialect("a.csv", start)


def zipped() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.csv", "application_id,age\n1,2\n")
    return archive.getvalue()


@pytest.mark.parametrize(
    ("start", "what"),
    [
        ("application_id,age\n".encode("utf-16"), "UTF-16 text; export it as UTF-8"),
        (codecs.BOM_UTF16_BE + "application_id".encode("utf-16-be"), "UTF-16 text; export it as UTF-8"),
        ("application_id,age\n".encode("utf-16-le"), "NUL bytes"),
        (b"\x1f\x8b\x08\x00rest", "gzip data; name it .csv.gz"),
        (b"PAR1rest", "Parquet data; name it .parquet"),
        (zipped(), "a zip archive or a spreadsheet; export it as CSV"),
        (bytes(range(256)), "NUL bytes"),
    ],
)
def test_a_file_that_is_no_csv_is_refused_with_what_it_is(start: bytes, what: str) -> None:
    with pytest.raises(UnreadableSource, match=f"^a.csv is not .*{what}") as caught:
        detect_dialect("a.csv", start)
    assert caught.value.check_name == "readable"


@pytest.mark.parametrize(
    "start", [b"1,35,1000\n", b"id,age\n", b"application_id|age\n1|2\n", b"sep=;\napplication_id;age\n"]
)
def test_a_first_line_without_the_id_column_is_shown(start: bytes) -> None:
    with pytest.raises(UnreadableSource, match="the first line has no column application_id; it reads") as caught:
        detect_dialect("a.csv", start)
    assert caught.value.check_name == "columns_present"
    assert start.decode().split("\n")[0] in str(caught.value)


def test_a_long_first_line_is_shown_in_part() -> None:
    with pytest.raises(UnreadableSource) as caught:
        detect_dialect("a.csv", b"x" * 100_000)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("header", [b'"application_id,age\n', b'"application_id"x,age\n'])
def test_quotes_that_do_not_fit_make_a_header_unreadable(header: bytes) -> None:
    with pytest.raises(UnreadableSource, match="the quotes of the header line do not fit"):
        detect_dialect("a.csv", header)
