"""Export (GDPR art. 15 and 20): everything held about one application, and nothing about any other."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from model.reasons import catalogue
from schemas.errors import ScoringError, UnreadableSource
from schemas.parsing import APPLICATION_DATE, APPLICATION_ID
from schemas.settings import PREFIX
from tasks.blocked_rows import PATTERN, rows_of
from tasks.custody import key_of, landing_files, open_segments, segments
from tasks.mentions import mentions
from tasks.project import Project
from tasks.source.without import rows_in

RESULT = ("probability_of_default", "score", "band", "decision", "model_version")
BATCH = ("batch_id", "batch_date", "revision", "status", "source", "finished_at")


def export_application(project: Project, application_id: str) -> dict[str, Any]:
    """What is held about an application, ready for JSON; raises ScoringError if that is nothing."""
    application_id = application_id.strip()
    held: dict[str, Any] = {
        "applications": list(_applications(project, application_id)),
        "quarantine": list(_quarantine(project, application_id)),
        "outcomes": _frame(project, "held_outcomes", application_id=application_id),
        "predictions": list(_predictions(project, application_id)),
        "files": list(_files(project, application_id)),
        "mentioned_in": list(map(str, mentions(project, application_id))),
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
    key = key_of(project, application_id)
    if key is None:
        return
    seen = set()
    for row in _frame(project, "held_predictions", application_key=key):
        seen.add(row["prediction_id"])
        yield _prediction(project, row)
    folder = project.settings.path("predictions")
    for path in (*segments(folder), *open_segments(project.settings)):
        for line in path.read_bytes().splitlines():
            found = _decoded(line) if key.encode() in line else None
            if isinstance(found, dict) and found.get("prediction_id") not in seen:
                seen.add(found.get("prediction_id"))
                yield _prediction(project, found)


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
    key = key_of(project, application_id)
    for path in segments(project.settings.path("predictions")):
        if key and key.encode() in path.read_bytes():
            yield {"file": str(path)}


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
