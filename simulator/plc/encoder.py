"""Whether the encoder's count can be believed: the belt cannot run backwards or too fast, or stand while driven."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.plc.signals import PlcSettings

FASTER = 1.05
STANDS_MS = 100
STARTS_MS = 500
_LONGEST_SCAN_MS = 1000


@dataclass(slots=True)
class EncoderWatch:
    """Compares the count of each scan with that of the scan before."""

    settings: PlcSettings
    ms: int
    count: int
    _driven_since_ms: int | None = None
    _moved_ms: int = 0

    def believable(self, ms: int, count: int, *, driven: bool) -> bool:
        """True if the belt can have moved so since the last call; `driven`: its motor was on all the while."""
        elapsed, moved = ms - self.ms, count - self.count
        self.ms, self.count = ms, count
        if not driven or elapsed < 0:
            self._driven_since_ms = None
        if moved or not driven or elapsed < 0:
            self._moved_ms = ms
        if driven and self._driven_since_ms is None:
            self._driven_since_ms = ms
        return 0 <= moved <= self._most(elapsed) and not self._stands(ms)

    def _most(self, elapsed_ms: int) -> float:
        if not 0 <= elapsed_ms <= _LONGEST_SCAN_MS:  # the clock jumped, not the belt
            elapsed_ms = _LONGEST_SCAN_MS
        settings = self.settings
        return settings.speed_mm_s / 1000 / settings.mm_per_count * (elapsed_ms + 1) * FASTER + 1

    def _stands(self, ms: int) -> bool:
        began = self._driven_since_ms
        return began is not None and ms - began > STARTS_MS and ms - self._moved_ms > STANDS_MS
