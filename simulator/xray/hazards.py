"""The things to be found, by hazard word: what makes one, each anew from a random generator."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from simulator.xray.blades import axe, knife, scissors
from simulator.xray.charged import aerosol, battery, firework, gas_cartridge, lighter, liquid
from simulator.xray.guns import ammunition, gun, long_gun
from simulator.xray.things import Maker
from simulator.xray.tools import baton, hammer, handcuffs, pliers, screwdriver, wrench

HAZARDS: Mapping[str, Maker] = MappingProxyType({
    "gun": gun,
    "knife": knife,
    "battery": battery,
    "aerosol": aerosol,
    "long_gun": long_gun,
    "ammunition": ammunition,
    "scissors": scissors,
    "axe": axe,
    "hammer": hammer,
    "wrench": wrench,
    "pliers": pliers,
    "screwdriver": screwdriver,
    "lighter": lighter,
    "gas_cartridge": gas_cartridge,
    "liquid": liquid,
    "firework": firework,
    "handcuffs": handcuffs,
    "baton": baton,
})  # fmt: skip
