"""The Modbus scale on a serial line, against libmodbus at its other end, through a wire that spoils bytes. Case C13."""

from __future__ import annotations

import asyncio
import os
import select
import struct
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
import yaml

from drivers import modbus_rtu_scale
from drivers.modbus_rtu_scale import ModbusRtuScale, ModbusRtuSettings
from drivers.rtu_codec import crc, read_request
from simulator.wires.modbus_scale import ModbusScale as SimulatedScale
from station.core.events import DeviceState, WeightReading
from station.ports import Device
from tests.drivers.conftest import Caught, eventually
from tests.drivers.scale_server import ScaleServer

Start = Callable[[Device], Device]


def as_it_is(data: bytes) -> bytes:
    return data


class Line:
    """Two pseudo-terminals and what lies between them: bytes pass as they are, or as a test has it."""

    def __init__(self) -> None:
        self._ends = [os.openpty(), os.openpty()]
        for _, slave in self._ends:
            tty.setraw(slave)
        self.station, self.scale = (os.ttyname(slave) for _, slave in self._ends)
        self.asked = self.answered = self.echo = as_it_is
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    def say(self, data: bytes) -> None:
        """Speak on the line as nobody's answer."""
        os.write(self._ends[0][0], data)

    def _carry(self) -> None:
        near, far = self._ends[0][0], self._ends[1][0]
        while not self._ending.is_set():
            for master in select.select([near, far], [], [], 0.02)[0]:
                data = os.read(master, 4096)
                if master == near:
                    os.write(far, self.asked(data))
                    os.write(near, b"" if self.echo is as_it_is else self.echo(data))
                else:
                    os.write(near, self.answered(data))

    def close(self) -> None:
        self._ending.set()
        self._thread.join(5)
        for end in self._ends:
            for fd in end:
                with suppress(OSError):
                    os.close(fd)


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.close()


@pytest.fixture
def server(scale_program: Path, line: Line) -> Iterator[ScaleServer]:
    made = ScaleServer(scale_program, line.scale)
    made.tell("104 4660", "105 22136")
    made.weigh(0, 7)
    yield made
    made.end()


def device(line: Line, **more: object) -> ModbusRtuScale:
    registers = {"weight": {"address": 100, "type": "int32"}, "unit": "g", "counter": 103,
                 "pattern": {"address": 104, "type": "uint32", "value": 0x12345678},
                 "status": {"address": 102, "stable_bit": 0, "fault_bits": {1: "overload"}}}  # fmt: skip
    settings = {"port": line.station, "baud": 19200, "poll_ms": 5, "reply_ms": 60, "lost_ms": 500, "map": registers}
    return ModbusRtuScale("scale-1", ModbusRtuSettings.model_validate(settings | more), time.monotonic_ns)


def weights(caught: Caught, count: int) -> list[tuple[float | None, str]]:
    return [(r.weight_g, r.fault) for r in caught.wait_for(WeightReading, count)]  # type: ignore[attr-defined]


def test_each_new_result_is_delivered_once_with_honest_bounds(
    server: ScaleServer, line: Line, caught: Caught, started: Start
) -> None:
    one = started(device(line))
    caught.wait_for(DeviceState)
    before_ns = time.monotonic_ns()
    server.weigh(1234, 8)
    after_ns = time.monotonic_ns()
    [reading] = caught.wait_for(WeightReading)
    assert isinstance(reading, WeightReading)
    assert (reading.weight_g, reading.fault) == (1234, "")
    assert reading.arrived.after_ns <= after_ns
    assert reading.arrived.before_ns >= before_ns
    server.weigh(1234, 9)
    assert weights(caught, 2) == [(1234, "")] * 2
    eventually(lambda: (one.health().seen_empty_ns or 0) > after_ns)


def between_zeros(data: bytes) -> bytes:
    return b"\0" + data + b"\0\0\0"


@pytest.mark.parametrize("noise", ["zeros", "echo"])
def test_what_a_line_adds_around_an_answer_costs_no_poll(
    server: ScaleServer, line: Line, caught: Caught, started: Start, noise: str
) -> None:
    if noise == "zeros":
        line.answered = between_zeros
    else:
        line.echo = bytes
    one = started(device(line))
    caught.wait_for(DeviceState)
    for number in range(10):
        server.weigh(1000 + number, 8 + number)
        assert weights(caught, number + 1)[number] == (1000 + number, "")
    assert one.health().counters.get("bad answers", 0) == 0


def test_one_byte_in_fifty_spoilt_never_makes_another_weight(
    server: ScaleServer, line: Line, caught: Caught, started: Start
) -> None:
    random = Random(13)
    spoilt = 0

    def spoil(data: bytes) -> bytes:
        nonlocal spoilt
        out = bytearray()
        for byte in data:
            kind = random.random() * 150
            spoilt += kind < 3
            if kind >= 1:  # below: dropped
                out.append(byte ^ random.randrange(1, 256) if kind < 2 else byte)
            if 2 <= kind < 3:
                out.append(random.randrange(256))
        return bytes(out)

    line.asked = line.answered = spoil
    one = started(device(line, lost_ms=3000))
    caught.wait_for(DeviceState)
    right = 0
    for number in range(30):
        server.weigh(5000 + number, 8 + number)
        told = weights(caught, number + 1)[number]
        assert told in {(5000 + number, ""), (None, "could not be read a second time")}
        right += told[0] is not None
    assert right > 15  # two in five questions are spoilt on their way there or back
    assert spoilt > 20
    assert one.health().counters["bad answers"] > 0


def test_the_answer_to_another_master_is_none_of_ours_and_named(
    server: ScaleServer, line: Line, caught: Caught, started: Start
) -> None:
    """A panel on the same line asks for as many registers of the same unit: its answer would fit."""
    answer = struct.pack(">BBBiHHI", 1, 3, 12, 9999, 1, 8, 0x12345678)
    line.answered = lambda data: read_request(1, 3, 500, 6) + answer + crc(answer) + data
    one = started(device(line))
    assert "another master asks on this line" in caught.wait_for(DeviceState)[0].detail  # type: ignore[attr-defined]
    line.answered = as_it_is
    caught.wait_for(DeviceState, 2)
    server.weigh(1234, 9)
    assert weights(caught, 1) == [(1234, "")]
    assert one.health().counters["bad answers"] >= 1


def test_an_answer_that_comes_late_is_never_dated_by_the_question_behind_it(
    server: ScaleServer, line: Line, caught: Caught, started: Start
) -> None:
    """The answer to one question comes as the next has been asked; the result of between is older than that."""
    one = started(device(line, reply_ms=20))
    caught.wait_for(DeviceState)
    asked: list[int] = []
    kept: list[bytes] = []

    def hold(data: bytes) -> bytes:
        asked.append(time.monotonic_ns())
        if len(asked) == 1:
            return data
        line.answered, line.asked = as_it_is, as_it_is
        line.say(kept[0])
        return b""

    def keep(data: bytes) -> bytes:
        kept.append(data)
        return b""

    line.answered, line.asked = keep, hold
    eventually(lambda: len(asked) == 2)
    changed_ns = time.monotonic_ns()
    server.weigh(777, 8)
    [reading] = caught.wait_for(WeightReading)
    assert isinstance(reading, WeightReading)
    assert reading.arrived.after_ns <= asked[0]
    assert reading.arrived.before_ns >= changed_ns
    assert one.health().counters["bad answers"] >= 1


def test_busy_is_absence_and_silence_is_a_loss_said_once(
    server: ScaleServer, line: Line, caught: Caught, started: Start
) -> None:
    started(device(line))
    caught.wait_for(DeviceState)
    server.tell("busy 1")
    assert "exception 6 (busy)" in caught.wait_for(DeviceState, 2)[-1].detail  # type: ignore[attr-defined]
    server.tell("busy 0")
    caught.wait_for(DeviceState, 3)
    server.stop()
    lost = caught.wait_for(DeviceState, 4)[-1]
    assert "did not answer within 60 ms" in lost.detail  # type: ignore[attr-defined]
    assert caught.of(WeightReading) == []


def test_a_line_that_is_never_silent_is_named(line: Line, caught: Caught, started: Start) -> None:
    talking = threading.Event()

    def talk() -> None:
        while not talking.wait(0.001):
            line.say(b"\x55" * 8)

    speaker = threading.Thread(target=talk)
    speaker.start()
    try:
        started(device(line, baud=1200))
        assert "never silent" in caught.wait_for(DeviceState)[0].detail  # type: ignore[attr-defined]
    finally:
        talking.set()
        speaker.join(5)


def test_check_says_what_to_look_at(line: Line) -> None:
    assert "check `unit_id`, `baud`, `parity`" in device(line).probe()
    assert "does not exist" in device(line, port="/dev/none").probe()


def test_the_example_is_valid() -> None:
    keys = yaml.safe_load(modbus_rtu_scale.DRIVER.example)
    keys.pop("kind")
    assert ModbusRtuSettings.model_validate(keys)


async def weighed_by_the_simulator(link: Path, caught: Caught) -> None:
    scale = SimulatedScale()
    await scale.start_serial(link)
    registers = {"weight": {"address": 0, "type": "int32"}, "unit": "g", "counter": 3,
                 "pattern": {"address": 4, "type": "uint32", "value": 305419896},
                 "status": {"address": 2, "stable_bit": 0}}  # fmt: skip
    settings = ModbusRtuSettings.model_validate({"port": str(link), "map": registers})
    one = ModbusRtuScale("scale-1", settings, time.monotonic_ns)
    one.start(caught)
    async with asyncio.timeout(10):
        for grams in (2000, 70_000):
            while not one.health().connected:
                await carried(scale)
            scale.weigh(grams)
            while len(caught.of(WeightReading)) < (1 if grams == 2000 else 2):
                await carried(scale)
    await asyncio.to_thread(one.stop)
    await scale.stop()


async def carried(scale: SimulatedScale) -> None:
    scale.carry()
    await asyncio.sleep(0.001)


def test_the_simulated_scale_is_read_alike(tmp_path: Path, caught: Caught) -> None:
    link = tmp_path / "rtu"
    asyncio.run(weighed_by_the_simulator(link, caught))
    assert weights(caught, 2) == [(2000, ""), (70_000, "")]
    assert not link.is_symlink()
