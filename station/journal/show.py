"""The journal for a person at a terminal: the newest events, and the story of one parcel."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from station.journal.stored import Stored

WIDEST = 400
STYLES = {"pass": "green", "inspect": "yellow", "lost": "red", "unobserved": "red"}


def tail_table(events: Sequence[Stored]) -> RenderableType:
    """Events as a table, one a row: number, local time, type, parcel, what it says."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("seq", justify="right")
    for name in ("time (UTC)", "event", "parcel"):
        table.add_column(name, no_wrap=True)
    table.add_column("what", overflow="fold")
    for event in events:
        parcels, what = _row(event)
        table.add_row(str(event.seq), Text(event.time[11:-1]), Text(event.type), parcels, what)
    return table


def _row(event: Stored) -> tuple[str, Text]:
    """Whom an event is of, and what it says; of one whose payload is damaged, that."""
    try:
        data = json.loads(event.payload)
        return _parcels(data), _what(event.type, data)
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", Text("damaged: `station journal verify` looks at all of it", style="red")


def parcel_story(events: Sequence[Stored]) -> RenderableType:
    """All that was journaled of one parcel, headed by its end."""
    if not events:
        return Text("The journal knows no such parcel.", style="yellow")
    end = next((json.loads(e.payload) for e in reversed(events) if e.type == "parcel-completed"), None)
    return Group(Panel(_summary(end), title=_title(events, end), title_align="left"), tail_table(events))


def _title(events: Sequence[Stored], end: dict[str, Any] | None) -> str:
    seconds = f"{events[0].time} to {events[-1].time[11:]}"
    return f"parcel {_parcels(end)}, {seconds}" if end else seconds


def _summary(end: dict[str, Any] | None) -> Text:
    if end is None:
        return Text("not completed: still on the belt, or the station ended before it left", style="yellow")
    text = Text.assemble(
        ("decided ", ""), (end["route"] or "nothing", STYLES.get(end["route"], "red")),
        (", went ", ""), (end["outcome"], STYLES[end["outcome"]]),
        f" ({end['plc_why']}); barcode {end['barcode']}, weight {_grams(end['weight_g'])}",
    )  # fmt: skip
    for reason in end["reasons"]:
        text.append(f"\n  {reason['code']}: {reason['text']}")
    return text


def _parcels(data: dict[str, Any]) -> str:
    refs = [data["parcel"]] if data.get("parcel") else data.get("candidates", [])
    return " ".join(f"{ref['epoch']}/{ref['number']}" for ref in refs)


def _grams(weight_g: float | None) -> str:
    return "none" if weight_g is None else f"{weight_g:g} g"


def _what(kind: str, data: dict[str, Any]) -> Text:
    match kind:
        case "reading-matched":
            unit = " g" if data["kind"] == "weight" and data["value"] is not None else ""
            value = data["fault"] or f"{data['value']}{unit}"
            tail = ", ambiguous" if data["ambiguous"] else ""
            return Text(f"{data['device']}: {data['kind']} {value}{tail} {data['note']}".rstrip())
        case "frame-inspected":
            seen = ", ".join(f"{f['label']} {f['score']:.2f}" for f in data["findings"]) or data["fault"] or "nothing"
            return Text(f"{data['device']}: {seen} ({data['inference_ms']:.1f} ms)")
        case "decided":
            reasons = "; ".join(reason["text"] for reason in data["reasons"])
            return Text.assemble((data["route"], STYLES[data["route"]]), f" {reasons}".rstrip())
        case _:
            rest = {key: value for key, value in data.items() if key not in {"parcel", "candidates"}}
            said = ", ".join(f"{key} {value}" for key, value in rest.items() if value not in (None, "", []))
            return Text(said if len(said) <= WIDEST else f"{said[:WIDEST]} ...")
