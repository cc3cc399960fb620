"""Writes the generated portfolio: a landing zone, a history to train on, late outcomes and a manifest of it all."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from schemas.errors import ScoringError
from schemas.sample.contents import contents, sha256
from schemas.sample.manifest import GENERATOR, Manifest, decode_manifest
from schemas.sample.parameters import Parameters
from schemas.sample.places import Places


def write_sample(places: Places, parameters: Parameters) -> "SampleWriter":
    """The writer of the sample: nothing is written before it is iterated over, and nothing at all if it `is_current`.

    Raises ScoringError if a file is in the way that no earlier sample wrote, or that was changed since.
    """
    places = Places(
        landing=places.landing.resolve(),
        history=places.history.resolve(),
        outcomes=places.outcomes.resolve(),
        manifest=places.manifest.resolve(),
    )
    if places.landing == places.history:
        raise ScoringError(f"landing zone and history are both {places.landing}; give the history a folder of its own")
    earlier = _read_earlier(places)
    is_current = earlier.is_all_of(parameters)
    if not is_current:
        _check_nothing_is_in_the_way(earlier, parameters)
    return SampleWriter(earlier, parameters, is_current)


@dataclass(frozen=True)
class Earlier:
    """What earlier runs left: the last manifest, and the files that interrupted ones may have written after it."""

    places: Places
    manifest: Manifest | None
    unfinished: frozenset[str]

    def wrote(self, path: Path) -> bool:
        """Whether the file at `path` is generated and, as far as that is known, unchanged since."""
        key = self.places.key(path)
        listed = self.manifest.files.get(key) if self.manifest else None
        return path.is_file() and (key in self.unfinished or listed == sha256(path.read_bytes()))

    def is_all_of(self, parameters: Parameters) -> bool:
        """Whether the sample of `parameters` is there already, complete."""
        if self.manifest is None or self.unfinished:
            return False
        files = self.places.files(parameters)
        same = (self.manifest.parameters, self.manifest.generator) == (parameters, GENERATOR)
        return same and set(self.manifest.files) == set(map(self.places.key, files)) and all(map(Path.is_file, files))

    def leftovers(self, parameters: Parameters) -> list[Path]:
        """Generated files in the sample's folders that the sample of `parameters` has no place for."""
        keys = self.unfinished.union(self.manifest.files if self.manifest else ())
        paths = set(map(self.places.path, keys)) - self.places.files(parameters)
        folders = (self.places.landing, self.places.history)
        return [path for path in paths if path.parent in folders and self.wrote(path)]


@dataclass(frozen=True)
class SampleWriter:
    """Writes a sample while it is iterated over, yielding the name of each file; `len()` is their number."""

    earlier: Earlier
    parameters: Parameters
    is_current: bool

    def __len__(self) -> int:
        return 0 if self.is_current else len(self.earlier.places.files(self.parameters)) + 1

    def __iter__(self) -> Iterator[str]:
        if self.is_current:
            return
        places = self.earlier.places
        planned = map(places.key, places.files(self.parameters))
        _write(places.journal, msgspec.json.encode(sorted(self.earlier.unfinished.union(planned))))
        for path in self.earlier.leftovers(self.parameters):
            path.unlink()
        for path, content in contents(places, self.parameters):
            _write(path, content)
            yield path.name
        places.journal.unlink()


def _read_earlier(places: Places) -> Earlier:
    manifest, unfinished = None, frozenset[str]()
    try:
        if places.manifest.exists():
            manifest = decode_manifest(places.manifest.read_bytes())
        if places.journal.exists():
            unfinished = msgspec.json.decode(places.journal.read_bytes(), type=frozenset[str])
    except msgspec.MsgspecError as error:
        message = f"{places.manifest} is not the manifest of a generated sample ({error}); move it away or delete it"
        raise ScoringError(message) from error
    return Earlier(places, manifest, unfinished)


def _check_nothing_is_in_the_way(earlier: Earlier, parameters: Parameters) -> None:
    places = earlier.places
    days = {f"applications_{day}" for day in parameters.landing_days}
    arrived = places.landing.glob("applications_*") if places.landing.is_dir() else ()
    # The same day in another format is in the way as well: two files for one batch are refused.
    same_days = {path for path in arrived if path.name.split(".")[0] in days}
    for path in sorted(same_days | places.files(parameters)):
        if path.exists() and not earlier.wrote(path):
            raise ScoringError(
                f"{path} is in the way of the generated sample, which did not write it or not as it is now. "
                "Move it away or delete it, or generate the sample into other folders"
            )


def _write(path: Path, content: bytes) -> None:
    """Writes aside and moves into place, so that a file is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.tmp")
    aside.write_bytes(content)
    aside.replace(path)
