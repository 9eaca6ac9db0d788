"""What happened in a run of a scenario, for a person: one line each, parcels by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.scenario.account import Account, Key
from simulator.scenario.model import Scenario

_FACTS = {
    "command": "somebody does: {command}",
    "infeed": "{item} comes to the infeed eye",
    "left": "{item} leaves by the lane {lane}",
    "removed": "{item} is lifted off",
    "added": "{item} is put down by hand",
    "swapped": "{item} is put down by hand",
    "station-started": "the station started",
    "station-dead": "the station is dead",
    "journal-aside": "the station sets its journal aside and begins a new one",
    "station-refused": "the station refuses: {why}",
    "broker": "the broker {what}",
}


def tale(scenario: Scenario, account: Account) -> list[str]:
    """Faults, parcels, decisions, alarms and sessions in the order of their times."""
    names = {n: parcel.name for n, parcel in enumerate(scenario.listed() or (), 1)}
    of = {body.key: _name(names, body.item) for body in reversed(account.bodies.values()) if body.key}
    told = [(seconds, _fact(names, kind, fields)) for seconds, kind, fields in account.facts]
    told += [(seconds, _event(of, kind, data)) for seconds, kind, data in account.events]
    lines = [f"{seconds:9.3f} s  {text}" for seconds, text in sorted(told, key=lambda entry: entry[0]) if text]
    return [*lines, *(f"BROKEN: {text}" for text in account.broken)]


def _name(names: Mapping[int, str], item: int) -> str:
    return f"parcel {names.get(item, item)}"


def _fact(names: Mapping[int, str], kind: str, fields: Mapping[str, Any]) -> str:
    if kind == "fault":
        return f"fault {fields['fault']} {'begins' if fields['on'] else 'is over'}"
    item = _name(names, int(fields.get("item", 0)))
    return _FACTS.get(kind, "").format(**{**fields, "item": item})


def _event(of: Mapping[Key, str], kind: str, data: Mapping[str, Any]) -> str:
    match kind:
        case "alarm-raised":
            return f"    alarm {data['alarm']} {data['subject']}: {data['text']}"
        case "alarm-cleared":
            return f"    alarm {data['alarm']} {data['subject']} is cleared"
        case "session-opened":
            return f"    session {data['new_session']} is opened, {data['parcels_on_belt']} parcels on the belt"
        case "decided":
            why = "; ".join(reason["text"] for reason in data["reasons"])
            return f"    {_who(of, data)}: {data['route']}" + (f" ({why})" if why else "")
        case "parcel-completed":
            return f"    {_who(of, data)}: {data['outcome']}, PLC: {data['plc_why']}"
    return ""


def _who(of: Mapping[Key, str], data: Mapping[str, Any]) -> str:
    key = data["parcel"]["epoch"], data["parcel"]["number"]
    return of.get(key, f"number {key[1]}")
