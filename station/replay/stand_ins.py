"""In a replay places are given and times are not: what stands in for the clock match and the belt's history."""

from __future__ import annotations

from station.core.belt import BeltHistory, ClockMatch, Interval


class RecordedClock(ClockMatch):
    """Says of whatever it is asked that it was in the interval (of counts) that the journal gives the reading."""

    interval: Interval | None = None

    def plc_ms(self, after_ns: float, before_ns: float) -> Interval | None:  # noqa: ARG002
        """The reading's own interval."""
        return self.interval

    def pc_ns_latest(self, plc_ms: float) -> float:  # noqa: ARG002
        """All that the belt has reached lies in the past."""
        return 0.0


class RecordedBelt(BeltHistory):
    """The belt at the count that the journal tells."""

    at: int | None = None

    @property
    def count(self) -> int | None:
        """Count of the newest sample, as journaled."""
        return self.at

    def counts(self, times: Interval) -> Interval | None:
        """The clock's stand-in gave counts already."""
        return times

    def reached_at(self, count: float) -> int | None:
        """Some time, if the belt has been there."""
        return 0 if self.at is not None and count <= self.at else None
