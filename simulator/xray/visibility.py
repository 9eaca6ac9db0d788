"""How well a hazard can be seen: its visibility, and the tier that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.xray.colour import shade
from simulator.xray.machines import Machine
from simulator.xray.materials import basis_mu
from simulator.xray.shadows import Shadow

Tier = Literal["easy", "hard", "hidden"]
TIERS: tuple[Tier, ...] = ("easy", "hard", "hidden")

FAINT = 0.02
"""Attenuation at 100 keV that a hazard must bring for a pixel to belong to its shadow."""
KEPT = 0.35
"""A pixel of the shadow is drowned where less than this share is left of the contrast it would have in the open."""
CLUTTER = 0.6
"""It is drowned, too, where its contrast is less than this share of the standard deviation of the rest around it."""
AROUND_PX = 9
"""Side of the square in which that deviation is taken."""
EASY_FROM = 0.8
"""A hazard is easy from this visibility on, if it faces the rays by `FACING_EASY`."""
HIDDEN_BELOW = 0.45
"""A hazard is hidden below this visibility."""
FACING_EASY = 0.6
"""Share of the shadow that it has lying flat, below which a hazard is no longer easy: it is tilted."""
FACING_HIDDEN = 0.4
"""The same share, below which a hazard counts as hidden: it is turned edge-on."""
LOST_BELOW = 0.08
"""Visibility below which nobody could find it; a hazard is laid elsewhere rather than so."""


def tier_of(visibility: float, facing: float) -> Tier:
    """The tier of a hazard: `hidden` if it is covered or edge-on, `easy` if in the open, else `hard`."""
    if visibility < HIDDEN_BELOW or facing < FACING_HIDDEN:
        return "hidden"
    return "easy" if visibility >= EASY_FROM and facing >= FACING_EASY else "hard"


def shadow_mask(shadow: Shadow) -> NDArray[np.bool_]:
    """Where a hazard weakens 100 keV by `FAINT` or more, bool (h, w) of its patch."""
    mu = basis_mu()[:, 20].astype(np.float32)
    return np.asarray(np.tensordot(mu, shadow.amounts, 1) > np.float32(FAINT), np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A hazard's shadow as it is seen in the open: its mask bool (h, w) and its contrast float32 (h, w)."""

    shadow: Shadow
    mask: NDArray[np.bool_]
    alone: NDArray[np.float32]

    @classmethod
    def of(cls, shadow: Shadow, machine: Machine) -> Seen:
        """That of a shadow on a machine's screen."""
        return cls(shadow, shadow_mask(shadow), np.float32(1.0) - shade(shadow.amounts, machine))


def visibility_of(seen: Seen, rest: NDArray[np.float32], machine: Machine) -> float:
    """Share of a hazard's shadow that is not drowned by the rest, 0 to 1.

    Its contrast is the difference of the screen's lightness with and without it. A pixel is drowned where what is left
    of the contrast is less than `KEPT` of what it would be in the open, or less than `CLUTTER` of the standard
    deviation of the rest's lightness around it.

    Args:
        seen: the hazard in the open.
        rest: float32 (B, h, w), all else in its patch.
        machine: on whose screen.
    """
    if not seen.mask.any():
        return 0.0
    behind = shade(rest, machine)
    left = behind - shade(rest + seen.shadow.amounts, machine)
    mean = cv2.blur(behind, (AROUND_PX, AROUND_PX))
    spread = np.sqrt(np.maximum(cv2.blur(behind * behind, (AROUND_PX, AROUND_PX)) - mean * mean, 0))
    shown = (left >= KEPT * seen.alone) & (left >= CLUTTER * spread)
    return float(shown[seen.mask].mean())
