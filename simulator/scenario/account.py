"""What happened in a run of a scenario, the same for virtual time and real wires: expectations are judged on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Key = tuple[int, int]
"""A parcel's identity: PLC epoch and number."""


@dataclass(slots=True)
class Body:
    """What is known of an item on the belt.

    Attributes:
        entered_s: when it came to the infeed eye, None if it never did.
        lane: by which it left, "" if it did not.
        clean: nothing about it, nor a hand on it, is a cause to inspect it.
        key: the number that it had for the PLC, None if it had none of its own.
    """

    item: int
    clean: bool
    entered_s: float | None = None
    lane: str = ""
    key: Key | None = None


@dataclass(slots=True)
class Account:
    """Bodies by item, facts of the plant and journal events with their time (s), broken promises as sentences."""

    facts: list[tuple[float, str, Mapping[str, Any]]] = field(default_factory=list)
    bodies: dict[int, Body] = field(default_factory=dict)
    events: list[tuple[float, str, Mapping[str, Any]]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    _reasons: dict[Key, set[str]] = field(default_factory=dict)

    def fact(self, seconds: float, kind: str, fields: Mapping[str, Any]) -> None:
        """Take one fact of the plant's truth."""
        self.facts.append((seconds, kind, fields))
        item = int(fields.get("item", 0))
        if kind in {"fed", "added", "swapped"}:
            self.bodies[item] = Body(item, clean=kind == "fed" and bool(fields["clean"]))
            return
        body = self.bodies.get(item)
        if body is None:
            return
        match kind:
            case "infeed":
                body.entered_s = seconds if body.entered_s is None else body.entered_s
            case "left":
                body.lane = str(fields["lane"])
            case "removed":
                body.clean = False

    def of(self, kind: str) -> Iterator[tuple[float, Mapping[str, Any]]]:
        """All events of a type."""
        return ((seconds, data) for seconds, type_, data in self.events if type_ == kind)

    def event(self, seconds: float, kind: str, data: Mapping[str, Any]) -> None:
        """Take one event of the station's journal."""
        self.events.append((seconds, kind, data))
        if kind in {"decided", "parcel-completed"}:
            key = data["parcel"]["epoch"], data["parcel"]["number"]
            self._reasons.setdefault(key, set()).update(reason["code"] for reason in data["reasons"])

    def reasons(self, key: Key | None) -> set[str]:
        """Why that parcel was inspected: the codes of all its decisions."""
        return set() if key is None else self._reasons.get(key, set())
