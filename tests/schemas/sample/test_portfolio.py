import gzip
import hashlib
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import polars
import pytest

from schemas.errors import ScoringError
from schemas.sample.incidents import Incident, incident_on, plan_incidents
from schemas.sample.parameters import Parameters
from schemas.sample.portfolio import File, history_file, landing_file

PARAMETERS = Parameters(days=60, rows=400, until=date(2026, 6, 30), seed=0)
INCIDENTS = plan_incidents(PARAMETERS.landing_days)


@pytest.fixture(scope="module")
def files() -> dict[date, File]:
    return {day: landing_file(PARAMETERS, day, INCIDENTS) for day in PARAMETERS.landing_days}


def values(file: File, field: str) -> polars.Series:
    """The numbers of a column, dirt left out; null where the cell is empty."""
    lines = [line.split(",") for line in file.content.decode().splitlines()]
    place = lines[0].index(field)
    rows = [cells for cells in lines if len(cells) == 7]
    return polars.Series([cells[place] for cells in rows]).cast(polars.Float64, strict=False)


def days_of(kind: str | None) -> list[date]:
    def kind_on(day: date) -> str | None:
        incident = incident_on(day, INCIDENTS)
        return incident.kind if incident else None

    return [day for day in PARAMETERS.landing_days if kind_on(day) == kind]


def median_of(files: dict[date, File], kind: str | None, field: str) -> float:
    return float(np.median(polars.concat([values(files[day], field) for day in days_of(kind)]).drop_nulls().to_numpy()))


def incident(kind: str) -> Incident:
    return next(incident for incident in INCIDENTS if incident.kind == kind)


def test_income_is_a_third_higher_while_its_definition_differs(files: dict[date, File]) -> None:
    usual = median_of(files, None, "income")
    assert median_of(files, "income_definition", "income") / usual == pytest.approx(1.35, abs=0.06)
    for day in days_of("employment_blank") + days_of("volume_collapse"):
        assert float(np.median(values(files[day], "income").drop_nulls().to_numpy())) / usual < 1.2


def test_employment_length_is_blank_on_its_days_only(files: dict[date, File]) -> None:
    for day, file in files.items():
        lengths = values(file, "employment_length").drop_nans()
        blank = lengths.null_count() / file.rows
        assert blank > 0.95 if day in days_of("employment_blank") else blank < 0.15


def test_applicants_are_clearly_younger_during_the_campaign(files: dict[date, File]) -> None:
    assert median_of(files, "younger_channel", "age") < median_of(files, None, "age") - 7


def test_the_volume_collapses_to_less_than_half_but_more_than_a_tenth(files: dict[date, File]) -> None:
    usual = float(np.median([files[day].rows for day in days_of(None)]))
    for day, file in files.items():
        assert 0.1 < file.rows / usual < 0.5 if day in days_of("volume_collapse") else file.rows / usual > 0.5


@pytest.mark.parametrize("rows", [1, 5, 9])
@pytest.mark.parametrize("until", [date(2026, 6, 27 + shift) for shift in range(3)])
def test_a_collapsed_file_is_never_so_small_that_it_is_refused(rows: int, until: date) -> None:
    parameters = Parameters(days=60, rows=rows, until=until, seed=1)
    incidents = plan_incidents(parameters.landing_days)
    received = [landing_file(parameters, day, incidents).rows for day in parameters.landing_days]
    for place in range(10, 60):
        assert received[place] > 0.1 * float(np.median(received[max(0, place - 28) : place]))


def test_an_income_reported_otherwise_changes_no_outcome() -> None:
    day = incident("income_definition").first
    reported, true = landing_file(PARAMETERS, day, INCIDENTS), landing_file(PARAMETERS, day, ())
    assert reported.content != true.content
    assert reported.outcomes.equals(true.outcomes)


def test_a_day_does_not_depend_on_the_number_of_days() -> None:
    longer = Parameters(days=90, rows=400, until=date(2026, 6, 30), seed=0)
    day = PARAMETERS.until
    assert (
        landing_file(longer, day, plan_incidents(longer.landing_days)).content
        == landing_file(PARAMETERS, day, INCIDENTS).content
    )


def test_another_seed_and_another_day_bring_other_applicants() -> None:
    other = Parameters(days=60, rows=400, until=date(2026, 6, 30), seed=1)
    first, second = PARAMETERS.landing_days[:2]
    contents = [
        values(landing_file(parameters, day, ()), "income").to_list()[:50]
        for parameters, day in ((PARAMETERS, first), (PARAMETERS, second), (other, first))
    ]
    assert contents[0] != contents[1]
    assert contents[0] != contents[2]


def test_the_bytes_are_the_same_in_every_process() -> None:
    code = (
        "import hashlib; from datetime import date; from schemas.sample.parameters import Parameters;"
        "from schemas.sample.incidents import plan_incidents;"
        "from schemas.sample.portfolio import history_file, landing_file;"
        "p = Parameters(days=60, rows=400, until=date(2026, 6, 30), seed=0); i = plan_incidents(p.landing_days);"
        "f = [landing_file(p, p.landing_days[20], i), history_file(p, p.history_months[date(2025, 7, 1)])];"
        "print(hashlib.sha256(b''.join(x.content + x.outcomes.write_csv().encode() for x in f)).hexdigest())"
    )
    here = [
        landing_file(PARAMETERS, PARAMETERS.landing_days[20], INCIDENTS),
        history_file(PARAMETERS, PARAMETERS.history_months[date(2025, 7, 1)]),
    ]
    expected = hashlib.sha256(b"".join(file.content + file.outcomes.write_csv().encode() for file in here)).hexdigest()
    root = Path(__file__).parents[3]
    for hash_seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        run = subprocess.run([sys.executable, "-c", code], env=environment, cwd=root, capture_output=True, check=True)
        assert run.stdout.decode().strip() == expected


@pytest.mark.parametrize(("rows", "least"), [(1, 12_000), (400, 12_000), (1_000, 30_000)])
def test_the_history_is_the_year_before_and_large_enough_to_train_on(rows: int, least: int) -> None:
    parameters = Parameters(days=60, rows=rows, until=date(2026, 6, 30), seed=0)
    months = {month: history_file(parameters, days) for month, days in parameters.history_months.items()}
    assert least <= sum(file.rows for file in months.values()) < 1.06 * least
    assert (min(months), max(months)) == (date(2025, 5, 1), date(2026, 5, 1))
    last = gzip.decompress(months[date(2026, 5, 1)].content).decode()
    # The first landing file is that of 2 May: the month's only day of history is the day before.
    assert {line.split(",")[1] for line in last.splitlines()[1:]} == {"2026-05-01"}


@pytest.mark.parametrize("wrong", [{"days": 0}, {"rows": 0}, {"seed": -1}, {"days": 800_000}])
def test_parameters_without_meaning_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ScoringError, match=r"use \d or more|fewer days"):
        Parameters(**({"days": 60, "rows": 400, "seed": 0} | wrong), until=date(2026, 6, 30))
