"""Simulated parcels to tune and to test with: none of them is trained on."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from models.recipe import CLASSES
from simulator.workers import workers
from simulator.xray import MACHINES, Machine, draw, png_bytes
from simulator.xray.sets import scene_seed
from station.vision.seen import Box, Seen, see

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from simulator.xray import Picture, Tier
    from station.vision import Detector

Use = Literal["tune", "test"]
_WANTED: tuple[Tier, ...] = ("easy", "hard", "easy", "hard", "hidden")
"""The tiers take turns: 40 % easy, 40 % hard, 20 % hidden."""
_MANY, _CHUNK = 200, 10
"""From how many on it is worth while to start other processes, and how many one of them draws at a time."""
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


class _Drawn(NamedTuple):
    file: bytes
    truth: list[tuple[str, Box]]
    machine: str
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
    """See held-out parcels the whole way from the file's bytes; `tell` is called with 1 after each.

    Many are drawn by all cores, ahead of the detector.
    """
    tried = []
    with contextlib.ExitStack() as stack:
        draws: Callable[..., Iterator[_Drawn]] = map
        if count >= _MANY:
            draws = partial(stack.enter_context(workers()).map, chunksize=_CHUNK)
        for one in draws(partial(_drawn, use, seed, machine), range(count)):
            tried.append(Tried(see(detector, one.file, one.truth, one.machine), one.tier))
            tell(1)
    return tried


def _drawn(use: Use, seed: int, machine: Machine | None, number: int) -> _Drawn:
    picture = parcel(use, seed, number, machine)
    truth = [(label.label, label.box) for label in picture.labels]
    return _Drawn(png_bytes(picture), truth, picture.machine, picture.labels[0].tier if picture.labels else None)


def of_tier(tried: Sequence[Tried], tier: Tier) -> list[Seen]:
    """The parcels with a hazard of that tier, and all clean ones."""
    return [one.seen for one in tried if one.tier in {tier, None}]


def tiers_of(tried: Sequence[Tried]) -> Counter[str]:
    """How many parcels have a hazard of which tier."""
    return Counter(one.tier for one in tried if one.tier is not None)
