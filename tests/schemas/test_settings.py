from pathlib import Path

import pytest

from schemas.errors import SettingsError
from schemas.settings import Settings, load_settings


def test_without_any_setting_the_defaults_of_the_readme_hold() -> None:
    settings = load_settings({"HOME": "/root", "PATH": "/bin"})
    assert settings == Settings()
    assert (settings.gate_max_quarantined_share, settings.gate_min_accepted_rows) == (0.05, 1)
    assert (settings.gate_block_volume_factor, settings.gate_warn_volume_factor) == (10, 2)
    assert (settings.gate_volume_window, settings.gate_volume_min_batches) == (28, 10)
    assert settings.contract == "schemas.application:Application"
    assert (settings.timezone, settings.file_deadline) == ("Europe/Paris", "07:00")
    assert (settings.weekdays, settings.holidays) == ("mon tue wed thu fri sat sun", "")


def test_settings_are_read_as_what_they_are() -> None:
    settings = load_settings({"SCORING_GATE_MAX_QUARANTINED_SHARE": "0.2", "SCORING_GATE_VOLUME_WINDOW": "60"})
    assert (settings.gate_max_quarantined_share, settings.gate_volume_window) == (0.2, 60)
    assert settings.gate_min_accepted_rows == 1


def test_folders_lie_below_home_unless_they_are_absolute(tmp_path: Path) -> None:
    settings = load_settings({"SCORING_HOME": str(tmp_path), "SCORING_LANDING": "in", "SCORING_REPORTS": "/reports"})
    assert settings.path("landing") == tmp_path / "in"
    assert settings.path("reports") == Path("/reports")
    assert settings.path("warehouse") == tmp_path / "warehouse.duckdb"


def test_home_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/someone")
    assert load_settings({}).home_path == tmp_path / "data"
    assert load_settings({"SCORING_HOME": "~/scoring"}).home_path == Path("/home/someone/scoring")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SCORING_HOMME", "SCORING_HOME"),
        ("SCORING_WAREHOSUE", "SCORING_WAREHOUSE"),
        ("SCORING_GATE_MAX_QUARANTINE_SHARE", "SCORING_GATE_MAX_QUARANTINED_SHARE"),
    ],
)
def test_an_unknown_name_is_refused_with_the_one_that_was_meant(name: str, meant: str) -> None:
    with pytest.raises(SettingsError, match=rf"unknown setting {name}; did you mean {meant}\?"):
        load_settings({name: "1"})


@pytest.mark.parametrize("name", ["SCORING_XYZZY", "SCORING_"])
def test_an_unknown_name_like_no_other_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"unknown setting {name}; see the README"):
        load_settings({name: "1"})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("GATE_MAX_QUARANTINED_SHARE", "1.01", "<= 1"),
        ("GATE_MAX_QUARANTINED_SHARE", "-0.01", ">= 0"),
        ("GATE_MAX_QUARANTINED_SHARE", "5%", "float"),
        ("GATE_MAX_QUARANTINED_SHARE", "0,05", "float"),
        ("GATE_MAX_QUARANTINED_SHARE", "nan", ""),
        ("GATE_MIN_ACCEPTED_ROWS", "0", ">= 1"),
        ("GATE_MIN_ACCEPTED_ROWS", "1.5", "int"),
        ("GATE_MIN_ACCEPTED_ROWS", "", "int"),
        ("GATE_BLOCK_VOLUME_FACTOR", "0.99", ">= 1"),
        ("GATE_VOLUME_WINDOW", "many", "int"),
        ("GATE_WARN_AGE_DAYS", "1000000", "<="),  # further back than dates go
        ("LOCK_WAIT_SECONDS", "0", "> 0"),
        ("DRIFT_FALSE_DISCOVERY_RATE", "1", "< 1"),
        ("TIMEZONE", "Mars", "unknown timezone"),
        ("FILE_DEADLINE", "7:00", "HH:MM"),
        ("WEEKDAYS", "", "one weekday at least"),
        ("HOLIDAYS", "XX", "unknown country"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_as_it_was_written(name: str, value: str, expected: str) -> None:
    with pytest.raises(SettingsError, match=f"^SCORING_{name}='{value}': .*{expected}"):
        load_settings({f"SCORING_{name}": value})


def test_a_calendar_is_read_as_it_was_written() -> None:
    given = {
        "TIMEZONE": "America/New_York",
        "FILE_DEADLINE": "18:30",
        "WEEKDAYS": "Mon,Tue",
        "HOLIDAYS": "US 2026-12-24",
    }
    settings = load_settings({f"SCORING_{name}": value for name, value in given.items()})
    assert {name: getattr(settings, name.lower()) for name in given} == given


@pytest.mark.parametrize(("name", "value"), [("GATE_MAX_QUARANTINED_SHARE", "1"), ("GATE_BLOCK_VOLUME_FACTOR", "1")])
def test_a_value_on_the_edge_of_its_range_is_fine(name: str, value: str) -> None:
    assert getattr(load_settings({f"SCORING_{name}": value}), name.lower()) == 1


def test_a_volume_rule_that_could_never_apply_is_refused() -> None:
    # With at most 28 batches looked at, there never are 30 of them, and the rule would be switched off in silence.
    with pytest.raises(SettingsError, match="SCORING_GATE_VOLUME_MIN_BATCHES"):
        load_settings({"SCORING_GATE_VOLUME_MIN_BATCHES": "30"})
