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


def _guard(thing: Thing, x: float, y: float, long: float, deep: float, wide: float, material: str) -> None:
    """The loop before a grip's front at x, below y, with what is pulled in it."""
    outer = [
        (x - long, y),
        *arc(x - long + deep * 0.55, y + deep * 0.42, deep * 0.58, 175, 90, 6),
        (x, y + deep),
        (x, y),
    ]
    bar = deep * 0.19
    inner = [
        (x - long + bar * 1.3, y),
        *arc(x - long + deep * 0.55, y + deep * 0.42, deep * 0.58 - bar, 175, 90, 6),
        (x - bar * 0.6, y + deep - bar),
        (x - bar * 0.6, y),
    ]
    thing.plate([outer, inner], wide, material)
    at = x - long * 0.42
    thing.plate(
        [[(at, y), (at + 7, y), (at + 4, y + deep * 0.5), (at - 3, y + deep * 0.72), (at, y + deep * 0.45)]], 6, "steel"
    )


def pistol(rng: np.random.Generator) -> Thing:
    """A self-loading pistol: slide around a barrel, frame, guard, grip with a magazine in it."""
    length = rng.uniform(145, 220)
    thing = Thing()
    slide, wide, wall = rng.uniform(22, 28), rng.uniform(20, 26), rng.uniform(1.6, 4.0)
    nose = rng.uniform(0, 9)
    thing.plate([[(nose, 0), (length, 0), (length - rng.uniform(0, 6), slide), (0, slide), (0, nose)]], wide, "steel")
    hollow = rng.uniform(0.6, 0.8)
    thing.box((4, wall, -wide / 2 + wall), (length * hollow, slide, wide / 2 - wall), "steel", -1)
    thing.tube((2, slide * 0.42, 0), (length * 0.62, slide * 0.42, 0), 6.5, "steel", wall=2.0)
    thing.tube((8, slide * 0.8, 0), (length * 0.5, slide * 0.8, 0), 2.5, "steel", wall=1.0)
    thing.box((length * 0.48, 0, -wide / 2), (length * 0.62, wall, 0), "steel", -0.9)
    for x in np.arange(length * 0.8, length - 6, 3.5):
        thing.box((x, 4, wide / 2 - 0.8), (x + 1.5, slide - 2, wide / 2), "steel", -1)
    thing.box((length - 12, -4, -5), (length - 6, 1, 5), "steel")
    thing.box((6, -3, -1.5), (9, 0, 1.5), "steel")
    if rng.random() < 0.5:
        tail = [(length - 4, 4), (length + 9, -3), (length + 12, 3), (length + 3, 16)]
        thing.plate([tail], 8, "steel")
    _grip(thing, length, slide, wide, rng)
    return thing.centred()


def _grip(thing: Thing, length: float, slide: float, wide: float, rng: np.random.Generator) -> None:
    frame, solid = ("steel", rng.uniform(4, 11)) if rng.random() < 0.6 else ("nylon", wide * 0.8)
    if rng.random() < 0.2:
        frame, solid = "aluminium", wide * 0.6
    broad, lean, below = rng.uniform(42, 56), rng.uniform(6, 34), slide + rng.uniform(8, 14)
    tall, rear, swell = below + rng.uniform(72, 98), length - rng.uniform(0, 10), rng.uniform(0, 7)
    cover = length * rng.uniform(0.02, 0.3)
    thing.plate([[(cover, slide - 2), (rear + 6, slide - 2), (rear, below), (cover + 4, below)]], solid, frame)
    front, half = rear - broad, (below + tall) / 2
    outline = [
        (front, below - 2),
        (rear + 5, slide),
        (rear - 1, below + 4),
        (rear + lean * 0.5 + swell, half),
        (rear + lean, tall - 6),
        (rear + lean - 4, tall),
        (front + lean, tall),
        (front + lean * 0.45 - 2, half),
    ]
    thing.plate([outline], solid, frame)
    panel = [(x + (4 if x < (front + rear) / 2 + lean / 2 else -5), y) for x, y in outline]
    thing.plate([panel], rng.uniform(3, 9), "wood" if rng.random() < 0.3 else "abs", z=wide / 2)
    if rng.random() < 0.9:
        inner = [
            (front + 6, slide + 2),
            (rear - 8, slide + 2),
            (rear + lean - 9, tall - 2),
            (front + lean + 6, tall - 2),
        ]
        thing.plate([inner], rng.uniform(1.6, 3.2), "steel")
        foot = front + lean
        thing.plate(
            [[(foot, tall - 1), (foot + broad, tall - 1), (foot + broad, tall + 5), (foot, tall + 5)]],
            wide * 0.8,
            frame,
        )
        for number in range(int(rng.integers(0, 9)) if rng.random() < 0.6 else 0):
            y = slide + 16 + number * 9.5
            if y < tall - 8:
                shift = lean * (y - below) / (tall - below)
                _cartridge(thing, front + 9 + shift, y, 0.0, 8.8, rng)
    _guard(thing, front + 2, below - 1, rng.uniform(46, 60), rng.uniform(30, 38), rng.uniform(7, 13), frame)
    for x, y in ((front + 8, slide + 18), (rear - 8, slide + 18), (rear + lean - broad / 2, tall - 10)):
        thing.tube((x, y, -wide * 0.4), (x, y, wide * 0.4), 2.0, "steel")


def revolver(rng: np.random.Generator) -> Thing:
    """A revolver: barrel, frame, drum with chambers, grip on a steel strap, hammer, guard."""
    barrel, grip = rng.uniform(48, 190), rng.uniform(62, 88)
    thing = Thing()
    size = rng.uniform(6.5, 9)
    thing.tube((0, 12, 0), (barrel, 12, 0), size, "steel", size * rng.uniform(1, 1.15), wall=rng.uniform(2.0, 3.6))
    thing.box((0, 0, -3), (barrel, 5, 3), "steel")
    if rng.random() < 0.6:
        thing.tube((barrel * rng.uniform(0, 0.5), 24, 0), (barrel, 24, 0), 4, "steel")
    thing.box((2, -4, -1.2), (9, 1, 1.2), "steel")
    thing.plate(
        [
            [(barrel, 0), (barrel + 66, 0), (barrel + 72, 12), (barrel + 66, 46), (barrel + 30, 46), (barrel, 34)],
            [(barrel + 3, 5), (barrel + 47, 5), (barrel + 47, 37), (barrel + 3, 37)],
        ],
        rng.uniform(8, 15),
        "steel",
    )
    _drum(thing, barrel + 4, 20.5, rng)
    thing.plate([[(barrel + 60, 6), (barrel + 76, -6), (barrel + 82, -2), (barrel + 70, 18)]], 6, "steel")
    base, flare = barrel + 46, rng.uniform(0, 12)
    outline = [
        (base, 44),
        (base + 24, 26),
        (base + 34, 34),
        (base + 38, 44 + grip * 0.4),
        (base + 52 + flare, 40 + grip),
        (base + 46, 46 + grip),
        (base + 18 - flare, 44 + grip),
        (base + 12, 44 + grip * 0.5),
    ]
    thing.plate([outline], rng.uniform(18, 28), str(rng.choice(("wood", "rubber", "abs"))))
    if rng.random() < 0.6:
        inner = [(x * 0.86 + (base + 28) * 0.14, y * 0.9 + (44 + grip / 2) * 0.1) for x, y in outline]
        thing.plate([outline, inner], rng.uniform(6, 11), "steel")
    else:
        thing.plate([outline], rng.uniform(3, 8), "steel")
    _guard(thing, barrel + 52, 44, rng.uniform(40, 50), rng.uniform(26, 33), rng.uniform(6, 9), "steel")
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
    return pistol(rng) if rng.random() < 0.6 else revolver(rng)


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
        lean = rng.uniform(10, 35)
        grip_at = start + length * 0.72
        _guard(thing, grip_at + 2, 30, rng.uniform(44, 56), rng.uniform(28, 36), 9, "steel")
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
