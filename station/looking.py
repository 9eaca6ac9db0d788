"""How long the detector has been looking: one that does not come back is told as that, not as a device's trouble."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator

from station.clock import now_ns
from station.core.belt import NS_PER_MS
from station.core.events import Condition, Event

log = logging.getLogger(__name__)
TIMES, LEAST_MS = 5, 1000.0
"""It hangs that takes longer than so many times the bound of the detector, and than so long."""


class Looking:
    """The look that lasts, begun in the detector's thread and watched from another one.

    Attributes:
        hangs: by the last watch, it takes too long.
    """

    def __init__(self, out: Callable[[Event], None]) -> None:
        self.hangs = False
        self._out = out
        self._began_ns: int | None = None

    @contextlib.contextmanager
    def once(self) -> Iterator[None]:
        """Around one look."""
        self._began_ns = now_ns()
        try:
            yield
        finally:
            self._began_ns = None

    def watch(self, now_ns: int, detect_ms: float) -> None:
        """Say once that it hangs, and once that it does no more; `detect_ms` is the detector's bound."""
        began_ns, longest_ms = self._began_ns, max(LEAST_MS, TIMES * detect_ms)
        hangs = began_ns is not None and now_ns - began_ns > longest_ms * NS_PER_MS
        if hangs == self.hangs:
            return
        self.hangs = hangs
        text = f"the detector hangs: a look takes longer than {longest_ms:g} ms, {detect_ms:g} ms are its bound"
        if hangs:
            log.error("eye: %s", text)
        else:
            log.info("eye: the detector answers again")
        self._out(Condition("detector", "hangs", standing=hangs, text=text if hangs else ""))
