"""Every fault that the simulator can put in: what it is, in which class it falls and why, how long and how much.

The list is faults.yaml beside this file, and docs/faults.md is made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import yaml

_BEYOND = 10
"""So many times what a storm draws can be put in by hand."""
_COUNTED = frozenset({"times", "parcels"})
_AT_ONCE = "steps later"
"""Of these none is at once."""


class Kind(Enum):
    """What the station owes: an inspection; the belt's stop and an alarm; or nothing, since it cannot know."""

    DETECTABLE = "detectable"
    LATE = "late"
    UNDETECTABLE = "undetectable"


class Where(Enum):
    """What a fault is put into: a plant (also a running one), or the station's PC and its surroundings (a storm)."""

    PLANT = "plant"
    STATION = "station"


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault.

    Attributes:
        targets: what it can befall, one switch each; empty if there is only one.
        seconds: how long a storm leaves it on, least and most; None for what happens once.
        size: how much, least and most, in `unit`.
        text: what happens.
        why: what shows it to the station, or why nothing can and what would.
    """

    name: str
    group: str
    kind: Kind
    where: Where
    text: str
    why: str
    targets: tuple[str, ...] = ()
    seconds: tuple[float, float] | None = None
    size: tuple[float, float] = (1.0, 1.0)
    unit: str = ""

    def takes(self, size: float) -> bool:
        """Whether it can be that large: up to ten times what a storm draws, and not so small that nothing happens."""
        least, greatest = self.size
        if not self.unit:
            return size == least
        lowest = least * _BEYOND if least < 0 else 0.0
        if self.unit in _COUNTED:
            lowest = 1.0
        most = 1.0 if self.unit == "share" else greatest * _BEYOND
        nought = least <= 0 or self.unit == _AT_ONCE
        return lowest <= size <= most and (size > 0 or nought)


class FaultError(Exception):
    """There is no such fault, target or size; the text says what there is."""


def _load() -> dict[str, Fault]:
    groups = yaml.safe_load((Path(__file__).parent / "faults.yaml").read_text(encoding="utf-8"))
    faults = {}
    for group, entries in groups.items():
        for name, entry in entries.items():
            fields = dict(entry, kind=Kind(entry["kind"]), where=Where(entry["where"]))
            fields |= {key: tuple(fields[key]) for key in ("targets", "seconds", "size") if key in fields}
            faults[name] = Fault(name, group, **fields)
    return faults


FAULTS: dict[str, Fault] = _load()
"""All of them by name, in the order of docs/faults.md."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One fault put to one target: `NAME`, `NAME:TARGET`, `NAME=SIZE` or `NAME:TARGET=SIZE`."""

    fault: Fault
    target: str = ""
    size: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Switch:
        """Read one; without a size it is the middle of what the fault has.

        Raises:
            FaultError: there is none of that name or target, or the size is no number or not one of its own.
        """
        head, equals, size = text.partition("=")
        name, _, target = head.partition(":")
        fault = FAULTS.get(name)
        if fault is None:
            raise FaultError(f"no fault {name!r}; there are: {', '.join(FAULTS)}")
        if target not in (fault.targets or ("",)):
            raise FaultError(f"{name} befalls {' or '.join(fault.targets) or 'the line as a whole'}, not {target!r}")
        return cls(fault, target, _size(fault, size) if equals else sum(fault.size) / 2)

    def is_same(self, other: Switch) -> bool:
        """Whether it is the same fault of the same target, whatever its size."""
        return (self.fault.name, self.target) == (other.fault.name, other.target)

    def __str__(self) -> str:
        target = f":{self.target}" if self.target else ""
        size = f"={self.size:g}" if self.fault.size != (1.0, 1.0) else ""
        return f"{self.fault.name}{target}{size}"


def _size(fault: Fault, text: str) -> float:
    try:
        size = float(text)
    except ValueError as error:
        raise FaultError(f"{fault.name}: {text!r} is no number ({fault.unit or 'it has no unit'})") from error
    if fault.takes(size):
        return size
    if not fault.unit:
        raise FaultError(f"{fault.name} has no size: leave ={text} out")
    least, greatest = fault.size
    raise FaultError(f"{fault.name} has a size of {least:g} to {greatest:g} {fault.unit}, not {text}")
