"""Draws within bounds, some of them at the bounds: where a bound is forgotten, only those show it."""

from __future__ import annotations

from random import Random


def drawn(random: Random, low: float, high: float, limits: float = 0.0) -> float:
    """A number between the two; with probability `limits` one of the two themselves."""
    if limits and random.random() < limits:
        return random.choice((low, high))
    return random.uniform(low, high)
