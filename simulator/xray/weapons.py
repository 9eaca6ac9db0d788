"""Guns and knives, each made anew from a random generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.xray.materials import ALUMINIUM, BRASS, LEAD, PLASTIC, STEEL, WOOD
from simulator.xray.shapes import Sketch

if TYPE_CHECKING:
    from simulator.xray.shapes import Point


def pistol(rng: np.random.Generator) -> Sketch:
    """A self-loading pistol: slide over barrel and spring, frame, guard, grip with a magazine in it."""
    length, tall = rng.uniform(135, 205), rng.uniform(100, 140)
    sketch = Sketch(length, tall)
    left, top = -length / 2, -tall / 2
    slide = rng.uniform(22, 28)
    solid = rng.uniform(5, 11)
    sketch.plate(left + 2, top + 2, left + length - 8, top + slide, STEEL, solid)
    sketch.plate(left + 4, top + 7, left + length * 0.62, top + 12, STEEL, -solid * 0.45)
    sketch.plate(left + length * 0.45, top + 3, left + length * 0.62, top + 8, STEEL, -solid * 0.5)
    for x in np.arange(left + 10, left + length * 0.4, 4.0):
        sketch.stroke([(x, top + slide - 8), (x + 2, top + slide - 3)], 1.2, STEEL, 1.5)
    frame = (STEEL, rng.uniform(3, 6)) if rng.random() < 0.5 else (PLASTIC, rng.uniform(14, 22))
    rear, bottom = left + length - 6, top + tall - 2
    wide, lean = rng.uniform(34, 44), rng.uniform(6, 22)
    sketch.plate(left + length * 0.2, top + slide, rear, top + slide + 13, *frame)
    grip = [
        (rear - wide, top + slide),
        (rear, top + slide),
        (rear + lean - 14, bottom),
        (rear - wide + lean - 14, bottom),
    ]
    sketch.polygon(grip, *frame)
    shrunk = [(x + (4 if x < rear - wide / 2 - 4 else -5), y) for x, y in grip]
    sketch.polygon(shrunk, STEEL, rng.uniform(1.2, 2.4))
    rounds = int(rng.integers(0, 9))
    for number in range(rounds):
        y = top + slide + 16 + number * 8.5
        if y < bottom - 8:
            x = rear - wide * 0.5 + (lean - 14) * (y - top - slide) / (tall - slide)
            sketch.plate(x - 10, y, x + 6, y + 6, BRASS, 2.5)
            sketch.plate(x - 15, y + 1, x - 10, y + 5, LEAD, 3.0)
    guard_x = rear - wide - 15
    sketch.ring((guard_x, top + slide + 20), rng.uniform(12, 15), 4.5, *frame)
    sketch.stroke([(guard_x + 5, top + slide + 8), (guard_x + 1, top + slide + 26)], 4, STEEL, 4)
    return sketch


def revolver(rng: np.random.Generator) -> Sketch:
    """A revolver: barrel, frame, drum with chambers, wooden grip on a steel strap, hammer, guard."""
    length, tall = rng.uniform(150, 230), rng.uniform(100, 135)
    sketch = Sketch(length, tall)
    left, top = -length / 2, -tall / 2
    barrel = length - 112
    solid = rng.uniform(6, 11)
    sketch.plate(left + 1, top + 10, left + barrel, top + 24, STEEL, solid)
    sketch.plate(left + 1, top + 15, left + barrel, top + 19, STEEL, -solid * 0.5)
    sketch.plate(left + barrel * 0.3, top + 26, left + barrel, top + 33, STEEL, solid * 0.6)
    drum = left + barrel
    sketch.plate(drum, top + 6, drum + 56, top + 12, STEEL, solid * 0.8)
    sketch.plate(drum, top + 42, drum + 60, top + 50, STEEL, solid * 0.8)
    sketch.plate(drum + 4, top + 11, drum + 44, top + 45, STEEL, solid * 0.9)
    for y in (top + 15, top + 25, top + 35):
        sketch.plate(drum + 6, y, drum + 42, y + 6, STEEL, -solid * 0.4)
        if rng.random() < 0.6:
            sketch.plate(drum + 10, y, drum + 42, y + 6, BRASS, 2.5)
    sketch.plate(drum + 44, top + 8, drum + 62, top + 50, STEEL, solid * 0.8)
    sketch.polygon([(drum + 58, top + 10), (drum + 72, top + 2), (drum + 74, top + 8), (drum + 62, top + 20)], STEEL, 5)
    bottom = top + tall - 2
    grip = [
        (drum + 46, top + 44),
        (drum + 66, top + 40),
        (drum + 104, bottom - 8),
        (drum + 92, bottom),
        (drum + 72, bottom),
    ]
    sketch.polygon(grip, WOOD, rng.uniform(22, 30))
    sketch.stroke([*grip[:1], (drum + 74, bottom - 4), (drum + 96, bottom - 6), grip[1]], 3.0, STEEL, 8)
    sketch.disc((drum + 74, top + 70), 3, STEEL, 8)
    sketch.ring((drum + 34, top + 60), rng.uniform(12, 14), 4, STEEL, 6)
    sketch.stroke([(drum + 38, top + 50), (drum + 32, top + 66)], 4, STEEL, 5)
    return sketch


def gun(rng: np.random.Generator) -> Sketch:
    """A pistol, or less often a revolver."""
    return pistol(rng) if rng.random() < 0.7 else revolver(rng)


def _blade(sketch: Sketch, start: float, end: float, half: float, rng: np.random.Generator) -> None:
    """A bevelled blade along x: full thickness at the spine, a thin edge, a point of one of three kinds."""
    point = rng.uniform(0.1, 0.45) * (end - start)
    spine = rng.uniform(1.6, 3.6)
    drop = float(rng.choice((-half, 0.0, half * 0.6)))
    outline: list[Point] = [(start, -half), (end - point, -half), (end, drop), (end - point * 0.8, half), (start, half)]
    sketch.polygon(outline, STEEL, spine * 0.3)
    for share, part in ((0.35, 0.3), (-0.3, 0.4)):
        edge = half * share
        bevel: list[Point] = [(start, -half), (end - point, -half), (end - 2, drop), (end - point, edge), (start, edge)]
        sketch.polygon(bevel, STEEL, spine * part)


def fixed_knife(rng: np.random.Generator) -> Sketch:
    """A kitchen knife or dagger: blade, tang and rivets in a handle of plastic or wood, sometimes a guard."""
    blade, handle = rng.uniform(75, 190), rng.uniform(80, 120)
    half = rng.uniform(9, 22) if rng.random() < 0.7 else rng.uniform(7, 11)
    sketch = Sketch(blade + handle, max(2 * half, 34) + 4)
    start = -(blade + handle) / 2
    joint = start + handle
    grip = rng.uniform(9, 14)
    sketch.revolve(
        [(start, grip * 0.8), (start + 12, grip), (joint - 20, grip * 0.85), (joint, grip)],
        0,
        PLASTIC if rng.random() < 0.6 else WOOD,
    )
    tang = grip * rng.uniform(0.2, 0.45)
    sketch.plate(joint - handle * rng.uniform(0.5, 0.9), -tang, joint, tang, STEEL, rng.uniform(1.5, 3))
    for x in np.linspace(start + 16, joint - 14, int(rng.integers(2, 4))):
        sketch.disc((float(x), 0), 2.6, BRASS, 8)
    if rng.random() < 0.35:
        sketch.plate(joint - 2, -half - 6, joint + 4, half + 6, STEEL, 6)
    _blade(sketch, joint, -start, half, rng)
    return sketch


def folding_knife(rng: np.random.Generator) -> Sketch:
    """A folding knife, open or shut: liners, scales, spring, pivot, and the blade within when shut."""
    handle, half = rng.uniform(85, 125), rng.uniform(9, 13)
    is_open = rng.random() < 0.75
    blade = handle * rng.uniform(0.78, 0.92)
    total = handle + blade if is_open else handle
    sketch = Sketch(total, 2 * half + 8)
    start = -total / 2
    end = start + handle
    body: list[Point] = [
        (start, -half * 0.6),
        (start + 10, -half),
        (end, -half * 0.8),
        (end, half * 0.8),
        (start + 12, half),
    ]
    sketch.polygon(body, PLASTIC if rng.random() < 0.6 else ALUMINIUM, rng.uniform(6, 10))
    sketch.polygon(body, STEEL, rng.uniform(1.6, 3.0))
    sketch.stroke([(start + 6, -half + 2), (end - 6, -half + 2)], 3.5, STEEL, 4)
    sketch.disc((end - 6, 0), 4.5, STEEL, 9)
    sketch.disc((start + 8, 0), 2.5, STEEL, 8)
    if is_open:
        _blade(sketch, end - 4, end + blade, half * 0.85, rng)
    else:
        _blade(sketch, end - 8 - blade * 0.85, end - 6, half * 0.7, rng)
    return sketch


def cutter(rng: np.random.Generator) -> Sketch:
    """A cutter: a segmented blade in a plastic holder with a steel rail, pushed out by half or so."""
    body, out, half = rng.uniform(110, 150), rng.uniform(25, 75), rng.uniform(7, 10)
    sketch = Sketch(body + out, 2 * half + 6)
    start = -(body + out) / 2
    sketch.plate(start, -half, start + body, half, PLASTIC, rng.uniform(6, 10))
    sketch.plate(start + 12, -half * 0.7, start + body, half * 0.7, STEEL, 1.8)
    sketch.plate(start + 50, -half * 0.5, start + 72, half * 0.5, PLASTIC, 6)
    end = start + body + out
    sketch.polygon(
        [(start + 40, -half * 0.75), (end - 9, -half * 0.75), (end, half * 0.75), (start + 40, half * 0.75)], STEEL, 1.1
    )
    for x in np.arange(start + 48, end - 10, 9.0):
        sketch.stroke([(x, -half * 0.75), (x + 6, half * 0.75)], 1.0, STEEL, -0.5)
    return sketch


def knife(rng: np.random.Generator) -> Sketch:
    """One of the three kinds of knife."""
    draw = rng.random()
    if draw < 0.5:
        return fixed_knife(rng)
    return folding_knife(rng) if draw < 0.82 else cutter(rng)
