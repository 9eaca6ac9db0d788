"""A PLC whose answers are never whole: told for what it is."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

import yaml

from drivers.modbus_plc import ModbusPlc, PlcSettings
from simulator.plc.program import PlcProgram
from simulator.plc.registers import Image, Layout
from simulator.plc.signals import Inputs
from station.core.events import PlcLost
from station.ports import Device
from station.resources import plc_map
from tests.drivers.conftest import Caught, Scripted, eventually
from tests.unit.core.virtual_line import VirtualLine

Start = Callable[[Device], Device]
Scripting = Callable[[Callable[[bytes], bytes | None]], Scripted]


class Answers:
    """Serves the simulated program's registers; `spoil` changes the status words before each answer."""

    def __init__(self, spoil: Callable[[list[int]], None]) -> None:
        self._image = Image(Layout(yaml.safe_load(plc_map().read_text())))
        self._program = PlcProgram(VirtualLine().config.plc_settings())
        self._image.settings(self._program.settings)
        self._spoil = spoil

    def __call__(self, request: bytes) -> bytes:
        function, address, count = struct.unpack(">BHH", request[7:12])
        if function == 16:
            return request[:4] + struct.pack(">HBBHH", 6, request[6], 16, address, count)
        self._program.scan(Inputs(ms=self._program.ms + 10, count=self._program.count + 25))
        self._image.refresh(self._program)
        words = list(self._image.words)
        self._spoil(words)
        data = struct.pack(f">{count}H", *words[address : address + count])
        return request[:4] + struct.pack(">HBBB", 3 + len(data), request[6], 3, len(data)) + data


def torn(words: list[int]) -> None:
    """Its scan numbers never agree."""
    words[121] = (words[6] + 1) % 65_536


def test_a_plc_that_tears_every_block_is_named(caught: Caught, started: Start, scripted: Scripting) -> None:
    server = scripted(Answers(torn))
    plc = ModbusPlc("plc", PlcSettings(host="127.0.0.1", port=server.port, poll_ms=5), time.monotonic_ns)
    started(plc)
    eventually(lambda: any("torn" in lost.detail for lost in caught.of(PlcLost)))  # type: ignore[attr-defined]
