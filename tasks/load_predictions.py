"""The service's prediction log: finished segments are loaded into the warehouse, each once, and then moved aside."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

import msgspec
import polars

from schemas.errors import StoreUnavailable
from schemas.prediction_log import FINISHED, LOADED, LoggedPrediction
from schemas.segments import SegmentRefused, finish_abandoned, segments_in
from schemas.storage import is_remote, move
from tasks.project import Project
from warehouse.inserts import SegmentChanged
from warehouse.writer import PREDICTIONS

_LINE = msgspec.json.Decoder(LoggedPrediction[msgspec.Raw, msgspec.Raw])


@dataclass(frozen=True)
class LoadedSegment:
    """What became of a finished segment; not `new` if it was on record already and had only to be moved."""

    new: bool
    predictions: int
    cut_off: bool


@dataclass(frozen=True, kw_only=True)
class LoadedPredictions:
    """What a run loaded: segments and the predictions in them.

    `on_record` counts segments that were loaded before and had only to be moved, `cut_off` last lines that a crash left
    without an end. `refused` holds a message for each segment that waits for a person.
    """

    segments: int
    predictions: int
    on_record: int
    cut_off: int
    refused: tuple[str, ...]


def load_predictions(project: Project, warn: Callable[[str], None]) -> LoadedPredictions:
    """Loads every finished segment that is not on record and moves it to `loaded`; `warn` hears of lines cut off.

    Segments that a dead process left open are finished first. Each segment is a transaction, so that this can run as
    often, as many times at once, and be killed as it may: a prediction is loaded once. Raises WarehouseError if there
    is no writing to the warehouse; what is refused is in the result, and does not keep the others from being loaded.
    """
    folder = project.settings.path("predictions")
    refused = [] if is_remote(folder) else finish_abandoned(folder)
    loaded = []
    for path in segments_in(folder, FINISHED):
        try:
            if segment := load_segment(project, path, warn):
                loaded.append(segment)
        except (SegmentRefused, SegmentChanged) as error:
            refused.append(str(error))
    return _summary(loaded, refused)


def load_segment(project: Project, path: Path, warn: Callable[[str], None]) -> LoadedSegment | None:
    """Loads a finished segment and moves it; None if another run has moved it before it was read.

    Raises SegmentRefused if it cannot be read, has a line that is no prediction, or would take the place of another
    one in `loaded`, and SegmentChanged if it is on record with other content.
    """
    content = _read(path)
    if content is None:
        return None
    sha256 = hashlib.sha256(content).hexdigest()
    kept = path.parent / LOADED / path.name
    _refuse_to_overwrite(path, kept, sha256)
    *lines, rest = content.split(b"\n")
    predictions = polars.DataFrame(_rows(path, lines), schema=PREDICTIONS, orient="row")
    if rest:
        size = _counted(len(rest), "byte")
        warn(
            f"{path}: a crash cut off the last line ({size} without an end). The prediction was never answered; it is"
            " not loaded and stays in the file"
        )
    new = project.writer.load_predictions(path.name.removesuffix(FINISHED), sha256, predictions)
    _move(path, kept)
    return LoadedSegment(new, predictions.height, bool(rest))


def in_words(loaded: LoadedPredictions) -> str:
    """What was loaded, and what was not, in one line."""
    said = []
    if loaded.segments:
        said.append(f"{_counted(loaded.segments, 'segment')}, {_counted(loaded.predictions, 'prediction')} loaded")
    if loaded.on_record:
        said.append(f"{_counted(loaded.on_record, 'segment')} already on record")
    if loaded.cut_off:
        said.append(f"{_counted(loaded.cut_off, 'line')} cut off by a crash not loaded")
    if loaded.refused:
        said.append(f"{_counted(len(loaded.refused), 'segment')} refused")
    return "; ".join(said) or "no finished segment is waiting"


def _read(path: Path) -> bytes | None:
    try:
        if is_remote(path):
            return path.read_bytes()
        with path.open("rb") as file:
            # What goes on record must not be lost to a power cut: the file would then differ from its record.
            os.fsync(file.fileno())
            return file.read()
    except FileNotFoundError:
        return None
    except StoreUnavailable:
        raise
    except OSError as error:
        raise SegmentRefused(f"{path} cannot be read: {error}") from error


def _refuse_to_overwrite(path: Path, kept: Path, sha256: str) -> None:
    content = _read(kept)
    if content is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise SegmentRefused(
            f"{path} was not loaded: {kept} has the same name and other content; give one of them a new name"
        )


def _rows(path: Path, lines: list[bytes]) -> list[tuple[object, ...]]:
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(_row(line))
        except (ValueError, OverflowError, RecursionError) as error:
            raise SegmentRefused(
                f"{path}, line {number} is no prediction: {error}. Nothing of the file was loaded: mend the line or"
                " move the file out of the folder"
            ) from error
    return rows


def _row(line: bytes) -> tuple[object, ...]:
    """The columns of PREDICTIONS; inputs and outputs are the text that stands in the line."""
    prediction = _LINE.decode(line)
    return (
        prediction.prediction_id,
        prediction.predicted_at.astimezone(UTC).replace(tzinfo=None),
        prediction.request_id,
        prediction.application_key,
        str(prediction.inputs, "utf-8"),
        str(prediction.outputs, "utf-8"),
        prediction.latency_ms,
        prediction.model_version,
    )


def _move(path: Path, kept: Path) -> None:
    kept.parent.mkdir(exist_ok=True)
    try:
        move(path, kept)
    except FileNotFoundError:
        # Another run has moved it.
        return


def _summary(loaded: list[LoadedSegment], refused: list[str]) -> LoadedPredictions:
    new = [segment for segment in loaded if segment.new]
    return LoadedPredictions(
        segments=len(new),
        predictions=sum(segment.predictions for segment in new),
        on_record=len(loaded) - len(new),
        cut_off=sum(segment.cut_off for segment in loaded),
        refused=tuple(refused),
    )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
