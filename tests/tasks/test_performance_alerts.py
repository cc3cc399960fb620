from collections.abc import Mapping
from datetime import date
from typing import Any

import polars
import pytest

from tasks.performance_alerts import performance_alerts
from warehouse.writer import PERFORMANCE

VINTAGE = date(2026, 3, 1)
EXPECTED = {"auc": {"value": 0.75, "low": 0.74, "high": 0.76}}
Interval = tuple[float | None, float | None, float | None]
NONE: Interval = (None, None, None)
FINE: dict[str, Interval] = {
    "auc": (0.74, 0.72, 0.76),
    "brier": (0.09, 0.08, 0.1),
    "default_rate": (0.11, 0.1, 0.12),
    "expected_default_rate": (0.105, None, None),
}


def subjects(expected: Mapping[str, Any] = EXPECTED, **changed: Interval) -> list[str]:
    return [alert.subject for alert in performance_alerts("v1", vintage(**changed), expected)]


def vintage(**changed: Interval) -> polars.DataFrame:
    rows = [(VINTAGE, "v1", None, name, *found, 5_000) for name, found in {**FINE, **changed}.items()]
    return polars.DataFrame(rows, schema=PERFORMANCE, orient="row")


def test_a_vintage_within_chance_is_fine() -> None:
    assert subjects() == []


@pytest.mark.parametrize(
    ("auc", "worse"),
    [
        ((0.72, 0.7, 0.74), True),
        # Less than 0.03 below, however certain.
        ((0.7201, 0.72, 0.7202), False),
        # Far below, and possibly not below at all.
        ((0.65, 0.55, 0.75), False),
        ((0.65, 0.551, 0.749), True),
        ((0.85, 0.84, 0.86), False),
        # A single default has no interval.
        ((0.2, None, None), False),
    ],
)
def test_an_auc_is_worse_if_it_is_so_surely_and_by_enough(auc: Interval, *, worse: bool) -> None:
    assert subjects(auc=auc) == (["auc of v1"] if worse else [])


@pytest.mark.parametrize(
    ("rate", "off"),
    [
        # Predicted are 10.5 %, and 1.2 times that are 12.6 %.
        ((0.126, 0.12, 0.13), True),
        ((0.125, 0.12, 0.13), False),
        ((0.2, 0.105, 0.3), False),
        ((0.2, 0.106, 0.3), True),
        # A 1.2th of it is 8.75 %.
        ((0.0875, 0.08, 0.09), True),
        ((0.0876, 0.08, 0.09), False),
        ((0.05, 0.01, 0.105), False),
    ],
)
def test_a_default_rate_is_off_if_it_is_so_surely_and_by_enough(rate: Interval, *, off: bool) -> None:
    assert subjects(default_rate=rate) == (["default rate of v1"] if off else [])


def test_too_few_rows_say_nothing() -> None:
    assert subjects(auc=NONE, brier=NONE, default_rate=(0.9, 0.8, 0.95)) == []


def test_a_vintage_in_which_nobody_defaulted_has_no_auc_and_is_off_all_the_same() -> None:
    assert subjects(auc=NONE, default_rate=(0.0, 0.0, 0.001)) == ["default rate of v1"]


def test_a_model_whose_auc_was_never_known_is_not_called_worse() -> None:
    assert subjects({"auc": {"value": None, "low": None, "high": None}}, auc=(0.1, 0.05, 0.15)) == []


def test_an_alert_says_how_bad_it_is_and_what_to_do() -> None:
    worse, off = performance_alerts("v1", vintage(auc=(0.6, 0.58, 0.62), default_rate=(0.2, 0.19, 0.21)), EXPECTED)
    assert (worse.kind, worse.severity, worse.batch_date) == ("performance", "warning", None)
    assert worse.message == (
        "AUC of the vintage 2026-03 is 0.600 (0.580 to 0.620, 5,000 rows), 0.750 out of time at training. Look at drift"
        " in the features that count most, then train a challenger on recent outcomes."
    )
    assert off.message == (
        "20.0% of the vintage 2026-03 defaulted (19.0% to 21.0%, 5,000 rows), 10.5% were predicted. Look at the"
        " calibration by band, then at the cutoffs, and train a challenger on recent outcomes."
    )
