"""Whether the devices bring anything of use: one that is connected and does not is an alarm of its own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from station.core.actions import Keep
from station.core.alarms import Alarms
from station.core.parcel import Parcel
from station.core.policy import is_missing
from station.core.setup import DeviceSetup

IN_A_ROW = 5
"""Parcels without anything usable of a device, from which on it is worth a word; and with, until all is well again."""
BESIDE_ANOTHER = 200
"""The same for a scanner while another one reads the labels: of several, each sees only some."""


@dataclass(slots=True)
class Usable:
    """By device, how many parcels in a row had nothing usable of it, and how many had."""

    alarms: Alarms
    _without: dict[str, int] = field(default_factory=dict)
    _with: dict[str, int] = field(default_factory=dict)

    def decided(self, parcel: Parcel, devices: Collection[DeviceSetup], lost: Collection[str]) -> list[Keep]:
        """A parcel was decided, with what the devices but the `lost` ones brought; of one in doubt nothing is known."""
        actions: list[Keep] = []
        for device in devices:
            name = device.name
            if parcel.doubts or name in lost or name in parcel.evidence.ambiguous:
                continue
            fault = _fault(parcel, device)
            beside = device.kind == "barcode" and bool(parcel.evidence.barcodes)
            if fault is None:
                self._without.pop(name, None)
                self._with[name] = self._with.get(name, 0) + 1
                actions += self.forget(name) if self._with[name] >= IN_A_ROW else []
                continue
            self._without[name] = self._without.get(name, 0) + 1
            if not beside:
                self._with.pop(name, None)
            worth = BESIDE_ANOTHER if beside else IN_A_ROW
            if self._without[name] >= worth:
                text = f"it is connected, and {worth} parcels in a row had nothing usable of it; the last: {fault}"
                actions += self.alarms.set("no-evidence", name, text)
        return actions

    def forget(self, device: str) -> list[Keep]:
        """It brings something again, or is not connected, which is an alarm of its own."""
        self._without.pop(device, None)
        self._with.pop(device, None)
        return self.alarms.clear("no-evidence", device)


def _fault(parcel: Parcel, device: DeviceSetup) -> str | None:
    """Why nothing that it brought can be used; None if something can."""
    if is_missing(parcel, device) or (device.kind != "frame" and device.name not in parcel.evidence.brought):
        return parcel.evidence.faults.get(device.name, "") or "nothing came"
    faults = [
        frame.fault or ("the detector gave no answer" if frame.detection is None else frame.detection.fault)
        for frame in parcel.evidence.frames
        if frame.device == device.name
    ]
    return faults[-1] if faults and all(faults) else None
