"""From the PC's time to the belt's counts, with hard bounds: clock match and belt history.

Both PLC numbers are free-running 32-bit counters; here they are unwrapped, so they never go back at a rollover.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from typing import NamedTuple

_WORD = 1 << 32
_HISTORY_MS = 120_000
_FASTER = 1.05
BACK_MM = 5.0
"""So far a belt that stops may spring back, and the wheel of one that stands tremble; a PLC's program knows as much."""
NS_PER_MS = 1_000_000


class Unwrap:
    """A 32-bit counter made into an integer that does not roll over; nearest to the last value, either way."""

    def __init__(self) -> None:
        self.last: int | None = None

    def __call__(self, raw: int) -> int:
        """Return the unwrapped value; it becomes the new reference if it lies ahead."""
        if self.last is None:
            self.last = raw
            return raw
        delta = (raw - self.last) % _WORD
        value = self.last + (delta if delta < _WORD // 2 else delta - _WORD)
        self.last = max(self.last, value)
        return value


class Interval(NamedTuple):
    """Hard bounds, both ends included."""

    low: float
    high: float

    def meets(self, other: Interval) -> bool:
        """True if the two have a point in common."""
        return self.low <= other.high and other.low <= self.high

    def widened(self, by: float) -> Interval:
        """The same, longer by `by` at both ends."""
        return Interval(self.low - by, self.high + by)

    def __contains__(self, value: object) -> bool:
        return isinstance(value, (int, float)) and self.low <= value <= self.high


class ClockMatch:
    """Offset between PC and PLC time as an interval: each sample's bracket intersected, widened by drift meanwhile.

    A PLC time of p ms means [p, p + 1) ms. Method: intersection of brackets, as in Marzullo's algorithm with one
    source; no bracket is ever averaged, so the bounds are hard as long as drift stays within `drift_ppm`.
    """

    def __init__(self, drift_ppm: float) -> None:
        self._drift = drift_ppm * 1e-6
        self._low, self._high = float("-inf"), float("inf")
        self._at_ns: int | None = None

    def add(self, after_ns: int, before_ns: int, plc_ms: int) -> bool:
        """Take one bracket; False if it contradicts the ones before (a clock stepped), and then begins anew."""
        low, high = after_ns - (plc_ms + 1) * NS_PER_MS, before_ns - plc_ms * NS_PER_MS
        at_ns, self._at_ns = self._at_ns, before_ns
        drifted = 0.0 if at_ns is None else max(0, before_ns - at_ns) * self._drift
        old_low, old_high = self._low - drifted, self._high + drifted
        if low > old_high or old_low > high:
            self._low, self._high = float(low), float(high)
            return False
        self._low, self._high = max(old_low, low), min(old_high, high)
        return True

    def plc_ms(self, after_ns: float, before_ns: float) -> Interval | None:
        """PLC times between which something lies that the PC saw between the two; None before the first sample."""
        if self._at_ns is None:
            return None
        return Interval((after_ns - self._high) / NS_PER_MS, (before_ns - self._low) / NS_PER_MS)

    def pc_ns_latest(self, plc_ms: float) -> float:
        """The latest PC time at which the PLC's clock showed `plc_ms`."""
        if self._at_ns is None:
            raise ValueError("no sample of the PLC's clock yet")
        return (plc_ms + 1) * NS_PER_MS + self._high


class BeltHistory:
    """Count as a function of PLC time: known at the samples, bounded between them by the fastest speed.

    Memory is bounded: two minutes of samples.
    """

    def __init__(self, counts_per_ms: float, back: float = 0.0) -> None:
        self._rate = counts_per_ms
        self._back = back
        self._times: deque[int] = deque()
        self._counts: deque[int] = deque()

    def add(self, plc_ms: int, count: int) -> bool:
        """Take one sample; False if the belt cannot have moved so since the last: then the history begins anew with it.

        That is time or count going back (a reversed belt, an encoder that was reset), or a count faster than the belt.
        A belt that stops may spring back by `back` counts: it is taken to stand at the furthest.
        """
        if self._counts and 0 < self._counts[-1] - count <= self._back:
            count = self._counts[-1]
        if self._times and not self._possible(plc_ms, count):
            self.forget()
            self._times.append(plc_ms)
            self._counts.append(count)
            return False
        if self._times and plc_ms == self._times[-1]:
            return True
        self._times.append(plc_ms)
        self._counts.append(count)
        while self._times[0] < plc_ms - _HISTORY_MS:
            self._times.popleft()
            self._counts.popleft()
        return True

    def forget(self) -> None:
        """The PLC's clock stepped: no PLC time of before can be told from one of now."""
        self._times.clear()
        self._counts.clear()

    def _possible(self, plc_ms: int, count: int) -> bool:
        elapsed, moved = plc_ms - self._times[-1], count - self._counts[-1]
        return elapsed >= 0 and 0 <= moved <= self._rate * (elapsed + 2) * _FASTER + 1

    @property
    def count(self) -> int | None:
        """Count of the newest sample."""
        return self._counts[-1] if self._counts else None

    def counts(self, times: Interval) -> Interval | None:
        """Counts that the belt can have had within PLC times `times`; None while samples do not reach that far."""
        if not self._times or self._times[-1] < times.high:
            return None
        slack = self._rate
        return Interval(self._at_least(times.low) - slack, self._at_most(times.high) + slack)

    def reached_at(self, count: float) -> int | None:
        """PLC time of the first sample at or past `count`; None if the belt is not there yet."""
        index = bisect_left(self._counts, count)
        return self._times[index] if index < len(self._times) else None

    def _at_least(self, time: float) -> float:
        index = bisect_right(self._times, time)
        before = self._counts[index - 1] if index else float("-inf")
        if index == len(self._times):
            return before
        return max(before, self._counts[index] - self._rate * (self._times[index] - time))

    def _at_most(self, time: float) -> float:
        index = bisect_left(self._times, time)
        after = self._counts[index]
        if not index:
            return after
        return min(after, self._counts[index - 1] + self._rate * (time - self._times[index - 1]))
