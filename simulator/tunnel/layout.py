"""What lies where in a parcel: wrapping and contents at random, hazards so that they are seen as well as is wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.tunnel.harmless import anything, covering
from simulator.tunnel.machines import Machine
from simulator.tunnel.materials import BASIS
from simulator.tunnel.packing import carton, crate, envelope, folds, lining
from simulator.tunnel.shadows import Shadow, View, cast, crumpled
from simulator.tunnel.solids import Matrix
from simulator.tunnel.things import Thing, about
from simulator.tunnel.visibility import (
    EASY_FROM,
    HIDDEN_BELOW,
    LOST_BELOW,
    Seen,
    Tier,
    shadow_mask,
    tier_of,
    visibility_of,
)

_TRIES = 7
_COVERS = 14
_POSES = 6
_SMALLEST = 0.45
"""A hazard that fits in no pose is made smaller, down to this."""
_UNCOVER_TO = {"easy": EASY_FROM, "hard": HIDDEN_BELOW + 0.08, "hidden": LOST_BELOW}


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """A hazard in its place, and its shadow's area as a share of the one it has lying flat."""

    own: Seen
    facing: float


class Layout:
    """A parcel in the making: shadows of what is in it, and the room that it has."""

    def __init__(self, length_mm: int, machine: Machine, stretch: float, rng: np.random.Generator) -> None:
        self._rng, self._machine = rng, machine
        self.view = View((machine.mm_per_px / stretch, machine.mm_per_px), machine.size_px)
        self._size = tuple(step * count for step, count in zip(self.view.step_mm, machine.size_px, strict=True))
        widest = min(self._size[1] * 0.96, 480.0)
        narrowest = min(max(130.0, length_mm * 0.5), widest)
        width = float(rng.uniform(narrowest, max(narrowest, min(widest, length_mm * 1.1))))
        self.inside = (float(length_mm), width)
        self.height = float(rng.uniform(30, min(260.0, 60 + width * 0.6)))
        slack = [max(0.0, have - need) / 2 for have, need in zip(self._size, self.inside, strict=True)]
        self._centre = tuple(
            have / 2 + float(rng.uniform(-0.7, 0.7)) * room for have, room in zip(self._size, slack, strict=True)
        )
        self.lean = about("z", float(rng.normal(0, 5.0)))
        self._wrap: list[Shadow] = []
        self._contents: list[Shadow] = []
        self._laid: list[Shadow] = []

    def pack(self, tier: Tier | None) -> None:
        """Wrap the parcel and fill it: much for what is to be hidden, little for what is to lie in the open."""
        rng = self._rng
        length, width = self.inside
        draw = rng.random()
        wrap = carton if draw < 0.62 else envelope if draw < 0.92 else crate
        at = (float(self._centre[0]), float(self._centre[1]))
        self._cast(wrap(length, width, self.height, rng), self.lean, at, self._wrap)
        if rng.random() < 0.75:
            film = "polyethylene" if rng.random() < 0.5 else "paper"
            self._cast(
                folds(length * 0.95, width * 0.92, film, int(rng.integers(5, 24)), rng), self.lean, at, self._wrap
            )
        if rng.random() < 0.6:
            self._cast(lining(length * 0.97, width * 0.95, rng), self.lean, at, self._wrap)
            self._wrap.append(crumpled(self._wrap.pop(), rng))
        fullness = {"easy": 0.6, "hard": 1.1, "hidden": 1.5, None: 1.0}[tier] * float(rng.gamma(3.0, 1 / 3))
        for _ in range(min(14, int(rng.poisson(fullness * length * width / 19_000)))):
            self.put(anything(rng))

    def put(self, thing: Thing) -> None:
        """Lay a thing somewhere in the parcel, mostly flat; one that cannot fit is left out."""
        turn = self._pose(standing=0.18)
        at = self._place(thing, turn)
        if at is not None:
            self._cast(thing, turn, at, self._contents)

    def hide(self, thing: Thing, tier: Tier | None) -> Laid:
        """Lay a hazard as a tier asks, or without one where it can still be seen, if a few tries find such a place."""
        edge_on = tier == "hidden" and self._rng.random() < 0.35
        flat = self._flat_area(thing)
        best, best_seen = self._try(thing, flat, edge_on=edge_on), -1.0
        for _ in range(_TRIES):
            one = self._try(thing, flat, edge_on=edge_on) if best_seen >= 0 else best
            seen = self._seen(one)
            wanted = seen >= 0.25 if tier is None else tier_of(seen, one.facing) == tier and seen >= LOST_BELOW
            darker = tier == "hidden" and best_seen > LOST_BELOW
            if wanted or (seen < best_seen if darker else seen > best_seen):
                best, best_seen = one, seen
            if wanted:
                break
        if tier is not None:
            self._uncover(best, _UNCOVER_TO[tier])
            self._cover(best, tier)
        self._laid.append(best.own.shadow)
        return best

    def total(self) -> NDArray[np.float32]:
        """All line integrals, float32 (B, H, W), mm of the basis materials."""
        columns, rows = self.view.size_px
        whole = np.zeros((len(BASIS), rows, columns), np.float32)
        for shadow in (*self._wrap, *self._contents, *self._laid):
            held = shadow.onto(whole)
            held += shadow.amounts
        return whole

    def seen(self, one: Laid, whole: NDArray[np.float32]) -> float:
        """Visibility of a hazard that is part of the whole."""
        shadow = one.own.shadow
        return visibility_of(one.own, shadow.onto(whole) - shadow.amounts, self._machine)

    def _seen(self, one: Laid) -> float:
        """Visibility of a hazard that is not yet part of the whole."""
        rest = np.zeros_like(one.own.shadow.amounts)
        for shadow in (*self._wrap, *self._contents, *self._laid):
            overlap = shadow.within(one.own.shadow)
            if overlap is not None:
                here, there = overlap
                rest[here] += shadow.amounts[there]
        return visibility_of(one.own, rest, self._machine)

    def _uncover(self, one: Laid, least: float) -> None:
        """Take out what lies over a hazard, the densest first, until it is seen by `least`."""
        while self._contents and self._seen(one) < least:
            over = [_overlap(one.own, shadow) for shadow in self._contents]
            if max(over) <= 0:
                return
            del self._contents[int(np.argmax(over))]

    def _cover(self, one: Laid, tier: Tier) -> None:
        """Lay things over a hazard until its tier is as wanted; take off again what hides it too well."""
        rng, shadow = self._rng, one.own.shadow
        height, width = shadow.amounts.shape[1:]
        floor = LOST_BELOW if tier == "hidden" else HIDDEN_BELOW
        seen = self._seen(one)
        for _ in range(_COVERS):
            if tier_of(seen, one.facing) == tier or tier == "easy" or seen < floor:
                return
            middle = (shadow.x + width * rng.uniform(0.2, 0.8), shadow.y + height * rng.uniform(0.2, 0.8))
            wanted = (middle[0] * self.view.step_mm[0], middle[1] * self.view.step_mm[1])
            cover, turn = covering(rng), self._pose(0.1)
            at = self._place(cover, turn, near=wanted)
            if at is None:
                continue
            before = len(self._contents)
            self._cast(cover, turn, at, self._contents)
            covered = self._seen(one)
            if covered < floor:
                del self._contents[before:]
            else:
                seen = covered

    def _flat_area(self, thing: Thing) -> float:
        middle = (self._size[0] / 2, self._size[1] / 2)
        shadow = cast(thing, np.eye(3), middle, self.view)
        return float(shadow_mask(shadow).sum()) if shadow is not None else 1.0

    def _try(self, thing: Thing, flat: float, *, edge_on: bool) -> Laid:
        turn, grow = self._fitting(thing, 1.0 if edge_on else 0.04)
        at = self._place(thing, turn, grow) or (float(self._centre[0]), float(self._centre[1]))
        shadow = cast(thing, self._leaning(turn, at[1]), at, self.view, grow)
        if shadow is None:
            raise ValueError("the hazard lies outside the picture")
        own = Seen.of(shadow, self._machine)
        return Laid(own, min(1.0, float(own.mask.sum()) / max(flat * grow**2, 1.0)))

    def _fitting(self, thing: Thing, standing: float) -> tuple[Matrix, float]:
        """A pose in which a thing fits into the parcel, of a few; and how much smaller it must be if in none."""
        best, grow = self._pose(standing), 0.0
        for _ in range(_POSES):
            turn = self._pose(standing)
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
        middle, half = self._centre[axis], self.inside[axis] / 2
        return max(middle - half, 0.0), min(middle + half, self._size[axis])

    def _pose(self, standing: float) -> Matrix:
        """Any way round, lying with some tilt, or with a share of `standing` on edge."""
        rng = self._rng
        tilt = rng.normal(0, 12.0, 2)
        if rng.random() < standing:
            tilt[int(rng.integers(2))] = rng.uniform(70, 110)
        lying = about("y", float(tilt[1])) @ about("x", float(tilt[0]))
        return about("z", float(rng.uniform(0, 360))) @ lying

    def _place(
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

    def _leaning(self, turn: Matrix, y_mm: float) -> Matrix:
        """The pose as the fan of rays sees it at a place across the belt."""
        fan = np.degrees(np.arctan((y_mm - self._size[1] / 2) / self._machine.focus_mm))
        return about("x", self._machine.tilt_deg + float(fan)) @ turn

    def _cast(self, thing: Thing, turn: Matrix, at: tuple[float, float], onto: list[Shadow]) -> None:
        shadow = cast(thing, self._leaning(turn, at[1]), at, self.view)
        if shadow is not None:
            onto.append(shadow)


def _overlap(own: Seen, other: Shadow) -> float:
    """How much another shadow adds under a hazard's mask, mm of plastic or the like, summed over it."""
    overlap = other.within(own.shadow)
    if overlap is None:
        return 0.0
    here, there = overlap
    held = other.amounts[there]
    return float(((held[0] + 20 * held[1] + 200 * held[2]) * own.mask[here[1:]]).sum())
