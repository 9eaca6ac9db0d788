"""The PLC's tables: parcels on the belt, the ring of edges, the ring of outcomes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum


class Why(IntEnum):
    """Reasons at the decision eye, as docs/plc-map.yaml numbers them."""

    RELEASED = 0
    NO_ORDER = 1
    INSPECT_ORDER = 2
    OTHER_SESSION = 3
    AMBIGUOUS = 4
    LENGTH = 5
    TOO_CLOSE = 6
    STOOD = 7
    NOT_AUTOMATIC = 8
    UNKNOWN_PARCEL = 9
    VOID = 10
    STALE = 11
    NOT_SEEN = 12
    DIVERTER = 13


class Place(IntEnum):
    """Where a parcel ended, as docs/plc-map.yaml numbers it."""

    PASS = 1
    INSPECT = 2
    LOST = 3
    UNOBSERVED = 4


@dataclass(slots=True)
class Row:
    """A numbered parcel: leading-edge counts by eye, length in counts (0 while unknown), session at entry."""

    number: int
    infeed_count: int
    session: int
    seen: dict[int, int]
    length: int = 0
    refused: Why | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One edge as the ring keeps it."""

    eye: int
    broken: bool
    count: int
    ms: int
    parcel: int
    trigger: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome as the ring keeps it."""

    number: int
    place: Place
    why: Why
    count: int
    ms: int


@dataclass(slots=True)
class Rings:
    """The newest edges and outcomes, how many there ever were, and arrivals by eye."""

    edges: deque[Record] = field(default_factory=lambda: deque(maxlen=128))
    outcomes: deque[Outcome] = field(default_factory=lambda: deque(maxlen=64))
    edge_total: int = 0
    outcome_total: int = 0
    arrivals: dict[int, int] = field(default_factory=dict)

    def edge(self, record: Record) -> None:
        """Append an edge."""
        self.edges.append(record)
        self.edge_total += 1
        if record.broken:
            self.arrivals[record.eye] = self.arrivals.get(record.eye, 0) + 1

    def outcome(self, number: int, place: Place, why: Why, count: int, ms: int) -> None:
        """Append an outcome."""
        self.outcomes.append(Outcome(number, place, why, count, ms))
        self.outcome_total += 1
