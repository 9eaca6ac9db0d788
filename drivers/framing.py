"""Frames between a prefix and a suffix out of bytes in any pieces: whole frames, or a word on what was dropped.

Half a frame is never a frame: after a piece was dropped, what follows is skipped up to the next prefix (a control
character), else up to the next suffix or a long silence. At most `max_length` bytes and the marks are held.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from station.core.events import Arrived

WITHOUT_PREFIX, TOO_LONG = "without prefix", "too long"
SETTLED = 10
"""A silence of this many idle times ends a skipped frame without its suffix."""


@dataclass(frozen=True, slots=True)
class Framed:
    """A whole frame without its marks; `arrived` is that of its first byte."""

    body: bytes
    arrived: Arrived


@dataclass(frozen=True, slots=True)
class Dropped:
    """Bytes that are no whole frame, and why; `arrived` is that of the first one."""

    why: str
    data: bytes
    arrived: Arrived


class _At(Enum):
    OUTSIDE = auto()
    INSIDE = auto()
    SKIPPING = auto()


class Framer:
    """Bytes in, `Framed` and `Dropped` out; without I/O or clock."""

    def __init__(self, prefix: bytes, suffix: bytes, max_length: int, idle_ns: int) -> None:
        if not suffix:
            raise ValueError("a frame needs an end mark")
        self._prefix = prefix
        self._suffix = suffix
        self._max_length = max_length
        self._idle_ns = idle_ns
        self._restarts = bool(prefix) and prefix[0] < 0x20
        self._held = bytearray()
        self._first: Arrived | None = None
        self._last_ns: int | None = None
        self._at = _At.OUTSIDE if prefix else _At.INSIDE

    @property
    def held(self) -> int:
        """Bytes held now."""
        return len(self._held)

    @property
    def pending(self) -> bool:
        """Whether a frame has begun that may still become whole."""
        return bool(self._held) and self._at is not _At.SKIPPING

    def receive(self, data: bytes, arrived: Arrived) -> list[Framed | Dropped]:
        """Take bytes that arrived together."""
        out: list[Framed | Dropped] = []
        for byte in data:
            if self._first is None:
                if byte in b"\r\n" and not self._suffix.startswith(bytes([byte])):
                    continue
                self._first = arrived
            self._held.append(byte)
            out += self._step(arrived)
        if data:
            self._last_ns = arrived.before_ns
        return out

    def idle(self, empty_ns: int) -> list[Framed | Dropped]:
        """The port was seen empty at `empty_ns`: a piece that has waited too long is dropped."""
        if self._last_ns is None:
            self._last_ns = empty_ns
        silent_ns = empty_ns - self._last_ns
        if self._at is _At.SKIPPING:
            if silent_ns > SETTLED * self._idle_ns:
                self.begin()
        elif self._first is not None and silent_ns > self._idle_ns:
            return [self._drop("incomplete", self._first, skip=self._at is _At.INSIDE)]
        return []

    def begin(self) -> None:
        """Begin between two frames; what is held belongs to none."""
        self._held.clear()
        self._first = None
        self._at = _At.OUTSIDE if self._prefix else _At.INSIDE

    def skip(self) -> None:
        """Begin in the middle of something: nothing counts before the next mark."""
        self.begin()
        self._last_ns = None
        self._at = _At.OUTSIDE if self._restarts else _At.SKIPPING

    def _step(self, arrived: Arrived) -> list[Framed | Dropped]:
        if self._at is _At.SKIPPING:
            if self._held.endswith(self._suffix):
                self.begin()
            del self._held[: -len(self._suffix)]
            return []
        if self._prefix and self._held.endswith(self._prefix) and (self._at is _At.OUTSIDE or self._restarts):
            return self._enter(arrived)
        if self._held.endswith(self._suffix):
            return self._end()
        if len(self._held) > self._max_length + len(self._prefix) + len(self._suffix):
            why = TOO_LONG if self._at is _At.INSIDE else WITHOUT_PREFIX
            return [self._drop(why, self._first or arrived, skip=True)]
        return []

    def _enter(self, arrived: Arrived) -> list[Framed | Dropped]:
        before = bytes(self._held[: -len(self._prefix)])
        first = self._first or arrived
        why = "incomplete" if self._at is _At.INSIDE else WITHOUT_PREFIX
        self.begin()
        self._at, self._first = _At.INSIDE, arrived if before else first
        return [Dropped(why, before, first)] if before else []

    def _end(self) -> list[Framed | Dropped]:
        body, first, inside = bytes(self._held[: -len(self._suffix)]), self._first, self._at is _At.INSIDE
        self.begin()
        if not body or first is None:
            return []
        if len(body) > self._max_length:
            return [Dropped(TOO_LONG, body, first)]
        return [Framed(body, first) if inside else Dropped(WITHOUT_PREFIX, body, first)]

    def _drop(self, why: str, first: Arrived, *, skip: bool) -> Dropped:
        data = bytes(self._held)
        self.begin()
        if skip and not self._restarts:
            self._at = _At.SKIPPING
        return Dropped(why, data, first)
