"""Export (GDPR art. 15 and 20): everything held about one application, and nothing about any other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from model.reasons import catalogue
from schemas.errors import ScoringError, UnreadableSource
from schemas.parsing import APPLICATION_DATE, APPLICATION_ID
from schemas.prediction_log import LoggedPrediction
from schemas.settings import PREFIX
from tasks.blocked_rows import PATTERN, rows_of
from tasks.custody import keys_of, landing_files, open_segments, segments
from tasks.mentions import Mentions, mentions
from tasks.project import Project
from tasks.restore import former
from tasks.source.without import rows_in

RESULT = ("probability_of_default", "score", "band", "decision", "model_version")
NOT_LOOKED_INTO = "a restore has put it aside; what it holds is not looked into"
BATCH = ("batch_id", "batch_date", "revision", "status", "source", "finished_at")


def export_application(project: Project, application_id: str) -> dict[str, Any]:
    """What is held about an application, ready for JSON; raises ScoringError if that is nothing."""
    application_id = application_id.strip()
    found = mentions(project, application_id)
    held: dict[str, Any] = {
        "applications": list(_applications(project, application_id)),
        "quarantine": list(_quarantine(project, application_id)),
        "outcomes": _frame(project, "held_outcomes", application_id=application_id),
        "predictions": list(_predictions(project, application_id)),
        "files": _with_unread(project, _files(project, application_id), found),
        "mentioned_in": list(map(str, found.named)),
    }
    unread = [item for item in held["files"] if "cannot_be_looked_into" in item]
    if len(unread) == sum(map(len, held.values())):
        raise ScoringError(f"nothing is held about the application {application_id}: it was never here, or was erased")
    exported_at = datetime.now(UTC).isoformat(timespec="seconds")
    return {"application_id": application_id, "exported_at": exported_at, **held}


def to_json(exported: dict[str, Any]) -> bytes:
    """As a person can read it."""
    return msgspec.json.format(msgspec.json.encode(exported), indent=2) + b"\n"


def _applications(project: Project, application_id: str) -> Iterator[dict[str, Any]]:
    sentences = catalogue(project.contract.features)
    # Columns of other contracts are empty in the rows of this one.
    for row in _frame(project, "held_applications", application_id=application_id):
        known = {*RESULT, *BATCH, APPLICATION_ID, "row_number", "reason_codes"}
        kept = "declined" if row["decision"] == "decline" else "applications"
        yield {
            **{name: row[name] for name in BATCH},
            "row_number": row["row_number"],
            APPLICATION_DATE: row[APPLICATION_DATE],
            "inputs": {name: value for name, value in row.items() if name not in {*known, APPLICATION_DATE}},
            **{name: row[name] for name in RESULT},
            "reasons": [{"code": code, "sentence": sentences.get(code)} for code in row["reason_codes"] or []],
            "kept_until": _kept_until(project, row["batch_date"], kept),
        }


def _quarantine(project: Project, application_id: str) -> Iterator[dict[str, Any]]:
    if not project.custodian.exists:
        return
    for row in project.custodian.quarantined(application_id).iter_rows(named=True):
        yield {**row, "row": _decoded(row["row"]), "kept_until": _kept_until(project, row["batch_date"], "quarantine")}


def _predictions(project: Project, application_id: str) -> Iterator[dict[str, Any]]:
    """What the service answered: as loaded into the warehouse, and lines of its log that are not loaded yet."""
    seen = set()
    for key in (keys := keys_of(project, application_id)):
        for row in _frame(project, "held_predictions", application_key=key):
            seen.add(row["prediction_id"])
            yield _prediction(project, row)
    folder = project.settings.path("predictions")
    for path in (*segments(folder), *open_segments(project.settings)) if keys else ():
        for row in _logged(path, keys):
            if row["prediction_id"] not in seen:
                seen.add(row["prediction_id"])
                yield _prediction(project, row)


def _logged(path: Path, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The predictions of a segment that have one of the keys; a damaged line is none, and its file is named."""
    for line in path.read_bytes().splitlines():
        if any(key.encode() in line for key in keys):
            with suppress(msgspec.DecodeError):
                yield msgspec.structs.asdict(msgspec.json.decode(line, type=LoggedPrediction[Any, Any]))


def _prediction(project: Project, row: dict[str, Any]) -> dict[str, Any]:
    at = row["predicted_at"]
    day = at.date() if isinstance(at, datetime) else datetime.fromisoformat(str(at)).date()
    shown = {name: value for name, value in row.items() if name != "application_key"}
    parsed = {name: _decoded(row[name]) for name in ("inputs", "outputs")}
    return {**shown, **parsed, "kept_until": _kept_until(project, day, "predictions")}


def _files(project: Project, application_id: str) -> Iterator[dict[str, Any]]:
    for path in landing_files(project.settings.path("landing")):
        yield from _file(path, lambda path: rows_in(path, application_id))
    for path in sorted(project.settings.path("reports").glob(PATTERN)):
        yield from _file(path, lambda path: rows_of(path, application_id).to_dicts())
    keys = keys_of(project, application_id)
    for path in segments(project.settings.path("predictions")) if keys else []:
        content = path.read_bytes()
        if any(key.encode() in content for key in keys):
            yield {"file": str(path)}


def _with_unread(project: Project, files: Iterable[dict[str, Any]], found: Mentions) -> list[dict[str, Any]]:
    """The files, and those that could not be read, or are not looked into."""
    listed = list(files)
    named = {item["file"] for item in listed}
    unread = found.unreadable | dict.fromkeys(former(project.settings, "warehouse"), NOT_LOOKED_INTO)
    return listed + [
        {"file": str(path), "cannot_be_looked_into": why} for path, why in unread.items() if str(path) not in named
    ]


def _file(path: Path, rows_of_file: Callable[[Path], Sequence[Any]]) -> Iterator[dict[str, Any]]:
    try:
        if rows := rows_of_file(path):
            yield {"file": str(path), "rows": rows}
    except UnreadableSource as error:
        yield {"file": str(path), "cannot_be_looked_into": str(error)}


def _frame(project: Project, query: str, **values: Any) -> list[dict[str, Any]]:
    if not project.custodian.exists:
        return []
    return project.reader.frame(query, **values).to_dicts()


def _kept_until(project: Project, day: date, what: str) -> dict[str, Any]:
    days: int = getattr(project.settings, f"retain_{what}_days")
    return {"date": day + timedelta(days=days), "setting": f"{PREFIX}RETAIN_{what.upper()}_DAYS"}


def _decoded(text: Any) -> Any:
    """JSON as what it says; what is not JSON stays as it is."""
    if not isinstance(text, str | bytes):
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
