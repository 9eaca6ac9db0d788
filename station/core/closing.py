"""When a parcel's evidence is closed: its place passed, latency elapsed, and all that came before has been read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from station.core.belt import NS_PER_MS, BeltHistory, ClockMatch
from station.core.parcel import Parcel
from station.core.setup import DeviceSetup, LineSetup


@dataclass(frozen=True, slots=True)
class Ports:
    """What is known of the devices' ports.

    Attributes:
        seen_ns: how far each was read empty.
        connected: the names of those that are.
        waiting_ns: since when the oldest reading of each waits to be matched, for those of which one does.
    """

    seen_ns: Mapping[str, int]
    connected: Collection[str]
    waiting_ns: Mapping[str, int]


def closed_ns(
    parcel: Parcel, setup: LineSetup, clock: ClockMatch, belt: BeltHistory, ports: Ports, now_ns: int
) -> float | None:
    """Return when the parcel's windows closed (monotonic ns), None if one of them is still open."""
    if not passed(parcel, setup, belt):
        return None
    latest = _confirmed_ns(parcel, setup, clock, belt)
    if latest is None:
        return None
    for device in setup.devices:
        end = _window_end_ns(parcel, device, setup, clock, belt)
        if not _read_up_to(end, device, ports, setup, now_ns):
            return None
        latest = max(latest, end)
    return latest


def next_close_ns(parcel: Parcel, setup: LineSetup, clock: ClockMatch, belt: BeltHistory) -> float | None:
    """Return the PC time at which the last window closes, None while the belt has not carried it through all."""
    if not setup.devices or not passed(parcel, setup, belt):
        return None
    ends = [_window_end_ns(parcel, device, setup, clock, belt) for device in setup.devices]
    return max(ends) + setup.settle_ms * NS_PER_MS


def passed(parcel: Parcel, setup: LineSetup, belt: BeltHistory) -> bool:
    """True once the belt has carried the parcel wholly through all zones."""
    count = belt.count
    return count is not None and count >= parcel.reckoned("closing", lambda p: last_end(p, setup))


def last_end(parcel: Parcel, setup: LineSetup) -> float:
    """The count at which the belt has carried the parcel wholly through all zones, for certain."""
    ends = [parcel.within(device.zone_mm, setup.geometry).high for device in setup.devices]
    return max(ends, default=float("-inf"))


def detected(parcel: Parcel) -> bool:
    """True if the detector has answered for every frame of the parcel."""
    return all(frame.detection is not None or frame.fault for frame in parcel.evidence.frames)


def _confirmed_ns(parcel: Parcel, setup: LineSetup, clock: ClockMatch, belt: BeltHistory) -> float | None:
    """When the first eye behind the last zone saw it; 0 if it is known to be missing there, None if not yet."""
    last = max((device.zone_mm[1] for device in setup.devices), default=0.0)
    eyes = setup.geometry.eyes_mm
    behind = next((i for i, place in enumerate(eyes) if place >= last), len(eyes) - 1)
    if behind in parcel.leads:
        seen = belt.reached_at(parcel.leads[behind])
        return None if seen is None else clock.pc_ns_latest(seen)
    known = behind == len(eyes) - 1 or behind <= parcel.origin_eye or "missed" in parcel.doubts
    return 0.0 if known else None


def _window_end_ns(
    parcel: Parcel, device: DeviceSetup, setup: LineSetup, clock: ClockMatch, belt: BeltHistory
) -> float:
    left = parcel.reckoned(f"left {device.name}", lambda p: _left_ms(p, device, setup, belt))
    return clock.pc_ns_latest(left) + (device.latency_ms[1] + device.measuring_ms) * NS_PER_MS


def _left_ms(parcel: Parcel, device: DeviceSetup, setup: LineSetup, belt: BeltHistory) -> float:
    """PLC time at which it had left the zone for certain."""
    reached = belt.reached_at(parcel.within(device.zone_mm, setup.geometry).high)
    if reached is None:
        raise ValueError("the belt has not carried it out of the zone yet")
    return reached


def _read_up_to(end_ns: float, device: DeviceSetup, ports: Ports, setup: LineSetup, now_ns: int) -> bool:
    waiting = ports.waiting_ns.get(device.name)
    if waiting is not None and waiting <= end_ns:
        return False
    if device.name in ports.connected:
        return ports.seen_ns.get(device.name, 0) >= end_ns
    return now_ns >= end_ns + setup.settle_ms * NS_PER_MS
