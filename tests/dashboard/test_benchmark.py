"""What the benchmark of the dashboard makes of what it measures."""

from tests.bench.dashboard import worst_medians


def test_a_question_is_as_slow_as_with_the_values_it_is_slowest_with() -> None:
    taken = {("days", "a week"): [1.0, 2.0, 90.0], ("days", "a year"): [400.0, 410.0, 380.0], ("judged", ""): [3.0]}
    assert worst_medians(taken) == {"days": 400.0, "judged": 3.0}
