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
"""Parcels without anything usable of a device, from which on it is worth a word."""
BESIDE_ANOTHER = 200
"""The same for a scanner while another one reads the labels: of several, each sees only some."""
LATELY = 50
"""Where it was well for fewer parcels than that, so many as `IN_A_ROW` must have something until it is well again."""


@dataclass(slots=True)
class _Row:
    """Of one device: parcels in a row without and with something usable, and those since it was called well."""

    without: int = 0
    having: int = 0
    since: int = LATELY
    needs: int = 1
    told: bool = False


@dataclass(slots=True)
class Usable:
    """By device, what the last parcels had of it. What brings something now and then is one alarm, and no chatter."""

    alarms: Alarms
    _rows: dict[str, _Row] = field(default_factory=dict)

    def decided(self, parcel: Parcel, devices: Collection[DeviceSetup], lost: Collection[str]) -> list[Keep]:
        """A parcel was decided, with what the devices but the `lost` ones brought; of one in doubt nothing is known."""
        actions: list[Keep] = []
        for device in devices:
            name = device.name
            if parcel.doubts or name in lost or name in parcel.evidence.ambiguous:
                continue
            row = self._rows.setdefault(name, _Row())
            row.since += 1
            fault = _fault(parcel, device)
            if fault is None:
                actions += self._brought(name, row)
            else:
                beside = device.kind == "barcode" and bool(parcel.evidence.barcodes)
                actions += self._lacked(name, row, BESIDE_ANOTHER if beside else IN_A_ROW, fault)
        return actions

    def _brought(self, device: str, row: _Row) -> list[Keep]:
        row.without = 0
        row.having += 1
        if not row.told or row.having < row.needs:
            return []
        row.told, row.since = False, 0
        return self.alarms.clear("no-evidence", device)

    def _lacked(self, device: str, row: _Row, worth: int, fault: str) -> list[Keep]:
        row.without += 1
        row.having = 0
        if row.without < worth:
            return []
        if not row.told:
            row.told, row.needs = True, IN_A_ROW if worth == IN_A_ROW and row.since < LATELY else 1
        text = f"it is connected, and {worth} parcels in a row had nothing usable of it; the last: {fault}"
        return self.alarms.set("no-evidence", device, text)

    def forget(self, device: str) -> list[Keep]:
        """It is not connected, which is an alarm of its own."""
        self._rows.pop(device, None)
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
