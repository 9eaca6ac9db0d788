"""The time, as the core is told it."""

from __future__ import annotations

from typing import NamedTuple


class Now(NamedTuple):
    """Monotonic ns for all reckoning, UTC text for people."""

    ns: int
    utc: str
