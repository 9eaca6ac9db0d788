"""Time in a storm: it passes when the storm says so, and the PC's wall clock can be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from station.clock import Clock, ClockQuality

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
_BEGAN = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)  # three hours ahead of a change to summer time


def ms_of(ns: int) -> float:
    """Milliseconds since the world began, of a moment of this clock."""
    return (ns - NS_PER_S) / NS_PER_MS


@dataclass(slots=True)
class VirtualClock:
    """Monotonic ns since a PC's start, and its idea of UTC, `wrong_s` ahead of it, told in a zone of `zone_h`."""

    ns: int = NS_PER_S
    wrong_s: float = 0.0
    zone_h: float = 0.0

    def mono_ns(self) -> int:
        """Monotonic time."""
        return self.ns

    def utc(self) -> datetime:
        """What the PC takes for the time, in its own time zone."""
        moment = _BEGAN + timedelta(0, self.wrong_s, self.ns // 1000)
        return moment.astimezone(timezone(timedelta(hours=self.zone_h))) if self.zone_h else moment

    def quality(self) -> ClockQuality:
        """What its kernel says: that it is right, as long as it is."""
        return ClockQuality("unsynchronised", 16_000_000) if self.wrong_s else ClockQuality("synchronised", 1000)

    def clock(self) -> Clock:
        """The two as the station takes them."""
        return Clock(self.mono_ns, self.utc)
