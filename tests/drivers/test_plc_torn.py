"""A PLC that answers and is of no use, since its blocks are torn, it is in STOP, or it refuses: told for what it is."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

import pytest
import yaml

from drivers.modbus_plc import BACKOFF_S, ModbusPlc, PlcSettings
from drivers.plc_blocks import MissedEdgesError
from simulator.plc.program import PlcProgram
from simulator.plc.registers import Image, Layout
from simulator.plc.signals import Inputs
from station.core.events import DeviceState, PlcConnected, PlcLost
from station.ports import Device
from station.resources import plc_map
from tests.drivers.conftest import Caught, Scripted, eventually
from tests.drivers.plc_in_memory import Polled, ProgramInMemory
from tests.unit.core.virtual_line import VirtualLine

Start = Callable[[Device], Device]
Scripting = Callable[[Callable[[bytes], bytes | None]], Scripted]


class Answers:
    """Serves the simulated program's registers; `spoil` changes the status words before each answer.

    Not `runs`: the program stands still and the server answers. `refusal`: the exception by which it answers writes.
    """

    def __init__(self, spoil: Callable[[list[int]], None]) -> None:
        self.runs = True
        self.refusal = 0
        self._image = Image(Layout(yaml.safe_load(plc_map().read_text())))
        self._program = PlcProgram(VirtualLine().config.plc_settings())
        self._image.settings(self._program.settings)
        self._spoil = spoil

    def __call__(self, request: bytes) -> bytes:
        function, address, count = struct.unpack(">BHH", request[7:12])
        if function == 16 and self.refusal:
            return request[:4] + struct.pack(">HBBB", 3, request[6], 0x90, self.refusal)
        if function == 16:
            return request[:4] + struct.pack(">HBBHH", 6, request[6], 16, address, count)
        if self.runs:
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


def whole(_words: list[int]) -> None:
    """As it is."""


def polled(server: Scripted) -> ModbusPlc:
    return ModbusPlc("plc", PlcSettings(host="127.0.0.1", port=server.port, poll_ms=5), time.monotonic_ns)


def test_a_plc_in_stop_is_lost_once_and_back_once_its_program_runs(
    caught: Caught, started: Start, scripted: Scripting, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    answers = Answers(whole)
    server = scripted(answers)
    started(polled(server))
    caught.wait_for(PlcConnected)
    answers.runs = False
    eventually(lambda: server.connections >= 4)
    [lost] = caught.of(PlcLost)
    assert "its program stands still" in lost.detail  # type: ignore[attr-defined]
    assert len(caught.of(PlcConnected)) == 1
    answers.runs = True
    assert [s.connected for s in caught.wait_for(DeviceState, 3)] == [True, False, True]  # type: ignore[attr-defined]
    assert len(caplog.messages) == 3, caplog.messages


def test_a_plc_in_stop_at_the_start_is_never_called_connected(
    caught: Caught, started: Start, scripted: Scripting
) -> None:
    answers = Answers(whole)
    answers.runs = False
    server = scripted(answers)
    assert "its program stands still" in polled(server).probe()
    started(polled(server))
    eventually(lambda: server.connections >= 3)
    assert [s.connected for s in caught.of(DeviceState)] == [False]  # type: ignore[attr-defined]
    assert caught.of(PlcConnected) == []


@pytest.mark.parametrize("code", [2, 6])
def test_a_plc_that_refuses_every_write_is_lost_once(
    caught: Caught, started: Start, scripted: Scripting, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    caplog.set_level("INFO")
    answers = Answers(whole)
    answers.refusal = code
    server = scripted(answers)
    plc = started(polled(server))
    caught.wait_for(PlcConnected)
    plc.open_session(5, 77)  # type: ignore[attr-defined]
    eventually(lambda: server.connections >= 4)
    [lost] = caught.of(PlcLost)
    assert f"refused with exception {code}" in lost.detail  # type: ignore[attr-defined]
    assert len(caught.of(PlcConnected)) == 1
    answers.refusal = 0
    caught.wait_for(PlcConnected, 2)
    assert len(caplog.messages) == 3, caplog.messages


def test_a_plc_that_is_lost_right_behind_each_connection_is_asked_less_and_less_often(
    caught: Caught,
    started: Start,
    scripted: Scripting,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_sink: object) -> None:
        raise MissedEdgesError("edges are missing")

    caplog.set_level("INFO")
    plc = polled(scripted(Answers(whole)))
    begun = time.monotonic()
    with monkeypatch.context() as patched:
        patched.setattr(plc, "_poll", fail)
        started(plc)
        caught.wait_for(PlcLost, 5)
    assert time.monotonic() - begun > sum(BACKOFF_S[1:5])
    eventually(lambda: "plc: connected again" in caplog.messages)
    assert len(caplog.messages) == 4, caplog.messages


def unnumbered(words: list[int]) -> None:
    """The scans' numbers were never programmed."""
    words[6] = words[121] = 0


def test_a_plc_that_does_not_number_its_scans_is_named_ahead_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    program = ProgramInMemory(monkeypatch)
    rig = Polled(program)
    assert rig.plc.probe() == ""
    program.spoil = unnumbered
    assert "scan_begin and scan_end stand still" in rig.plc.probe()
    rig.poll()
    assert rig.failures == [rig.plc.probe()]


def test_and_so_is_one_that_ceases_to(monkeypatch: pytest.MonkeyPatch) -> None:
    program = ProgramInMemory(monkeypatch)
    rig = Polled(program)
    rig.live()
    program.spoil = unnumbered
    rig.poll(6)
    assert len(rig.failures) == 1
    assert "scan_begin and scan_end stand still" in rig.failures[0]
    program.spoil = whole
    rig.poll(50)
    assert len(rig.failures) == 1
