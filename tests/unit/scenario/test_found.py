"""Scenarios that broke a promise, each kept as the file that showed it."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.scenario.files import load
from simulator.scenario.judge import judge
from simulator.scenario.virtual import Watch

FOUND = sorted((Path(__file__).parent / "found").glob("*.yaml"))
OPEN: dict[str, str] = {}
"""Those that still break it, and why; strict: whoever mends one takes it out of here."""


def named(path: Path) -> object:
    why = OPEN.get(path.stem)
    marks = [pytest.mark.xfail(reason=why, strict=True)] if why else []
    return pytest.param(path, id=path.stem, marks=marks)


@pytest.mark.parametrize("path", [named(path) for path in FOUND])
def test_it_breaks_nothing_any_more(path: Path) -> None:
    scenario = load(path)
    assert [verdict for verdict in judge(scenario, Watch().run(scenario)) if verdict.wrong] == []
