"""What lies where in a parcel: wrapping and contents at random, hazards so that they are seen as well as is wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.xray.bags import hard_case, soft_bag
from simulator.xray.harmless import anything, covering
from simulator.xray.machines import Machine
from simulator.xray.materials import BASIS
from simulator.xray.packing import carton, crate, envelope, folds, lining
from simulator.xray.room import Room
from simulator.xray.shadows import Shadow, cast, crumpled
from simulator.xray.solids import Matrix
from simulator.xray.things import Thing
from simulator.xray.visibility import (
    EASY_FROM,
    HIDDEN_BELOW,
    LOST_BELOW,
    Seen,
    Tier,
    shadow_mask,
    tier_of,
    visibility_of,
)

_WRAPS = (carton, envelope, crate, soft_bag, hard_case)
_WRAP_SHARES = (0.48, 0.22, 0.06, 0.13, 0.11)
_TRIES = 9
_COVERS = 14
_PLACES_A_POSE = 3
_UNCOVER_TO = {"easy": EASY_FROM, "hard": HIDDEN_BELOW + 0.08, "hidden": LOST_BELOW}


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """A hazard in its place.

    Attributes:
        own: its shadow.
        facing: the shadow's area, as a share of the one it has lying flat.
        at: where its origin is, mm from the picture's corner.
        turn: its pose.
        grow: how much larger than it is.
    """

    own: Seen
    facing: float
    at: tuple[float, float]
    turn: Matrix
    grow: float


class Layout:
    """A parcel in the making: the shadows of what is in it."""

    def __init__(self, length_mm: int, machine: Machine, stretch: float, rng: np.random.Generator) -> None:
        self._rng, self._machine = rng, machine
        self.room = Room(length_mm, machine, stretch, rng)
        self.view = self.room.view
        self._wrap: list[Shadow] = []
        self._contents: list[Shadow] = []
        self._laid: list[Shadow] = []

    def pack(self, tier: Tier | None) -> None:
        """Wrap the parcel and fill it: much for what is to be hidden, little for what is to lie in the open."""
        rng = self._rng
        (length, width), lean = self.room.inside, self.room.lean
        wrap = _WRAPS[int(rng.choice(len(_WRAPS), p=_WRAP_SHARES))]
        at = self.room.centre
        self._cast(wrap(length, width, self.room.height, rng), lean, at, self._wrap)
        if rng.random() < 0.75:
            film = "polyethylene" if rng.random() < 0.5 else "paper"
            self._cast(folds(length * 0.95, width * 0.92, film, int(rng.integers(5, 24)), rng), lean, at, self._wrap)
        if rng.random() < 0.6:
            self._cast(lining(length * 0.97, width * 0.95, rng), lean, at, self._wrap)
            self._wrap.append(crumpled(self._wrap.pop(), rng))
        fullness = {"easy": 0.6, "hard": 1.1, "hidden": 1.5, None: 1.0}[tier] * float(rng.gamma(3.0, 1 / 3))
        for _ in range(min(14, int(rng.poisson(fullness * length * width / 19_000)))):
            self.put(anything(rng))

    def put(self, thing: Thing) -> None:
        """Lay a thing somewhere in the parcel, mostly flat; one that cannot fit is left out."""
        turn = self.room.pose(standing=0.18)
        at = self.room.place(thing, turn)
        if at is not None:
            self._cast(thing, turn, at, self._contents)

    def hide(self, thing: Thing, tier: Tier | None) -> Laid:
        """Lay a hazard as a tier asks, or without one where it can still be seen, if a few tries find such a place."""
        edge_on = tier == "hidden" and self._rng.random() < 0.35
        flat = self._flat_area(thing)
        one = best = self._try(thing, flat, edge_on=edge_on)
        best_seen = -1.0
        for number in range(_TRIES):
            if number:
                moved = self._elsewhere(thing, one) if number % _PLACES_A_POSE else None
                one = moved or self._try(thing, flat, edge_on=edge_on)
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
            cover, turn = covering(rng), self.room.pose(0.1)
            at = self.room.place(cover, turn, near=wanted)
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
        middle = (self.room.size[0] / 2, self.room.size[1] / 2)
        shadow = cast(thing, np.eye(3), middle, self.view)
        return float(shadow_mask(shadow).sum()) if shadow is not None else 1.0

    def _try(self, thing: Thing, flat: float, *, edge_on: bool) -> Laid:
        turn, grow = self.room.fitting(thing, 1.0 if edge_on else 0.04)
        at = self.room.place(thing, turn, grow) or self.room.centre
        shadow = cast(thing, self.room.leaning(turn, at[1]), at, self.view, grow)
        if shadow is None:
            raise ValueError("the hazard lies outside the picture")
        own = Seen.of(shadow, self._machine)
        facing = min(1.0, float(own.mask.sum()) / max(flat * grow**2, 1.0))
        return Laid(own, facing, at, turn, grow)

    def _elsewhere(self, thing: Thing, one: Laid) -> Laid | None:
        """The same shadow at another place, if it is whole and can lie there; the fan's lean is left as it was."""
        at, shadow = self.room.place(thing, one.turn, one.grow), one.own.shadow
        if at is None:
            return None
        x, y = (
            corner + round((to - start) / step)
            for corner, to, start, step in zip((shadow.x, shadow.y), at, one.at, self.view.step_mm, strict=True)
        )
        height, width = shadow.amounts.shape[1:]
        columns, rows = self.view.size_px
        cut = min(shadow.x, shadow.y) <= 0 or shadow.x + width >= columns or shadow.y + height >= rows
        if cut or min(x, y) < 0 or x + width > columns or y + height > rows:
            return None
        own = Seen(Shadow(x, y, shadow.amounts), one.own.mask, one.own.alone)
        return Laid(own, one.facing, at, one.turn, one.grow)

    def _cast(self, thing: Thing, turn: Matrix, at: tuple[float, float], onto: list[Shadow]) -> None:
        shadow = cast(thing, self.room.leaning(turn, at[1]), at, self.view)
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
