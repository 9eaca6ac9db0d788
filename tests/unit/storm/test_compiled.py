"""What storms compile, and what must stay as it is written."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

import simulator
import station
from simulator.storm.compiled import ROOT, compiled_files


def test_no_dataclass_that_pydantic_reads_is_compiled() -> None:
    for package in (station, simulator):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    read = {
        found for model in _below(BaseModel) for field in model.model_fields.values() for found in _in(field.annotation)
    }
    files = {f"{found.__module__.replace('.', '/')}.py" for found in read}
    assert "station/core/setup.py" in files
    assert not files & set(compiled_files(ROOT))


def test_the_core_and_the_plant_are_compiled() -> None:
    assert {"station/core/line.py", "station/turn.py", "simulator/plant/world.py"} <= set(compiled_files(ROOT))


def _below(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for below in kind.__subclasses__():
        yield from _below(below)
        if below.__module__.startswith(("station.", "simulator.")):
            yield below


def _in(annotation: Any) -> Iterator[type]:
    if is_dataclass(annotation) and isinstance(annotation, type):
        yield annotation
        for inner in get_type_hints(annotation).values():
            yield from _in(inner)
    for argument in get_args(annotation):
        yield from _in(argument)
