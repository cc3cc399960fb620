"""Reads a contract class into the one description that gate, model, warehouse, service and dashboard are built from."""

import hashlib
import json
import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal

import msgspec
import numpy as np

from schemas.characteristic import Characteristic, Column, Derived
from schemas.contract_rules import problems_of_contract
from schemas.errors import ContractError

Kind = Literal["number", "integer", "boolean", "date", "category"]
BOUNDS = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern")
META = ("title", "description", "multiple_of", *BOUNDS)
KINDS: dict[Any, Kind] = {float: "number", int: "integer", bool: "boolean", date: "date", str: "category"}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column of an application as it arrives: its type, its bounds and what they mean."""

    name: str
    kind: Kind
    nullable: bool
    title: str
    description: str
    characteristic: Characteristic
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One input of the scorecard: a field or a derived feature. `levels` is empty for an open category."""

    name: str
    categorical: bool
    title: str
    description: str
    characteristic: Characteristic
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contract:
    """An application contract, checked: every part of the system that depends on the fields is derived from this."""

    struct: type[msgspec.Struct]
    fields: tuple[Field, ...]
    derived: tuple[tuple[str, Derived], ...]

    @property
    def name(self) -> str:
        """The class name, as messages and model cards show it."""
        return self.struct.__name__

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """What the scorecard sees: scored fields in order of declaration, then derived features."""
        return tuple(self._features())

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of the declared fields and formulas; titles and sentences count, the class name does not."""
        declared = {
            "fields": [asdict(field) for field in self.fields],
            "derived": [
                {"name": name, "source": item.source, "title": item.title, **asdict(item.characteristic)}
                for name, item in self.derived
            ],
        }
        return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()

    def features_of(self, columns: Mapping[str, Column]) -> dict[str, Column]:
        """The scorecard's inputs from field columns (see `schemas.columns`), derived ones computed; equal lengths."""
        return {feature.name: self.feature_of(feature.name, columns) for feature in self.features}

    def feature_of(self, name: str, columns: Mapping[str, Column]) -> Column:
        """One of the scorecard's inputs from the columns of the fields that `inputs_of` names."""
        item = dict(self.derived).get(name)
        if item is None:
            return columns[name]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            values = np.asarray(item.function(*(columns[field] for field in item.inputs)), dtype=np.float64)
        # A ratio to zero is unknown, not infinitely risky: it takes the bin for missing values.
        return np.where(np.isfinite(values), values, np.nan)

    def inputs_of(self, name: str) -> tuple[str, ...]:
        """The fields that one of the scorecard's inputs is made of; a field is made of itself."""
        item = dict(self.derived).get(name)
        return (name,) if item is None else item.inputs

    def _features(self) -> Iterator[Feature]:
        for field in self.fields:
            if field.characteristic.scored and field.kind != "date":
                yield Feature(
                    name=field.name,
                    categorical=field.kind == "category",
                    title=field.title,
                    description=field.description,
                    characteristic=field.characteristic,
                    levels=field.levels,
                )
        for name, item in self.derived:
            yield Feature(
                name=name,
                categorical=False,
                title=item.title,
                description=item.description,
                characteristic=item.characteristic,
            )


def read_contract(struct: object) -> Contract:
    """The contract a msgspec class declares; raises ContractError naming everything that makes no sense in it."""
    name = getattr(struct, "__name__", repr(struct))
    if not (isinstance(struct, type) and issubclass(struct, msgspec.Struct)):
        raise ContractError(name, ["it has to be a class derived from msgspec.Struct, with annotated fields"])
    problems: list[str] = []
    try:
        hints = typing.get_type_hints(struct, include_extras=True)
    except NameError as error:
        raise ContractError(name, [f"an annotation cannot be resolved: {error}"]) from error
    fields = []
    for info in msgspec.structs.fields(struct):
        try:
            fields.append(_read_field(info.name, hints[info.name], info))
        except ValueError as error:
            problems.append(f"field {info.name}: {error}")
    derived = tuple(_derived_of(struct))
    contract = Contract(struct, tuple(fields), derived)
    # A field that could not be read would only cause follow-up complaints.
    problems = problems or problems_of_contract(contract) or _refused_by_msgspec(struct)
    if problems:
        raise ContractError(name, problems)
    return contract


def _derived_of(struct: type) -> Iterator[tuple[str, Derived]]:
    """Derived features, those of base classes first; whichever of the two decorators stands outside."""
    attributes = {key: value for base in reversed(struct.__mro__) for key, value in vars(base).items()}
    for key, value in attributes.items():
        found = value.__func__ if isinstance(value, staticmethod) else value
        if isinstance(found, Derived):
            yield key, found


def _read_field(name: str, hint: Any, info: msgspec.structs.FieldInfo) -> Field:
    """Raises ValueError with what to change if the annotation has no meaning here."""
    hint, nullable = _without_none(hint)
    annotations: tuple[Any, ...] = ()
    if typing.get_origin(hint) is typing.Annotated:
        hint, *rest = typing.get_args(hint)
        annotations = tuple(rest)
        if _without_none(hint)[1]:
            raise ValueError("put None outside: `Annotated[float, ...] | None`, as msgspec wants it")
    default = info.default if info.default_factory is msgspec.NODEFAULT else info.default_factory
    if default is not msgspec.NODEFAULT and default is not None:
        raise ValueError(f"the default {default!r} would invent values; only None may be a default")
    if default is None and not nullable:
        raise ValueError("the default None needs a type that may be None; add `| None` or drop the default")
    meta = _merged([item for item in annotations if isinstance(item, msgspec.Meta)])
    if meta.get("multiple_of") is not None:
        raise ValueError("multiple_of is not supported; drop it or round in a derived feature")
    kind, levels = _kind_of(hint)
    described = [item for item in annotations if isinstance(item, Characteristic)]
    return Field(
        name=name,
        kind=kind,
        nullable=nullable,
        title=meta.get("title") or re.sub("_+", " ", name).strip().capitalize(),
        description=meta.get("description") or "",
        characteristic=described[0] if described else Characteristic(),
        **{name: meta.get(name) for name in BOUNDS},
        levels=levels,
    )


def _merged(metas: list[msgspec.Meta]) -> dict[str, Any]:
    """What several Meta of one field say together, as msgspec takes them; it refuses two that say the same."""
    return {name: value for meta in metas for name in META if (value := getattr(meta, name)) is not None}


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return hint, False
    parts = [part for part in typing.get_args(hint) if part is not type(None)]
    if len(parts) != 1 or len(parts) == len(typing.get_args(hint)):
        raise ValueError(f"the type {hint} mixes types; use one type, with `| None` if it may be missing")
    return parts[0], True


def _kind_of(hint: Any) -> tuple[Kind, tuple[str, ...]]:
    if typing.get_origin(hint) is Literal:
        levels = typing.get_args(hint)
        if not all(isinstance(level, str) and level for level in levels):
            raise ValueError(f"the categories {levels} have to be non-empty strings")
        if any(level != level.strip() for level in levels):
            raise ValueError(f"the categories {levels} have space around them, which is taken away from every value")
        return "category", levels
    if hint in KINDS:
        return KINDS[hint], ()
    known = ", ".join(kind.__name__ for kind in KINDS)
    raise ValueError(f"unknown type {hint!r}; use one of {known}, a Literal of strings, or one of these `| None`")


def _refused_by_msgspec(struct: type[msgspec.Struct]) -> list[str]:
    """What msgspec itself says against the annotations, which the service would otherwise meet at its first request."""
    try:
        msgspec.json.Decoder(struct)
    except (TypeError, ValueError) as error:
        return [str(error)]
    return []
