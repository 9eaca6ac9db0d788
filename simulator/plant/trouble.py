"""The plant's faults: which are switched on, and what they make of a reading on its way to the wire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import NamedTuple

from simulator.faults import Switch
from simulator.plant.feed import Item

CUT = "cut off"
UNSTABLE = "unstable"
AWAY = ("device-silent", "device-unplugged", "device-rebooting")


class Sensed(NamedTuple):
    """Encoder counts at the first and the last moment of sensing, and the encoder's own error (mm) by then."""

    first: int
    last: int
    encoder_mm: float


@dataclass(frozen=True, slots=True)
class Emission:
    """A device says something.

    Attributes:
        due_ms: when it is due at the wire, plant ms.
        item: whose passage made the device speak.
        shows: of whose body (see `Item.body`) it truly is, None if of none or of more than one.
        hazards: what a picture shows.
        fault: `CUT` for a picture, `UNSTABLE` for a weight.
        sensed: where the belt was then, None where that is not known or the device does not tell in time.
    """

    due_ms: float
    device: str
    item: Item
    text: str = ""
    trigger: int = 0
    shows: int | None = None
    hazards: tuple[str, ...] = ()
    fault: str = ""
    sensed: Sensed | None = None


@dataclass(slots=True)
class Trouble:
    """The switches that are on: by fault, by target, with size."""

    random: Random
    slowest_ms: dict[str, float]
    on: dict[str, dict[str, float]] = field(default_factory=dict)
    _last: dict[str, Emission] = field(default_factory=dict)

    def put(self, switch: Switch) -> None:
        """Switch it on."""
        self.on.setdefault(switch.fault.name, {})[switch.target] = switch.size

    def lift(self, switch: Switch) -> None:
        """Switch it off."""
        targets = self.on.get(switch.fault.name, {})
        targets.pop(switch.target, None)
        if not targets:
            self.on.pop(switch.fault.name, None)

    def size(self, name: str, target: str = "") -> float | None:
        """Its size, None if it is off."""
        return self.on.get(name, {}).get(target)

    def strikes(self, name: str, target: str = "") -> bool:
        """Draw whether it strikes this time; its size is the share of times."""
        share = self.size(name, target)
        return share is not None and self.random.random() < share

    def said(self, emission: Emission) -> list[Emission]:
        """What of it reaches the wire."""
        device = emission.device
        if not self.on:
            self._last[device] = emission
            return [emission]
        if any(self.size(name, device) is not None for name in AWAY) or self.strikes("reading-lost", device):
            return []
        said = self._of(device)(emission)
        said = self._timed(said)
        frozen = self.size("device-frozen", device) is not None or (
            device == "xray" and self.size("picture-frozen") is not None
        )
        if not frozen or device not in self._last:
            self._last[device] = emission
        babbles = self.size("device-babbling", device)
        if babbles is not None:
            more = int(babbles)
            return [said, *(replace(said, due_ms=said.due_ms + 15 * n / more, sensed=None) for n in range(1, more + 1))]
        if self.strikes("reading-doubled", device):
            return [said, replace(said, due_ms=said.due_ms + self.random.uniform(0.5, 15), sensed=None)]
        return [said]

    def _of(self, device: str) -> Callable[[Emission], Emission]:
        return {"scanner": self._scanned, "scale": self._weighed, "xray": self._pictured}[device]

    def _scanned(self, emission: Emission) -> Emission:
        if self.strikes("no-read"):
            return replace(emission, text="NOREAD", shows=None)
        return self._plausible(emission)

    def _weighed(self, emission: Emission) -> Emission:
        if self.strikes("weight-invalid"):
            return replace(emission, fault=UNSTABLE)
        return self._plausible(emission)

    def _plausible(self, emission: Emission) -> Emission:
        """Well formed and wrong: what no protocol can show."""
        device, last = emission.device, self._last.get(emission.device)
        frozen = self.size("device-frozen", device) is not None or self.size("answers-for-another", device) is not None
        if frozen and last is not None:
            return replace(last, due_ms=emission.due_ms, item=emission.item, sensed=None)
        if self.size("reading-altered", device) is not None and any(c.isdigit() for c in emission.text):
            return replace(emission, text=self._altered(emission.text), shows=None)
        return emission

    def _altered(self, text: str) -> str:
        place = self.random.choice([n for n, c in enumerate(text) if c.isdigit()])
        digit = self.random.choice([d for d in "0123456789" if d != text[place]])
        return text[:place] + digit + text[place + 1 :]

    def _pictured(self, emission: Emission) -> Emission:
        last = self._last.get("xray")
        if self.strikes("picture-spoilt"):
            return replace(emission, fault=CUT)
        behind = self.size("picture-behind") is not None or self.size("picture-frozen") is not None
        if behind and last is not None:
            return replace(last, due_ms=emission.due_ms, trigger=emission.trigger, sensed=None)
        return emission

    def _timed(self, emission: Emission) -> Emission:
        device = emission.device
        late = self.size("picture-late") if device == "xray" else self.size("reading-late", device)
        if late is not None:
            return replace(emission, due_ms=emission.due_ms + late, sensed=None)
        if self.size("reading-slow", device) is not None:
            return replace(emission, due_ms=emission.due_ms + self.slowest_ms[device])
        return emission
