"""What the PLC driver tells before it was ever connected, and how it reads what changes meanwhile."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from drivers.modbus_plc import ModbusPlc, PlcSettings
from drivers.plc_blocks import PlcBlocks
from drivers.plc_codec import PlcMap
from drivers.plc_reader import PlcReader
from simulator.plc.orders import Command
from station.core.events import DeviceState, Event, PlcLost, PlcSample
from station.ports import Device, Picture
from station.resources import plc_map
from tests.drivers.conftest import Caught, Scripted, eventually
from tests.drivers.plc_in_memory import ProgramInMemory

Start = Callable[[Device], Device]
Scripting = Callable[[Callable[[bytes], bytes | None]], Scripted]


def zeros(request: bytes) -> bytes:
    """Another device: every register holds 0."""
    count = struct.unpack(">H", request[10:12])[0]
    return request[:4] + struct.pack(">HBBB", 3 + 2 * count, request[6], 3, 2 * count) + bytes(2 * count)


def test_another_device_is_named_once_though_it_never_was_connected(
    caught: Caught, started: Start, scripted: Scripting
) -> None:
    plc = ModbusPlc("plc", PlcSettings(host="127.0.0.1", port=scripted(zeros).port, poll_ms=5), time.monotonic_ns)
    started(plc)
    eventually(lambda: plc.health().counters["failures"] >= 4)
    (lost,) = caught.of(PlcLost)
    assert "0x00000000 where the signature" in lost.detail  # type: ignore[attr-defined]
    assert caught.of(DeviceState) == [DeviceState("plc", connected=False, detail=plc.health().detail)]


def test_no_row_of_the_parcel_table_is_read_in_two_requests() -> None:
    asked: list[tuple[int, int]] = []

    def read(address: int, count: int) -> list[int]:
        asked.append((address, count))
        return [0] * count

    layout = PlcMap(yaml.safe_load(plc_map().read_text(encoding="utf-8")))
    table, status = layout.blocks["parcel_table"], layout.blocks["status"]
    PlcReader(layout, read).connect(status.decode([0] * status.count), 0)
    rows = [(address - table.address, count) for address, count in asked if address >= table.address]
    assert sum(count for _, count in rows) == table.count
    assert all(at % 10 == 0 and count % 10 == 0 and count <= 125 for at, count in rows)


class Moving:
    """A PLC in which another edge comes, and another parcel is in the table, each time that its table is read."""

    def __init__(self, edges_at: set[int]) -> None:
        self.layout = PlcMap(yaml.safe_load(plc_map().read_text(encoding="utf-8")))
        self.tables = self.edges = 0
        self._edges_at = edges_at
        self.reader = PlcReader(self.layout, lambda _address, count: [0] * count)
        self.blocks = self.reader._blocks

    def status(self) -> dict[str, Any]:
        block = self.layout.blocks["status"]
        return {**block.decode([0] * block.count), "edges": self.edges, "count": 100 * self.edges}

    def decode(self, name: str) -> dict[str, Any]:
        if name == "parcel_table":
            self.tables += 1
            self.edges += self.tables in self._edges_at
            row = {"infeed_count": 1, "length_counts": 0, "session": 0, "last_eye": 0, "last_eye_count": 1}
            return {"rows": [{**row, "number": number} for number in range(1, self.edges + 1)]}
        return PlcBlocks.decode(self.blocks, name)


def test_an_edge_that_comes_as_the_parcel_table_is_read_comes_with_the_table_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plc = Moving({1, 2})
    monkeypatch.setattr(plc.blocks, "decode", plc.decode)
    monkeypatch.setattr(plc.blocks, "status", plc.status)
    event = plc.reader.connect(plc.status(), 0)
    assert ([row.number for row in event.parcels], event.count) == ([1, 2], 200)
    assert plc.tables == 3
    assert [type(seen) for seen in plc.reader.take(plc.status(), 0, 1)] == [PlcSample]


def test_a_parcel_table_that_never_stands_still_is_taken_with_what_was_ahead_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plc = Moving(set(range(100)))
    monkeypatch.setattr(plc.blocks, "decode", plc.decode)
    monkeypatch.setattr(plc.blocks, "status", plc.status)
    event = plc.reader.connect(plc.status(), 0)
    assert (plc.tables, event.count, len(event.parcels)) == (6, 500, 6)


def test_a_plc_that_takes_no_command_is_heard_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    program = ProgramInMemory(monkeypatch)
    program.takes = False
    told: list[Event | Picture] = []
    plc = ModbusPlc("plc", PlcSettings(host="127.0.0.1"), time.monotonic_ns)
    plc._connect(told.append)
    plc.open_session(5, 77)
    for _ in range(5):
        plc.beat()
        plc._poll(told.append)
    samples = [event for event in told if isinstance(event, PlcSample)]
    assert len(samples) == 5
    assert all(sample.after_ns == 0 and sample.session == 0 for sample in samples)


def test_a_late_block_of_an_earlier_connection_does_not_shut_the_new_one_out(monkeypatch: pytest.MonkeyPatch) -> None:
    program = ProgramInMemory(monkeypatch)
    told: list[Event | Picture] = []
    plc = ModbusPlc("plc", PlcSettings(host="127.0.0.1"), time.monotonic_ns)
    plc._connect(told.append)
    plc.open_session(5, 77)
    late = Command(20_000, 4, 3, 0, ())  # the first block that the restarted program sees
    program.program.orders.take(late, program.program.rows, 4, 0, 0)
    for _ in range(5):
        plc.beat()
        plc._poll(told.append)
    assert (program.program.orders.epoch, program.program.orders.session) == (77, 5)


def test_an_epoch_that_was_taken_is_not_given_to_a_plc_that_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    program = ProgramInMemory(monkeypatch)
    told: list[Event | Picture] = []
    plc = ModbusPlc("plc", PlcSettings(host="127.0.0.1"), time.monotonic_ns)
    plc._connect(told.append)
    plc.open_session(5, 77)
    for _ in range(5):
        plc.beat()
        plc._poll(told.append)
    assert (program.program.orders.epoch, program.program.orders.session) == (77, 5)
    program.begin()
    for _ in range(5):
        plc.beat()
        plc._poll(told.append)
    assert (program.program.orders.epoch, program.program.orders.session) == (0, 0)
