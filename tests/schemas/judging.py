"""What the gate makes of rows of text."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars

from schemas.contract import Contract, read_contract
from schemas.judgement import Judged, judge
from schemas.row_rules import RowRules
from tests.contracts.everything import Everything

EVERYTHING = read_contract(Everything)
BATCH_DATE = date(2026, 6, 30)
REPEATS = {"row_number": polars.Int64, "rule": polars.String, "message": polars.String}


def judged(rows: Sequence[dict[str, str]], contract: Contract = EVERYTHING, **repeats: Any) -> Judged:
    """The judgement of rows of text, numbered from 1, with ids of their own unless they bring one."""
    texts = [{"application_id": f"a{place}"} | row for place, row in enumerate(rows, 1)]
    frame = polars.DataFrame(texts).with_row_index("row_number", 1).cast({"row_number": polars.Int64})
    has_date = "application_date" in frame.columns
    rules = RowRules(contract, BATCH_DATE, has_date=has_date)
    return judge(contract, rules, frame, polars.DataFrame(repeats, schema=REPEATS), has_date=has_date)


def rules_of(result: Judged) -> list[tuple[int, str, str]]:
    """Row number, field and rule of every record of the quarantine, in order."""
    return sorted(result.quarantined.select("row_number", "field", "rule").rows())
