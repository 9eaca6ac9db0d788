"""Batteries, cans under pressure, lighters, liquids and fireworks."""

from __future__ import annotations

import numpy as np

from simulator.xray.shapes import spots
from simulator.xray.things import Thing, about

_LIQUIDS = ("water", "alcohol", "oil", "soap", "water")


def round_cell(thing: Thing, x: float, y: float, length: float, radius: float, material: str = "lithium_cell") -> None:
    """Add a round cell along x from its base: can, wound core with its axis free, cap."""
    thing.tube((x, y, 0), (x + length, y, 0), radius, "steel", wall=0.25)
    thing.tube((x + 1.5, y, 0), (x + length - 4, y, 0), radius - 0.4, material)
    thing.tube((x + 1.5, y, 0), (x + length - 4, y, 0), 1.4, material, factor=-1)
    thing.tube((x + length - 2.5, y, 0), (x + length, y, 0), radius * 0.75, "steel", factor=0.6)
    thing.tube((x + length, y, 0), (x + length + 1.5, y, 0), radius * 0.35, "steel")


def flat_cell(thing: Thing, low: tuple[float, float], high: tuple[float, float], thick: float, z: float = 0) -> None:
    """Add a pouch cell between two corners: foil, winding with rounded sides, tabs."""
    (x0, y0), (x1, y1) = low, high
    thing.box((x0, y0, z - thick / 2), (x1, y1, z + thick / 2), "lithium_cell", 0.2)
    thing.box((x0 + 3, y0 + 1, z - thick / 2), (x1 - 4, y1 - 1, z + thick / 2), "lithium_cell", 0.8)
    for y in (y0 + (y1 - y0) * 0.3, y0 + (y1 - y0) * 0.7):
        thing.box((x1 - 5, y - 3, z - 0.15), (x1 + 7, y + 3, z + 0.15), "copper" if y < (y0 + y1) / 2 else "aluminium")


def small_board(thing: Thing, low: tuple[float, float], high: tuple[float, float], rng: np.random.Generator) -> None:
    """Add a printed board with chips, solder, sockets between two corners."""
    (x0, y0), (x1, y1) = low, high
    thing.plate([[(x0, y0), (x1, y0), (x1, y1), (x0, y1)]], 1.4, "board")
    for material, thick, count, least, most in (
        ("chip", 1.8, 4, 2, 7),
        ("copper", 0.4, 9, 1, 6),
        ("solder", 0.8, 8, 0.8, 2),
    ):
        thing.plate(spots(low, high, count, (least, most), rng), thick, material, z=1.2)
    for y in (y0 + (y1 - y0) * 0.25, y0 + (y1 - y0) * 0.7):
        thing.shell((x1 - 13, y - 6, -1), (x1, y + 6, 5), "steel", 0.5)


def power_bank(rng: np.random.Generator) -> Thing:
    """A power bank: a case around round cells side by side or flat cells, and a small board with sockets."""
    length, wide, thick = rng.uniform(88, 165), rng.uniform(48, 82), rng.uniform(12, 25)
    thing = Thing()
    case, wall = ("aluminium", rng.uniform(0.8, 1.4)) if rng.random() < 0.35 else ("abs", 2.0)
    thing.shell((0, 0, -thick / 2), (length, wide, thick / 2), case, wall)
    board = length - rng.uniform(13, 22)
    if thick > 20 or rng.random() < 0.4:
        count = max(1, int((wide - 4) // 19.5))
        for number in range(count):
            round_cell(thing, 3.0 + rng.uniform(0, 3), wide * (number + 0.5) / count, min(66.0, board - 8), 9.0)
    else:
        layers = int(rng.integers(1, 3))
        for layer in range(layers):
            deep = (thick - 5) / layers
            flat_cell(thing, (3, 4), (board - 8, wide - 4), deep * 0.92, -thick / 2 + 2.5 + deep * (layer + 0.5))
    small_board(thing, (board, 3), (length - 1.5, wide - 3), rng)
    return thing.centred()


def cell_pack(rng: np.random.Generator) -> Thing:
    """Round cells joined by nickel strips, in one or two rows, in film or a tool's case, with wires to a plug."""
    count, rows, radius = int(rng.integers(2, 7)), int(rng.integers(1, 3)), rng.uniform(8.8, 10.6)
    length = rng.uniform(62, 71)
    thing = Thing()
    for row in range(rows):
        for number in range(count):
            round_cell(thing, row * (length + 4), number * (2 * radius + 0.6), length, radius)
        for x in (row * (length + 4) - 0.3, row * (length + 4) + length + 1.6):
            thing.box((x, -radius * 0.5, -4), (x + 0.4, (count - 1) * 2 * radius + radius * 0.5, 4), "steel")
    wide, end = (count - 0.5) * 2 * radius, rows * (length + 4)
    thing.wire(
        [(end, 0, 0), (end + 20, wide * 0.2, 3), (end + 34, wide * 0.6, 0), (end + 48, wide * 0.5, 0)], 2.2, "copper"
    )
    if rng.random() < 0.4:
        thing.shell((-6, -radius - 4, -radius - 4), (end + 4, wide, radius + 4), "nylon", 2.5)
        small_board(thing, (2, 0), (end * 0.4, wide * 0.6), rng)
    return thing.centred()


def flat_pack(rng: np.random.Generator) -> Thing:
    """A lithium-polymer pack: flat cells upon each other, balance lead and main leads."""
    length, wide, layers = rng.uniform(70, 145), rng.uniform(32, 56), int(rng.integers(1, 4))
    thing = Thing()
    for layer in range(layers):
        flat_cell(thing, (0, 0), (length, wide), rng.uniform(6, 9), layer * 9.0)
    small_board(thing, (length, 6), (length + 8, wide - 6), rng)
    for number in range(layers + 2):
        y = wide * (0.25 + 0.5 * number / (layers + 1))
        thing.wire([(length + 2, y, 0), (length + 22, y * 0.6 + 9, 2), (length + 38, y * 0.5 + 14, 0)], 2.0, "copper")
    thing.box((length + 36, wide * 0.2, -5), (length + 50, wide * 0.6, 5), "nylon")
    return thing.centred()


def battery(rng: np.random.Generator) -> Thing:
    """A power bank, a pack of round cells, a flat pack, or a few loose cells."""
    draw = rng.random()
    if draw < 0.5:
        return power_bank(rng)
    if draw < 0.72:
        return cell_pack(rng)
    if draw < 0.86:
        return flat_pack(rng)
    thing = Thing()
    length, radius, kind = (65.0, 9.0, "lithium_cell") if rng.random() < 0.5 else (50.0, 7.2, "alkaline_cell")
    for number in range(int(rng.integers(2, 9))):
        single = Thing()
        round_cell(single, -length / 2, 0, length, radius, kind)
        thing.take(single, (0, number * 2.1 * radius, 0), about("z", float(rng.choice((0, 180)))))
    return thing.centred()


def aerosol(rng: np.random.Generator) -> Thing:
    """An aerosol can: thin wall, domed base, crimped shoulder, valve cup, button or cap, dip tube, liquid below."""
    length, radius = rng.uniform(110, 225), rng.uniform(17, 33)
    thing = Thing()
    material, wall = ("steel", rng.uniform(0.2, 0.35)) if rng.random() < 0.65 else ("aluminium", rng.uniform(0.5, 0.9))
    neck, top = length * 0.76, length * 0.76 + radius * rng.uniform(0.4, 0.8)
    thing.spin([(0, radius), (neck, radius), (top, 13.0)], material, wall=wall)
    for x, size in ((0.0, radius + 0.8), (neck - 1.5, radius + 0.6)):
        thing.tube((x, 0, 0), (x + 2.6, 0, 0), size, material, wall=wall * 3)
    thing.ball((2, 0, 0), (radius * 0.35, radius * 0.92, radius * 0.92), material, wall)
    level = neck * rng.uniform(0.3, 0.95)
    thing.tube(
        (radius * 0.3, 0, 0),
        (level, 0, 0),
        radius - wall,
        str(rng.choice(("propellant_gas", "alcohol", "soap", "oil"))),
    )
    thing.tube((top - 3, 0, 0), (top + 3, 0, 0), 14.0, "steel", wall=0.6)
    thing.tube((top - 16, 0, 0), (top + 5, 0, 0), 4.5, "polyethylene", wall=1.2)
    thing.tube((top - 12, 0, 0), (top - 3, 0, 0), 2.6, "steel", wall=0.6)
    bend = radius * rng.uniform(-0.75, 0.75)
    thing.wire([(top - 14, 0, 0), (length * 0.4, bend * 0.3, 0), (10, bend, 0)], 2.4, "polyethylene")
    if rng.random() < 0.6:
        thing.tube((neck, 0, 0), (top + 22, 0, 0), radius * 0.98, "polyethylene", wall=1.2)
    thing.tube((top + 3, 0, 0), (top + 17, 0, 0), 7.0, "polyethylene")
    if rng.random() < 0.3:
        thing.ball((level * rng.uniform(0.1, 0.6), radius * 0.5, 0), (4, 4, 4), "steel")
    return thing.centred()


def gas_cartridge(rng: np.random.Generator) -> Thing:
    """A gas cartridge: a small steel bulb, a pierceable can, or a squat screw-on one with its valve."""
    thing = Thing()
    kind = rng.random()
    if kind < 0.4:
        for number in range(int(rng.integers(1, 7))):
            y, size = number * 21.0, 9.0
            thing.tube((0, y, 0), (44, y, 0), size, "steel", wall=1.6)
            thing.tube((44, y, 0), (54, y, 0), size, "steel", 3.8, wall=1.6)
            thing.tube((54, y, 0), (65, y, 0), 3.8, "steel", wall=1.2)
            thing.ball((0, y, 0), (7, size, size), "steel", 1.6)
        return thing.centred()
    radius, length = (
        (rng.uniform(32, 38), rng.uniform(85, 200)) if kind < 0.7 else (rng.uniform(45, 55), rng.uniform(60, 90))
    )
    thing.spin(
        [(0, radius), (length, radius), (length + radius * 0.4, radius * 0.55), (length + radius * 0.5, 8)],
        "steel",
        wall=0.5,
    )
    thing.tube((length - 2, 0, 0), (length + 2, 0, 0), radius + 1.2, "steel", wall=1.6)
    thing.ball((0, 0, 0), (radius * 0.3, radius, radius), "steel", 0.5)
    thing.tube((4, 0, 0), (length * rng.uniform(0.3, 0.85), 0, 0), radius - 0.8, "propellant_gas")
    end = length + radius * 0.5
    thing.tube((end - 14, 0, 0), (end + 9, 0, 0), 6, "brass", wall=3)
    return thing.centred()


def lighter(rng: np.random.Generator) -> Thing:
    """A lighter: a plastic tank with fuel, valve, wheel or piezo igniter, hood; or a metal case with a hinged lid."""
    thing = Thing()
    if rng.random() < 0.3:
        thing.shell((0, 0, -6.5), (57, 38, 6.5), "brass" if rng.random() < 0.6 else "steel", 0.6)
        thing.shell((2, 2, -5.5), (44, 36, 5.5), "stainless", 0.4)
        thing.box((4, 4, -5), (40, 34, 5), "textile")
        thing.tube((46, 24, -4), (46, 24, 4), 4.0, "steel")
        thing.box((40, 8, -4), (54, 18, 4), "stainless", 0.25)
        return thing.centred()
    length, wide, thick = rng.uniform(48, 64), rng.uniform(18, 25), rng.uniform(9, 12)
    wall = rng.uniform(1.2, 2.2)
    thing.tube((0, 0, 0), (length, 0, 0), wide / 2, "polycarbonate", wall=wall, flat=thick / wide)
    thing.tube((2, 0, 0), (length * rng.uniform(0.3, 0.85), 0, 0), wide / 2 - wall, "propellant_gas", flat=thick / wide)
    thing.box((wall, -0.6, -thick / 2), (length, 0.6, thick / 2), "polycarbonate")
    tall = rng.uniform(10, 18)
    hood = (length + 2, -wide * rng.uniform(0.3, 0.48), -thick * 0.4), (length + tall, wide * 0.15, thick * 0.4)
    thing.shell(*hood, str(rng.choice(("steel", "zinc", "brass"))), rng.uniform(0.4, 1.0))
    metal = str(rng.choice(("zinc", "brass", "steel")))
    thing.tube((length - rng.uniform(6, 16), -wide * 0.15, 0), (length + 8, -wide * 0.15, 0), 2.2, metal, wall=1.2)
    if rng.random() < 0.55:
        _piezo(thing, length, wide * rng.uniform(0.2, 0.3), metal, rng)
    else:
        thing.tube(
            (length + 9, wide * 0.28, -3), (length + 9, wide * 0.28, 3), rng.uniform(3.5, 4.6), "steel", wall=2.4
        )
        thing.box((length, wide * 0.1, -3.5), (length + 5, wide * 0.5, 3.5), "abs")
        thing.wire([(length - 9 + i, wide * 0.28 + (1.3 if i % 2 else -1.3), 0) for i in range(12)], 0.9, "steel")
    return thing.centred()


def _piezo(thing: Thing, length: float, y: float, metal: str, rng: np.random.Generator) -> None:
    """A piezo igniter along the tank: hammer and anvil with a spring between them, under a knob of plastic."""
    first, between, last = rng.uniform(5, 10), rng.uniform(4, 9), rng.uniform(5, 10)
    top = length - rng.uniform(-2, 6)
    thing.tube((top - first, y, 0), (top, y, 0), rng.uniform(2.8, 3.8), metal)
    thing.tube((top - first - between, y, 0), (top - first, y, 0), rng.uniform(1.2, 2.2), "steel")
    end = top - first - between
    thing.tube((end - last, y, 0), (end, y, 0), rng.uniform(2.8, 4.0), str(rng.choice(("steel", "brass", "zinc"))))
    thing.box((top, y - 4, -3.5), (top + rng.uniform(6, 10), y + 4, 3.5), "abs")


def liquid(rng: np.random.Generator) -> Thing:
    """A bottle, flask or canister with liquid in it, lying or standing."""
    length, radius = rng.uniform(110, 260), rng.uniform(20, 44)
    thing = Thing()
    material, wall = (
        ("glass", rng.uniform(2.0, 3.6)) if rng.random() < 0.35 else ("polyethylene", rng.uniform(0.7, 1.6))
    )
    body, flat = length * rng.uniform(0.62, 0.75), float(rng.choice((1.0, rng.uniform(0.5, 0.9))))
    neck = radius * rng.uniform(0.28, 0.45)
    thing.tube((0, 0, 0), (body, 0, 0), radius, material, wall=wall, flat=flat)
    thing.tube((body, 0, 0), (body + radius, 0, 0), radius, material, neck, wall=wall, flat=flat)
    thing.tube((body + radius, 0, 0), (length, 0, 0), neck, material, wall=wall)
    thing.tube((0, 0, 0), (wall * 1.6, 0, 0), radius - wall, material, flat=flat)
    inside, kind = radius - wall, str(rng.choice(_LIQUIDS))
    full = rng.uniform(0.45, 1.0)
    if rng.random() < 0.5:
        thing.tube((wall * 1.6, 0, 0), (body * full, 0, 0), inside, kind, flat=flat)
    else:
        thing.tube((wall * 1.6, 0, 0), (body, 0, 0), inside, kind, flat=flat * (0.6 + 0.4 * full))
    if full > 0.9:
        thing.tube((body, 0, 0), (body + radius * 0.8, 0, 0), inside, kind, neck - wall * 0.9, flat=flat)
    thing.tube(
        (length - 12, 0, 0),
        (length + 4, 0, 0),
        neck + 2.5,
        "aluminium" if rng.random() < 0.2 else "polyethylene",
        wall=2.0,
    )
    return thing.centred()


def firework(rng: np.random.Generator) -> Thing:
    """Fireworks: a bundle of paper tubes with charges and clay plugs, a rocket on its stick, a string of crackers."""
    kind = rng.random()
    thing = Thing()
    if kind < 0.4:
        columns, rows, radius = int(rng.integers(3, 6)), int(rng.integers(2, 5)), rng.uniform(10, 17)
        for number in range(columns * rows):
            x, y = number % columns * 2.1 * radius, number // columns * 2.1 * radius
            _charge(thing, x, y, radius, rng)
        return thing.centred()
    if kind < 0.7:
        radius, length = rng.uniform(8, 20), rng.uniform(70, 130)
        thing.tube((0, 0, 0), (length, 0, 0), radius, "paper", wall=radius * 0.2)
        thing.tube((6, 0, 0), (length * 0.5, 0, 0), radius * 0.78, "black_powder")
        thing.tube((length * 0.5, 0, 0), (length, 0, 0), radius * 0.78, "firework_salts")
        thing.tube((0, 0, 0), (8, 0, 0), radius * 0.78, "ceramic", wall=radius * 0.4)
        thing.tube((length, 0, 0), (length + radius * 1.6, 0, 0), radius, "polyethylene", 1.0, wall=0.8)
        thing.box((-rng.uniform(120, 260), radius, -2.5), (length * 0.8, radius + 5, 2.5), "wood")
        return thing.centred()
    for number in range(int(rng.integers(8, 30))):
        side = -1 if number % 2 else 1
        x = number * 4.6
        thing.tube((x, 3.0 * side, 0), (x + 3, 38.0 * side, 0), 3.4, "paper", wall=1.1)
        thing.tube((x + 0.6, 8.0 * side, 0), (x + 2.4, 30.0 * side, 0), 2.2, "firework_salts")
    thing.wire([(0, 0, 0), (60, 2, 0), (150, -2, 0)], 2.0, "textile")
    return thing.centred()


def _charge(thing: Thing, x: float, y: float, radius: float, rng: np.random.Generator) -> None:
    tall = rng.uniform(70, 110)
    way = (x, y, -tall / 2), (x, y, tall / 2)
    thing.tube(*way, radius, "paper", wall=2.2)
    thing.tube((x, y, -tall / 2), (x, y, -tall / 2 + 10), radius - 2.2, "ceramic")
    thing.tube((x, y, -tall / 2 + 10), (x, y, 0), radius - 2.2, "black_powder")
    thing.ball((x, y, 12), (radius - 3, radius - 3, radius - 3), "firework_salts")
