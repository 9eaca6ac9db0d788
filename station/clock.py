"""The only reader of the system's clocks."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal


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


ClockState = Literal["synchronised", "unsynchronised", "unknown"]
_STA_UNSYNC = 0x0040
_STA_NANO = 0x2000
_ASK_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ClockQuality:
    """How far the wall clock can be trusted, as the system's kernel knows it.

    Attributes:
        error_us: greatest error, microseconds; it grows while nothing corrects the clock.
        offset_us: what the kernel is still correcting by, microseconds; 0 where a program does that instead (chrony).
    """

    state: ClockState = "unknown"
    error_us: int = 0
    offset_us: int = 0

    def text(self) -> str:
        """As the journal keeps it: the state alone where nothing else is known."""
        return self.state if self.state == "unknown" else f"{self.state} {self.error_us} {self.offset_us}"


class _Timex(ctypes.Structure):
    """struct timex of <sys/timex.h> up to `status`; the rest is room for what the kernel writes behind it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 32),
    )


def kernel_quality(libc: Any = None) -> ClockQuality:
    """What adjtimex(2) says, asked without changing anything (modes 0); `unknown` where there is none."""
    if libc is None:
        libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    told = _Timex()
    if libc is None or libc.adjtimex(ctypes.byref(told)) < 0:
        return ClockQuality()
    offset_us = told.offset // 1000 if told.status & _STA_NANO else told.offset
    return ClockQuality(
        "unsynchronised" if told.status & _STA_UNSYNC else "synchronised", int(told.maxerror), int(offset_us)
    )


class QualityWatch:
    """The clock's quality, asked of the kernel once a second at most; used by any threads."""

    def __init__(self, mono_ns: Callable[[], int] = now_ns, ask: Callable[[], ClockQuality] = kernel_quality) -> None:
        self._mono_ns = mono_ns
        self._ask = ask
        self._asked_ns: int | None = None
        self._last = ClockQuality()

    def __call__(self) -> ClockQuality:
        """As it is now, or was a second ago."""
        now = self._mono_ns()
        if self._asked_ns is None or now - self._asked_ns >= _ASK_NS:
            self._asked_ns, self._last = now, self._ask()
        return self._last
