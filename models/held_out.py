"""Simulated parcels to tune and to test with: none of them is trained on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from models.recipe import CLASSES
from simulator.xray import MACHINES, Machine, draw, png_bytes
from simulator.xray.sets import scene_seed
from station.vision.seen import Seen, see

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.xray import Picture, Tier
    from station.vision import Detector

Use = Literal["tune", "test"]
_WANTED: tuple[Tier, ...] = ("easy", "hard", "easy", "hard", "hidden")
"""The tiers take turns: 40 % easy, 40 % hard, 20 % hidden."""
UNSEEN = next(machine for machine in MACHINES if machine.testing)
"""The machine that no model is trained on."""
_SEEN = tuple(machine for machine in MACHINES if not machine.testing)


@dataclass(frozen=True, slots=True)
class Tried:
    """A held-out parcel as the station saw it.

    Attributes:
        seen: findings and truth; its group is the machine.
        tier: how well its hazard can be seen; None if it has none.
    """

    seen: Seen
    tier: Tier | None


def parcel(use: Use, seed: int, number: int, machine: Machine | None = None) -> Picture:
    """Draw held-out parcel `number`: every second one is clean; hazards and tiers take turns in the others.

    Args:
        use: what for.
        seed: of the set; the training's.
        number: of the parcel.
        machine: on which machine; without it, on any that is not kept for testing.
    """
    scene = scene_seed(use, seed, number)
    rng = np.random.default_rng((scene, 2))
    chosen = _SEEN[int(rng.integers(len(_SEEN)))]
    length_mm = int(rng.integers(200, 620))
    turn, clean = divmod(number, 2)
    words = () if clean else (CLASSES[turn % len(CLASSES)],)
    wanted = None if clean else _WANTED[turn // len(CLASSES) % len(_WANTED)]
    return draw(scene, length_mm, words, machine or chosen, wanted)


def try_parcels(
    detector: Detector,
    use: Use,
    seed: int,
    count: int,
    tell: Callable[[int], None] = lambda _: None,
    machine: Machine | None = None,
) -> list[Tried]:
    """See held-out parcels the whole way from the file's bytes; `tell` is called with 1 after each."""
    tried = []
    for number in range(count):
        picture = parcel(use, seed, number, machine)
        truth = [(label.label, label.box) for label in picture.labels]
        tier = picture.labels[0].tier if picture.labels else None
        tried.append(Tried(see(detector, png_bytes(picture), truth, picture.machine), tier))
        tell(1)
    return tried


def of_tier(tried: Sequence[Tried], tier: Tier) -> list[Seen]:
    """The parcels with a hazard of that tier, and all clean ones."""
    return [one.seen for one in tried if one.tier in {tier, None}]


def tiers_of(tried: Sequence[Tried]) -> Counter[str]:
    """How many parcels have a hazard of which tier."""
    return Counter(one.tier for one in tried if one.tier is not None)
