from collections import Counter
from typing import Any

import pytest

from schemas.application import Application
from schemas.batch import GateResult
from schemas.batch_rules import BatchCounts, apply_batch_rules, refused
from schemas.contract import read_contract
from schemas.settings import Settings
from tests.contracts.everything import Everything

CONTRACT = read_contract(Application)


def results(counts: BatchCounts, **settings: Any) -> dict[str, GateResult]:
    found = apply_batch_rules(CONTRACT, Settings(**settings), counts)
    # A rule has a warning and a blocking limit under one name at most where they differ in severity.
    return {f"{item.check_name}/{item.severity}": item for item in found}


def counted(received: int = 100, quarantined: int = 0, **others: Any) -> BatchCounts:
    return BatchCounts(received=received, quarantined=quarantined, **others)


def failed(counts: BatchCounts, **settings: Any) -> list[str]:
    return [name for name, item in results(counts, **settings).items() if not item.passed]


def test_an_ordinary_batch_passes_every_rule() -> None:
    assert failed(counted(volumes=[100] * 28)) == []


@pytest.mark.parametrize(
    ("received", "quarantined", "passes"),
    [
        (100, 5, True),  # exactly 5 %
        (100, 6, False),  # one row more
        (60, 3, True),  # exactly 5 % of a number that 0.05 cannot hold exactly
        (1_000_000, 50_000, True),
        (1_000_000, 50_001, False),
        (19, 1, False),  # one bad row in a small file is more than 5 %
        (20, 1, True),
    ],
)
def test_a_twentieth_of_the_rows_may_be_quarantined(received: int, quarantined: int, passes: bool) -> None:
    result = results(counted(received, quarantined))["quarantined_share/critical"]
    assert (result.observed, result.threshold, result.passed) == (quarantined / received, 0.05, passes)


def test_the_share_that_may_be_quarantined_is_a_setting() -> None:
    assert failed(counted(100, 20), gate_max_quarantined_share=0.2) == []
    assert failed(counted(100, 1), gate_max_quarantined_share=0) == ["quarantined_share/critical"]


def test_a_batch_needs_an_accepted_row() -> None:
    assert failed(counted(1, 0)) == []
    assert failed(counted(1, 1), gate_max_quarantined_share=1) == ["accepted_rows/critical"]
    assert failed(counted(100, 1), gate_min_accepted_rows=100) == ["accepted_rows/critical"]


def test_a_file_without_rows_is_blocked_and_told_so() -> None:
    assert failed(counted(0, 0)) == ["accepted_rows/critical"]
    assert "a header and no rows" in results(counted(0, 0))["accepted_rows/critical"].message


@pytest.mark.parametrize(
    ("received", "broken"),
    [
        (10, ["volume_low_unusual/warning"]),  # a tenth of the median is still let through
        (9, ["volume_low_blocked/critical", "volume_low_unusual/warning"]),
        (50, []),  # half of it is usual
        (49, ["volume_low_unusual/warning"]),
        (200, []),  # twice as much too
        (201, ["volume_high_unusual/warning"]),
        (1000, ["volume_high_unusual/warning"]),  # ten times as much is let through
        (1001, ["volume_high_blocked/critical", "volume_high_unusual/warning"]),
    ],
)
def test_row_counts_far_from_the_median_block_and_others_out_of_the_usual_warn(
    received: int, broken: list[str]
) -> None:
    assert failed(counted(received, volumes=[100] * 10)) == broken


def test_row_counts_are_not_compared_before_there_are_ten_batches() -> None:
    assert failed(counted(1, volumes=[100] * 9)) == []
    assert "volume_low_blocked/critical" in failed(counted(1, volumes=[100] * 10))
    assert not [name for name in results(counted(1, volumes=[100] * 9)) if name.startswith("volume")]


def test_one_day_out_of_line_does_not_move_what_is_usual() -> None:
    # The median of ten batches lies between the fifth and the sixth.
    volumes = [90, 90, 90, 90, 90, 110, 110, 110, 110, 1_000_000]
    assert results(counted(100, volumes=volumes))["volume_low_blocked/critical"].threshold == 10
    assert failed(counted(100, volumes=volumes)) == []


def test_the_volume_limits_are_settings() -> None:
    volumes = [100] * 3
    assert failed(counted(24, volumes=volumes), gate_volume_min_batches=3, gate_block_volume_factor=4) == [
        "volume_low_blocked/critical",
        "volume_low_unusual/warning",
    ]


@pytest.mark.parametrize(("missing", "passes"), [(20, True), (21, False)])
def test_many_missing_values_warn_and_do_not_block(missing: int, passes: bool) -> None:
    found = results(counted(missing=Counter({"employment_length": missing})))
    assert found["missing_share:employment_length/warning"].passed is passes
    assert "missing_share:employment_length/critical" not in found


def test_missing_values_block_where_a_setting_says_so() -> None:
    counts = counted(missing=Counter({"employment_length": 51}))
    assert "missing_share:employment_length/critical" in failed(counts, gate_max_missing_share=0.5)
    counts = counted(missing=Counter({"employment_length": 50}))
    assert "missing_share:employment_length/critical" not in failed(counts, gate_max_missing_share=0.5)


def test_the_missing_share_is_one_of_the_accepted_rows() -> None:
    found = results(counted(100, 50, missing=Counter({"employment_length": 10})))
    assert found["missing_share:employment_length/warning"].observed == 0.2


def test_only_fields_that_may_be_missing_have_a_missing_share() -> None:
    found = apply_batch_rules(read_contract(Everything), Settings(), counted())
    shares = [item.check_name for item in found if item.check_name.startswith("missing_share")]
    assert shares == [f"missing_share:{name}" for name in ("savings", "owns_home", "due_on", "employer")]


@pytest.mark.parametrize(("stale", "passes"), [(50, True), (51, False)])
def test_a_batch_of_mostly_old_applications_warns(stale: int, passes: bool) -> None:
    result = results(counted(stale=stale))["freshness/warning"]
    assert (result.observed, result.passed) == (stale / 100, passes)


def test_unknown_columns_warn_by_name() -> None:
    result = results(counted(unknown_columns=["colour", "shoe_size"]))["unknown_columns/warning"]
    assert not result.passed
    assert "colour, shoe_size" in result.message


def test_broken_row_rules_go_on_the_record_and_block_nothing() -> None:
    found = results(counted(100, 5, broken=Counter({("age", "below_minimum"): 3, ("", "malformed_row"): 2})))
    assert (found["below_minimum:age/info"].observed, found["malformed_row/info"].observed) == (3, 2)
    assert "2 rows break malformed_row on the line" in found["malformed_row/info"].message
    assert failed(counted(100, 5, broken=Counter({("age", "below_minimum"): 3}))) == ["below_minimum:age/info"]


def test_the_counts_of_two_parts_add_up() -> None:
    one = counted(10, 2, broken=Counter({("age", "missing"): 2}), missing=Counter({"savings": 3}), stale=1, volumes=[7])
    other = counted(5, 1, broken=Counter({("age", "missing"): 1}), missing=Counter({"due_on": 1}), stale=4)
    both = one + other
    assert (both.received, both.quarantined, both.accepted, both.stale) == (15, 3, 12, 5)
    assert both.broken == {("age", "missing"): 3}
    assert both.missing == {"savings": 3, "due_on": 1}
    assert both.volumes == [7]


def test_a_file_that_cannot_be_read_fails_a_blocking_check() -> None:
    result = refused("readable", "it is empty")
    assert (result.severity, result.passed, result.message) == ("critical", False, "it is empty")
