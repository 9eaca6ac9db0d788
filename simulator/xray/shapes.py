"""Outlines that several things are drawn with."""

from __future__ import annotations

import numpy as np

from simulator.xray.things import Point


def arc(x: float, y: float, radius: float, start: float, end: float, count: int = 9) -> list[Point]:
    """Points of a circle's arc around x, y from one angle to another, in degrees."""
    angles = np.radians(np.linspace(start, end, count))
    return [(x + radius * float(np.cos(angle)), y + radius * float(np.sin(angle))) for angle in angles]


def oblong(x0: float, y0: float, x1: float, y1: float) -> list[Point]:
    """The corners of a rectangle."""
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def spots(low: Point, high: Point, count: int, sizes: Point, rng: np.random.Generator) -> list[list[Point]]:
    """Rectangles of sides between two sizes, anywhere between two corners."""
    outlines = []
    for _ in range(count):
        w, h = rng.uniform(*sizes, 2)
        x = rng.uniform(low[0], max(low[0] + 0.1, high[0] - w))
        y = rng.uniform(low[1], max(low[1] + 0.1, high[1] - h))
        outlines.append(oblong(x, y, x + w, y + h))
    return outlines
