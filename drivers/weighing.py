"""What scales say, whatever their wire: a weight or why there is none, movement, and which result is new."""

from __future__ import annotations

from dataclasses import dataclass

from station.core.events import Arrived

GRAMS = {"g": 1.0, "kg": 1000.0, "t": 1e6, "lb": 453.59237, "oz": 28.349523125}


@dataclass(frozen=True, slots=True)
class Weighed:
    """A result: grams if stable and in the expected unit, below 0 too; else None and why."""

    weight_g: float | None
    fault: str
    arrived: Arrived


@dataclass(frozen=True, slots=True)
class Dynamic:
    """The platform moves: no evidence, but a sign that the next stable result is a new one."""

    arrived: Arrived


def not_negative(event: Weighed) -> Weighed:
    """A weight below 0 is no weight."""
    return event if event.weight_g is None or event.weight_g >= 0 else Weighed(None, "negative", event.arrived)


class NewResults:
    """Of a scale that repeats itself, the results that are new.

    The first stable one after the platform was seen moving or empty (within `empty_g` of 0: its zero drifts); a fault
    when it begins, and so that of a weight that became another by more than `empty_g` although nothing moved. A result
    seen first of all, with nothing seen before it, may be an old parcel's and is not new.
    """

    def __init__(self, empty_g: float) -> None:
        self._empty_g = empty_g
        self._open = False
        self._fault = ""
        self._stood_g: float | None = None

    def new(self, event: Weighed | Dynamic) -> Weighed | None:
        """What there is to tell; None where it is nothing new."""
        if isinstance(event, Dynamic) or (event.weight_g is not None and abs(event.weight_g) <= self._empty_g):
            self._open, self._fault, self._stood_g = True, "", None
            return None
        event = not_negative(event)
        if not self._open and event.weight_g is not None and self._stood_g is not None:
            if abs(event.weight_g - self._stood_g) <= self._empty_g:
                return None
            event = Weighed(None, "another weight, and nothing moved", event.arrived)
        if event.weight_g is None:
            begins, self._fault, self._open = event.fault != self._fault, event.fault, False
            return event if begins else None
        was, self._open, self._fault, self._stood_g = self._open, False, "", event.weight_g
        return event if was else None
