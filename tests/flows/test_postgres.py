"""The same pieces with PostgreSQL behind the server, by Prefect's own setting."""

from pathlib import Path

import pytest

from tests.flows.homes import DAYS, new_home, query
from tests.flows.prefect_server import running_prefect
from tests.postgres import Postgres

pytestmark = pytest.mark.timeout(300)


def test_a_day_is_published_and_the_records_are_in_postgres(
    portfolio: Path, tmp_path: Path, postgres: Postgres
) -> None:
    home = new_home(portfolio, tmp_path / "home")
    postgres.create("prefect")
    address = f"postgresql+asyncpg://postgres@127.0.0.1:{postgres.port}/prefect"
    with running_prefect(home, 4200, PREFECT_SERVER_DATABASE_CONNECTION_URL=address) as prefect:
        run = prefect.start("daily-scoring", batch_date=str(DAYS[0]))
        assert prefect.end_of(run)["state_name"] == "Published"
        # The schedules started runs of their own in the meantime; only this one is asked for.
        found = postgres.ask("prefect", f"SELECT state_name FROM flow_run WHERE id = '{run}'")
        assert found.split() == ["Published"]
    assert query(home, "SELECT count(*) FROM batches") == [(1,)]
    assert not list((home / "prefect").glob("*.db"))
