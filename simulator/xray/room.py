"""The room that a parcel has in a picture: how it lies, where things fit into it, and how rays lean there."""

from __future__ import annotations

import numpy as np

from simulator.xray.machines import Machine
from simulator.xray.shadows import View
from simulator.xray.solids import Matrix
from simulator.xray.things import Thing, about

_POSES = 6
_SMALLEST = 0.45
"""A hazard that fits in no pose is made smaller, down to this."""


class Room:
    """A parcel's inside.

    Attributes:
        view: the picture's grid.
        size: of the picture, mm along x and y.
        inside: of the parcel, mm along x and y.
        height: of the parcel, mm.
        centre: of the parcel, mm from the picture's corner.
        lean: how the parcel is turned on the belt.
    """

    def __init__(self, length_mm: int, machine: Machine, stretch: float, rng: np.random.Generator) -> None:
        self._rng, self._machine = rng, machine
        self.view = View((machine.mm_per_px / stretch, machine.mm_per_px), machine.size_px)
        self.size = (self.view.step_mm[0] * machine.size_px[0], self.view.step_mm[1] * machine.size_px[1])
        widest = min(self.size[1] * 0.96, 480.0)
        narrowest = min(max(130.0, length_mm * 0.5), widest)
        width = float(rng.uniform(narrowest, max(narrowest, min(widest, length_mm * 1.1))))
        self.inside = (float(length_mm), width)
        self.height = float(rng.uniform(30, min(260.0, 60 + width * 0.6)))
        slack = [max(0.0, have - need) / 2 for have, need in zip(self.size, self.inside, strict=True)]
        aside = [float(rng.uniform(-0.7, 0.7)) * room for room in slack]
        self.centre = (self.size[0] / 2 + aside[0], self.size[1] / 2 + aside[1])
        self.lean = about("z", float(rng.normal(0, 5.0)))

    def fitting(self, thing: Thing, standing: float) -> tuple[Matrix, float]:
        """A pose in which a thing fits into the parcel, of a few; and how much smaller it must be if in none."""
        best, grow = self.pose(standing), 0.0
        for _ in range(_POSES):
            turn = self.pose(standing)
            low, high = thing.reach(turn)
            room = [most - least - 8 for least, most in map(self._between, range(2))]
            fits = min(1.0, float(room[0] / (high[0] - low[0])), float(room[1] / (high[1] - low[1])))
            if fits > grow:
                best, grow = turn, fits
            if fits == 1.0:
                break
        return best, max(grow, _SMALLEST)

    def _between(self, axis: int) -> tuple[float, float]:
        """Where the parcel begins and ends within the picture, mm."""
        middle, half = self.centre[axis], self.inside[axis] / 2
        return max(middle - half, 0.0), min(middle + half, self.size[axis])

    def pose(self, standing: float) -> Matrix:
        """Any way round, lying with some tilt, or with a share of `standing` on edge."""
        rng = self._rng
        tilt = rng.normal(0, 12.0, 2)
        if rng.random() < standing:
            tilt[int(rng.integers(2))] = rng.uniform(70, 110)
        lying = about("y", float(tilt[1])) @ about("x", float(tilt[0]))
        return about("z", float(rng.uniform(0, 360))) @ lying

    def place(
        self, thing: Thing, turn: Matrix, grow: float = 1.0, near: tuple[float, float] | None = None
    ) -> tuple[float, float] | None:
        """A place within the parcel and the picture, in mm from the picture's corner: any, or the nearest to one."""
        low, high = (edge * grow for edge in thing.reach(turn))
        at = []
        for axis in range(2):
            start, end = self._between(axis)
            least, most = start - low[axis] + 3, end - high[axis] - 3
            if most < least:
                if most < least - 0.1 * (high[axis] - low[axis]):
                    return None
                most = least = (most + least) / 2
            chosen = self._rng.uniform(least, most) if near is None else min(max(near[axis], least), most)
            at.append(float(chosen))
        return at[0], at[1]

    def leaning(self, turn: Matrix, y_mm: float) -> Matrix:
        """The pose as the fan of rays sees it at a place across the belt."""
        fan = np.degrees(np.arctan((y_mm - self.size[1] / 2) / self._machine.focus_mm))
        return about("x", self._machine.tilt_deg + float(fan)) @ turn
