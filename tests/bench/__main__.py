"""`make bench`: all benchmarks, or those named: `python -m tests.bench [day] [drift] [alarms] …`."""

import sys
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from tests.bench.alarms import measure_alarms
from tests.bench.backfill import measure_backfill
from tests.bench.cluster import measure_cluster
from tests.bench.dashboard import measure_dashboard
from tests.bench.day import measure_day
from tests.bench.evidently import measure_evidently
from tests.bench.figure import Figure, NotMeasured
from tests.bench.service import measure_service

BENCHMARKS: dict[str, Callable[[Console], list[Figure]]] = {
    "day": measure_day,
    "drift": measure_evidently,
    "alarms": measure_alarms,
    "backfill": measure_backfill,
    "cluster": measure_cluster,
    "service": measure_service,
    "dashboard": measure_dashboard,
}


def main(chosen: list[str]) -> int:
    """0 if every figure holds, 1 if one does not or could not be measured, 2 if there is no such benchmark."""
    console = Console()
    if unknown := set(chosen) - set(BENCHMARKS):
        console.print(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
        return 2
    figures: list[Figure] = []
    failures: list[str] = []
    for name in chosen or BENCHMARKS:
        try:
            figures += BENCHMARKS[name](console)
        except NotMeasured as error:
            failures.append(f"{name}: {error}")
    if figures:
        console.print(_table(figures))
    for failure in failures:
        console.print(f"not measured: {failure}", style="red", markup=False, soft_wrap=True)
    return 0 if all(figure.holds for figure in figures) and not failures else 1


def _table(figures: list[Figure]) -> Table:
    table = Table("figure", "measured", "has to be", "unit", "holds", title="make bench")
    for figure in figures:
        limit = f"{figure.bound} {figure.limit:,g}"
        table.add_row(figure.name, f"{figure.value:,.2f}", limit, figure.unit, "yes" if figure.holds else "NO")
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
