"""The devices' ports on virtual time: what a driver hands over, when it arrived, and up to when the port was empty."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from random import Random

from simulator.plant.trouble import CUT, UNSTABLE, Emission, Trouble
from simulator.storm.clock import NS_PER_MS
from station.core.events import Arrived, BarcodeReading, Frame, WeightReading

Reading = BarcodeReading | WeightReading | Frame
Stamp = tuple[str, int, int, str | float | None]
"""What tells one reading from all others: device, when it arrived, and what it says."""

NEVER = 1 << 62
_SEEN_MS = 5
_ORIGINS = 2000
_YOUNG_NS = 60_000 * NS_PER_MS
"""A babbling device says thousands of things while its parcel is on the belt: what is so young is kept beyond that."""


@dataclass(slots=True)
class Glance:
    """When the drivers last looked at their ports, and when one of them next has a reading to hand over."""

    ns: int = 0
    due_ns: int = NEVER


@dataclass(slots=True)
class DevicePort:
    """One device's port in the PC. While the PC stands still nothing is read, and its last look at the port stands.

    `origin` tells what each reading truly is, for the newest of them and for all of the last minute.
    """

    name: str
    trouble: Trouble
    random: Random
    origin: dict[Stamp, Emission]
    glance: Glance
    connected: bool = True
    _held: deque[tuple[int, Reading, Emission]] = field(default_factory=deque)

    def arrive(self, emission: Emission, at_ns: int, now_ns: int) -> None:
        """Bytes came at `at_ns`, and are read at `now_ns`."""
        after = max(self.glance.ns, at_ns - self.random.randrange(1, _SEEN_MS) * NS_PER_MS)
        if now_ns > at_ns:
            after = min(after, self.glance.ns)
        reading = self._reading(emission, Arrived(min(after, now_ns), now_ns))
        self.origin[stamp(reading)] = emission
        while len(self.origin) > _ORIGINS and (oldest := next(iter(self.origin)))[2] < now_ns - _YOUNG_NS:
            del self.origin[oldest]
        late_ms = self.trouble.size("handed-over-late", self.name) or 0.0
        due_ns = now_ns + int(late_ms * NS_PER_MS)
        self._held.append((due_ns, reading, emission))
        self.glance.due_ns = min(self.glance.due_ns, due_ns)

    def handed_over(self, now_ns: int) -> list[tuple[Reading, Emission]]:
        """Take out what the core gets now."""
        due = [(reading, emission) for at, reading, emission in self._held if at <= now_ns]
        self._held = deque(entry for entry in self._held if entry[0] > now_ns)
        return due

    def next_ns(self) -> int:
        """When the next reading is handed over."""
        return min((at for at, _, _ in self._held), default=NEVER)

    def mark_ns(self) -> int:
        """All that came before that moment was handed over."""
        if not self._held:
            return self.glance.ns
        return min([self.glance.ns, *(reading.arrived.after_ns - 1 for _, reading, _ in self._held)])

    def forget(self) -> None:
        """The process that held them is dead."""
        self._held.clear()

    def _reading(self, emission: Emission, arrived: Arrived) -> Reading:
        if self.name == "scanner":
            return BarcodeReading("scanner", None if emission.text == "NOREAD" else emission.text, arrived)
        if self.name == "scale":
            if emission.fault == UNSTABLE:
                return WeightReading("scale", None, arrived, "no stable weight")
            return WeightReading("scale", float(emission.text) * 1000, arrived)
        if emission.fault == CUT:
            return Frame("xray", "", arrived, emission.trigger, "cut off")
        return Frame("xray", f"picture-{emission.item.identity}", arrived, emission.trigger)


def stamp(reading: Reading) -> Stamp:
    """The reading's stamp, as its record in the journal has it too."""
    match reading:
        case BarcodeReading():
            value: str | float | None = reading.code
        case WeightReading():
            value = reading.weight_g
        case Frame():
            value = reading.frame_id
    return reading.device, reading.arrived.after_ns, reading.arrived.before_ns, value
