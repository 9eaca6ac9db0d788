"""Why and by when a publisher must end: its daemon's pipe closed, or a signal came. Pure."""

from __future__ import annotations

from collections.abc import Callable

from station.clock import Clock

DRAIN_S = 1.0


def _nothing() -> None:
    """Nobody wants to know."""


class Ending:
    """Told by whoever starts the publisher; asked by the publisher at each step.

    Attributes:
        pipe_closed: the daemon is dead or wants the publisher to end.
        signalled: a person or the system ends it.
    """

    def __init__(self, clock: Clock, when_begun: Callable[[], None] = _nothing) -> None:
        self.pipe_closed = False
        self.signalled = False
        self._clock = clock
        self._when_begun = when_begun
        self._deadline_ns = 0

    def begun(self) -> bool:
        """Whether the end has begun; from then on there is a second."""
        if not (self.pipe_closed or self.signalled):
            return False
        if not self._deadline_ns:
            self._deadline_ns = self._clock.mono_ns() + int(DRAIN_S * 1e9)
            self._when_begun()
        return True

    def due(self) -> bool:
        """Whether the second is over."""
        return self.begun() and self._clock.mono_ns() >= self._deadline_ns
