"""The Modbus scale against a server on libmodbus, and one on pymodbus. Field cases C03, C06, C08."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers import modbus_scale
from drivers.modbus_scale import ModbusScale, ModbusScaleSettings
from station.core.events import DeviceState, WeightReading
from station.ports import Device
from tests.drivers.conftest import Caught, eventually
from tests.drivers.scale_server import ScaleServer
from tests.system.broker import free_port

Start = Callable[[Device], Device]
PATTERN = {"address": 104, "type": "uint32", "value": 0x12345678}


@pytest.fixture
def server(scale_program: Path) -> Iterator[ScaleServer]:
    made = ScaleServer(scale_program)
    made.tell("104 4660", "105 22136")
    made.weigh(0, 7)
    yield made
    made.end()


def device(port: int, pattern: dict[str, object] | None = PATTERN) -> ModbusScale:
    registers = {"weight": {"address": 100, "type": "int32"}, "unit": "g", "counter": 103, "pattern": pattern,
                 "status": {"address": 102, "stable_bit": 0, "fault_bits": {1: "overload"}}}  # fmt: skip
    settings = {"host": "127.0.0.1", "port": port, "poll_ms": 5, "reply_ms": 60, "lost_ms": 200, "map": registers}
    return ModbusScale("scale-1", ModbusScaleSettings.model_validate(settings), time.monotonic_ns)


def weights(caught: Caught, count: int) -> list[tuple[float | None, str]]:
    return [(r.weight_g, r.fault) for r in caught.wait_for(WeightReading, count)]  # type: ignore[attr-defined]


def test_each_new_result_is_delivered_once_with_honest_bounds(
    server: ScaleServer, caught: Caught, started: Start
) -> None:
    server.weigh(555, 8)
    one = started(device(server.port))
    caught.wait_for(DeviceState)
    before_ns = time.monotonic_ns()
    server.weigh(1234, 9)
    after_ns = time.monotonic_ns()
    [reading] = caught.wait_for(WeightReading)
    assert isinstance(reading, WeightReading)
    assert reading.weight_g == 1234
    assert reading.arrived.after_ns <= after_ns
    assert reading.arrived.before_ns >= before_ns
    server.weigh(1234, 10)
    server_weights = weights(caught, 2)
    server.weigh(1300, 11, status=3)
    server.weigh(1300, 12, status=0)
    assert server_weights == [(1234, ""), (1234, "")]
    assert weights(caught, 3)[2:] in ([(None, "overload")], [(None, "not stable")])
    eventually(lambda: (one.health().seen_empty_ns or 0) > after_ns)


def test_busy_is_absence_and_a_scale_busy_for_long_is_lost(server: ScaleServer, caught: Caught, started: Start) -> None:
    one = started(device(server.port))
    caught.wait_for(DeviceState)
    server.tell("busy 1")
    server.weigh(1234, 8)
    lost = caught.wait_for(DeviceState, 2)[-1]
    assert "exception 6 (busy)" in lost.detail  # type: ignore[attr-defined]
    server.tell("busy 0")
    caught.wait_for(DeviceState, 3)
    assert caught.of(WeightReading) == []
    server.weigh(1500, 9)
    assert weights(caught, 1) == [(1500, "")]
    assert one.health().counters["refused"] > 1


@pytest.mark.parametrize("word", [0x7FFF, 0xFFFF])
def test_no_value_is_no_reading(server: ScaleServer, caught: Caught, started: Start, word: int) -> None:
    started(device(server.port))
    caught.wait_for(DeviceState)
    server.tell(f"100 {word}", f"101 {0xFFFF}")
    server.tell("103 8")
    assert weights(caught, 1) == [(None, f"no value ({word:04X}FFFF)")]


def test_a_wrong_word_order_is_refused_at_connect(server: ScaleServer, caught: Caught, started: Start) -> None:
    server.tell("104 22136", "105 4660")
    one = device(server.port)
    assert "check map, offset and word order" in one.probe()
    started(one)
    [lost] = caught.wait_for(DeviceState)
    assert "check map" in lost.detail  # type: ignore[attr-defined]
    server.tell("104 4660", "105 22136")
    assert caught.wait_for(DeviceState, 2)[-1].connected  # type: ignore[attr-defined]
    assert one.probe() == ""


def test_a_scale_that_goes_is_lost_once(server: ScaleServer, caught: Caught, started: Start) -> None:
    one = started(device(server.port))
    caught.wait_for(DeviceState)
    server.stop()
    lost = caught.wait_for(DeviceState, 2)[-1]
    assert lost.connected is False  # type: ignore[attr-defined]
    assert one.health().connected is False


def test_nobody_there_is_said_with_what_to_check(caught: Caught, started: Start) -> None:
    one = device(free_port())
    assert "check `host`, `port`, `unit_id`" in one.probe()
    started(one)
    assert "no connection to 127.0.0.1" in caught.wait_for(DeviceState)[0].detail  # type: ignore[attr-defined]


def test_a_pymodbus_server_is_read_alike(caught: Caught, started: Start) -> None:
    port, loop, ready, words = free_port(), asyncio.new_event_loop(), threading.Event(), [0, 0, 1, 7]

    async def serve() -> ModbusTcpServer:
        data = SimData(100, values=[0] * 4, datatype=DataType.REGISTERS)

        async def act(
            _function: int, start: int, _address: int, count: int, registers: list[int], _set: object
        ) -> None:
            for n in range(4):
                registers[100 - start + n if start <= 100 else n] = words[n]
            _ = count

        made = ModbusTcpServer(context=SimDevice(1, simdata=[data], action=act), address=("127.0.0.1", port))
        await made.serve_forever(background=True)
        ready.set()
        return made

    server = loop.run_until_complete(serve())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    one = started(device(port, pattern=None))
    caught.wait_for(DeviceState)
    words[1:] = [1234, 1, 8]
    assert weights(caught, 1) == [(1234, "")]
    one.stop()
    asyncio.run_coroutine_threadsafe(server.shutdown(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


def test_the_example_is_valid_and_a_map_too_wide_is_not() -> None:
    keys = yaml.safe_load(modbus_scale.DRIVER.example)
    keys.pop("kind")
    assert ModbusScaleSettings.model_validate(keys)
    keys["map"]["counter"] = 1000
    with pytest.raises(ValueError, match="within 125"):
        ModbusScaleSettings.model_validate(keys)
