"""The belt's motion, and when each item reaches a place: travel is what matters, time follows."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from simulator.plant.draw import drawn
from simulator.plant.feed import Item


@dataclass(slots=True)
class Belt:
    """Travel in mm since the start; speed ramps so that it brakes within `brake_mm` from full speed.

    `steady_from` is the travel from which on it has been at full speed.
    """

    full_mm_s: float
    brake_mm: float
    travel: float = 0.0
    speed_mm_s: float = 0.0
    running: bool = False
    steady_from: float = 0.0

    def step(self, seconds: float) -> tuple[float, float]:
        """Move for that long; returns travel before and after. Speed is even within a step."""
        target = self.full_mm_s if self.running else 0.0
        if self.speed_mm_s != target:
            change = self.full_mm_s**2 / (2 * self.brake_mm) * seconds
            if self.speed_mm_s < target:
                self.speed_mm_s = min(target, self.speed_mm_s + change)
            else:
                self.speed_mm_s = max(target, self.speed_mm_s - change)
        before = self.travel
        self.travel += self.speed_mm_s * seconds
        if self.speed_mm_s != self.full_mm_s:
            self.steady_from = self.travel
        return before, self.travel


def draw_slips(random: Random, stretches: int, slip: float, limits: float = 0.0) -> tuple[float, ...]:
    """One factor a stretch: how far an item moves for a mm of belt."""
    return tuple(drawn(random, 1 - slip, 1 + slip, limits) for _ in range(stretches))


def travel_at(item: Item, place_mm: float, stretches: tuple[float, ...]) -> float:
    """Belt travel at which the item's leading edge is at `place_mm`; `stretches` are the places where slip changes."""
    travel = item.start - item.offset
    if place_mm <= 0:
        return travel + place_mm
    at = 0.0
    for end, factor in zip((*stretches, float("inf")), item.slips, strict=True):
        part = min(place_mm, end) - at
        if part <= 0:
            break
        travel += part / factor
        at = end
    return travel
