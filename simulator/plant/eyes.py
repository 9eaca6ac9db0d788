"""The photo-eyes: which items cover each beam, and the edges that the PLC latches of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from simulator.plant.draw import drawn
from simulator.plant.feed import Item
from simulator.plant.trouble import Trouble
from simulator.plc.signals import EdgeSignal


@dataclass(slots=True)
class Eyes:
    """All eyes by number. `latch` makes an edge's count and PLC ms of the ms by which it is latched too late."""

    number: int
    latch_ms: float
    trouble: Trouble
    random: Random
    limits: float = 0.0
    edges: list[EdgeSignal] = field(default_factory=list)
    _covered: list[set[int]] = field(init=False)
    _says: list[bool] = field(init=False)

    def __post_init__(self) -> None:
        self._covered = [set() for _ in range(self.number)]
        self._says = [False] * self.number

    def pass_by(self, eye: int, item: Item, latch: Callable[[float], tuple[int, int]], *, breaks: bool) -> int | None:
        """An item breaks the beam or frees it; the count of the edge, if there is one."""
        if breaks:
            self._covered[eye].add(item.identity)
        else:
            self._covered[eye].discard(item.identity)
        return self.look(eye, latch)

    def covered(self, eye: int) -> bool:
        """True if something lies under that eye."""
        return bool(self._covered[eye])

    def under(self, eye: int) -> int | None:
        """The one item whose body breaks that beam, if the eye says so and there is one."""
        covered = self._covered[eye]
        return next(iter(covered)) if self._says[eye] and len(covered) == 1 else None

    def lifted(self, item: Item, latch: Callable[[float], tuple[int, int]]) -> None:
        """Somebody takes the item away."""
        for eye in range(self.number):
            if item.identity in self._covered[eye]:
                self.pass_by(eye, item, latch, breaks=False)

    def swapped(self, item: Item, other: Item) -> None:
        """Another item lies where that one lay."""
        for covered in self._covered:
            if item.identity in covered:
                covered.remove(item.identity)
                covered.add(other.identity)

    def look(self, eye: int, latch: Callable[[float], tuple[int, int]]) -> int | None:
        """Latch an edge if what the eye says has changed; the count of it."""
        name = str(eye)
        on = self.trouble.on
        stuck = bool(on) and self.trouble.size("eye-stuck", name) is not None
        blind = bool(on) and self.trouble.size("eye-blind", name) is not None
        broken = stuck or (bool(self._covered[eye]) and not blind)
        if broken == self._says[eye]:
            return None
        self._says[eye] = broken
        late = drawn(self.random, 0, self.latch_ms, self.limits)
        count = self._latch(eye, latch(late), broken=broken)
        if on and broken and self.trouble.strikes("eye-flicker", name):
            for more, again in ((3.0, False), (6.0, True)):
                self._latch(eye, latch(late + more), broken=again)
        return count

    def _latch(self, eye: int, at: tuple[int, int], *, broken: bool) -> int:
        self.edges.append(EdgeSignal(eye, broken, *at))
        return at[0]
