"""The SQL of the warehouse: one file a question, named as the question."""

from functools import cache
from pathlib import Path


@cache
def sql(name: str) -> str:
    """The text of `<name>.sql`."""
    return (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
