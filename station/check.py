"""`station check`: everything that can be wrong before the line runs, each with what to do about it."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue

from station.clock import kernel_quality, now_ns, now_utc
from station.config import StationConfig
from station.core.plc_state import compare
from station.disk import disks
from station.journal import JournalError
from station.journal.look import look_at
from station.lists import ListError, Lists
from station.lists_watch import HANGS_S, hanging
from station.ports import Driver, Role, ShowsConstants
from station.publisher.greeting import greet
from station.publisher.settings import PublisherSettings
from station.publishing import settings_of
from station.releases import check_thresholds
from station.room import margins
from station.vision import NO_GATE, NOT_SHOWN, ModelError
from station.vision.load import read_model
from station.vision.trial import try_out

SCAN_MS = 20.0
_LEAST_FREE_BYTES = 2 * 1024**3
_OWN = frozenset({"cursor", "hold", "ids", "inbox", "journal", "model", "pictures", "status"})
"""How the files and folders are called that the station writes in its data folder, up to the first point."""
_BUILT, _FAR = datetime(2026, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the check: what was looked at, whether it is right, and what was found or is to be done."""

    subject: str
    right: bool
    text: str


def check(config: StationConfig, drivers: Mapping[str, Driver]) -> Iterator[Finding]:
    """Look at everything, one finding at a time; devices are opened and closed again."""
    yield from room(config, drivers)
    yield from _model(config)
    yield from _devices(config, drivers)
    yield _lists(config, drivers)
    yield _disk(config)
    yield from _folder(config)
    yield _journal(config)
    yield _clock()
    if config.mqtt is not None:
        yield _broker(config)


def room(config: StationConfig, drivers: Mapping[str, Driver]) -> Iterator[Finding]:
    """Whether the line can be proved: orders in time, neighbours told apart. Else `station run` does not start."""
    roles = {kind: driver.role for kind, driver in drivers.items()}
    poll_ms = float(getattr(config.plc.wire, "poll_ms", 20))
    lies_ms = {name: float(getattr(device.wire, "lies_ms", 0)) for name, device in config.devices.items()}
    for margin in margins(config.setup(roles, {}), poll_ms=poll_ms, scan_ms=SCAN_MS, lies_ms=lies_ms):
        text = f"{margin.mm:+.0f} mm, {margin.ms:+.0f} ms"
        yield Finding(f"room: {margin.what}", margin.fits, text if margin.fits else f"{text}; {margin.mend}")


def _model(config: StationConfig) -> Iterator[Finding]:
    if config.model is None:
        yield Finding("model", right=True, text="none configured: every picture is unusable, every parcel inspected")
        return
    try:
        try_out(config.model.folder)
        model = read_model(config.model.folder)
    except ModelError as error:
        yield Finding("model", right=False, text=str(error))
        return
    try:
        check_thresholds(config.policy.thresholds, model)
    except ModelError as error:
        yield Finding("policy", right=False, text=str(error))
    if not model.spec.gate.measures:
        yield Finding("gate", right=False, text=f"{model.sha256[:12]}: {NO_GATE}")
    if not model.shown:
        yield Finding("model", right=False, text=f"{model.sha256[:12]}: {NOT_SHOWN}; without them all is inspected")
        return
    yield Finding("model", right=True, text=f"{model.sha256[:12]}, golden pictures found as expected")
    if unseen := [word for word in model.words if word not in model.shown]:
        text = (
            f"no golden picture shows {', '.join(unseen)}: a model that lost sight of that alone would not be noticed"
        )
        yield Finding("golden", right=True, text=text)


def _devices(config: StationConfig, drivers: Mapping[str, Driver]) -> Iterator[Finding]:
    wires = {name: (device.kind, device.wire) for name, device in config.devices.items()}
    wires["plc"] = (config.plc.kind, config.plc.wire)
    for name, (kind, wire) in wires.items():
        device = drivers[kind].create(name, wire, now_ns)
        fault = device.probe()
        constants = device.constants if isinstance(device, ShowsConstants) else None
        if constants is not None and (different := compare(constants, config.line.geometry())):
            fault = f"{'; '.join(different)}: correct the one that is wrong, all would be inspected (`plc-mismatch`)"
        yield Finding(f"device {name}", not fault, fault or f"{kind}: {device.proved}")


def _lists(config: StationConfig, drivers: Mapping[str, Driver]) -> Finding:
    if config.policy.hold_list and not any(drivers[d.kind].role is Role.BARCODE for d in config.devices.values()):
        text = "hold_list is set, and no device reads a code: nothing would be held; add the scanner, or remove it"
        return Finding("lists", right=False, text=text)
    lists = Lists(config.policy.hold_list, config.policy.declared_weights)
    answer: SimpleQueue[Finding] = SimpleQueue()
    threading.Thread(target=lambda: answer.put(_read(lists)), name="lists", daemon=True).start()
    try:
        return answer.get(timeout=HANGS_S)
    except Empty:
        return Finding("lists", right=False, text=hanging(lists))


def _read(lists: Lists) -> Finding:
    try:
        loaded = lists.changed()
    except ListError as error:
        return Finding("lists", right=False, text=str(error))
    held, declared = (len(loaded.held), len(loaded.declared_g)) if loaded else (0, 0)
    return Finding("lists", right=True, text=f"{held} held, {declared} declared weights")


def _disk(config: StationConfig) -> Finding:
    frees = {place: shutil.disk_usage(place).free for place in disks(_place(config))}
    text = ", ".join(f"{free / 1024**3:.1f} GiB free at {place}" for place, free in frees.items())
    right = min(frees.values()) >= _LEAST_FREE_BYTES
    return Finding("disk", right, text if right else f"{text}; make room: the journal and its pictures need 2 GiB")


def _place(config: StationConfig) -> Path:
    """The data folder, or what there is of the way to it."""
    place = config.data
    while not place.exists() and place != place.parent:
        place = place.parent
    return place


def _folder(config: StationConfig) -> Iterator[Finding]:
    """What of the station's own in its data folder, or which folder it is to be made in, this user may not write."""
    place = _place(config)
    if not place.is_dir():
        text = f"{place} is no folder: name another as `data`, or move that file away"
        yield Finding("data", right=False, text=text)
        return
    own = sorted(path for path in config.data.glob("*") if path.name.partition(".")[0] in _OWN)
    if locked := [path for path in (place, *own) if not os.access(path, os.W_OK)]:
        text = f"{locked[0]} may not be written by this user ({len(locked)} such): give it to the user of the station"
        yield Finding("data", right=False, text=f"{text}, with all in {config.data}")


def _journal(config: StationConfig) -> Finding:
    try:
        found = look_at(config.data / "journal.db", f"{config.site}/{config.line_name}/{config.station}")
    except JournalError as error:
        return Finding("journal", right=False, text=str(error))
    return Finding("journal", right=True, text=found)


def _clock() -> Finding:
    now = now_utc()
    text = f"UTC {now:%Y-%m-%d %H:%M:%S}, {kernel_quality().state}"
    if _BUILT <= now < _FAR:
        return Finding("clock", right=True, text=text)
    where = "in the past" if now < _BUILT else "far ahead"
    return Finding("clock", right=False, text=f"{text} is {where}: set the clock, or let NTP do it")


def _broker(config: StationConfig) -> Finding:
    right, text = greet(PublisherSettings.model_validate(settings_of(config)))
    return Finding("broker", right, text if right else f"{text}; the station runs without it and sends all later")
