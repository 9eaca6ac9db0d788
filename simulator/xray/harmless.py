"""Harmless things by name, and how often each is met."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from simulator.xray import electronics, household, sundries
from simulator.xray.bags import small_case
from simulator.xray.packing import cloth
from simulator.xray.things import Maker, Thing

_OFTEN: Mapping[str, tuple[Maker, float]] = MappingProxyType({
    "clothing": (cloth, 2.5),
    "small_case": (small_case, 1.0),
    "book": (household.book, 1.2),
    "tin": (household.tin, 0.7),
    "jar": (household.jar, 0.6),
    "food_box": (household.food_box, 1.0),
    "fruit": (household.fruit, 0.7),
    "mug": (household.mug, 0.5),
    "shoe": (household.shoe, 0.8),
    "toy": (household.toy, 0.8),
    "cosmetics": (household.cosmetics, 1.2),
    "umbrella": (household.umbrella, 1.0),
    "lamp": (household.lamp, 0.5),
    "board": (electronics.bare_board, 1.0),
    "telephone": (electronics.telephone, 0.8),
    "tablet": (electronics.tablet, 0.4),
    "laptop": (electronics.laptop, 0.8),
    "charger": (electronics.charger, 1.0),
    "cable": (electronics.cable, 2.2),
    "hair_dryer": (electronics.hair_dryer, 0.5),
    "drill": (electronics.drill, 0.4),
    "camera": (electronics.camera, 0.4),
    "headphones": (electronics.headphones, 0.5),
    "remote": (electronics.remote, 0.6),
    "cutlery": (sundries.cutlery, 0.7),
    "keys": (sundries.keys, 0.9),
    "coins": (sundries.coins, 0.6),
    "small_metal": (sundries.small_metal, 1.1),
    "zip_strap": (sundries.zip_strap, 2.2),
    "buckles": (sundries.buckles, 1.2),
    "bracket": (sundries.bracket, 0.7),
    "ruler": (sundries.ruler, 0.4),
    "pen": (sundries.pen, 0.9),
    "trolley_bar": (sundries.trolley_bar, 0.4),
    "glasses": (sundries.glasses, 0.6),
    "watch": (sundries.watch, 0.5),
})  # fmt: skip
HARMLESS: Mapping[str, Maker] = MappingProxyType({name: maker for name, (maker, _) in _OFTEN.items()})


_DENSE = ("laptop", "board", "tablet", "tin", "jar", "mug", "camera", "drill", "cable", "charger", "remote", "cutlery",
          "trolley_bar", "umbrella", "small_metal", "coins", "bracket", "keys", "book")  # fmt: skip
"""What hides things: dense, or full of edges."""


def covering(rng: np.random.Generator) -> Thing:
    """A harmless thing of the kinds that hide what lies under them."""
    return HARMLESS[_DENSE[int(rng.integers(len(_DENSE)))]](rng)


def anything(rng: np.random.Generator) -> Thing:
    """A harmless thing of any kind, the frequent ones more often."""
    weights = np.array([weight for _, weight in _OFTEN.values()])
    name = tuple(_OFTEN)[int(rng.choice(len(_OFTEN), p=weights / weights.sum()))]
    return HARMLESS[name](rng)
