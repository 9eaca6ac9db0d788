"""Guns and ammunition: outlines, hollows and materials as a picture shows them, and nothing of how they work."""

from __future__ import annotations

import numpy as np

from simulator.xray.shapes import arc
from simulator.xray.things import Thing, about


def _cartridge(thing: Thing, x: float, y: float, z: float, size: float, rng: np.random.Generator) -> None:
    """A cartridge along x: a case with powder in it, a bullet in front."""
    case, bullet = size * rng.uniform(1.9, 2.3), size * 1.2
    thing.tube((x, y, z), (x + case, y, z), size / 2, "brass", wall=0.5)
    thing.tube((x + 2, y, z), (x + case - 3, y, z), size / 2 - 0.6, "propellant")
    thing.tube((x + case - 3, y, z), (x + case + bullet * 0.4, y, z), size / 2 - 0.4, "lead")
    thing.tube((x + case + bullet * 0.4, y, z), (x + case + bullet, y, z), size / 2 - 0.4, "lead", size * 0.15)
    thing.tube((x - 0.6, y, z), (x + 0.8, y, z), size / 2 + 0.3, "brass")


def _guard(thing: Thing, x: float, y: float, radius: float, wide: float, material: str) -> None:
    outer, inner = arc(x, y, radius, -10, 190, 13), arc(x, y, radius - 4, 190, -10, 13)
    thing.plate([[*outer, *inner]], wide, material)
    thing.plate([[(x + 2, y - 2), (x + 6, y - 2), (x + 3, y + radius * 0.7), (x, y + radius * 0.75)]], 6, "steel")


def pistol(rng: np.random.Generator) -> Thing:
    """A self-loading pistol: slide around a barrel, frame, guard, grip with a magazine in it."""
    length, tall = rng.uniform(140, 210), rng.uniform(100, 138)
    thing = Thing()
    slide, wide, wall = rng.uniform(21, 27), rng.uniform(20, 25), rng.uniform(2.0, 3.6)
    thing.box((0, 0, -wide / 2), (length, slide, wide / 2), "steel")
    thing.box((4, wall, -wide / 2 + wall), (length * 0.72, slide, wide / 2 - wall), "steel", -1)
    thing.tube((2, slide * 0.42, 0), (length * 0.62, slide * 0.42, 0), 6.5, "steel", wall=2.0)
    thing.tube((8, slide * 0.8, 0), (length * 0.5, slide * 0.8, 0), 2.5, "steel", wall=1.0)
    thing.box((length * 0.48, 0, -wide / 2), (length * 0.62, wall, 0), "steel", -0.9)
    for x in np.arange(length * 0.8, length - 6, 3.5):
        thing.box((x, 4, wide / 2 - 0.8), (x + 1.5, slide - 2, wide / 2), "steel", -1)
    thing.box((length - 12, -4, -5), (length - 6, 1, 5), "steel")
    thing.box((6, -3, -1.5), (9, 0, 1.5), "steel")
    _grip(thing, length, slide, tall, wide, rng)
    return thing.centred()


def _grip(thing: Thing, length: float, slide: float, tall: float, wide: float, rng: np.random.Generator) -> None:
    frame, solid = ("steel", rng.uniform(4, 8)) if rng.random() < 0.5 else ("nylon", wide * 0.8)
    if rng.random() < 0.15:
        frame, solid = "aluminium", wide * 0.5
    broad, lean = rng.uniform(34, 44), rng.uniform(4, 24)
    rear = length - 4
    thing.plate([[(length * 0.12, slide), (rear, slide), (rear, slide + 12), (length * 0.12, slide + 9)]], solid, frame)
    outline = [(rear - broad, slide + 8), (rear, slide + 8), (rear + lean, tall), (rear + lean - broad, tall)]
    thing.plate([outline], solid, frame)
    thing.plate([[(x, y) for x, y in outline]], 3.0, "wood" if rng.random() < 0.3 else "abs", z=wide / 2)
    inner = [(x + (5 if number in (0, 3) else -5), y) for number, (x, y) in enumerate(outline)]
    if rng.random() < 0.9:
        thing.plate([inner], rng.uniform(1.6, 2.6), "steel")
        thing.plate([[(x + 1, tall - 1), (x + broad + 3, tall - 1), (x + broad + 3, tall + 4), (x + 1, tall + 4)]
                     for x in (rear + lean - broad,)], wide * 0.8, frame)  # fmt: skip
        for number in range(int(rng.integers(0, 10))):
            y = slide + 16 + number * 9.5
            if y < tall - 8:
                shift = lean * (y - slide) / (tall - slide)
                _cartridge(thing, rear - broad + 8 + shift, y, 0.0, 8.8, rng)
    _guard(thing, rear - broad - 13, slide + 11, rng.uniform(13, 16), 10, frame)
    for x, y in ((rear - broad + 8, slide + 18), (rear - 8, slide + 18), (rear + lean - broad / 2, tall - 10)):
        thing.tube((x, y, -wide * 0.4), (x, y, wide * 0.4), 2.0, "steel")


def revolver(rng: np.random.Generator) -> Thing:
    """A revolver: barrel, frame, drum with chambers, grip on a steel strap, hammer, guard."""
    barrel, grip = rng.uniform(48, 120), rng.uniform(62, 85)
    thing = Thing()
    thing.tube((0, 12, 0), (barrel, 12, 0), 8.5, "steel", wall=3.6)
    thing.box((0, 0, -3), (barrel, 5, 3), "steel")
    if rng.random() < 0.6:
        thing.tube((barrel * 0.3, 24, 0), (barrel, 24, 0), 4, "steel")
    thing.box((2, -4, -1.2), (9, 1, 1.2), "steel")
    thing.plate([[(barrel, 0), (barrel + 66, 0), (barrel + 70, 12), (barrel + 66, 46), (barrel, 40)],
                 [(barrel + 3, 5), (barrel + 47, 5), (barrel + 47, 36), (barrel + 3, 36)]], 12, "steel")  # fmt: skip
    _drum(thing, barrel + 4, 20.5, rng)
    thing.plate([[(barrel + 60, 6), (barrel + 76, -6), (barrel + 82, -2), (barrel + 70, 18)]], 6, "steel")
    base = barrel + 52
    outline = [(base, 44), (base + 22, 34), (base + 46, 40 + grip), (base + 14, 42 + grip)]
    thing.plate([outline], rng.uniform(22, 28), "wood" if rng.random() < 0.6 else "rubber")
    strap = [(base + 2, 44), (base + 7, 44), (base + 21, 38 + grip), (base + 40, 37 + grip), (base + 17, 36),
             (base + 22, 34), (base + 46, 40 + grip), (base + 16, 41 + grip)]  # fmt: skip
    thing.plate([strap], 8, "steel")
    _guard(thing, barrel + 38, 43, rng.uniform(13, 16), 8, "steel")
    return thing.centred()


def _drum(thing: Thing, x: float, y: float, rng: np.random.Generator) -> None:
    radius, chambers = rng.uniform(17, 20), int(rng.integers(5, 8))
    thing.tube((x, y, 0), (x + 42, y, 0), radius, "steel")
    loaded = rng.random()
    for number in range(chambers):
        angle = 2 * np.pi * number / chambers + 0.3
        cy, cz = y + radius * 0.62 * float(np.cos(angle)), radius * 0.62 * float(np.sin(angle))
        thing.tube((x - 1, cy, cz), (x + 43, cy, cz), 4.9, "steel", factor=-1)
        if rng.random() < loaded:
            _cartridge(thing, x + 14, cy, cz, 9.4, rng)


def gun(rng: np.random.Generator) -> Thing:
    """A pistol, or less often a revolver."""
    return pistol(rng) if rng.random() < 0.65 else revolver(rng)


def long_gun(rng: np.random.Generator) -> Thing:
    """A part of a long gun: barrel with or without fore-end, receiver with magazine, or a stock with its tube."""
    thing = Thing()
    barrel, size = rng.uniform(220, 420), rng.uniform(8, 11)
    kind = rng.random()
    if kind < 0.75:
        thing.tube((0, 0, 0), (barrel, 0, 0), size, "steel", size * 1.15, wall=rng.uniform(3.0, 4.2))
        thing.box((8, -size - 9, -1.5), (14, -size, 1.5), "steel")
        if rng.random() < 0.5:
            grip = "wood" if rng.random() < 0.5 else "nylon"
            thing.tube((barrel * 0.45, 6, 0), (barrel, 6, 0), 20, grip, 23, wall=8)
        if rng.random() < 0.4:
            thing.tube((barrel * 0.2, 20, 0), (barrel, 20, 0), 10, "steel", wall=1.2)
    if kind > 0.3:
        wide = rng.uniform(28, 36)
        length, start = rng.uniform(150, 230), barrel
        thing.shell(
            (start, -18, -wide / 2), (start + length, 30, wide / 2), "steel" if kind < 0.7 else "aluminium", 3.2
        )
        thing.tube((start + 10, 2, 0), (start + length * 0.6, 2, 0), 10, "steel")
        thing.box((start + length * 0.2, -15, wide / 2 - 3.2), (start + length * 0.45, -4, wide / 2), "steel", -0.6)
        _guard(thing, start + length * 0.55, 30, 18, 9, "steel")
        lean = rng.uniform(10, 35)
        grip_at = start + length * 0.72
        thing.plate(
            [[(grip_at, 30), (grip_at + 34, 30), (grip_at + 34 + lean, 108), (grip_at + lean, 108)]], 26, "nylon"
        )
        if rng.random() < 0.6:
            curve = [(start + 28 - 22 * (t**2), 30 + 120 * t) for t in np.linspace(0, 1, 7)]
            back = [(x + 52, y) for x, y in reversed(curve)]
            thing.plate([[*curve, *back]], 4.0, "steel")
    return thing.centred()


def ammunition(rng: np.random.Generator) -> Thing:
    """Cartridges: loose, in rows in a box, in a strip, or large ones with shot."""
    thing = Thing()
    size = rng.uniform(7, 13)
    kind = rng.random()
    if kind < 0.35:
        for _ in range(int(rng.integers(4, 14))):
            single = Thing()
            _cartridge(single, 0, 0, 0, size, rng)
            x, y = rng.uniform(-35, 35, 2)
            thing.take(single, (x, y, rng.uniform(-6, 6)), about("z", rng.uniform(0, 360)))
        return thing.centred()
    if kind < 0.55:
        for number in range(int(rng.integers(3, 7))):
            _shot_shell(thing, number * 22.5)
        return thing.centred()
    columns, rows = int(rng.integers(4, 9)), int(rng.integers(2, 5))
    upright = rng.random() < 0.4
    for number in range(columns * rows):
        x, y = (number % columns) * size * 1.35, number // columns * size * (1.35 if upright else 3.6)
        single = Thing()
        _cartridge(single, 0, 0, 0, size, rng)
        thing.take(single, (x, y, 0), about("y", -90) if upright else about("z", 90))
    thing = thing.centred()
    low, high = thing.reach()
    thing.shell(tuple(low - 2), tuple(high + 2), "paper" if rng.random() < 0.7 else "polyethylene", 1.0)
    return thing


def _shot_shell(thing: Thing, y: float) -> None:
    thing.tube((0, y, 0), (16, y, 0), 10.5, "brass", wall=0.5)
    thing.tube((0, y, 0), (62, y, 0), 10.0, "polyethylene", wall=0.9)
    thing.tube((6, y, 0), (20, y, 0), 9.0, "propellant")
    thing.tube((20, y, 0), (32, y, 0), 9.0, "polyethylene", factor=0.7)
    thing.tube((32, y, 0), (58, y, 0), 9.0, "lead", factor=0.55)
    thing.tube((0, y, 0), (2, y, 0), 11.2, "brass")
