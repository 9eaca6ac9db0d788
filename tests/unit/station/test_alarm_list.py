"""What `station status` shows of the alarms: each with its state, the gravest first, the quiet ones last."""

from __future__ import annotations

import io

from rich.console import Console

from station.core.alarms import Alarms
from station.snapshot import _alarm
from station.status import alarms as panel


def shown(alarms: Alarms) -> list[str]:
    look = {"alarms": [_alarm(a, alarms.now_ns) for a in alarms.listed.values() if a.state != "normal"]}
    console = Console(file=io.StringIO(), width=160, record=True)
    console.print(panel(look))
    return [line.strip("│ ") for line in console.export_text().splitlines()[1:-1]]


def test_a_calm_station_has_none() -> None:
    assert shown(Alarms()) == ["none"]


def test_each_alarm_is_shown_with_its_state_and_the_grave_ones_first() -> None:
    alarms = Alarms()
    alarms.set("plc-mode", "diverter", "the diverter is in hand")
    alarms.shelve("plc-mode", "diverter", "panel", 600)
    alarms.set("parcel-lost", "belt", "parcel 7 was not seen")
    alarms.set("journal", "disk", "no space left")
    alarms.set("no-session", "plc", "not taken")
    alarms.acknowledge("journal", "disk", "panel")
    lines = shown(alarms)
    assert [line.split()[:2] for line in lines] == [
        ["top", "journal/disk"],
        ["medium", "parcel-lost/belt"],
        ["high", "plc-mode/diverter"],
        ["high", "no-session/plc"],
    ]
    for line, state in zip(
        lines,
        ("acknowledged", "unacknowledged", "shelved, 10 min left", "follows from journal/disk: not taken"),
        strict=True,
    ):
        assert state in line
    assert "no space left" in lines[0]
