"""Harmless household things: bottles, tools, cutlery, books, tins, small metal."""

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
    sketch.revolve(profile, 0, *((GLASS, rng.uniform(2, 3.5)) if rng.random() < 0.4 else (PLASTIC, rng.uniform(0.6, 1.5))))
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


def wrench(rng: np.random.Generator) -> Sketch:
    """A spanner: a bar of steel, open jaw at one end, ring at the other."""
    length, head = rng.uniform(110, 230), rng.uniform(11, 19)
    sketch = Sketch(length, 2 * head + 4)
    left, thick = -length / 2, rng.uniform(4, 7)
    sketch.plate(left + head, -head * 0.45, -left - head, head * 0.45, STEEL, thick)
    sketch.ring((left + head, 0), head * 0.75, head * 0.45, STEEL, thick)
    jaw: list[Point] = [(-left - 2 * head, -head * 0.5), (-left, -head), (-left, -head * 0.45), (-left - head, -head * 0.35), (-left - head, head * 0.35), (-left, head * 0.45), (-left, head), (-left - 2 * head, head * 0.5)]
    sketch.polygon(jaw, STEEL, thick)
    return sketch


def screwdriver(rng: np.random.Generator) -> Sketch:
    """A screwdriver: round steel shaft in a thick plastic handle."""
    shaft, handle = rng.uniform(60, 160), rng.uniform(75, 110)
    total = shaft + handle
    sketch = Sketch(total, 34)
    left, grip = -total / 2, rng.uniform(11, 16)
    sketch.revolve([(left, grip * 0.7), (left + 10, grip), (left + handle - 8, grip * 0.8), (left + handle, grip * 0.5)], 0, PLASTIC)
    sketch.revolve([(left + handle * 0.4, 3), (-left - 8, 3), (-left, 3.6)], 0, STEEL)
    return sketch


def pliers(rng: np.random.Generator) -> Sketch:
    """Pliers: two curved handles crossing at a joint, dark jaws."""
    length = rng.uniform(130, 200)
    sketch = Sketch(length, length * 0.42)
    left, spread = -length / 2, length * rng.uniform(0.08, 0.19)
    joint = -left - length * 0.32
    for side in (-1.0, 1.0):
        bow: list[Point] = [(left + 3, side * spread), (left + length * 0.3, side * spread), (joint, side * 2), (-left - 2, -side * 3)]
        sketch.stroke(bow, 8, STEEL, 6)
        sketch.stroke(bow[:2], 13, RUBBER, 8)
    sketch.disc((joint, 0), 9, STEEL, 8)
    return sketch


def cutlery(rng: np.random.Generator) -> Sketch:
    """A spoon or fork of steel: knife-long, but blunt and with a bowl or tines."""
    length = rng.uniform(130, 205)
    sketch = Sketch(length, 46)
    left, thick = -length / 2, rng.uniform(1.4, 2.4)
    sketch.polygon([(left, -6), (left, 6), (-left - 45, 3), (-left - 45, -3)], STEEL, thick)
    if rng.random() < 0.5:
        sketch.ball((-left - 28, 0), 27, 20, STEEL, thick)
        return sketch
    sketch.polygon([(-left - 50, -3), (-left - 38, -11), (-left - 28, -11), (-left - 28, 11), (-left - 38, 11), (-left - 50, 3)], STEEL, thick)
    for y in (-9.0, -3.0, 3.0, 9.0):
        sketch.stroke([(-left - 30, y), (-left - 1, y)], 2.6, STEEL, thick)
    return sketch


def ruler(rng: np.random.Generator) -> Sketch:
    """A flat bar with square ends: a steel ruler, a hinge, a shelf bracket with holes."""
    length, half = rng.uniform(90, 260), rng.uniform(7, 17)
    sketch = Sketch(length, 2 * half + 2)
    thick = rng.uniform(0.8, 3.5)
    sketch.plate(-length / 2, -half, length / 2, half, STEEL, thick)
    for x in np.linspace(-length / 2 + 8, length / 2 - 8, int(rng.integers(2, 7))):
        sketch.disc((float(x), 0), 2.6, STEEL, -thick)
    return sketch


def keys(rng: np.random.Generator) -> Sketch:
    """A ring with two to five keys."""
    sketch = Sketch(120, 120)
    sketch.ring((0, 0), 13, 2.2, STEEL, 2.2)
    for _ in range(int(rng.integers(2, 6))):
        angle = rng.uniform(0, 2 * np.pi)
        way = np.array((np.cos(angle), np.sin(angle)))
        side = np.array((-way[1], way[0]))
        sketch.disc((float(way[0] * 22), float(way[1] * 22)), 10, BRASS, 1.6)
        sketch.stroke([tuple(way * 28), tuple(way * 57)], 5.5, BRASS, 1.6)
        for step in (36, 42, 48, 53):
            sketch.stroke([tuple(way * step + side * 2), tuple(way * step + side * rng.uniform(2.5, 5))], 2, BRASS, 1.4)
    return sketch


def small_metal(rng: np.random.Generator) -> Sketch:
    """A handful of screws, nuts, coins, rings and springs."""
    size = rng.uniform(40, 100)
    sketch = Sketch(size, size)
    for _ in range(int(rng.integers(3, 12))):
        x, y = rng.uniform(-size / 2 + 8, size / 2 - 8, 2)
        draw, angle = rng.random(), rng.uniform(0, np.pi)
        if draw < 0.4:
            dx, dy = np.cos(angle) * 8, np.sin(angle) * 8
            sketch.stroke([(x - dx, y - dy), (x + dx, y + dy)], 3, STEEL, 3)
            sketch.disc((x - dx, y - dy), 3.2, STEEL, 3)
        elif draw < 0.6:
            sketch.disc((x, y), rng.uniform(8, 12), BRASS, 1.8)
        elif draw < 0.8:
            sketch.ring((x, y), rng.uniform(4, 9), 2.2, STEEL, 2.5)
        else:
            spring: list[Point] = [(x + 1.6 * i - 8, y + (4 if i % 2 else -4)) for i in range(11)]
            sketch.stroke(spring, 1.0, STEEL, 1.2)
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
    sole: list[Point] = [(left, -24), (left + 20, -32), (left + 90, -26), (-left - 60, -42), (-left - 15, -34), (-left, -6), (-left - 10, 24), (-left - 60, 38), (left + 90, 26), (left + 20, 32), (left, 24)]
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
