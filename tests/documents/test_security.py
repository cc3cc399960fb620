"""The table of personal data in SECURITY.md is that of schemas/personal_data.py, with the settings' defaults."""

from schemas.personal_data import STORES, Store
from schemas.settings import PREFIX, Settings
from tests.documents.reading import text_of

HEADER = ("| where | what | why | days | how it ends |", "|---|---|---|---|---|")


def table() -> str:
    """The table as it has to stand there."""
    return "\n".join([*HEADER, *map(_line, STORES)])


def _line(store: Store) -> str:
    days = "—"
    if store.setting:
        default = getattr(Settings(), store.setting.removeprefix(PREFIX).lower())
        days = f"{default} (`{store.setting}`)"
    return f"| {store.name} | {store.holds} | {store.purpose} | {days} | {store.ends} |"


def test_the_table_of_personal_data_is_that_of_the_code() -> None:
    assert table() in text_of("SECURITY.md")
