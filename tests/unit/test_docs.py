"""The generated parts of the documents are those of the code."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def make_docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "scripts" / "make_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("part", ["registers", "states", "reasons", "faults"])
def test_generated_part_is_up_to_date(part: str) -> None:
    _, text, wanted = make_docs().filled(part)
    assert text == wanted, "run scripts/docs"
