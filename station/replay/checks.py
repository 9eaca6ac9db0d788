"""What a replay can tell of the inputs that it takes as recorded: the moment of a decision, the lists."""

from __future__ import annotations

from station.core import closing
from station.core.line import Line
from station.core.parcel import Parcel
from station.core.records import ReadingMatched

_LOOKUPS_KEPT = 1000
_SOON = 1 << 62


def may_be_decided(line: Line, parcel: Parcel, *, late: bool) -> bool:
    """By places alone: at the deadline, where that is a reason; else through all zones, with all pictures judged."""
    if late:
        return line.at_deadline(parcel)
    names = line.setup.by_name
    ports = closing.Ports(dict.fromkeys(names, _SOON), names, {})
    closed = closing.closed_ns(parcel, line.setup, line.clock, line.belt, ports, 0)
    return closed is not None and closing.detected(parcel)


def look_up(line: Line, record: ReadingMatched) -> None:
    """What the lists said of a barcode when it was matched holds until they change."""
    code, desk = record.value, line.desk
    if record.kind != "barcode" or not isinstance(code, str):
        return
    if len(desk.held) + len(desk.declared_g) > _LOOKUPS_KEPT:
        kept = {code for parcel in line.tracker.parcels for code in parcel.evidence.barcodes}
        desk.held = desk.held & kept
        desk.declared_g = {code: grams for code, grams in desk.declared_g.items() if code in kept}
    if record.held != (code in desk.held):
        desk.held = desk.held ^ {code}
    desk.declared_g.pop(code, None)
    if record.declared_g is not None:
        desk.declared_g[code] = record.declared_g
