"""How old is a frame? By the source's own time stamps against ours, and by whether its content still changes; pure.

The smallest difference ever seen between our time and the source's stamp belongs to the quickest frame; a frame's
lateness is what its difference exceeds that by, so a buffer that fills shows as lateness. The smallest difference may
rise by 200 ppm only, which is more than two clocks drift apart and less than a buffer that matters. While it still
falls, a buffer is being emptied (FFmpeg holds most of a second when it opens a stream), or the stamps are reckoned from
a frame rate that the source does not keep: then nothing is proven.
"""

from __future__ import annotations

DRIFT = 200e-6
FALLS_MS = 10.0
FALLS_WITHIN_MS = 1000.0
SETTLE_MS = 300.0
NS_PER_MS = 1e6


class FrameClock:
    """Fed with every frame's stamp."""

    def __init__(self) -> None:
        self._floor_ms: float | None = None
        self._height_ms = self._height_at_ms = 0.0
        self._pos_ms = 0.0
        self._now_ms = 0.0
        self._settled_ms = 0.0

    def late_ms(self, pos_ms: float, now_ns: int) -> float | None:
        """Lateness of the frame stamped `pos_ms` that was taken at `now_ns`; None if its stamp proves nothing.

        That is so until the smallest difference has settled, and for a stamp that stands or goes back, after which the
        measure begins anew.
        """
        now_ms = now_ns / NS_PER_MS
        offset_ms, before_ms, elapsed_ms = now_ms - pos_ms, self._pos_ms, now_ms - self._now_ms
        self._pos_ms, self._now_ms = pos_ms, now_ms
        if self._floor_ms is None or pos_ms <= before_ms:
            if self._floor_ms is None or pos_ms < before_ms:
                self._floor_ms, self._settled_ms = offset_ms, now_ms + SETTLE_MS
                self._height_ms, self._height_at_ms = offset_ms, now_ms
            return None
        floor_ms = self._floor_ms + DRIFT * elapsed_ms
        if offset_ms < self._height_ms - FALLS_MS:
            self._settled_ms = now_ms + SETTLE_MS
            self._height_ms, self._height_at_ms = offset_ms, now_ms
        elif now_ms - self._height_at_ms > FALLS_WITHIN_MS:
            self._height_ms, self._height_at_ms = floor_ms, now_ms
        self._floor_ms = min(offset_ms, floor_ms)
        return offset_ms - self._floor_ms if now_ms >= self._settled_ms else None


class Unchanged:
    """Counts how often the same content came in a row: a sensor's noise never repeats, a frozen one's picture does."""

    def __init__(self) -> None:
        self._last = b""
        self._times = 0

    def times(self, digest: bytes) -> int:
        """How often this content has come in a row, with this time."""
        self._times = self._times + 1 if digest == self._last else 1
        self._last = digest
        return self._times
