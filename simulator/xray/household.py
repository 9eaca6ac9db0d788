"""Harmless household things: bottles, tins, books, crockery, shoes, toys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.xray.materials import (
    ALUMINIUM,
    BRASS,
    CERAMIC,
    FOAM,
    FOOD,
    GLASS,
    PAPER,
    PLASTIC,
    RUBBER,
    SOAP,
    STEEL,
    WATER,
    WOOD,
)
from simulator.xray.shapes import Sketch

if TYPE_CHECKING:
    from simulator.xray.shapes import Point


def bottle(rng: np.random.Generator) -> Sketch:
    """A bottle of plastic or glass with a neck and a cap, filled to some level; no valve, no seams, no tube."""
    length, radius = rng.uniform(110, 250), rng.uniform(18, 38)
    sketch = Sketch(length, 2 * radius + 2)
    left = -length / 2
    body = left + length * rng.uniform(0.6, 0.78)
    neck = min(body + radius * rng.uniform(0.8, 1.6), -left - 12)
    profile = [(left, radius), (body, radius), (neck, radius * 0.4), (-left - 1, radius * 0.4)]
    sketch.revolve(
        profile, 0, *((GLASS, rng.uniform(2, 3.5)) if rng.random() < 0.4 else (PLASTIC, rng.uniform(0.6, 1.5)))
    )
    level = left + (body - left) * rng.uniform(0.1, 1.0)
    sketch.revolve([(left + 2, radius - 2), (level, radius - 2)], 0, WATER if rng.random() < 0.5 else SOAP)
    cap = (ALUMINIUM, 0.4) if rng.random() < 0.3 else (PLASTIC, 1.8)
    sketch.revolve([(neck + 1, radius * 0.5), (-left, radius * 0.5)], 0, *cap)
    return sketch


def flask(rng: np.random.Generator) -> Sketch:
    """A steel vacuum flask: two walls, a screw lid, straight sides."""
    length, radius = rng.uniform(150, 240), rng.uniform(30, 40)
    sketch = Sketch(length, 2 * radius + 2)
    left = -length / 2
    lid = -left - rng.uniform(25, 45)
    sketch.revolve([(left, radius), (lid, radius)], 0, STEEL, 0.5)
    sketch.revolve([(left + 8, radius - 5), (lid, radius - 5)], 0, STEEL, 0.4)
    sketch.revolve([(lid, radius * 0.92), (-left, radius * 0.85)], 0, PLASTIC, 3)
    return sketch


def tin(rng: np.random.Generator) -> Sketch:
    """A tin of food: short, full, beaded wall, two flat ends."""
    length, radius = rng.uniform(60, 115), rng.uniform(30, 43)
    sketch = Sketch(length, 2 * radius + 2)
    left = -length / 2
    sketch.revolve([(left, radius), (-left, radius)], 0, STEEL, 0.22)
    sketch.revolve([(left + 2, radius - 1), (-left - 4, radius - 1)], 0, FOOD)
    for x in (left + 1, -left - 1):
        sketch.stroke([(x, -radius), (x, radius)], 1.6, STEEL, 2.2)
    for x in np.arange(-length / 5, length / 5, 4.0):
        sketch.stroke([(float(x), -radius), (float(x), radius)], 1.0, STEEL, 0.25)
    return sketch


def book(rng: np.random.Generator) -> Sketch:
    """A book, magazine or pile of paper, lines of pages at one side, perhaps staples or a spiral."""
    width, height = rng.uniform(120, 280), rng.uniform(90, 200)
    sketch = Sketch(width, height)
    left, top = -width / 2, -height / 2
    thick = rng.uniform(5, 42)
    sketch.plate(left, top, -left, -top, PAPER, thick)
    for number in range(4):
        sketch.plate(left, top, left + 2 + 2.0 * number, -top, PAPER, thick * 0.05)
    draw = rng.random()
    if draw < 0.3:
        for y in np.linspace(top + 6, -top - 6, 24):
            sketch.ring((left + 3, float(y)), 2.6, 1.0, STEEL, 1.0)
    elif draw < 0.6:
        for y in (top / 2, -top / 2):
            sketch.stroke([(left + 2, y - 6), (left + 2, y + 6)], 0.9, STEEL, 0.8)
    return sketch


def mug(rng: np.random.Generator) -> Sketch:
    """A mug from its side, with a handle."""
    height, radius = rng.uniform(85, 110), rng.uniform(36, 44)
    sketch = Sketch(height, 2 * radius + 44)
    left = -height / 2
    sketch.revolve([(left, radius), (-left, radius)], 0, CERAMIC, rng.uniform(3, 5))
    sketch.plate(left, -radius, left + 5, radius, CERAMIC, 30)
    sketch.ring((0, radius + 6), 22, 8, CERAMIC, 8)
    return sketch


def food_box(rng: np.random.Generator) -> Sketch:
    """A packet of something loose: grains, sweets, washing powder; organic and uneven."""
    width, height = rng.uniform(80, 200), rng.uniform(60, 140)
    sketch = Sketch(width, height)
    sketch.plate(-width / 2, -height / 2, width / 2, height / 2, FOOD, rng.uniform(10, 45))
    sketch.texture(rng.standard_normal((14, 20)).astype(np.float32), FOOD, rng.uniform(3, 12))
    return sketch


def shoe(rng: np.random.Generator) -> Sketch:
    """A shoe from above: sole, foam, eyelets, sometimes a steel shank."""
    length = rng.uniform(200, 290)
    sketch = Sketch(length, 104)
    left = -length / 2
    sole: list[Point] = [
        (left, -24),
        (left + 20, -32),
        (left + 90, -26),
        (-left - 60, -42),
        (-left - 15, -34),
        (-left, -6),
        (-left - 10, 24),
        (-left - 60, 38),
        (left + 90, 26),
        (left + 20, 32),
        (left, 24),
    ]
    sketch.polygon(sole, RUBBER, rng.uniform(10, 20))
    sketch.polygon([(x * 0.9, y * 0.85) for x, y in sole], FOAM, 40)
    for x in np.linspace(0, length / 4, 5):
        for y in (-13.0, 13.0):
            sketch.ring((float(x), y), 2.4, 1.2, BRASS, 1.0)
    if rng.random() < 0.5:
        sketch.stroke([(left + 50, 0), (left + 140, 0)], 14, STEEL, 0.9)
    return sketch


def wooden_toy(rng: np.random.Generator) -> Sketch:
    """Blocks and balls of wood or plastic."""
    sketch = Sketch(120, 100)
    for _ in range(int(rng.integers(2, 6))):
        x, y, size = rng.uniform(-40, 20), rng.uniform(-35, 10), rng.uniform(15, 36)
        if rng.random() < 0.5:
            sketch.plate(x, y, x + size, y + size, WOOD, size)
        else:
            sketch.ball((x + size / 2, y + size / 2), size / 2, size / 2, WOOD, size)
    return sketch
