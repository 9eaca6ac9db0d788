"""Sets of pictures to train, tune and test with, of which none can be in another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from simulator.xray.hazards import HAZARDS
from simulator.xray.machines import MACHINES, Machine
from simulator.xray.scene import Picture, draw
from simulator.xray.visibility import TIERS, Tier

Role = Literal["train", "tune", "test"]
ROLES: tuple[Role, ...] = ("train", "tune", "test")
_SPAN = 1 << 40
"""Scene seeds of each role lie in a span of their own; within it, each seed of a set has `_SET` of them."""
_SET = 1 << 24
_FEW_HELD_OUT = 10
"""One picture in so many is to tune with, and another one to test with."""
_HOW_MANY = (0.25, 0.45, 0.2, 0.1)
"""Shares of pictures with none, one, two and three hazards."""
_OFTEN: Mapping[str, float] = MappingProxyType(
    {"gun": 3, "knife": 3, "battery": 2, "aerosol": 1.5, "scissors": 1.5, "lighter": 1.5, "liquid": 1.5}
)
"""Hazards that come more often than others: of many shapes, or hard to tell from what is harmless."""
_TIER_SHARES: Mapping[Tier | None, float] = MappingProxyType({None: 0.4, "easy": 0.15, "hard": 0.25, "hidden": 0.2})


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A picture of a set.

    Attributes:
        picture: what was drawn.
        role: of which set it is.
        scene: the seed that it was drawn with.
        wanted: the tier that was asked for.
    """

    picture: Picture
    role: Role
    scene: int
    wanted: Tier | None


def role_of(number: int, machine: Machine | None = None) -> Role:
    """Which set a picture belongs to: eight in ten train, and all of a machine that is kept for testing test."""
    if machine is not None and machine.testing:
        return "test"
    return {_FEW_HELD_OUT - 2: ROLES[1], _FEW_HELD_OUT - 1: ROLES[2]}.get(number % _FEW_HELD_OUT, ROLES[0])


def scene_seed(role: Role, seed: int, number: int) -> int:
    """The seed of a scene: no two of different role, seed or number are the same.

    Raises:
        ValueError: seed or number is out of range.
    """
    if not 0 <= number < _SET or not 0 <= seed < _SPAN // _SET:
        raise ValueError(
            f"seed {seed}, number {number}: at most {_SPAN // _SET - 1} and {_SET - 1}, and not below zero"
        )
    return (ROLES.index(role) + 1) * _SPAN + seed * _SET + number


def sample(seed: int, number: int, machine: Machine | None = None, role: Role | None = None) -> Sample:
    """Draw picture `number` of the sets of a seed.

    Args:
        seed: of the sets.
        number: of the picture.
        machine: on which machine; without it, on any, and on one that is kept for testing only if it is to test with.
        role: for which set; without it, the one that `role_of` says.

    Raises:
        ValueError: seed or number out of range, or training was asked for on a machine that is kept for testing.
    """
    role = role_of(number, machine) if role is None else role
    if machine is not None and machine.testing and role != "test":
        raise ValueError(f"machine {machine.name} is kept for testing; no picture of it is for the set {role!r}")
    scene = scene_seed(role, seed, number)
    rng = np.random.default_rng((scene, 1))
    eligible = [one for one in MACHINES if role == "test" or not one.testing]
    chosen = eligible[int(rng.integers(len(eligible)))] if machine is None else machine
    words = tuple(HAZARDS)
    count = int(rng.choice(len(_HOW_MANY), p=_HOW_MANY))
    shares = np.array([_OFTEN.get(word, 1.0) for word in words])
    hazards = [words[int(index)] for index in rng.choice(len(words), size=count, p=shares / shares.sum())]
    wanted = (None, *TIERS)[int(rng.choice(len(_TIER_SHARES), p=[_TIER_SHARES[tier] for tier in (None, *TIERS)]))]
    return Sample(draw(scene, int(rng.integers(200, 621)), hazards, chosen, wanted), role, scene, wanted)
