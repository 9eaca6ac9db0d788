"""The PLC's registers to and from words, by docs/plc-map.yaml; what is torn, stale or foreign is told apart here."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from station.core.actions import Order
from station.core.events import Direction, Edge, Lane, Mode, OutcomeSeen, Place, PlcSample, Why

SIGNATURE = 0x49535031
PATTERN = 0x01020304
ORDERS_AT_ONCE = 12
_CODES = {"u16": "H", "u32": "I"}
_PLACES = {1: Place.PASS, 2: Place.INSPECT, 3: Place.LOST, 4: Place.UNOBSERVED}
_MODES = {1: Mode.AUTOMATIC, 2: Mode.HAND, 3: Mode.BYPASS}
_LANES = {1: Lane.PASS, 2: Lane.INSPECT}
_NO_SUCH_CODE = "its map has no such code: correct the program, or tell its maker"
_LANE_CODES = {lane: code for code, lane in _LANES.items()}


class ForeignMapError(Exception):
    """The registers are not those of this map; the text says what was found and what to look at."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block: its first register, how many, and its fields in order as (name, big-endian format, members)."""

    address: int
    count: int
    fields: tuple[tuple[str, struct.Struct, tuple[str, ...] | None], ...]

    def decode(self, words: Sequence[int]) -> dict[str, Any]:
        """Return values by name; a record as a dict, a repeated field as a list. `words` are `count` registers."""
        data = struct.pack(f">{len(words)}H", *words)
        values: dict[str, Any] = {}
        offset = 0
        for name, form, members in self.fields:
            numbers = form.unpack_from(data, offset)
            offset += form.size
            if members is None:
                values[name] = numbers[0] if len(numbers) == 1 else list(numbers)
            else:
                width = len(members)
                rows = [numbers[i : i + width] for i in range(0, len(numbers), width)]
                values[name] = [dict(zip(members, row, strict=True)) for row in rows]
        return values


class PlcMap:
    """The register map: blocks by name, and records that can stand alone (ring entries)."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._records = document["records"]
        self.version = int(document["version"])
        self.blocks = {name: self._block(block) for name, block in document["blocks"].items()}
        self.ring_entries = {"edge_ring": 128, "outcome_ring": 64}

    def _block(self, block: Mapping[str, Any]) -> Block:
        fields = []
        size = 0
        for entry in block["fields"]:
            repeat = entry.get("repeat", 1)
            if "record" in entry:
                parts = self._records[entry["record"]]
                members = tuple(part["name"] for part in parts)
                form = struct.Struct(">" + "".join(_CODES[part["type"]] for part in parts) * repeat)
            else:
                members, form = None, struct.Struct(">" + _CODES[entry["type"]] * repeat)
            fields.append((entry["name"], form, members))
            size += form.size
        return Block(int(block["address"]), size // 2, tuple(fields))

    def entry(self, ring: str, sequence: int, entries: int) -> tuple[int, int]:
        """Address and count of that many ring entries from a sequence on, as far as the ring's end."""
        block = self.blocks[ring]
        size = self.ring_entries[ring]
        width = block.count // size
        first = (sequence - 1) % size
        return block.address + first * width, min(entries, size - first) * width

    def decode_entries(self, ring: str, words: Sequence[int]) -> list[dict[str, int]]:
        """Ring entries from the registers that `entry` named."""
        form = self.blocks[ring].fields[0][2]
        record = {"edge_ring": "edge", "outcome_ring": "outcome"}[ring]
        if form is None:
            raise ValueError(f"{ring} holds no records")
        single = struct.Struct(">" + "".join(_CODES[part["type"]] for part in self._records[record]))
        data = struct.pack(f">{len(words)}H", *words)
        return [dict(zip(form, row, strict=True)) for row in single.iter_unpack(data)]


def check_map(status: Mapping[str, Any], version: int) -> None:
    """Compare signature, pattern and version.

    Raises:
        ForeignMapError: another device, an offset by one, another word order, another version of the map.
    """
    signature, pattern = status["signature"], status["pattern"]
    swapped = (SIGNATURE & 0xFFFF) << 16 | SIGNATURE >> 16
    if signature == swapped:
        raise ForeignMapError("the two registers of a 32-bit value are swapped: the PLC must put the high word first")
    if signature != SIGNATURE:
        found = f"0x{signature:08X} where the signature 0x{SIGNATURE:08X} should stand"
        raise ForeignMapError(f"{found}: another device, or an address that is off by one")
    if pattern != PATTERN:
        raise ForeignMapError(f"pattern 0x{pattern:08X} instead of 0x{PATTERN:08X}: word order or a gap in the map")
    if status["map_version"] != version:
        raise ForeignMapError(f"map version {status['map_version']} in the PLC, {version} here: update the older one")


def is_torn(status: Mapping[str, Any]) -> bool:
    """True if the block was read while a scan wrote it."""
    return bool(status["scan_begin"] != status["scan_end"])


def is_whole(entry: Mapping[str, int], total: int) -> bool:
    """True if a ring's entry is the one of that sequence, and was not read while it was written."""
    return entry["sequence"] == entry["sequence_end"] == total & 0xFFFF


def edge_of(entry: Mapping[str, int], total: int) -> Edge:
    """The edge in an entry that is whole, and is the one of that sequence.

    Raises:
        ValueError: its direction is neither broken nor freed.
    """
    return Edge(
        total,
        entry["eye"],
        Direction(entry["direction"]),
        entry["count"],
        entry["plc_ms"],
        entry["parcel"],
        entry["trigger"],
    )


def outcome_of(entry: Mapping[str, int], total: int) -> tuple[OutcomeSeen, list[str]]:
    """The outcome in an entry that is whole, and a sentence for each of its codes that the map does not have.

    Such a place is one that nobody saw, and such a reason no release: `unobserved`, `ambiguous`.
    """
    notes = []
    place, why = _PLACES.get(entry["place"]), next((one for one in Why if one == entry["why"]), None)
    if place is None:
        notes.append(f"the PLC reports an outcome in place {entry['place']}: it is kept as unobserved; {_NO_SUCH_CODE}")
    if why is None:
        notes.append(f"the PLC reports an outcome of reason {entry['why']}: it is kept as ambiguous; {_NO_SUCH_CODE}")
    place, why = place or Place.UNOBSERVED, Why.AMBIGUOUS if why is None else why
    return OutcomeSeen(total, entry["parcel"], place, why, entry["count"], entry["plc_ms"]), notes


@dataclass(frozen=True, slots=True)
class Echo:
    """What the PLC shows of an order that it has seen; `result` is its word for what it made of it, known or not."""

    order: int
    number: int
    lane: Lane
    result: int


def echo_of(entry: Mapping[str, int]) -> Echo | None:
    """The echo in that slot, None for an empty one, and for a lane that no order has."""
    lane = _LANES.get(entry["lane"])
    if not entry["order"] or lane is None:
        return None
    return Echo(entry["order"], entry["parcel"], lane, entry["result"])


def mode_of(code: int) -> Mode:
    """Mode word; anything unknown counts as hand, never as automatic."""
    return _MODES.get(code, Mode.HAND)


def diverter_of(code: int) -> Lane | None:
    """Diverter word; None between the positions and for both inputs at once."""
    return _LANES.get(code)


def sample_of(status: Mapping[str, Any], asked_ns: int, answered_ns: int) -> PlcSample:
    """What a whole status block says of the PLC, between two moments of the PC (monotonic ns)."""
    return PlcSample(
        after_ns=asked_ns,
        before_ns=answered_ns,
        plc_ms=status["plc_ms"],
        count=status["count"],
        epoch=status["epoch"],
        session=status["session"],
        mode=mode_of(status["mode"]),
        belt_running=status["belt_running"] == 1,
        stop_cause=status["stop_cause"],
        faults=status["faults"],
        diverter=diverter_of(status["diverter"]),
        lane_full=bool(status["lane_full"]),
        scan_max_ms=status["scan_max_ms"],
    )


@dataclass(frozen=True, slots=True)
class Command:
    """What one write carries."""

    number: int
    session: int
    heartbeat: int
    epoch_grant: int
    orders: Sequence[Order]

    def encode(self) -> list[int]:
        """Registers of the command block: payload, sum of all before it, and the number again, last."""
        form = ">HIHIH"
        orders = self.orders[:ORDERS_AT_ONCE]
        data = struct.pack(form, self.number, self.session, self.heartbeat, self.epoch_grant, len(orders))
        for order in orders:
            last = order.last_count
            flag, count = (0, 0) if last is None else (1, last)
            lane = _LANE_CODES[order.lane]
            data += struct.pack(">HIHHI", order.sequence, order.parcel.number, lane, flag, count)
        data += bytes(14 * (ORDERS_AT_ONCE - len(orders)))
        words = list(struct.unpack(f">{len(data) // 2}H", data))
        return [*words, sum(words) % 65_536, self.number]
