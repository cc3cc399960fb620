"""`make bench`: all benchmarks, or those named: `python -m tests.bench [day] [backfill]`."""

import sys
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from tests.bench.backfill import measure_backfill
from tests.bench.day import measure_day
from tests.bench.figure import Figure

BENCHMARKS: dict[str, Callable[[Console], list[Figure]]] = {"day": measure_day, "backfill": measure_backfill}


def main(chosen: list[str]) -> int:
    """0 if every figure holds, 1 if one does not, 2 if there is no such benchmark."""
    console = Console()
    if unknown := set(chosen) - set(BENCHMARKS):
        console.print(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
        return 2
    figures = [figure for name in chosen or BENCHMARKS for figure in BENCHMARKS[name](console)]
    table = Table("figure", "measured", "at most", "unit", "holds", title="make bench")
    for figure in figures:
        row = (figure.name, f"{figure.value:,.2f}", f"{figure.limit:,g}", figure.unit, "yes" if figure.holds else "NO")
        table.add_row(*row)
    console.print(table)
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
