"""Proves from the geometry that there is room: orders in time, neighbours told apart. Each margin in ms and mm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from station.core.setup import DeviceSetup, LineSetup


@dataclass(frozen=True, slots=True)
class Margin:
    """What is left of a bound; below zero the line is refused. `mend` says what would help."""

    what: str
    mm: float
    ms: float
    mend: str

    @property
    def fits(self) -> bool:
        """True if there is room."""
        return self.mm >= 0


def margins(setup: LineSetup, *, poll_ms: float, scan_ms: float, lies_ms: Mapping[str, float]) -> list[Margin]:
    """Every margin of the line at its fastest, longest and closest (DESIGN: deadlines are places too).

    Args:
        setup: the line.
        poll_ms: how often the PLC is polled.
        scan_ms: its longest scan.
        lies_ms: by device, how long what it said may lie before it is read; 0 for those that are not named.
    """
    devices = [_read_late(device, lies_ms.get(device.name, 0.0)) for device in setup.devices]
    found = [_order_room(setup, poll_ms, scan_ms), _order(devices, setup, poll_ms, scan_ms), _diverter(setup, scan_ms)]
    found += [_neighbours(device, setup, poll_ms) for device in devices]
    found += [_alone(device, setup, poll_ms) for device in devices if device.kind == "weight"]
    return found


def _read_late(device: DeviceSetup, lies_ms: float) -> DeviceSetup:
    """The device as if it told at once what lies for so long at most."""
    return replace(device, latency_ms=(device.latency_ms[0], device.latency_ms[1] + lies_ms))


def _margin(setup: LineSetup, what: str, mm: float, mend: str) -> Margin:
    return Margin(what, round(mm, 1), round(mm / setup.geometry.speed_mm_s * 1000, 1), mend)


def _slip_mm(device: DeviceSetup, setup: LineSetup) -> float:
    """Slip since the last eye ahead of the zone, and what an eye itself does not know."""
    geometry = setup.geometry
    eye = max((mm for mm in geometry.eyes_mm if mm <= device.zone_mm[0]), default=0.0)
    unsure = geometry.latch_counts * geometry.mm_per_count + geometry.tolerance_mm
    return (device.zone_mm[1] - eye) * geometry.slip + unsure


def _clock_ms(poll_ms: float) -> float:
    """How well PC and PLC time match: the narrowest bracket of many polls is below a quarter of one."""
    return poll_ms / 4 + 1


def _neighbours(device: DeviceSetup, setup: LineSetup, poll_ms: float) -> Margin:
    """A reading's interval must end before the next parcel can have come into the zone."""
    spread_ms = device.latency_ms[1] - device.latency_ms[0] + setup.settle_ms + _clock_ms(poll_ms)
    used = spread_ms / 1000 * setup.geometry.speed_mm_s + (device.zone_mm[1] - device.zone_mm[0])
    used += 2 * _slip_mm(device, setup)
    if device.kind == "weight":
        used -= device.zone_mm[1] - device.zone_mm[0]  # the zone's own length is judged by _alone
    mend = "narrow its zone or latency, look at it more often (`poll_ms`), or ask for larger gaps"
    return _margin(setup, f"{device.name}: neighbours told apart", setup.geometry.gap_mm - used, mend)


def _alone(device: DeviceSetup, setup: LineSetup, poll_ms: float) -> Margin:
    """In the middle of measuring, a neighbour at the specified gap is still off the scale."""
    geometry = setup.geometry
    zone = device.zone_mm[1] - device.zone_mm[0]
    spread_ms = device.measuring_ms / 2 + device.latency_ms[1] - device.latency_ms[0]
    spread_ms += setup.settle_ms / 2 + _clock_ms(poll_ms)
    reach = spread_ms / 1000 * geometry.speed_mm_s + _slip_mm(device, setup)
    together = geometry.gap_and_shorter_mm
    middle = min(max(together - geometry.gap_mm, geometry.shortest_mm), geometry.longest_mm)
    worst = min(
        length / 2 + max(geometry.gap_mm, together - length) - zone / 2
        for length in (geometry.shortest_mm, middle, geometry.longest_mm)
    )
    mend = "shorten the scale, its measuring, latency or `poll_ms`, or ask for larger gaps (gap_and_shorter_mm)"
    return _margin(setup, f"{device.name}: one parcel alone on it while it measures", worst - reach, mend)


def order_way_ms(poll_ms: float, scan_ms: float) -> float:
    """From a place of the belt to an order with the PLC.

    A scan until the place is shown and a poll until it is read, then the next poll that writes and the scan that takes.
    """
    return 2 * (poll_ms + scan_ms)


def _order_room(setup: LineSetup, poll_ms: float, scan_ms: float) -> Margin:
    """What a parcel is decided ahead of the decision eye at the latest covers the order's way."""
    left_ms = setup.order_room_ms - order_way_ms(poll_ms, scan_ms)
    mend = "raise timing.order_ms, or poll the PLC more often"
    return _margin(setup, "the order's way: two polls and two scans", left_ms / 1000 * setup.geometry.speed_mm_s, mend)


def _order(devices: Sequence[DeviceSetup], setup: LineSetup, poll_ms: float, scan_ms: float) -> Margin:
    """The last window's closing, the detector, and the order's way to the PLC end before the decision eye."""
    geometry = setup.geometry
    closes = []
    for device in devices:
        bound_ms = device.latency_ms[1] + device.measuring_ms + setup.settle_ms + _clock_ms(poll_ms) + poll_ms
        if device.kind == "frame":
            bound_ms += setup.detect_ms
        place = device.zone_mm[1] + geometry.longest_mm + _slip_mm(device, setup)
        closes.append(place + bound_ms / 1000 * geometry.speed_mm_s)
    last_zone = max((device.zone_mm[1] for device in setup.devices), default=0.0)
    behind = next((mm for mm in geometry.eyes_mm[:-1] if mm >= last_zone), last_zone)
    closes.append(behind + (poll_ms + scan_ms) / 1000 * geometry.speed_mm_s)
    way_ms = max(setup.order_room_ms, order_way_ms(poll_ms, scan_ms))
    left = geometry.decision_mm - max(closes) - way_ms / 1000 * geometry.speed_mm_s
    mend = "move the decision eye down the belt, slow the belt, or speed up the slowest device"
    return _margin(setup, "order with the PLC before the decision eye", left, mend)


def _diverter(setup: LineSetup, scan_ms: float) -> Margin:
    geometry = setup.geometry
    tolerance = 2 * geometry.latch_counts * geometry.mm_per_count + geometry.tolerance_mm
    tolerance += (geometry.diverter_mm - geometry.decision_mm) * geometry.slip
    tolerance += scan_ms / 1000 * geometry.speed_mm_s
    needed = geometry.longest_mm + 2 * geometry.switch_mm + tolerance
    left = geometry.diverter_mm - geometry.decision_mm - needed
    return _margin(
        setup, "decision eye to diverter: longest parcel, twice S, tolerance", left, "move the diverter down"
    )
