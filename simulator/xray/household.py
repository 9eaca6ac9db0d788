"""Harmless household things: books, food, tins, crockery, shoes, toys, cosmetics."""

from __future__ import annotations

import numpy as np

from simulator.xray.shapes import arc, oblong
from simulator.xray.things import Point, Thing, about


def book(rng: np.random.Generator) -> Thing:
    """A book, or a stack of paper: a block of leaves in a cover, sometimes a spiral of wire."""
    length, width, thick = rng.uniform(150, 300), rng.uniform(105, 210), rng.uniform(6, 38)
    thing = Thing()
    leaves = "paper" if rng.random() < 0.55 else "coated_paper"
    thing.box((0, 0, -thick / 2), (length, width, thick / 2), leaves, rng.uniform(0.6, 1.0))
    for side in (-1, 1):
        z = side * (thick / 2 + 1.2)
        thing.box((-3, -3, z - 1.1), (length + 3, width + 3, z + 1.1), "cardboard", 2.0)
    if rng.random() < 0.25:
        spiral = [(float(x), (3 if i % 2 else -4), 0.0) for i, x in enumerate(np.arange(4, length - 4, 3.5))]
        thing.wire(spiral, 1.1, "steel")
    else:
        thing.box((0, -3, -thick / 2), (length, -1, thick / 2), "cardboard", 2.0)
    return thing.centred()


def tin(rng: np.random.Generator) -> Thing:
    """A tin can: thin steel with beads around it, rims, food or powder in it; no valve."""
    radius, length = rng.uniform(27, 50), rng.uniform(50, 120)
    thing = Thing()
    wall = rng.uniform(0.16, 0.26)
    thing.tube((0, 0, 0), (length, 0, 0), radius, "steel", wall=wall)
    for x in (0.0, length - 2.5):
        thing.tube((x, 0, 0), (x + 2.5, 0, 0), radius + 1, "steel", wall=1.0)
        thing.tube((x + 1, 0, 0), (x + 1.25, 0, 0), radius, "steel")
    for x in np.arange(length * 0.25, length * 0.78, 6.0):
        thing.tube((float(x), 0, 0), (float(x) + 2, 0, 0), radius + 0.3, "steel", wall=0.3)
    content = str(rng.choice(("fruit", "starch", "fat", "water")))
    thing.tube((2, 0, 0), (length * rng.uniform(0.7, 0.97), 0, 0), radius - 0.4, content)
    return thing.centred()


def jar(rng: np.random.Generator) -> Thing:
    """A jar of glass with a lid of tin, filled with jam, sugar or salt."""
    radius, length = rng.uniform(25, 42), rng.uniform(60, 130)
    thing = Thing()
    thing.spin([(0, radius * 0.95), (5, radius), (length * 0.85, radius), (length, radius * 0.8)], "glass", wall=2.6)
    thing.tube((0, 0, 0), (5, 0, 0), radius - 2.6, "glass")
    thing.tube((length - 2, 0, 0), (length + 10, 0, 0), radius * 0.86, "steel", wall=0.25)
    content = str(rng.choice(("sugar", "fruit", "salt", "fat")))
    thing.tube((5, 0, 0), (length * rng.uniform(0.5, 0.9), 0, 0), radius - 2.7, content)
    return thing.centred()


def food_box(rng: np.random.Generator) -> Thing:
    """A packet of food: a thin carton with a bag in it, biscuits in rows, bars, or loose grains."""
    length, width, thick = rng.uniform(90, 220), rng.uniform(60, 140), rng.uniform(20, 55)
    thing = Thing()
    thing.shell((0, 0, -thick / 2), (length, width, thick / 2), "cardboard", 1.2)
    content, kind = str(rng.choice(("starch", "sugar", "fat"))), rng.random()
    if kind < 0.4:
        for x in np.arange(6, length - 8, rng.uniform(6, 11)):
            thing.tube((float(x), width / 2, 0), (float(x) + 4.5, width / 2, 0), min(width, thick) * 0.42, content)
    elif kind < 0.7:
        for _ in range(int(rng.integers(8, 22))):
            size = rng.uniform(6, 13)
            at = rng.uniform((size, size), (length - size, width - size))
            thing.ball((at[0], at[1], rng.normal(0, 3)), (size, size * 0.8, size * 0.7), content)
    else:
        thing.box(
            (4, 4, -thick / 2 + 2),
            (length * rng.uniform(0.6, 0.96), width - 4, thick / 2 - 2),
            content,
            rng.uniform(0.5, 0.9),
        )
    return thing.centred()


def fruit(rng: np.random.Generator) -> Thing:
    """One to six fruits, round or long, with a core."""
    thing = Thing()
    for number in range(int(rng.integers(1, 7))):
        size = rng.uniform(24, 42)
        at = (number % 3 * 66 + rng.normal(0, 6), number // 3 * 66 + rng.normal(0, 6), rng.normal(0, 8))
        long = float(rng.choice((1.0, 1.0, rng.uniform(1.2, 2.2))))
        thing.ball(at, (size * long * 0.8, size, size * 0.95), "fruit")
        thing.ball(at, (size * 0.2, size * 0.24, size * 0.2), "fruit", None)
    return thing.centred()


def mug(rng: np.random.Generator) -> Thing:
    """A mug or a bowl of ceramic, with a handle."""
    radius, tall, wall = rng.uniform(36, 48), rng.uniform(75, 110), rng.uniform(3.5, 5.5)
    thing = Thing()
    thing.tube((0, 0, 0), (tall, 0, 0), radius, "ceramic", wall=wall)
    thing.tube((0, 0, 0), (5, 0, 0), radius - wall, "ceramic")
    handle = [(float(x), float(y), 0.0) for x, y in arc(tall / 2, radius, 24, 0, 180, 10)]
    thing.wire(handle, 9, "ceramic")
    return thing.centred()


def shoe(rng: np.random.Generator) -> Thing:
    """A shoe: sole with a profile and a steel shank, upper, eyelets, laces, sometimes a heel."""
    length, width = rng.uniform(220, 310), rng.uniform(78, 105)
    thing = Thing()
    front = ((0.3, 0.14), (0.7, 0.0), (0.95, 0.22), (1.0, 0.5), (0.94, 0.82), (0.68, 1.0), (0.3, 0.82))
    shares = ((0.0, 0.25), (0.05, 0.04), *front, (0.05, 0.9), (0.0, 0.7))
    sole: list[Point] = [(length * x, width * y) for x, y in shares]
    thing.plate([sole], rng.uniform(8, 20), "rubber", -22)
    grooves = [oblong(x, width * 0.15, x + 2.5, width * 0.85) for x in np.arange(length * 0.1, length * 0.92, 9.0)]
    thing.plate(grooves, 4, "rubber", -34)
    inner = [(length * 0.03 + x * 0.94, width * 0.03 + y * 0.94) for x, y in sole]
    thing.plate([sole, inner], 55, "leather" if rng.random() < 0.6 else "textile", 8)
    thing.plate([[(x, y) for x, y in sole if x > length * 0.4]], 3, "leather", 30)
    if rng.random() < 0.5:
        thing.box((length * 0.2, width * 0.42, -20), (length * 0.55, width * 0.56, -18.8), "steel")
    for x in np.linspace(length * 0.45, length * 0.66, 5):
        for y in (width * 0.35, width * 0.62):
            thing.plate([arc(float(x), y, 3.6, 0, 320, 9), arc(float(x), y, 2, 0, 320, 9)], 1.2, "brass", 30)
    return thing.centred()


def toy(rng: np.random.Generator) -> Thing:
    """A toy car, a doll, or building blocks: plastic shells with axles, screws and a small motor or cells."""
    thing = Thing()
    kind = rng.random()
    if kind < 0.4:
        length, width = rng.uniform(80, 180), rng.uniform(40, 75)
        thing.shell((0, 0, -18), (length, width, 14), "abs", 2.2)
        thing.shell((length * 0.3, 5, 14), (length * 0.75, width - 5, 32), "abs", 2)
        for x in (length * 0.2, length * 0.8):
            thing.tube((x, -6, -18), (x, width + 6, -18), 1.5, "steel")
            for y in (-8, width - 4):
                thing.tube((x, y, -18), (x, y + 12, -18), 14, "rubber", wall=6)
        thing.tube((length * 0.25, width / 2, -8), (length * 0.5, width / 2, -8), 9, "steel", factor=0.5)
        return thing.centred()
    if kind < 0.7:
        for number in range(int(rng.integers(6, 24))):
            x, y = number % 5 * 33.0 + rng.normal(0, 4), number // 5 * 18.0 + rng.normal(0, 3)
            block = Thing()
            block.shell((-16, -8, -5), (16, 8, 5), "abs", 1.4)
            block.plate([arc(px, py, 2.4, 0, 315, 8) for px in (-12, -4, 4, 12) for py in (-4, 4)], 1.8, "abs", 6)
            thing.take(block, (x, y, 0), about("z", rng.uniform(0, 180)))
        return thing.centred()
    thing.ball((0, 0, 0), (24, 22, 20), "pvc", 2.2)
    thing.ball((58, 0, 0), (40, 24, 18), "pvc", 2.2)
    for side in (-1, 1):
        thing.tube((34, side * 18, 0), (74, side * 52, 0), 8, "pvc", 6, wall=2)
        thing.tube((88, side * 10, 0), (160, side * 20, 0), 11, "pvc", 7, wall=2)
    return thing.centred()


def cosmetics(rng: np.random.Generator) -> Thing:
    """A tube of cream, a pot, a lipstick or a pump: plastic, sometimes a sleeve of aluminium, soap or fat in it."""
    thing = Thing()
    kind, content = rng.random(), str(rng.choice(("soap", "fat", "oil")))
    if kind < 0.5:
        length, radius = rng.uniform(90, 160), rng.uniform(14, 24)
        outline = [(0, -radius * 1.5), (length, -radius), (length, radius), (0, radius * 1.5)]
        thing.plate([outline], 1.2, "aluminium" if rng.random() < 0.4 else "polyethylene")
        thing.tube((length * 0.15, 0, 0), (length, 0, 0), radius * 0.6, content, radius, flat=0.8)
        thing.box((-4, -radius * 1.5, -1.5), (5, radius * 1.5, 1.5), "polyethylene")
        thing.tube((length, 0, 0), (length + 18, 0, 0), radius * 0.6, "polyethylene", wall=2)
    elif kind < 0.75:
        thing.tube((0, 0, -14), (0, 0, 14), 30, "polyethylene", wall=4)
        thing.tube((0, 0, -10), (0, 0, 4), 26, content)
        thing.tube((0, 0, 12), (0, 0, 18), 31, "aluminium" if rng.random() < 0.5 else "abs", factor=0.5)
    else:
        for number in range(int(rng.integers(1, 5))):
            thing.tube((0, number * 24.0, 0), (72, number * 24.0, 0), 9.5, "abs", wall=1.2)
            thing.tube(
                (8, number * 24.0, 0),
                (34, number * 24.0, 0),
                8.2,
                "aluminium" if rng.random() < 0.5 else "brass",
                wall=0.5,
            )
            thing.tube((20, number * 24.0, 0), (60, number * 24.0, 0), 5.5, "fat")
    return thing.centred()


def umbrella(rng: np.random.Generator) -> Thing:
    """A folded umbrella: a shaft of steel, ribs beside it, cloth around, a handle."""
    length = rng.uniform(200, 420)
    thing = Thing()
    thing.tube((0, 0, 0), (length, 0, 0), 4.5, "steel", wall=0.9)
    for angle in np.linspace(0, 2 * np.pi, 8, endpoint=False):
        y, z = 13 * float(np.cos(angle)), 13 * float(np.sin(angle))
        thing.wire([(12, y * 0.4, z * 0.4), (length * 0.5, y, z), (length * 0.85, y * 0.8, z * 0.8)], 1.9, "steel")
    thing.tube((8, 0, 0), (length * 0.9, 0, 0), 13, "textile", 19, wall=8)
    if rng.random() < 0.5:
        thing.tube((length, 0, 0), (length + 60, 0, 0), 14, "abs", wall=3)
    else:
        hook = [(float(x), float(y), 0.0) for x, y in arc(length + 40, 22, 22, -90, 90, 9)]
        thing.wire([(length, 0, 0), *hook, (length + 10, 44, 0)], 15, "wood")
    return thing.centred()


def lamp(rng: np.random.Generator) -> Thing:
    """A torch or a lamp: an aluminium tube with cells, a reflector and a glass."""
    thing = Thing()
    length, radius = rng.uniform(90, 170), rng.uniform(11, 16)
    thing.tube((0, 0, 0), (length, 0, 0), radius, "aluminium", wall=1.6)
    thing.tube((length, 0, 0), (length + 30, 0, 0), radius, "aluminium", radius * 1.5, wall=2)
    thing.tube((length + 28, 0, 0), (length + 31, 0, 0), radius * 1.4, "glass")
    for x in np.arange(10, length - 48, 51.0):
        thing.tube((float(x), 0, 0), (float(x) + 48, 0, 0), radius - 3, "alkaline_cell", factor=0.9)
    thing.wire([(2 + i, (4 if i % 2 else -4), 0) for i in range(8)], 1.1, "steel")
    return thing.centred()
