"""Segments of the prediction log as files: those that a dead process left are finished, finished ones are shipped.

With the log in an object store, the service writes to a folder of its host (the spool) as ever, and ships what is
finished; a segment leaves the spool only when the store has it.
"""

import fcntl
import os
from pathlib import Path

from schemas.errors import ScoringError
from schemas.prediction_log import FINISHED, LOADED, OPEN
from schemas.storage import files_in, upload


class SegmentRefused(ScoringError):
    """A segment cannot be loaded before a person has seen to it."""


def segments_in(folder: Path, ending: str) -> list[Path]:
    """The files of a folder with this ending, oldest name first; none if there is no folder."""
    try:
        return [path for path in files_in(folder) if path.name.endswith(ending)]
    except FileNotFoundError:
        return []


def finish_abandoned(folder: Path) -> list[str]:
    """Finishes segments that were left open by processes that died; returns a message for each that cannot be."""
    refused = []
    for path in segments_in(folder, OPEN):
        try:
            _finish(path)
        except SegmentRefused as error:
            refused.append(str(error))
    return refused


def ship(path: Path, folder: Path) -> bool:
    """Brings a finished segment of the spool to the store and removes it here; False if another process is about it.

    Raises OSError if the store or the disk is in trouble: it then stays where it is.
    """
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between opening and locking, another process may have shipped it.
            if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return False
            # Shipped by a process that died before it could remove it: what became of it since is what counts.
            if not any(place.exists() for place in (folder / path.name, folder / LOADED / path.name)):
                upload(path, folder / path.name)
            path.unlink()
    except (BlockingIOError, FileNotFoundError):
        return False
    return True


def _finish(path: Path) -> None:
    finished = path.with_name(path.name.removesuffix(OPEN) + FINISHED)
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between opening and locking, its process or another run may have finished it.
            if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return
            if finished.exists():
                raise SegmentRefused(
                    f"{path} was left open and cannot be finished: there is a {finished.name} too;"
                    " give one of them a new name"
                )
            path.rename(finished)
    except (BlockingIOError, FileNotFoundError):
        # Its process lives, or it is finished by now.
        return
    except OSError as error:
        raise SegmentRefused(f"{path} was left open and cannot be finished: {error}") from error
