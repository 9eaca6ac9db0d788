"""What scales say, whatever their wire: a weight or why there is none, movement, and which result is new."""

from __future__ import annotations

from dataclasses import dataclass

from station.core.events import Arrived

GRAMS = {"g": 1.0, "kg": 1000.0, "t": 1e6, "lb": 453.59237, "oz": 28.349523125}


@dataclass(frozen=True, slots=True)
class Weighed:
    """A result: grams if stable, in the expected unit and not negative; else None and why."""

    weight_g: float | None
    fault: str
    arrived: Arrived


@dataclass(frozen=True, slots=True)
class Dynamic:
    """The platform moves: no evidence, but a sign that the next stable result is a new one."""

    arrived: Arrived


class NewResults:
    """Of a scale that repeats itself, the results that are new.

    The first stable one above `empty_g` after the platform was seen moving or empty; a fault when it begins. A result
    seen first of all, with nothing seen before it, may be an old parcel's and is not new.
    """

    def __init__(self, empty_g: float) -> None:
        self._empty_g = empty_g
        self._open = False
        self._fault = ""

    def new(self, event: Weighed | Dynamic) -> bool:
        """Whether this one is."""
        if isinstance(event, Dynamic) or (event.weight_g is not None and event.weight_g <= self._empty_g):
            self._open, self._fault = True, ""
            return False
        if event.weight_g is None:
            begins, self._fault, self._open = event.fault != self._fault, event.fault, False
            return begins
        was, self._open, self._fault = self._open, False, ""
        return was
