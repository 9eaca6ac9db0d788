"""What really happened, as the plant tells it: which body bears which number, what is in it, which lane it left by."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from simulator.plant.feed import Item
from simulator.plc.program import PlcProgram

Key = tuple[int, int]
"""A parcel's identity: PLC epoch and number."""

_WORD = 1 << 32
_KEPT = 400


@dataclass(slots=True)
class Body:
    """One object on the belt, or several that touch; `items` are what it is made of.

    `misseen` is which eye ahead of the decision eye did not see it as it is, and how, `unwatched` which devices were
    not connected while it lay in their zones.
    """

    identity: int
    items: list[Item] = field(default_factory=list)
    key: Key | None = None
    session: int = 0
    entered_ns: int | None = None
    at_decision_ns: int | None = None
    lane: str | None = None
    hands: bool = False
    misseen: list[tuple[int, str]] = field(default_factory=list)
    unwatched: set[str] = field(default_factory=set)

    @property
    def hazards(self) -> list[str]:
        """What is in it."""
        return [hazard for item in self.items for hazard in item.hazards]

    @property
    def barcodes(self) -> set[str]:
        """Its labels."""
        return {code for item in self.items for code in (item.barcode, item.second) if code is not None}

    @property
    def clean(self) -> bool:
        """True if nothing about it is a cause to inspect it."""
        return not self.hands and len(self.items) == 1 and self.items[0].clean


@dataclass(slots=True)
class Truth:
    """The bodies of the last minutes."""

    bodies: OrderedDict[int, Body] = field(default_factory=OrderedDict)
    by_key: dict[Key, Body] = field(default_factory=dict)
    strangers: set[Key] = field(default_factory=set)
    _by_count: OrderedDict[int, int] = field(default_factory=OrderedDict)
    _of_item: dict[int, int] = field(default_factory=dict)
    _numbers: tuple[int, int] = (0, 0)

    def fed(self, item: Item) -> None:
        """An item comes along, or is put down."""
        body = self.bodies.get(item.body)
        if body is None:
            body = self.bodies[item.body] = Body(item.body)
        body.items.append(item)
        self._of_item[item.identity] = item.body
        while len(self.bodies) > _KEPT:
            _, old = self.bodies.popitem(last=False)
            for one in old.items:
                self._of_item.pop(one.identity, None)
            if old.key is not None:
                self.by_key.pop(old.key, None)

    def of_item(self, identity: int) -> Body | None:
        """The body that an item is of, if it is of the last minutes."""
        return self.bodies.get(self._of_item.get(identity, -1))

    def infeed(self, identity: int, count: int, ns: int) -> None:
        """The infeed eye saw an item's leading edge."""
        self._by_count[count] = identity
        if (body := self.of_item(identity)) is not None and body.entered_ns is None:
            body.entered_ns = ns
        while len(self._by_count) > _KEPT:
            self._by_count.popitem(last=False)

    def numbered(self, program: PlcProgram) -> None:
        """Take over which numbers the PLC gave since the last call; one that no item's edge earned is a stranger's."""
        epoch = program.orders.epoch
        first = self._numbers[1] + 1 if self._numbers[0] == id(program) else 1
        for number in range(first, program.number + 1):
            row = program.rows.get(number)
            if row is None:
                continue
            body = self.of_item(self._by_count.get(row.infeed_count % _WORD, -1))
            if body is None or body.key is not None:
                self.strangers.add((epoch, number))
                continue
            body.key, body.session = (epoch, number), row.session
            self.by_key[body.key] = body
        self._numbers = id(program), program.number

    def left(self, identity: int, lane: str) -> Body | None:
        """An item has left by a lane."""
        body = self.of_item(identity)
        if body is not None:
            body.lane = lane
        return body


def key_of(parcel: object) -> Key:
    """A parcel's identity out of its record."""
    return parcel.epoch, parcel.number  # type: ignore[attr-defined]
