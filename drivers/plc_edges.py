"""Whether an edge can have been latched between two status blocks of the PLC, by its count and its time."""

from __future__ import annotations

from dataclasses import dataclass

from station.core.events import Direction, Edge

_WORD = 1 << 32
_HALF_WORD = 1 << 31
ALLOWED_MM = 300
"""The way of a fast belt in a tenth of a second: a program may latch an edge a scan behind its status block's count."""
ALLOWED_MS = 100
HELD_MS = 1000
_MEND = "is one of its values of before, or are the two words of a 32-bit value swapped in the edge record?"


@dataclass(frozen=True, slots=True)
class Moment:
    """Where the belt was, and when, as a status block tells it."""

    count: int
    plc_ms: int


def edge_fault(edge: Edge, before: Moment, shown: Moment, mm_per_count: float) -> str:
    """Why an edge cannot be one that came since the status block before, "" if it can.

    A freed edge may wait, with its own time, for as long as the belt stands; a broken one never waits.

    Args:
        edge: new in the block `shown`.
        before: of the last block up to which every edge is known.
        shown: of the block that shows the edge.
        mm_per_count: belt travel of a count.
    """
    name = f"edge {edge.sequence} of eye {edge.eye}"
    late_ms = _apart(shown.plc_ms, edge.plc_ms)
    if late_ms > ALLOWED_MS:
        return f"{name} has a time {late_ms} ms ahead of the status block that shows it: {_MEND}"
    early_ms = _apart(edge.plc_ms, before.plc_ms)
    if edge.direction is Direction.BROKEN and early_ms > HELD_MS:
        return f"{name} has a time {early_ms} ms behind the status block before, which did not show it: {_MEND}"
    if _apart(before.count, shown.count) < 0:
        return ""  # the count itself went back: an alarm of its own, and no place of now can be compared with it
    late, early = _apart(shown.count, edge.count) * mm_per_count, _apart(edge.count, before.count) * mm_per_count
    if late > ALLOWED_MM:
        return f"{name} has a count {late:.0f} mm ahead of the status block that shows it: {_MEND}"
    if early > ALLOWED_MM:
        return f"{name} has a count {early:.0f} mm behind the status block before, which did not show it: {_MEND}"
    return ""


def _apart(first: int, then: int) -> int:
    """How far `then` lies ahead of `first`, less than 0 if behind it; both roll over."""
    ahead = (then - first) % _WORD
    return ahead if ahead < _HALF_WORD else ahead - _WORD
