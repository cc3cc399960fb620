from datetime import date, timedelta

import pytest

from model.artifact import read_metadata
from model.champion import champion_at
from schemas.batch import ChampionOf
from schemas.errors import LandingError, MissingFile, ModelError
from tasks.ingest import open_batch
from tasks.project import Project
from tests.flows.homes import landing_file, project_at
from tests.tasks.loans import DAYS, make_champions

MOMENT = timedelta(microseconds=1)


def test_the_champion_of_a_day_is_the_one_in_force_when_its_file_was_due(project: Project) -> None:
    first, second = make_champions(project, DAYS[1], DAYS[3])
    models = project.settings.path("models")
    for day, version in ((DAYS[1], first), (DAYS[2], first), (DAYS[3], second), (DAYS[4], second)):
        batch = open_batch(project, day, champion_of=ChampionOf.THAT_DAY)
        assert batch.model_version == version
        assert batch.identity.model_sha256 == read_metadata(models, version)["sha256"]
    # A moment earlier it was another one.
    assert champion_at(models, project.calendar.due(DAYS[3]) - MOMENT).version == first


def test_today_s_champion_scores_every_day_unless_the_other_is_asked_for(project: Project) -> None:
    _, second = make_champions(project, DAYS[1], DAYS[3])
    assert {open_batch(project, day).model_version for day in DAYS} == {second}
    assert {open_batch(project, day, champion_of=ChampionOf.TODAY).model_version for day in DAYS} == {second}


def test_another_deadline_is_another_champion(project: Project) -> None:
    first, second = make_champions(project, DAYS[1], DAYS[3])
    home = project.settings.home_path
    for deadline, version in (("06:59", first), ("07:00", second), ("07:01", second)):
        moved = project_at(home, file_deadline=deadline)
        assert open_batch(moved, DAYS[3], champion_of=ChampionOf.THAT_DAY).model_version == version


def test_a_day_before_the_first_champion_is_refused(project: Project) -> None:
    first, _ = make_champions(project, DAYS[1], DAYS[3])
    expected = f"there was no champion on {DAYS[0]}: {first} was the first.*score with today's champion instead"
    with pytest.raises(ModelError, match=expected):
        open_batch(project, DAYS[0], champion_of=ChampionOf.THAT_DAY)


def test_of_two_champions_since_the_same_instant_the_later_promotion_counts(project: Project) -> None:
    _, second = make_champions(project, DAYS[1], DAYS[1])
    assert open_batch(project, DAYS[1], champion_of=ChampionOf.THAT_DAY).model_version == second


def test_a_source_that_is_named_is_scored_by_the_champion_of_the_day_too(project: Project) -> None:
    first, _ = make_champions(project, DAYS[1], DAYS[3])
    file = landing_file(project.settings.home_path, DAYS[5])
    batch = open_batch(project, DAYS[2], file, ChampionOf.THAT_DAY)
    assert (batch.model_version, batch.batch_date, batch.source.path) == (first, DAYS[2], file)


@pytest.mark.parametrize("champion_of", ChampionOf)
def test_no_file_is_told_from_too_many(project: Project, champion_of: ChampionOf) -> None:
    make_champions(project, DAYS[0], DAYS[3])
    with pytest.raises(MissingFile, match="no file for 2026-07-04"):
        open_batch(project, date(2026, 7, 4), champion_of=champion_of)
    landing_file(project.settings.home_path, DAYS[0]).with_suffix(".parquet").touch()
    with pytest.raises(LandingError, match="more than one file") as caught:
        open_batch(project, DAYS[0], champion_of=champion_of)
    assert not isinstance(caught.value, MissingFile)


def test_a_day_without_a_champion_is_named_in_the_business_timezone(project: Project) -> None:
    make_champions(project, DAYS[1], DAYS[3])
    far = project_at(project.settings.home_path, timezone="Asia/Tokyo")
    with pytest.raises(ModelError, match=f"no champion on {DAYS[0]}"):
        open_batch(far, DAYS[0], champion_of=ChampionOf.THAT_DAY)
