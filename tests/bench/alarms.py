"""How often the drift monitor is wrong, and how soon it is right: days drawn from a generated reference portfolio."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from model.profile import Profile, pooled
from model.reference import LevelBins
from model.stability import Floors, shifts
from model.verdict import Earlier, Persistence, Verdict, judge_shifts, legacy_level_of, level_of, verdict_on
from schemas.settings import Settings
from tests.bench.figure import Figure
from tests.bench.resampled import Drawn, drawn_from, more_missing, one_bin, portfolio, same, shifted, upwards

SEED = 20_261_123
REFERENCE_ROWS = 20_000
# With no alarm in so many days the true rate is below 1 in 1,000 with 95 % confidence (the rule of three).
DAYS = 3_000
# Beside what has to hold, fewer days of fresh rows, which take longest to draw.
FRESH_DAYS = 500
FEATURES = (5, 20, 50)
# Days of 100 rows are judged together with those before them.
ROWS = (100, 500, 5_000, 100_000, 1_000_000)
TRIALS = 1_000
TRIAL_ROWS = 5_000
TRIAL_FEATURES = 20
LONGEST = 7
FIRST = date(2026, 1, 1)


@dataclass(frozen=True)
class Alarms:
    """Days on which each rule raised a warning or a critical level, of `days` without any drift."""

    features: int
    rows: int
    fresh: bool
    days: int
    warnings: int
    critical: int
    legacy_warnings: int
    legacy_critical: int


class Monitor:
    """The project's own rules with the default settings, day after day."""

    def __init__(self, columns: Mapping[str, Drawn]) -> None:
        settings = Settings()
        self._columns = columns
        self._floors = Floors(
            psi=settings.drift_psi,
            ks=settings.drift_ks,
            wasserstein=settings.drift_wasserstein,
            missing_share=settings.drift_missing_share,
            unseen_share=settings.drift_unseen_share,
        )
        self._rate = settings.drift_false_discovery_rate
        self._persistence = Persistence(exceeded=settings.drift_exceeded_batches, judged=settings.drift_judged_batches)
        self._least = settings.drift_min_rows
        self._trailing = settings.drift_trailing_batches
        self._earlier: dict[str, list[Earlier]] = {name: [] for name in columns}
        self._profiles: dict[str, list[Profile]] = {name: [] for name in columns}

    def judge(self, day: date, profiles: Mapping[str, Profile]) -> list[Verdict]:
        """The verdicts on a day, remembered for the days after it."""
        measured = {
            name: shifts(column.reference, current, self._floors, against=column.base)
            for name, column in self._columns.items()
            if (current := self._pooled(name, profiles[name])).rows >= self._least
        }
        verdicts = []
        for name, findings in judge_shifts(measured, self._rate).items():
            verdict = verdict_on(name, findings, day, self._earlier[name], self._persistence)
            earlier = Earlier(exceeded=verdict.exceeded, since=verdict.since)
            self._earlier[name] = [earlier, *self._earlier[name]][: self._persistence.judged - 1]
            verdicts.append(verdict)
        return verdicts

    def _pooled(self, name: str, profile: Profile) -> Profile:
        before = self._profiles[name]
        self._profiles[name] = [profile, *before][: self._trailing]
        return pooled(profile, before, self._least)[0]


def measure_alarms(console: Console) -> list[Figure]:
    """False alarms on days without drift, then how soon planted shifts are flagged; seed and counts are printed."""
    jobs = [(features, rows, False, DAYS) for features in FEATURES for rows in ROWS]
    # Beside what has to hold: days of fresh rows, of which the reference is a sample too.
    jobs += [(features, rows, True, FRESH_DAYS) for features in FEATURES[:2] for rows in ROWS]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        # The longest first, so that no core waits for the last.
        futures = [pool.submit(false_alarms, *job) for job in sorted(jobs, key=lambda job: -job[0])]
        found = [item.result() for item in track(futures, "Days without drift", console=console)]
        futures_of_trials = [pool.submit(days_to_flag, name) for name in SHIFTS]
        waits = [item.result() for item in track(futures_of_trials, "Days with a shift", console=console)]
    found.sort(key=lambda item: (item.fresh, item.features, item.rows))
    console.print(_alarm_table(found), _wait_table(waits))
    drawn = [item for item in found if not item.fresh]
    return [
        Figure(
            "days with a critical level without drift, per 1,000 (worst of all sizes)",
            max(1_000 * item.critical / item.days for item in drawn),
            1.0,
            "days",
        ),
        Figure(
            "days with a warning without drift, per 100 (worst of all sizes)",
            max(100 * item.warnings / item.days for item in drawn),
            1.0,
            "days",
        ),
        *(
            Figure(
                f"{name}: flagged within {SHIFTS[name].within} days",
                100 * float(np.mean(days <= SHIFTS[name].within)),
                SHIFTS[name].least,
                "% of trials",
                "at least",
            )
            for name, days in waits
        ),
    ]


def false_alarms(features: int, rows: int, fresh: bool, days: int) -> Alarms:
    """Counts alarms on `days` consecutive days drawn from the reference or, `fresh`, from ten times as many rows."""
    random = np.random.default_rng([SEED, features, rows, fresh])
    size = 10 * REFERENCE_ROWS if fresh else REFERENCE_ROWS
    population = portfolio(features, size, random)
    columns = drawn_from(population, np.arange(REFERENCE_ROWS))
    monitor, likely = Monitor(columns), same(size)
    counted = {"none": 0, "warning": 0, "critical": 0}
    legacy = dict(counted)
    for number in range(days):
        times = random.multinomial(rows, likely)
        verdicts = monitor.judge(
            FIRST + timedelta(days=number), {name: column.profile(times) for name, column in columns.items()}
        )
        counted[level_of(verdicts)] += 1
        legacy[legacy_level_of(verdicts)] += 1
    return Alarms(
        features, rows, fresh, days, counted["warning"], counted["critical"], legacy["warning"], legacy["critical"]
    )


@dataclass(frozen=True)
class Planted:
    """A shift in one feature, and in how many days it has to be flagged in what percentage of trials."""

    kind: str
    within: int
    least: float
    likely: Callable[[Drawn], NDArray[np.float64]] | None


SHIFTS = {
    "PSI 0.25, higher amounts": Planted("amount", 2, 99, lambda column: shifted(column, 0.25, upwards)),
    "PSI 0.25, one range of amounts": Planted("amount", 2, 99, lambda column: shifted(column, 0.25, one_bin)),
    "PSI 0.25, other levels": Planted("few_levels", 2, 99, lambda column: shifted(column, 0.25, upwards)),
    "PSI 0.25, levels of an open category": Planted("many_levels", 2, 99, lambda c: shifted(c, 0.25, upwards)),
    "PSI 0.10, higher amounts": Planted("amount", 7, 95, lambda column: shifted(column, 0.10, upwards)),
    "PSI 0.10, one range of amounts": Planted("amount", 7, 95, lambda column: shifted(column, 0.10, one_bin)),
    "PSI 0.10, other levels": Planted("few_levels", 7, 95, lambda column: shifted(column, 0.10, upwards)),
    "PSI 0.10, levels of an open category": Planted("many_levels", 7, 95, lambda c: shifted(c, 0.10, upwards)),
    "missing share from 1 % to 5 %, number": Planted("amount", 2, 99, lambda column: more_missing(column, 0.05)),
    "missing share from 1 % to 5 %, category": Planted("many_levels", 2, 99, lambda c: more_missing(c, 0.05)),
    "one unseen category at 2 %": Planted("few_levels", 2, 99, None),
}
UNSEEN_SHARE = 0.02


def days_to_flag(name: str, trials: int = TRIALS) -> tuple[str, NDArray[np.int64]]:
    """On which day of the shift, 1 being the first, each trial flagged the feature; 8 for not within a week."""
    planted = SHIFTS[name]
    random = np.random.default_rng([SEED, list(SHIFTS).index(name)])
    # The features of a trial do not hang together, so that one of them can be moved alone.
    columns = drawn_from(portfolio(TRIAL_FEATURES, REFERENCE_ROWS, random, related=False), np.arange(REFERENCE_ROWS))
    moved = next(column for column in columns if column.startswith(planted.kind))
    unchanged = same(REFERENCE_ROWS)
    likely = planted.likely(columns[moved]) if planted.likely else unchanged
    waits = []
    for _ in range(trials):
        monitor = Monitor(columns)
        for day in range(1 - Persistence().judged, 1):
            monitor.judge(FIRST + timedelta(days=day), _profiles(columns, random, unchanged))
        days = (
            monitor.judge(
                FIRST + timedelta(days=day),
                _profiles(columns, random, likely, moved if planted.likely is None else None),
            )
            for day in range(1, LONGEST + 1)
        )
        waits.append(next(_flagged(days, moved), LONGEST + 1))
    return name, np.array(waits)


def _flagged(days: Iterator[list[Verdict]], moved: str) -> Iterator[int]:
    for number, verdicts in enumerate(days, start=1):
        if any(verdict.feature == moved and verdict.drifted for verdict in verdicts):
            yield number


def _profiles(
    columns: Mapping[str, Drawn],
    random: np.random.Generator,
    likely: NDArray[np.float64],
    with_unseen: str | None = None,
) -> dict[str, Profile]:
    times = random.multinomial(TRIAL_ROWS, likely)
    found = {name: column.profile(times) for name, column in columns.items()}
    if with_unseen is not None:
        found[with_unseen] = _renamed(columns[with_unseen], found[with_unseen], random)
    return found


def _renamed(column: Drawn, profile: Profile, random: np.random.Generator) -> Profile:
    """The profile with 2 % of its rows, whatever they had, in a level never seen."""
    bins = column.reference.bins
    assert isinstance(bins, LevelBins)
    gone = random.binomial(profile.counts, UNSEEN_SHARE)
    counts = profile.counts - gone
    counts[bins.unseen] += gone.sum()
    return Profile(counts=counts, values=profile.values)


def _alarm_table(found: list[Alarms]) -> Table:
    table = Table(
        "features",
        "rows a day",
        "days drawn from",
        "days",
        "warnings",
        "critical",
        "p < 0.05: warnings",
        "p < 0.05: critical",
        title=f"False alarms on days without drift; generated, seed {SEED}, reference of {REFERENCE_ROWS:,} rows",
    )
    for item in found:
        source = "ten times the reference's rows" if item.fresh else "the reference"
        alarms = (item.warnings, item.critical, item.legacy_warnings, item.legacy_critical)
        shares = (f"{count} ({count / item.days:.2%})" for count in alarms)
        table.add_row(str(item.features), f"{item.rows:,}", source, f"{item.days:,}", *shares)
    return table


def _wait_table(waits: list[tuple[str, NDArray[np.int64]]]) -> Table:
    days = [str(day) for day in range(1, LONGEST + 1)]
    table = Table(
        "shift in one of 20 features",
        *days,
        "later",
        title=f"Day on which it was flagged; {TRIALS:,} trials of {TRIAL_ROWS:,} rows a day, seed {SEED}",
    )
    for name, found in waits:
        table.add_row(name, *(str(int(np.sum(found == day))) for day in range(1, LONGEST + 2)))
    return table
