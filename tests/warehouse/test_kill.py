import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from schemas.lake import Lake
from tests.warehouse.staged import CONTRACT, DAY, TORN, WAIT_SECONDS, Batch, ask, publish, stage
from warehouse.connection import Address, open_for_reading
from warehouse.writer import Writer

# A lake takes longer to be opened by a new process.
KILLS, KILLS_OF_LAKE = 15, 6
# Kills fall between the start of a publication and this many times as long as one takes.
LONGEST_DELAY = 1.5
ROWS = 50_000
DATES = 3
PATIENCE = 60.0
# The hashes tell whether the rows of a batch are those that were staged, in whatever order they are.
BATCHES = """
SELECT
    batch_id,
    status,
    (SELECT bit_xor(hash(application_id, score, decision)) FROM scores WHERE scores.batch_id = batches.batch_id),
    (SELECT bit_xor(hash(application_id, age)) FROM applications WHERE applications.batch_id = batches.batch_id)
FROM batches
ORDER BY batch_date, revision
"""
STAGED = """
SELECT
    (SELECT bit_xor(hash(application_id, score, decision)) FROM read_parquet(?)),
    (SELECT bit_xor(hash(application_id, age)) FROM read_parquet(?))
"""
State = list[tuple[object, ...]]


@dataclass(frozen=True)
class Publisher:
    """A process that publishes a sequence of batches and says of each when it begins and when it has done so."""

    process: BaseProcess
    pipe: Connection

    def kill(self) -> int:
        """Returns how many batches it said it had published since it was last heard."""
        self.process.kill()
        self.process.join(PATIENCE)
        return len([said for said in self._rest() if said == "done"])

    def wait_for(self, wanted: str) -> None:
        assert self.pipe.poll(PATIENCE)
        assert self.pipe.recv() == wanted

    def _rest(self) -> list[str]:
        said = []
        try:
            while self.pipe.poll():
                said.append(self.pipe.recv())
        except EOFError:
            pass
        return said


def start_publisher(path: Address, batches: Sequence[Batch]) -> Publisher:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=publish_from, args=(path, batches, theirs), daemon=True)
    process.start()
    theirs.close()
    return Publisher(process, ours)


def publish_from(path: Address, batches: Sequence[Batch], pipe: Connection) -> None:
    number = pipe.recv()
    while True:
        pipe.send("began")
        publish(path, batches[number % len(batches)])
        pipe.send("done")
        number += 1


def undisturbed(path: Address, batches: Sequence[Batch]) -> Callable[[int], State]:
    """What the warehouse holds once so many of the batches, one after the other, are published."""
    hashes = []
    for batch in batches:
        parts = [[str(part) for part in parts] for parts in (batch.staged.scores, batch.staged.accepted)]
        hashes += ask(path, STAGED, *parts)

    def state(published: int) -> State:
        rows = []
        for number in range(published):
            identity = batches[number % len(batches)].record.identity
            revision = number // DATES + 1
            batch_id = f"{identity.batch_date}-r{revision}-{identity.source_sha256[:8]}"
            status = "published" if number + DATES >= published else "superseded"
            rows.append((identity.batch_date, revision, batch_id, status, *hashes[number % len(batches)]))
        return [row[2:] for row in sorted(rows)]

    return state


def look(path: Address) -> tuple[State, State]:
    """The batches, and those whose tables do not agree, as a reader finds them."""
    with open_for_reading(path, WAIT_SECONDS) as connection:
        return connection.execute(BATCHES).fetchall(), connection.execute(TORN).fetchall()


def has_log(at: Address) -> bool:
    return isinstance(at, Path) and at.with_name(f"{at.name}.wal").exists()


def test_a_publication_killed_at_any_moment_leaves_the_old_state_or_the_new_one(tmp_path: Path, at: Address) -> None:
    Writer(at, CONTRACT, WAIT_SECONDS).prepare()
    # New dates, then a correction of each, then the first files again: each one changes what is in force.
    days = [DAY + timedelta(days=number) for number in range(DATES)]
    batches = [stage(tmp_path, day, rows=ROWS, content=content) for content in ("first", "fixed") for day in days]
    expected = undisturbed(at, batches)
    delays = random.Random(20260302)
    began = time.perf_counter()
    publish(at, batches[0])
    usual = time.perf_counter() - began
    published, fell = 1, {"old": 0, "new": 0, "with a log left": 0}
    standby = start_publisher(at, batches)
    kills = KILLS_OF_LAKE if isinstance(at, Lake) else KILLS
    for kill in range(kills):
        # The next process starts up while this one works.
        publisher, standby = standby, start_publisher(at, batches)
        publisher.pipe.send(published)
        publisher.wait_for("began")
        # Every other time one batch is let through, so that the kill meets a process that has published before.
        if kill % 2:
            publisher.wait_for("done")
            published += 1
        time.sleep(usual * delays.uniform(0, LONGEST_DELAY))
        published += publisher.kill()

        fell["with a log left"] += has_log(at)
        state, torn = look(at)
        assert torn == []
        # What was said to be published is there; of the batch under way, all or nothing.
        assert state in (expected(published), expected(published + 1))
        new = state == expected(published + 1)
        fell["new" if new else "old"] += 1

        again = publish(at, batches[published % len(batches)].of_another_run())
        published += 1
        assert again.new is not new
        assert look(at) == (expected(published), [])
    standby.kill()
    print(f"{kills} kills: {fell}; {published} batches of {ROWS} rows in {usual:.2f} s each")
    assert fell["old"] > 0
    assert published > kills
