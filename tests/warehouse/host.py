"""What one of several hosts does: `python -m tests.warehouse.host CATALOG DATA FOLDER ALL FIRST_DATE…`.

Publishes the dates with four processes while two others read until ALL dates are there; prints what they saw as JSON.
"""

import json
import sys
from datetime import date
from functools import partial
from pathlib import Path

from schemas.lake import Lake
from tests.warehouse.at_once import in_processes
from tests.warehouse.test_concurrency import act

WRITERS, READERS = 4, 2


def main() -> None:
    """Does it."""
    catalog, data, folder, total, *given = sys.argv[1:]
    lake, dates = Lake(catalog, data), [date.fromisoformat(day) for day in given]
    writing = [partial(act, Path(folder), lake, dates[number::WRITERS]) for number in range(WRITERS)]
    results = in_processes([*writing, *[partial(act, Path(folder), lake, int(total))] * READERS])
    written, seen = results[:WRITERS], results[WRITERS:]
    pieces = sum(len(pieces) for pieces, _, _ in seen)
    print(json.dumps({"new": sum(new for _, new, _ in written), "pieces": pieces, "seen": [most for *_, most in seen]}))


if __name__ == "__main__":
    main()
