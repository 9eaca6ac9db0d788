"""The program's state as Modbus registers, and the command block back into words, by docs/plc-map.yaml alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from simulator.plc.orders import Command, OrderWords
from simulator.plc.program import PlcProgram
from simulator.plc.signals import PlcSettings

_WORDS = {"u16": 1, "u32": 2}
_Entry = TypeVar("_Entry")


@dataclass(slots=True)
class Layout:
    """The register map as the simulator reads it: for each block its address and its fields, laid end to end."""

    document: Mapping[str, Any]
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = max(block["address"] + self.block_size(name) for name, block in self.document["blocks"].items())

    @classmethod
    def load(cls, path: Path) -> Layout:
        """Read the map file."""
        return cls(yaml.safe_load(path.read_text(encoding="utf-8")))

    def address(self, block: str) -> int:
        """First register of a block."""
        return int(self.document["blocks"][block]["address"])

    def block_size(self, block: str) -> int:
        """Registers of a block."""
        return sum(self._field_size(entry) for entry in self.document["blocks"][block]["fields"])

    def encode(self, block: str, values: Mapping[str, Any]) -> list[int]:
        """Lay out values by field name; a record's value is a sequence of mappings, shorter ones padded with 0."""
        words: list[int] = []
        for entry in self.document["blocks"][block]["fields"]:
            words += self._encode_field(entry, values[entry["name"]])
        return words

    def decode(self, block: str, words: Sequence[int]) -> dict[str, Any]:
        """Take values by field name out of a block's registers."""
        stream = iter(words)
        return {e["name"]: self._decode_field(e, stream) for e in self.document["blocks"][block]["fields"]}

    def record(self, name: str, values: Mapping[str, int]) -> list[int]:
        """Lay out one record."""
        words: list[int] = []
        for entry in self.document["records"][name]:
            words += _split(entry["type"], values[entry["name"]])
        return words

    def _record_size(self, name: str) -> int:
        return sum(_WORDS[entry["type"]] for entry in self.document["records"][name])

    def _field_size(self, entry: Mapping[str, Any]) -> int:
        one = self._record_size(entry["record"]) if "record" in entry else _WORDS[entry["type"]]
        return one * int(entry.get("repeat", 1))

    def _encode_field(self, entry: Mapping[str, Any], value: Any) -> list[int]:
        if "repeat" not in entry:
            return _split(entry["type"], value)
        words: list[int] = []
        for item in value:
            words += self.record(entry["record"], item) if "record" in entry else _split(entry["type"], item)
        return (words + [0] * self._field_size(entry))[: self._field_size(entry)]

    def _decode_field(self, entry: Mapping[str, Any], stream: Iterator[int]) -> Any:
        if "repeat" not in entry:
            return _join(entry["type"], stream)
        return [self._decode_item(entry, stream) for _ in range(entry["repeat"])]

    def _decode_item(self, entry: Mapping[str, Any], stream: Iterator[int]) -> Any:
        if "record" not in entry:
            return _join(entry["type"], stream)
        return {part["name"]: _join(part["type"], stream) for part in self.document["records"][entry["record"]]}


def _split(kind: str, value: int) -> list[int]:
    return [value & 0xFFFF] if kind == "u16" else [value >> 16 & 0xFFFF, value & 0xFFFF]


def _join(kind: str, stream: Iterator[int]) -> int:
    high = next(stream)
    return high if kind == "u16" else high << 16 | next(stream)


@dataclass(slots=True)
class Image:
    """All registers of the PLC, as the last scan left them."""

    layout: Layout
    words: list[int] = field(init=False)
    _edges: int = 0
    _outcomes: int = 0

    def __post_init__(self) -> None:
        self.words = [0] * self.layout.size

    def put(self, block: str, words: Sequence[int]) -> None:
        """Overwrite a block."""
        start = self.layout.address(block)
        self.words[start : start + len(words)] = words

    def refresh(self, program: PlcProgram) -> None:
        """Write what changes with every scan."""
        self.put("status", self.layout.encode("status", _status(program)))
        rings = program.rings
        self._ring("edge_ring", "edge", _edges(program, rings.edge_total - self._edges), rings.edges.maxlen)
        self._ring(
            "outcome_ring", "outcome", _outcomes(program, rings.outcome_total - self._outcomes), rings.outcomes.maxlen
        )
        self._edges, self._outcomes = rings.edge_total, rings.outcome_total
        self.put("parcel_table", self.layout.encode("parcel_table", {"rows": _rows(program)}))

    def tear(self) -> None:
        """The status block as it looks between two scans: the last of its words are still those of the one before."""
        end = self.layout.address("status") + self.layout.block_size("status") - 1
        self.words[end] = (self.words[end] - 1) % 65_536

    def settings(self, settings: PlcSettings) -> None:
        """Write what never changes."""
        names = [entry["name"] for entry in self.layout.document["blocks"]["settings"]["fields"]]
        values = {name: getattr(settings, name) for name in names if name != "eyes"}
        self.put("settings", self.layout.encode("settings", values | {"eyes": len(settings.eye_mm)}))

    def command(self) -> Command | None:
        """Decode the command block; None if it is torn or was never written."""
        start = self.layout.address("command")
        words = self.words[start : start + self.layout.block_size("command")]
        values = self.layout.decode("command", words)
        if values["trailer"] != values["number"] or values["checksum"] != sum(words[:-2]) % 65_536:
            return None
        if not values["session"]:
            return None
        orders = [
            OrderWords(o["order"], o["parcel"], o["lane"], o["last_count"] if o["has_last_count"] else None)
            for o in values["orders"][: values["order_count"]]
        ]
        return Command(values["number"], values["session"], values["heartbeat"], values["epoch_grant"], tuple(orders))

    def _ring(self, block: str, record: str, entries: Sequence[Mapping[str, int]], size: int | None) -> None:
        start = self.layout.address(block)
        for entry in entries:
            words = self.layout.record(record, entry)
            place = start + (entry["total"] - 1) % (size or 1) * len(words)
            self.words[place : place + len(words)] = words


def _newest(ring: deque[_Entry], wanted: int) -> list[_Entry]:
    return list(ring)[-wanted:] if wanted else []


def _edges(program: PlcProgram, wanted: int) -> list[dict[str, int]]:
    newest = _newest(program.rings.edges, wanted)
    first = program.rings.edge_total - len(newest) + 1
    return [
        {
            "total": first + i,
            "sequence": first + i,
            "eye": e.eye,
            "direction": int(e.broken),
            "count": e.count,
            "plc_ms": e.ms,
            "parcel": e.parcel,
            "trigger": e.trigger,
            "sequence_end": first + i,
        }
        for i, e in enumerate(newest)
    ]


def _outcomes(program: PlcProgram, wanted: int) -> list[dict[str, int]]:
    newest = _newest(program.rings.outcomes, wanted)
    first = program.rings.outcome_total - len(newest) + 1
    return [
        {
            "total": first + i,
            "sequence": first + i,
            "parcel": o.number,
            "place": int(o.place),
            "why": int(o.why),
            "count": o.count,
            "plc_ms": o.ms,
            "sequence_end": first + i,
        }
        for i, o in enumerate(newest)
    ]


def _rows(program: PlcProgram) -> list[dict[str, int]]:
    rows = []
    for row in list(program.rows.values())[-32:]:
        eye = max(row.seen)
        rows.append(
            {
                "number": row.number,
                "infeed_count": row.infeed_count,
                "length_counts": row.length,
                "session": row.session,
                "last_eye": eye,
                "last_eye_count": row.seen[eye],
            }
        )
    return rows


def _status(program: PlcProgram) -> dict[str, Any]:
    book, rings = program.orders, program.rings
    at_pass, at_inspect = program.at
    return {
        "signature": 0x49535031,
        "map_version": 1,
        "pattern": 0x01020304,
        "program_version": program.settings.program_version,
        "scan_begin": program.scans,
        "plc_ms": program.ms,
        "count": program.count,
        "heartbeat": program.scans,
        "poll_echo": book.number or 0,
        "epoch": book.epoch,
        "session": book.session,
        "mode": program.mode,
        "belt_running": int(program.belt),
        "stop_cause": program.stop_cause,
        "faults": program.guard.faults,
        "diverter": int(at_pass) + 2 * int(at_inspect),
        "lane_full": int(program.lane_full),
        "scan_max_ms": program.scan_max_ms,
        "parcels": len(program.rows),
        "edges": rings.edge_total,
        "outcomes": rings.outcome_total,
        "arrivals": [rings.arrivals.get(eye, 0) for eye in range(8)],
        "newest_edges": _edges(program, 4)[::-1],
        "newest_outcomes": _outcomes(program, 2)[::-1],
        "newest_acks": [
            {"order": a.order, "parcel": a.parcel, "lane": a.lane, "result": int(a.result)}
            for a in list(book.acks)[::-1]
        ],
        "scan_end": program.scans,
    }
