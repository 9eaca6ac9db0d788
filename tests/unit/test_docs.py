"""The generated parts of the documents are those of the code."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

from simulator.scenario import model

ROOT = Path(__file__).parents[2]


def make_docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "scripts" / "make_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("part", ["registers", "states", "reasons", "alarms", "faults", "scenarios", "devices"])
def test_generated_part_is_up_to_date(part: str) -> None:
    _, text, wanted = make_docs().filled(part)
    assert text == wanted, "run scripts/docs"


def test_every_key_of_a_scenario_is_explained() -> None:
    text = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    parts = [value for value in vars(model).values() if isinstance(value, type) and issubclass(value, BaseModel)]
    names = {name for part in parts if part.__module__ == model.__name__ for name in part.model_fields}
    assert len(names) > 40
    assert {name for name in names if f"`{name}`" not in text and f"`{name}: " not in text} == set()
