"""The belt's count, and whether it can be believed: no belt runs backwards or too fast, or stands while driven."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.plc.signals import PlcSettings

FASTER = 1.05
STANDS_MS = 100
STARTS_MS = 500
BACK_MM = 5.0
"""So far a belt that stops may spring back, and the wheel of one that stands tremble."""
_LONGEST_SCAN_MS = 1000


@dataclass(slots=True)
class EncoderWatch:
    """Holds the furthest count that the encoder has shown, and compares each scan's with that of the scan before."""

    settings: PlcSettings
    ms: int
    furthest: int
    _driven_since_ms: int | None = None
    _moved_ms: int = 0

    def believable(self, ms: int, count: int, *, driven: bool) -> bool:
        """Take the encoder's count; True if the belt can have moved so since the last call.

        A count that is not believed is the furthest from then on, wherever it lies.

        Args:
            ms: the PLC's time.
            count: as the encoder shows it.
            driven: whether the belt's motor was on all the while.
        """
        elapsed, moved = ms - self.ms, max(0, count - self.furthest)
        back_mm = (self.furthest - count) * self.settings.mm_per_count
        self.ms = ms
        self.furthest += moved
        if not driven or elapsed < 0:
            self._driven_since_ms = None
        if moved or not driven or elapsed < 0:
            self._moved_ms = ms
        if driven and self._driven_since_ms is None:
            self._driven_since_ms = ms
        if back_mm <= BACK_MM and moved <= self._most(elapsed) and not self._stands(ms):
            return True
        self.furthest = count
        return False

    def _most(self, elapsed_ms: int) -> float:
        if not 0 <= elapsed_ms <= _LONGEST_SCAN_MS:  # the clock jumped, not the belt
            elapsed_ms = _LONGEST_SCAN_MS
        settings = self.settings
        return settings.speed_mm_s / 1000 / settings.mm_per_count * (elapsed_ms + 1) * FASTER + 1

    def _stands(self, ms: int) -> bool:
        began = self._driven_since_ms
        return began is not None and ms - began > STARTS_MS and ms - self._moved_ms > STANDS_MS
