"""Harmless electronics: boards, telephones, computers, chargers, cables, machines for the hand; full of small metal."""

from __future__ import annotations

import numpy as np

from simulator.xray.charged import flat_cell, round_cell
from simulator.xray.shapes import arc, spots
from simulator.xray.things import Point, Thing, about


def populate(thing: Thing, low: Point, high: Point, rng: np.random.Generator, z: float = 0.0) -> None:
    """Add a printed board between two corners: chips, passives, tracks, cans, coils, sockets along an edge."""
    (x0, y0), (x1, y1) = low, high
    area = (x1 - x0) * (y1 - y0)
    thing.plate([[(x0, y0), (x1, y0), (x1, y1), (x0, y1)]], 1.5, "board", z)
    thing.plate(spots(low, high, min(60, int(area / 120) + 5), (0.8, 3.4), rng), 0.7, "solder", z + 1)
    thing.plate(spots(low, high, min(30, int(area / 320) + 3), (1.5, 7), rng), 0.5, "copper", z + 1)
    thing.plate(spots(low, high, int(area / 900) + 2, (5, 16), rng), 2.0, "chip", z + 1.8)
    thing.plate(spots(low, high, int(area / 2500) + 1, (7, 20), rng), 0.5, "stainless", z + 2)
    for _ in range(min(7, int(area / 2200) + 1)):
        x, y, radius = rng.uniform(x0 + 4, x1 - 4), rng.uniform(y0 + 4, y1 - 4), rng.uniform(2, 5)
        tall = rng.uniform(6, 14)
        thing.tube((x, y, z), (x, y, z + tall), radius, "aluminium", wall=0.4)
        thing.tube((x, y, z), (x, y, z + tall), radius - 0.4, "alkaline_cell", factor=0.6)
    for _ in range(min(4, int(area / 4000) + 1)):
        y = rng.uniform(y0, max(y0 + 1, y1 - 14))
        thing.shell((x0 - 1, y, z), (x0 + 12, y + 13, z + 6), "steel", 0.35)


def bare_board(rng: np.random.Generator) -> Thing:
    """A printed board by itself, screws at its corners, sometimes a heat sink or a coil."""
    length, width = rng.uniform(60, 210), rng.uniform(45, 150)
    thing = Thing()
    populate(thing, (0, 0), (length, width), rng)
    for x in (5, length - 5):
        for y in (5, width - 5):
            thing.tube((x, y, -4), (x, y, 4), 2.2, "steel")
    if rng.random() < 0.5:
        x, y, size = rng.uniform(10, length * 0.5), rng.uniform(8, width * 0.5), rng.uniform(20, 36)
        thing.box((x, y, 2), (x + size, y + size, 5), "aluminium")
        for rib in np.arange(x, x + size, 3.6):
            thing.box((rib, y, 5), (rib + 1.1, y + size, 17), "aluminium")
    if rng.random() < 0.4:
        x, y = length * 0.7, width * 0.7
        thing.plate([arc(x, y, 9, 0, 340, 14), arc(x, y, 4.5, 0, 340, 12)], 9, "copper", 5)
    return thing.centred()


def telephone(rng: np.random.Generator) -> Thing:
    """A telephone: glass, frame, camera, board above, a thin cell in the middle."""
    length, width = rng.uniform(130, 165), rng.uniform(64, 78)
    thing = Thing()
    thing.box((0, 0, 3), (length, width, 4.2), "glass")
    rim = [(0, 0), (length, 0), (length, width), (0, width)]
    thing.plate([rim, [(2, 2), (length - 2, 2), (length - 2, width - 2), (2, width - 2)]], 7, "aluminium")
    thing.box((0, 0, -4), (length, width, -3), "glass" if rng.random() < 0.5 else "polycarbonate")
    split = length * rng.uniform(0.26, 0.4)
    populate(thing, (4, 4), (split, width - 4), rng)
    flat_cell(thing, (split + 3, 5), (length - rng.uniform(22, 34), width - rng.uniform(5, 18)), 4.2)
    for number in range(int(rng.integers(1, 4))):
        thing.tube((14, 13 + 15 * number, -4), (14, 13 + 15 * number, 4), 5, "steel", wall=1.2)
        thing.tube((14, 13 + 15 * number, -2), (14, 13 + 15 * number, 3), 3.5, "glass")
    thing.box((length - 19, width * 0.3, -2), (length - 5, width * 0.7, 1), "steel", 0.3)
    return thing.centred()


def tablet(rng: np.random.Generator) -> Thing:
    """A tablet: a large sheet of glass and aluminium, a board along one side, wide flat cells."""
    length, width = rng.uniform(200, 280), rng.uniform(140, 200)
    thing = Thing()
    thing.box((0, 0, -3.5), (length, width, -2.5), "aluminium")
    thing.box((0, 0, 2.5), (length, width, 3.6), "glass")
    populate(thing, (7, 7), (length - 7, width * rng.uniform(0.2, 0.3)), rng)
    count = int(rng.integers(2, 4))
    for number in range(count):
        x = 8 + (length - 16) * number / count
        flat_cell(thing, (x, width * 0.34), (x + (length - 16) / count - 9, width - 10), rng.uniform(2.6, 4))
    return thing.centred()


def laptop(rng: np.random.Generator) -> Thing:
    """A laptop: board with fans, heat pipe and sinks, keys, a row of cells, screen and hinges."""
    length, width = rng.uniform(290, 350), rng.uniform(200, 240)
    thing = Thing()
    case = "aluminium" if rng.random() < 0.4 else "abs"
    for z, thick in ((-9, 1.2), (2, 1.0), (8, 1.2)):
        thing.box((0, 0, z), (length, width, z + thick), case)
    thing.box((6, 6, 5), (length - 6, width - 6, 6.2), "glass")
    split = width * rng.uniform(0.5, 0.6)
    populate(thing, (12, 10), (length * rng.uniform(0.6, 0.75), split), rng, -5)
    thing.shell((length * 0.78, 14, -7), (length * 0.78 + 62, 84, 0), "aluminium", 0.9)
    for x in (length * 0.12, length * 0.62):
        _fan(thing, x, split * 0.5, rng.uniform(20, 26))
    thing.wire(
        [(length * 0.12, split * 0.4, -3), (length * 0.35, split * 0.5, -3), (length * 0.62, split * 0.5, -3)],
        6,
        "copper",
    )
    cells = int(rng.integers(3, 7))
    for number in range(cells):
        x = 20 + number * (length - 50) / cells
        if cells > 4:
            round_cell(thing, x, width - 26, (length - 60) / cells - 2, 8.8)
        else:
            flat_cell(thing, (x, split + 8), (x + (length - 60) / cells - 8, width - 12), 5.5, -4)
    keys = [[(x, y), (x + 13, y), (x + 13, y + 12), (x, y + 12)]
            for x in np.arange(16, length - 26, 18.0) for y in np.arange(20, split + 4, 18.0)]  # fmt: skip
    thing.plate(keys, 1.6, "abs", 4)
    for x in (30, length - 60):
        thing.box((x, -3, 0), (x + 32, 5, 7), "steel", 0.5)
    return thing.centred()


def _fan(thing: Thing, x: float, y: float, radius: float) -> None:
    thing.plate([arc(x, y, radius, 0, 345, 20), arc(x, y, radius - 2, 0, 345, 20)], 7, "abs", -4)
    thing.tube((x, y, -7), (x, y, -1), 8, "copper", factor=0.5)
    blades = [[(x + 8 * c, y + 8 * s), (x + radius * c, y + radius * s), (x + radius * c - 3 * s, y + radius * s)]
              for c, s in ((np.cos(a), np.sin(a)) for a in np.linspace(0, 2 * np.pi, 11, endpoint=False))]  # fmt: skip
    thing.plate(blades, 6, "abs", -4)


def charger(rng: np.random.Generator) -> Thing:
    """A plug charger or mains adapter: transformer with wound core, board, pins, often its cable."""
    length, width, thick = rng.uniform(50, 95), rng.uniform(35, 60), rng.uniform(25, 34)
    thing = Thing()
    thing.shell((0, 0, -thick / 2), (length, width, thick / 2), "polycarbonate", 2.4)
    populate(thing, (5, 4), (length - 4, width - 4), rng, -6)
    x, y = length * rng.uniform(0.35, 0.6), width / 2
    core = rng.uniform(8, 12)
    thing.box((x - core, y - core, -6), (x + core, y + core, 6), "steel", 0.55)
    thing.tube((x, y - core * 1.2, 0), (x, y + core * 1.2, 0), core * 0.75, "copper", factor=0.5)
    for side in (-1, 1):
        thing.tube((-19, y + side * 9.5, 0), (4, y + side * 9.5, 0), 2.2, "brass")
    if rng.random() < 0.5:
        coil = cable(rng)
        thing.take(coil, (length + 40, width, 0))
    return thing.centred()


def cable(rng: np.random.Generator) -> Thing:
    """A coil of cable with plugs at its ends; each turn lies elsewhere."""
    radius = rng.uniform(22, 75)
    turns = rng.uniform(1.3, 6) if rng.random() < 0.7 else rng.uniform(6, 12)
    angles = np.linspace(0, turns * 2 * np.pi, int(turns * 20) + 6)
    size = radius * (np.cumsum(rng.normal(0, 0.016, angles.size)) + rng.uniform(0.8, 1.0))
    squash, drift = rng.uniform(0.45, 1.0), rng.normal(0, 0.02, 2) * radius
    x = np.cos(angles) * size + drift[0] * angles
    y = np.sin(angles) * size * squash + drift[1] * angles
    points = [
        (float(a), float(b), float(c)) for a, b, c in zip(x, y, np.cumsum(rng.normal(0, 0.4, angles.size)), strict=True)
    ]
    thing = Thing()
    thick = rng.uniform(2.6, 8.5)
    thing.wire(points, thick, "pvc")
    thing.wire(points, thick * rng.uniform(0.4, 0.65), "copper", rng.uniform(0.06, 0.22))
    for end in (points[0], points[-1]):
        plug = Thing()
        plug.box((-12, -6, -4), (10, 6, 4), "pvc")
        plug.shell((8, -5, -2.5), (20, 5, 2.5), "steel", 0.5)
        plug.box((8, -3, -0.5), (18, 3, 0.5), "copper")
        thing.take(plug, end, about("z", rng.uniform(0, 360)))
    return thing.centred()


def hair_dryer(rng: np.random.Generator) -> Thing:
    """A hair dryer: a gun's outline of plastic, with motor, fan, heating coil and a switch in its grip."""
    length, radius = rng.uniform(140, 195), rng.uniform(26, 34)
    thing = Thing()
    thing.spin([(0, radius * 0.7), (length * 0.6, radius), (length, radius * 0.9)], "abs", wall=2.5)
    thing.tube((length * 0.68, 0, 0), (length * 0.88, 0, 0), 13, "steel", factor=0.6)
    thing.tube((length * 0.7, 0, 0), (length * 0.86, 0, 0), 9, "copper", factor=0.3)
    _fan_edge(thing, length * 0.93, radius)
    coil = [(14 + 2.2 * i, (radius * 0.6) * (1 if i % 2 else -1), 0.0) for i in range(int(length * 0.2))]
    thing.wire(coil, 1.0, "stainless")
    thing.box((10, -radius * 0.6, -0.5), (length * 0.52, radius * 0.6, 0.5), "ceramic")
    lean = rng.uniform(-12, 24)
    grip = Thing()
    grip.shell((-16, 0, -14), (16, rng.uniform(95, 125), 14), "abs", 2.5)
    grip.box((-7, 20, -6), (7, 44, 6), "copper", 0.2)
    grip.wire([(0, 10, 0), (3, 60, 0), (0, 120, 0), (-14, 150, 0)], 3.0, "copper")
    thing.take(grip, (length * 0.62, radius * 0.7, 0), about("z", lean))
    return thing.centred()


def _fan_edge(thing: Thing, x: float, radius: float) -> None:
    for angle in np.linspace(0, 2 * np.pi, 7, endpoint=False):
        y, z = radius * 0.8 * float(np.cos(angle)), radius * 0.8 * float(np.sin(angle))
        thing.wire([(x, 0, 0), (x + 5, y, z)], 3.0, "abs")


def drill(rng: np.random.Generator) -> Thing:
    """A drill: a gun's outline, with chuck, gears, a motor of copper and steel, and a pack of cells in its foot."""
    length = rng.uniform(130, 180)
    thing = Thing()
    thing.tube((0, 0, 0), (length, 0, 0), 27, "nylon", wall=3)
    thing.tube((-42, 0, 0), (0, 0, 0), 12, "steel", 20, wall=5)
    thing.tube((-75, 0, 0), (-20, 0, 0), rng.uniform(2, 4), "steel")
    thing.tube((4, 0, 0), (34, 0, 0), 19, "steel", wall=4)
    thing.tube((length * 0.4, 0, 0), (length * 0.85, 0, 0), 19, "steel", wall=2)
    thing.tube((length * 0.45, 0, 0), (length * 0.8, 0, 0), 14, "copper", factor=0.35)
    thing.tube((length * 0.3, 0, 0), (length * 0.95, 0, 0), 3, "steel")
    grip = Thing()
    grip.shell((-18, 0, -15), (18, 100, 15), "nylon", 3)
    grip.box((-12, 12, -8), (4, 38, 8), "copper", 0.15)
    thing.take(grip, (length * 0.7, 20, 0), about("z", -10))
    for number in range(3):
        round_cell(thing, length * 0.45, 124 + number * 19.0, 65, 9)
    thing.shell((length * 0.4, 112, -24), (length * 0.4 + 82, 176, 24), "nylon", 3)
    return thing.centred()


def camera(rng: np.random.Generator) -> Thing:
    """A camera: a body full of boards, a lens of glass in metal rings, a cell, a small motor."""
    length, tall, deep = rng.uniform(95, 140), rng.uniform(62, 95), rng.uniform(32, 60)
    thing = Thing()
    thing.shell((0, 0, -deep / 2), (length, tall, deep / 2), "abs" if rng.random() < 0.6 else "aluminium", 2)
    populate(thing, (5, 6), (length - 5, tall - 6), rng, -deep / 4)
    x, y, radius = length * rng.uniform(0.45, 0.6), tall * 0.55, tall * rng.uniform(0.3, 0.42)
    for number, z in enumerate(np.arange(0, deep * 1.3, 13.0)):
        thing.tube((x, y, z), (x, y, z + 9), radius - number, "aluminium", wall=2)
        thing.ball((x, y, z + 5), (radius * 0.8, radius * 0.8, rng.uniform(2, 5)), "glass")
    flat_cell(thing, (6, 10), (24, tall - 10), 14)
    thing.box((length * 0.3, -10, -10), (length * 0.6, 0, 10), "abs", 0.4)
    return thing.centred()


def headphones(rng: np.random.Generator) -> Thing:
    """Headphones: a sprung band, two cups with magnets and coils, cushions."""
    radius = rng.uniform(65, 82)
    thing = Thing()
    band = [(float(x), float(y), 0.0) for x, y in arc(0, 0, radius, 180, 360, 20)]
    thing.wire(band, 2.6, "stainless")
    thing.plate([arc(0, 0, radius + 3, 180, 360, 20) + arc(0, 0, radius - 4, 360, 180, 20)], 16, "abs")
    for side in (-1, 1):
        ends = (side * radius, 18, 0), (side * (radius - 22), 22, 0)
        thing.tube(*ends, 32, "abs", 36, wall=2)
        thing.tube((side * radius, 18, 0), (side * (radius - 8), 19, 0), 14, "steel")
        thing.tube((side * (radius - 8), 19, 0), (side * (radius - 20), 22, 0), 36, "foam")
    return thing.centred()


def remote(rng: np.random.Generator) -> Thing:
    """A remote control: plastic, rubber keys, a board, two cells in their springs."""
    length, width = rng.uniform(140, 200), rng.uniform(38, 52)
    thing = Thing()
    thing.shell((0, 0, -9), (length, width, 9), "abs", 1.8)
    thing.box((8, 4, 0), (length * 0.95, width - 4, 1.2), "board", 0.8)
    thing.plate(spots((8, 4), (length - 8, width - 4), 14, (1, 6), rng), 0.6, "copper", 1)
    thing.plate(
        [arc(x, y, 4, 0, 320, 8) for x in np.arange(18, length * 0.7, 14) for y in (10, width / 2, width - 10)],
        4,
        "rubber",
        5,
    )
    for y in (width * 0.3, width * 0.7):
        round_cell(thing, length * 0.6, y, 44, 5.2, "alkaline_cell")
        thing.wire([(length * 0.6 - 6 + i, y + (2 if i % 2 else -2), 0) for i in range(7)], 0.8, "steel")
    return thing.centred()
