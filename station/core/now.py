"""The time, as the core is told it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Now:
    """Monotonic ns for all reckoning, UTC text for people."""

    ns: int
    utc: str
