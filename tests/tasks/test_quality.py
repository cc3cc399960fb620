from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import polars
import pytest

from schemas.settings import Settings
from tasks.alert_words import quality_message
from tasks.quality import Monitored, judge_quality, levels_in_words, quality_rows
from warehouse.monitoring import TABLES, framed

SETTINGS = Settings(gate_volume_min_batches=4)
LAST = date(2026, 6, 30)
RECENT = {"batch_date": polars.Date, "monitor": polars.String, "subject": polars.String, "value": polars.Float64}
RULE = "below_minimum:age"


def seen(
    value: float, monitor: str = "missing_share", subject: str = "income", *, rows: int = 1_000, said: str | None = None
) -> Monitored:
    return Monitored(monitor=monitor, subject=subject, row_count=rows, value=value, message=said)


def batches(*values: Mapping[tuple[str, str], float]) -> polars.DataFrame:
    """What the monitors saw in the batches before, latest first; every batch has one of its volume."""
    rows = [
        (LAST - timedelta(days=place), *key, value)
        for place, found in enumerate(values, 1)
        for key, value in {("volume", ""): 1_000.0, **found}.items()
    ]
    return polars.DataFrame(rows, schema=RECENT, orient="row")


def missing(*shares: float) -> polars.DataFrame:
    return batches(*({("missing_share", "income"): share} for share in shares))


def judge(found: Monitored, recent: polars.DataFrame, settings: Settings = SETTINGS) -> Monitored:
    (judged,) = judge_quality(settings, [found], recent)
    return judged


def test_what_is_expected_is_the_median_of_the_batches_before() -> None:
    judged = judge(seen(0.04), missing(0.01, 0.05, 0.03, 0.9))
    assert judged.expected == pytest.approx(0.04)
    assert judged.threshold == pytest.approx(0.04 + SETTINGS.quality_share)
    assert not judged.flagged


def test_a_rule_that_nothing_broke_in_a_batch_counts_as_none() -> None:
    # Two of five batches have a line of it: the median of 0, 0, 0, 0.02 and 0.06.
    key = ("quarantined_share", RULE)
    recent = batches({key: 0.06}, {}, {key: 0.02}, {}, {})
    judged = judge(seen(0.03, *key), recent)
    assert judged.expected == 0
    assert judged.flagged
    # With a third line the median is no longer none.
    recent = batches({key: 0.06}, {key: 0.04}, {key: 0.02}, {}, {})
    assert judge(seen(0.03, *key), recent).expected == 0.02


@pytest.mark.parametrize(
    ("value", "rows", "flagged"),
    [
        (0.030, 100_000, True),
        # Certain, and too small to matter.
        (0.0299, 100_000, False),
        (0.06, 1_000, True),
        # Large, and one row in ten is no surprise.
        (0.10, 10, False),
    ],
)
def test_a_share_is_flagged_if_it_is_large_and_certain(value: float, rows: int, *, flagged: bool) -> None:
    judged = judge(seen(value, rows=rows), missing(0.01, 0.01, 0.01, 0.01))
    assert judged.threshold == pytest.approx(0.03)
    assert judged.flagged is flagged


def test_certainty_is_over_all_monitors_of_a_batch() -> None:
    # One of 6 rows in 100 where 2 are usual: p is 0.015 alone, and 0.02 is the limit chosen here.
    settings = Settings(gate_volume_min_batches=4, drift_false_discovery_rate=0.02)
    keys = [("missing_share", f"field{number}") for number in range(10)]
    recent = batches(*[dict.fromkeys(keys, 0.02)] * 4)
    found = seen(0.06, *keys[0], rows=100)
    assert judge(found, recent, settings).p_value == pytest.approx(0.0155, abs=0.0005)
    assert judge(found, recent, settings).flagged
    others = [seen(0.02, *key, rows=100) for key in keys[1:]]
    assert not any(item.flagged for item in judge_quality(settings, [found, *others], recent))


def test_a_share_that_falls_is_no_finding() -> None:
    assert not judge(seen(0.0, rows=100_000), missing(0.5, 0.5, 0.5, 0.5)).flagged


def test_a_share_that_was_always_so_is_no_finding() -> None:
    assert not judge(seen(1.0), missing(1.0, 1.0, 1.0, 1.0)).flagged


def test_too_few_batches_say_nothing() -> None:
    judged = judge(seen(1.0), missing(0.0, 0.0, 0.0))
    assert (judged.expected, judged.threshold, judged.p_value, judged.flagged) == (None, None, None, False)
    assert judge(seen(1.0), missing(0.0, 0.0, 0.0, 0.0)).flagged
    assert not judge(seen(1.0), missing()).flagged


@pytest.mark.parametrize("monitor", ["volume", "delay_hours"])
def test_volume_and_delay_are_compared_and_never_flagged(monitor: str) -> None:
    recent = batches(*({(monitor, ""): value} for value in (900.0, 1_000.0, 1_100.0, 1_200.0)))
    judged = judge(seen(1_000_000.0, monitor, ""), recent)
    assert judged.expected == 1_050
    assert (judged.threshold, judged.p_value, judged.flagged) == (None, None, False)


@pytest.mark.parametrize(("value", "rows"), [(0.0, 0), (0.0, 1), (1.0, 1)])
def test_a_batch_of_one_row_or_none_is_no_error(value: float, rows: int) -> None:
    assert not judge(seen(value, rows=rows), missing(0.0, 0.0, 0.0, 0.0)).flagged


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (seen(0.3), "income is missing in 30.0% of the rows, usually 1.0%: ask the source why."),
        (
            seen(0.3, "quarantined_share", RULE),
            (
                "below_minimum:age quarantines 30.0% of the rows, usually 1.0%: look at them in the table quarantine,"
                " and send them back to the source."
            ),
        ),
        (
            seen(0.3, "unseen_share", "region", said="'west' (300 rows)"),
            "30.0% of the rows have levels of region that training never saw, usually 1.0% ('west' (300 rows)).",
        ),
        (
            seen(0.3, "stale_share", ""),
            "30.0% of the rows are old, usually 1.0%: ask whether an old file was sent again.",
        ),
    ],
    ids=lambda value: value.monitor if isinstance(value, Monitored) else "",
)
def test_a_finding_says_what_is_unusual_and_what_to_do(found: Monitored, message: str) -> None:
    judged = judge(found, batches(*[{(found.monitor, found.subject): 0.01}] * 4))
    assert judged.flagged
    assert quality_message(judged) == message


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ((), ""),
        ((("west", 1_200), ("", 1)), "'west' (1,200 rows), '' (1 row)"),
        (
            tuple((f"level{number}", 9 - number) for number in range(7)),
            "'level0' (9 rows), 'level1' (8 rows), 'level2' (7 rows), 'level3' (6 rows), 'level4' (5 rows) and 2 more",
        ),
    ],
)
def test_the_most_frequent_levels_are_named(levels: Sequence[tuple[str, int]], words: str) -> None:
    assert levels_in_words(levels) == words


def test_every_column_of_the_table_is_filled() -> None:
    rows = quality_rows([judge(seen(0.3, said="said"), missing(0.0, 0.0, 0.0, 0.0))])
    assert set(rows[0]) == set(TABLES["quality"])
    assert framed("quality", rows).null_count().sum_horizontal()[0] == 0
