"""What the PLC driver tells before it was ever connected, and how it reads what changes meanwhile."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

import yaml

from drivers.modbus_plc import ModbusPlc, PlcSettings
from drivers.plc_codec import PlcMap
from drivers.plc_reader import PlcReader
from station.core.events import DeviceState, PlcLost
from station.ports import Device
from station.resources import plc_map
from tests.drivers.conftest import Caught, Scripted, eventually

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
