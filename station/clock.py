"""The only reader of the system's clocks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def now_ns() -> int:
    """Monotonic nanoseconds; never steps."""
    return time.monotonic_ns()


def now_utc() -> datetime:
    """Wall clock in UTC, for people and names only; it may step."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """What of time is handed in: monotonic ns for all reckoning, UTC for people only."""

    mono_ns: Callable[[], int] = now_ns
    utc: Callable[[], datetime] = now_utc


def utc_text(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and a Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"
