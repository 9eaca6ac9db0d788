"""A scale's counter of results: which number shows a new one, and which an old one that is back; pure.

What counts is an advance between two looks, as far as results can follow each other. After any other step (the scale
was restarted, a gateway served zeros while it had lost the scale) what stands there is old, and the number from before
the step is never new.
"""

from __future__ import annotations

from station.core.events import Arrived

FASTEST_NS = 10_000_000
"""No scale gives results faster than this."""
_NUMBERS = 0x10000
_NO_NUMBER = 0xFFFF


class ResultCounter:
    """Numbers in, how many results are new out."""

    def __init__(self) -> None:
        self._counted: int | None = None
        self._ahead: int | None = None

    def restart(self) -> None:
        """What is there now is old."""
        self._counted = self._ahead = None

    def advance(self, number: int, arrived: Arrived) -> int:
        """How many results came since the look before, which `arrived` begins with; 0 where none is surely new.

        All ones are a number only right behind the one below; else the scale has none, as while it boots. Where numbers
        begin anew, some scales leave out all ones, or 0.
        """
        before, none = self._counted, number == _NO_NUMBER and self._counted != _NO_NUMBER - 1
        self._counted = None if none else number
        if before is None:
            return 0
        advance = (number - before) % _NUMBERS
        advance -= advance > 1 and number < before
        if none or advance > 2 + (arrived.before_ns - arrived.after_ns) // FASTEST_NS:
            self._ahead = before if self._ahead is None else self._ahead
            return 0
        if not advance or number == self._ahead:
            return 0
        self._ahead = None
        return advance
