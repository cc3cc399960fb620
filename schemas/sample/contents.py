"""Every file of a generated portfolio with its content, in the order of writing."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import polars

from schemas.sample.incidents import Incident, plan_incidents
from schemas.sample.manifest import README, FileRecord, encode_manifest, manifest_of, record_of
from schemas.sample.parameters import Parameters
from schemas.sample.places import Places
from schemas.sample.portfolio import File, history_file, landing_file, outcomes_csv


def contents(places: Places, parameters: Parameters) -> Iterator[tuple[Path, bytes]]:
    """Each file's path and bytes, one at a time; the manifest comes last, since it describes all the others."""
    incidents = plan_incidents(parameters.landing_days)
    hashes: dict[str, str] = {}
    records: dict[Path, list[FileRecord]] = {places.landing: [], places.history: []}
    outcomes: list[polars.DataFrame] = []
    for path in places.readmes:
        hashes[places.key(path)] = sha256(README)
        yield path, README
    for path, from_date, file in _files_of_applications(places, parameters, incidents):
        records[path.parent].append(record_of(path.name, from_date, file))
        outcomes.append(file.outcomes)
        hashes[places.key(path)] = sha256(file.content)
        yield path, file.content
    late = outcomes_csv(outcomes)
    hashes[places.key(places.outcomes)] = sha256(late)
    yield places.outcomes, late
    manifest = manifest_of(parameters, incidents, records[places.landing], records[places.history], hashes)
    yield places.manifest, encode_manifest(manifest)


def sha256(content: bytes) -> str:
    """The hash (hex) by which the manifest knows a file's content."""
    return hashlib.sha256(content).hexdigest()


def _files_of_applications(
    places: Places, parameters: Parameters, incidents: Sequence[Incident]
) -> Iterator[tuple[Path, date, File]]:
    for month, days in parameters.history_months.items():
        yield places.history_file(month), month, history_file(parameters, days)
    for day in parameters.landing_days:
        yield places.landing_file(day), day, landing_file(parameters, day, incidents)
