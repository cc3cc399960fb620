from datetime import date, timedelta
from itertools import pairwise

import pytest

from schemas.sample.incidents import incident_on, plan_incidents

UNTIL = date(2026, 6, 30)


def days_of(count: int) -> list[date]:
    return [UNTIL - timedelta(days=back) for back in range(count - 1, -1, -1)]


def test_sixty_days_hold_all_four_at_full_length() -> None:
    incidents = plan_incidents(days_of(60))
    lengths = {incident.kind: (incident.last - incident.first).days + 1 for incident in incidents}
    assert lengths == {"employment_blank": 5, "income_definition": 17, "younger_channel": 8, "volume_collapse": 2}


@pytest.mark.parametrize("count", [14, 15, 20, 25, 26, 30, 45, 60, 61, 90, 365, 1_000])
def test_ten_clean_days_come_first_and_quiet_days_lie_between_and_after(count: int) -> None:
    days = days_of(count)
    incidents = plan_incidents(days)
    assert (incidents[0].first - days[0]).days >= 10
    assert all((later.first - earlier.last).days > 1 for earlier, later in pairwise(incidents))
    assert incidents[-1].last < days[-1]
    assert {"income_definition", "volume_collapse"} <= {incident.kind for incident in incidents}
    assert len(incidents) == (4 if count >= 26 else 2)


@pytest.mark.parametrize("count", [1, 13])
def test_a_sample_of_less_than_two_weeks_has_none(count: int) -> None:
    assert plan_incidents(days_of(count)) == ()


def test_an_incident_holds_on_its_first_and_last_day_only() -> None:
    incidents = plan_incidents(days_of(60))
    one = incidents[1]
    day = timedelta(days=1)
    assert [incident_on(at, incidents) for at in (one.first - day, one.first, one.last, one.last + day)] == [
        None,
        one,
        one,
        None,
    ]
