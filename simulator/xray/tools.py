"""Harmless metal: tools, cutlery, keys, screws; some of it knife-long or knife-thin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.xray.materials import BRASS, PLASTIC, RUBBER, STEEL
from simulator.xray.shapes import Sketch

if TYPE_CHECKING:
    from simulator.xray.shapes import Point


def wrench(rng: np.random.Generator) -> Sketch:
    """A spanner: a bar of steel, open jaw at one end, ring at the other."""
    length, head = rng.uniform(110, 230), rng.uniform(11, 19)
    sketch = Sketch(length, 2 * head + 4)
    left, thick = -length / 2, rng.uniform(4, 7)
    sketch.plate(left + head, -head * 0.45, -left - head, head * 0.45, STEEL, thick)
    sketch.ring((left + head, 0), head * 0.75, head * 0.45, STEEL, thick)
    jaw: list[Point] = [
        (-left - 2 * head, -head * 0.5),
        (-left, -head),
        (-left, -head * 0.45),
        (-left - head, -head * 0.35),
        (-left - head, head * 0.35),
        (-left, head * 0.45),
        (-left, head),
        (-left - 2 * head, head * 0.5),
    ]
    sketch.polygon(jaw, STEEL, thick)
    return sketch


def screwdriver(rng: np.random.Generator) -> Sketch:
    """A screwdriver: round steel shaft in a thick plastic handle."""
    shaft, handle = rng.uniform(60, 160), rng.uniform(75, 110)
    total = shaft + handle
    sketch = Sketch(total, 34)
    left, grip = -total / 2, rng.uniform(11, 16)
    sketch.revolve(
        [(left, grip * 0.7), (left + 10, grip), (left + handle - 8, grip * 0.8), (left + handle, grip * 0.5)],
        0,
        PLASTIC,
    )
    sketch.revolve([(left + handle * 0.4, 3), (-left - 8, 3), (-left, 3.6)], 0, STEEL)
    return sketch


def pliers(rng: np.random.Generator) -> Sketch:
    """Pliers: two curved handles crossing at a joint, dark jaws."""
    length = rng.uniform(130, 200)
    sketch = Sketch(length, length * 0.42)
    left, spread = -length / 2, length * rng.uniform(0.08, 0.19)
    joint = -left - length * 0.32
    for side in (-1.0, 1.0):
        bow: list[Point] = [
            (left + 3, side * spread),
            (left + length * 0.3, side * spread),
            (joint, side * 2),
            (-left - 2, -side * 3),
        ]
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
    sketch.polygon(
        [(-left - 50, -3), (-left - 38, -11), (-left - 28, -11), (-left - 28, 11), (-left - 38, 11), (-left - 50, 3)],
        STEEL,
        thick,
    )
    for y in (-9.0, -3.0, 3.0, 9.0):
        sketch.stroke([(-left - 30, y), (-left - 1, y)], 2.6, STEEL, thick)
    return sketch


def bracket(rng: np.random.Generator) -> Sketch:
    """A flat bar with square ends and wide holes along it: a shelf bracket, a hinge, a mounting strip."""
    length, half = rng.uniform(90, 260), rng.uniform(8, 17)
    sketch = Sketch(length, 2 * half + 2)
    thick = rng.uniform(1.5, 3.5)
    sketch.plate(-length / 2, -half, length / 2, half, STEEL, thick)
    for x in np.arange(-length / 2 + 10, length / 2 - 8, rng.uniform(18, 30)):
        sketch.disc((float(x), 0), half * rng.uniform(0.35, 0.5), STEEL, -thick)
    return sketch


def ruler(rng: np.random.Generator) -> Sketch:
    """A thin steel ruler: pale, square ends, a hole at one of them."""
    length, half = rng.uniform(160, 310), rng.uniform(10, 16)
    sketch = Sketch(length, 2 * half + 2)
    sketch.plate(-length / 2, -half, length / 2, half, STEEL, 0.5)
    sketch.disc((-length / 2 + 8, 0), 3.5, STEEL, -0.5)
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
