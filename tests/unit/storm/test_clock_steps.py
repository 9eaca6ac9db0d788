"""A clock that steps changes no decision, no order and no event but the times told in them."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.scenario.files import load, shipped
from simulator.scenario.model import FaultPart
from simulator.scenario.virtual import storm_of

STEPS = {
    "an hour forward": "wall-clock-step=3600",
    "an hour back": "wall-clock-step=-3600",
    "a leap second": "leap-second",
    "another time zone": "time-zone=2",
}
_TIMES = {"entered_at", "decided_at", "completed_at"}


def told(*faults: str) -> list[tuple[str, dict[str, Any]]]:
    """All that is journaled of a scenario with these faults of the clock put in, but for the times for people."""
    scenario = load(shipped()["threats"])
    parts = tuple(FaultPart(at_s=6.0 + 2 * n, fault=fault) for n, fault in enumerate(faults))
    records: list[tuple[str, dict[str, Any]]] = []

    def heard(_ms: float, kind: str, fields: dict[str, Any]) -> None:
        if kind == "record":
            record = fields["record"]
            records.append((record.type, record.model_dump(exclude=_TIMES)))

    result = storm_of(scenario.model_copy(update={"faults": scenario.faults + parts}), heard).run()
    assert result.violations == []
    return records


@pytest.fixture(scope="module")
def undisturbed() -> list[tuple[str, dict[str, Any]]]:
    return told()


@pytest.mark.parametrize("name", STEPS)
def test_a_step_changes_nothing(undisturbed: list[tuple[str, dict[str, Any]]], name: str) -> None:
    assert told(STEPS[name]) == undisturbed


def test_all_of_them_change_nothing(undisturbed: list[tuple[str, dict[str, Any]]]) -> None:
    assert told(*STEPS.values()) == undisturbed
    kinds = {kind for kind, _ in undisturbed}
    assert {"decided", "ordered", "parcel-completed", "reading-matched"} <= kinds
