"""What may be written under `devices` and `plc`: every kind of device, with the keys of its `wire`, as drivers tell."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from station.ports import Driver

_WORDS = {int: "whole number", float: "number", str: "text", bool: "true or false", Path: "path"}
_BOUNDS = {Ge: ("ge", "at least"), Gt: ("gt", "over"), Le: ("le", "at most"), Lt: ("lt", "under")}


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a kind.

    Attributes:
        name: with dots where it lies deeper.
        takes: what may stand there, in words.
        default: as YAML; "" where it must be given.
        text: what it is for.
    """

    name: str
    takes: str
    default: str
    text: str


def about(driver: Driver) -> str:
    """What a kind is, in a line: its module's first, without the name that stands beside it."""
    words = (sys.modules[driver.settings.__module__].__doc__ or "").strip().splitlines()
    return words[0].partition(": kind ")[0].rstrip(".") if words else ""


def keys_of(settings: type[BaseModel], above: str = "") -> Iterator[Key]:
    """Every key of a driver's settings, in their order; a mapping of its own with its keys behind it."""
    for name, field in settings.model_fields.items():
        part = _part(field.annotation)
        if part is None:
            yield Key(f"{above}{name}", _takes(field), _default(field), field.description or "")
            continue
        text = field.description or (part.__doc__ or "").strip().splitlines()[0]
        yield Key(f"{above}{name}", "a mapping of the keys below", _default(field), text)
        yield from keys_of(part, f"{above}{name}.")


def example_of(kind: str, driver: Driver) -> str:
    """How it stands in a station's YAML, below the device's name, beside `zone_mm` and the others."""
    lines = driver.example.rstrip().splitlines()
    wire = [f"  {line}" for line in lines if not line.startswith("kind:")]
    return "\n".join([f"kind: {kind}", "wire:", *wire])


def _part(annotation: Any) -> type[BaseModel] | None:
    """The model that a key holds, itself or optionally."""
    choices = get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
    return next((one for one in choices if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _takes(field: FieldInfo) -> str:
    bounds = [
        f"{said} {getattr(one, name)}"
        for one in field.metadata
        for kind, (name, said) in _BOUNDS.items()
        if isinstance(one, kind)
    ]
    return ", ".join([_words(field.annotation), *bounds])


def _words(annotation: Any) -> str:
    """A type as a technician would say it."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(json.dumps(one) if one == "" else str(one) for one in arguments)
    if origin in {Union, UnionType}:
        return " or ".join(_words(one) for one in arguments if one is not type(None))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"a mapping from {_words(arguments[0])} to {_words(arguments[1])}"
    if origin is tuple:
        return f"a list, each a {_words(arguments[0])}"
    return _WORDS.get(annotation, str(getattr(annotation, "__name__", annotation)))


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined and field.default_factory is None:
        return ""
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    return json.dumps(value if isinstance(value, str | int | float | list | tuple | dict) else str(value))
