"""What the station looks like now, as one small JSON file that `station status` and live views read."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from station.clock import now_ns, now_utc, utc_text
from station.config import StationConfig
from station.core.alarms import Alarm
from station.core.line import Line
from station.core.parcel import Parcel
from station.ports import Device
from station.turn import Turn

FILE = "status.json"
_BLOCK = 16 * 1024
_TRIES = 3


class Snapshot:
    """Writes the file at most so often, whole or not at all, on a full disk too: no room is asked for again."""

    def __init__(self, config: StationConfig, line: Line, turn: Turn, devices: Mapping[str, Device]) -> None:
        self._path = config.data / FILE
        self._line = line
        self._turn = turn
        self._devices = devices
        self._written_ns = 0

    def write_every(self, period_ns: int) -> None:
        """Write, if the last is at least that old."""
        if now_ns() - self._written_ns >= period_ns:
            self._written_ns = now_ns()
            self._write(self._look())

    def close(self) -> None:
        """Say that the station has stopped."""
        self._write(self._look() | {"running": False})

    def _write(self, content: dict[str, Any]) -> None:
        """Over the file before last, which has its room on the disk already; then the two change names."""
        spare, last = self._path.with_suffix(".part"), self._path.with_suffix(".last")
        text = json.dumps(content).encode()
        with contextlib.suppress(OSError):
            with spare.open("r+b" if spare.exists() else "w+b") as file:
                file.write(text.ljust(max(_BLOCK * -(-len(text) // _BLOCK), spare.stat().st_size)))
            with contextlib.suppress(FileNotFoundError):
                self._path.replace(last)
            spare.replace(self._path)
            with contextlib.suppress(FileNotFoundError):
                last.replace(spare)

    def _look(self) -> dict[str, Any]:
        line, now = self._line, now_ns()
        plc = line.plc
        devices = {}
        for name, device in self._devices.items():
            health = device.health()
            last = health.last_message_ns
            devices[name] = {
                "connected": health.connected,
                "detail": health.detail,
                "age_s": None if last is None else round((now - last) / 1e9, 2),
                "counters": health.counters,
            }
        return {
            "running": True,
            "pid": os.getpid(),
            "at": utc_text(now_utc()),
            "devices": devices,
            "mode": line.desk.mode.word,
            "policy": line.desk.rules.version,
            "plc": plc.look(),
            "alarms": [_alarm(alarm, now) for alarm in line.alarms.listed.values() if alarm.state != "normal"],
            "heartbeat_missing": self._turn.heartbeat.missing,
            "counters": {**self._turn.counters, **line.desk.counters},
            "parcels": [self._parcel(parcel) for parcel in line.tracker.parcels if parcel.on_belt],
            "last": list(line.desk.recent),
        }

    def _parcel(self, parcel: Parcel) -> dict[str, Any]:
        geometry = self._line.setup.geometry
        eye = max(parcel.leads)
        count = self._line.belt.count or 0
        place = geometry.eyes_mm[eye] + (count - parcel.leads[eye]) * geometry.mm_per_count
        return {
            "number": parcel.key.number if parcel.key else 0,
            "place_mm": round(place),
            "length_mm": round(parcel.length_mm(geometry) or 0),
            "route": parcel.route.value if parcel.route else None,
            "state": parcel.state.value,
        }


def _alarm(alarm: Alarm, now: int) -> dict[str, Any]:
    """An alarm and its state; `by` is the one that it follows from, `left_s` how long it is shelved still."""
    until = alarm.shelved_until_ns
    return {
        "alarm": alarm.alarm,
        "subject": alarm.subject,
        "priority": alarm.kind.priority,
        "text": alarm.text,
        "state": alarm.state,
        "standing": alarm.on,
        "by": alarm.by,
        "left_s": None if until is None else round((until - now) / 1e9),
        "action": alarm.kind.action,
    }


def read(data: Path) -> dict[str, Any] | None:
    """The last snapshot, None if there is none that can be read.

    Raises:
        PermissionError: this user may not read it.
    """
    for _ in range(_TRIES):  # between two names there is none for a moment
        try:
            content = json.loads((data / FILE).read_text(encoding="utf-8"))
        except PermissionError:
            raise
        except (OSError, ValueError):
            continue
        return content if isinstance(content, dict) else None
    return None
