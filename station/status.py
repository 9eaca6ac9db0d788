"""The line at one glance, as a terminal picture: made from the snapshot that the daemon writes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.styled import Styled
from rich.table import Table
from rich.text import Text

from station import snapshot
from station.clock import now_utc

_OLD_S = 3.0
_QUIET = frozenset({"shelved", "suppressed", "returned-unacknowledged"})


def screen(data: Path) -> tuple[RenderableType, bool]:
    """Return the picture, and whether the daemon runs."""
    look = snapshot.read(data)
    if look is None:
        text = f"No station has run in {data.absolute()} yet. Start it: station run CONFIG"
        return Text(text, style="yellow"), False
    try:
        return _screen(look)
    except (KeyError, TypeError, ValueError):
        return Text(f"{data} was written by another version of the station: install that, or restart it", "red"), False


def _screen(look: dict[str, Any]) -> tuple[RenderableType, bool]:
    age = (now_utc() - datetime.fromisoformat(look["at"]).astimezone(UTC)).total_seconds()
    running = bool(look["running"]) and abs(age) < _OLD_S
    seen = f"{age:.0f} s ago" if age >= 0 else f"at {look['at']}, which is still to come: the clock was set back"
    head = Text("running" if running else f"NOT RUNNING, last seen {seen}", style="green" if running else "red")
    missing = look.get("heartbeat_missing") or []
    if running and missing:
        head.append(f"   no heartbeat: {', '.join(missing)} not proved, so all is inspected", "bold red")
    mode = look.get("mode", "automatic")
    if mode != "automatic":
        head.append(f"   {mode}: every parcel is inspected", "bold yellow")
    if "+" in look.get("policy", ""):
        head.append(f"   policy changed by command {look['policy'].partition('+')[2]}", "yellow")
    parts = Group(belt_line(look), devices(look), alarms(look), decisions(look, 8), counters(look))
    if running:
        return Group(head, parts), running
    return Group(head, Text("What follows is as it was then."), Styled(parts, "dim")), running


def belt_line(look: dict[str, Any]) -> RenderableType:
    """Why the belt stands, if it does, and the session."""
    plc = look["plc"]
    moving = plc["belt_running"]
    text = Text("belt running" if moving else f"belt stands: {plc['stop_cause'] or 'not told why'}")
    text.stylize("green" if moving else "bold red")
    session = "live" if plc["live"] else "none: every parcel is inspected"
    return text.append(f"   session {plc['session']} {session}   mode {plc['mode']}", style="default")


def devices(look: dict[str, Any]) -> RenderableType:
    """Devices, their state and the age of their last message."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, device in look["devices"].items():
        state = Text("ok", style="green") if device["connected"] else Text("LOST", style="bold red")
        age = "never heard" if device["age_s"] is None else f"{device['age_s']:.1f} s ago"
        table.add_row(Text(name), state, age, Text(device["detail"], style="yellow"))
    return Panel(table, title="devices", title_align="left")


def alarms(look: dict[str, Any]) -> RenderableType:
    """Alarms that are not normal with their states, the gravest first; what is shelved or follows from another last."""
    order = {"top": 0, "high": 1, "medium": 2, "low": 3}
    rows = sorted(look["alarms"], key=lambda alarm: (alarm["state"] in _QUIET, order[alarm["priority"]]))
    table = Table(box=None, pad_edge=False, show_header=False)
    for alarm in rows:
        grave = alarm["priority"] in {"top", "high"}
        style = "dim" if alarm["state"] in _QUIET else "bold red" if grave else "yellow"
        state = alarm["state"]
        if alarm["left_s"] is not None:
            state += f", {alarm['left_s'] / 60:.0f} min left"
        text = f"follows from {alarm['by']}: {alarm['text']}" if alarm["by"] else alarm["text"]
        name = f"{alarm['alarm']}/{alarm['subject']}"
        table.add_row(Text(alarm["priority"], style=style), Text(name), Text(state), Text(text))
    content: RenderableType = table if rows else Text("none", style="green")
    return Panel(content, title="alarms", title_align="left")


def decisions(look: dict[str, Any], number: int) -> RenderableType:
    """The last parcels: where they went and every reason."""
    table = Table(box=None, pad_edge=False)
    for heading in ("parcel", "barcode", "weight", "lane", "reasons"):
        table.add_column(heading, no_wrap=heading != "reasons")
    for done in reversed(look["last"][-number:]):
        lane = Text(done["outcome"], style="green" if done["outcome"] == "pass" else "red")
        weight = "-" if done["weight_g"] is None else f"{done['weight_g'] / 1000:.2f} kg"
        reasons = "; ".join(reason["text"] for reason in done["reasons"]) or ("" if done["ordered"] else "no order")
        if done["route"] == "pass" and done["outcome"] != "pass":
            reasons = f"PLC: {done['plc_why']}"
        number_of, code = str(done["parcel"]["number"]), Text(done["barcode"] or "-")
        table.add_row(number_of, code, weight, lane, Text(reasons, overflow="fold"))
    return Panel(table, title="last parcels", title_align="left")


def counters(look: dict[str, Any]) -> RenderableType:
    """Counts since the start, inspections by reason."""
    counts = look["counters"]
    main = "   ".join(f"{key} {counts.get(key, 0)}" for key in ("completed", "pass", "inspect", "lost", "unobserved"))
    reasons = "   ".join(f"{key[7:]} {n}" for key, n in sorted(counts.items()) if key.startswith("reason "))
    return Panel(Group(Text(main), Text(reasons, style="dim")), title="since the start", title_align="left")
