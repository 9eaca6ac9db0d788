"""A scale on Modbus TCP registers: kind `modbus-scale`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from drivers.modbus import ModbusClient, ModbusError, RefusedError, read_registers
from drivers.modbus_scale_codec import ScaleCodec, ScaleMap
from drivers.wire import Wire, WireError
from station.core.events import Arrived, WeightReading
from station.ports import Driver, NowNs, Role, Settings

EXAMPLE = """\
kind: modbus-scale
host: 192.168.10.21
unit_id: 1
map:
  weight: {address: 0, type: int32, words: high-first}
  factor: 0.001          # the register counts grams, the unit is kg
  unit: kg
  status: {address: 2, stable_bit: 0, fault_bits: {1: overload, 2: underload, 15: error}}
  counter: 3             # advances with each result
  pattern: {address: 4, type: uint32, value: 305419896}
"""
LONGEST_READ = 125
MS = 1_000_000


class ModbusScaleSettings(Settings):
    """Where the scale answers, how often it is asked, and its registers."""

    host: str
    port: int = Field(default=502, ge=1, le=65535)
    unit_id: int = Field(default=1, ge=0, le=255)
    function: Literal[3, 4] = Field(default=3, description="3: holding registers, 4: input registers")
    poll_ms: int = Field(default=20, ge=5, le=5000)
    reply_ms: int = Field(default=100, ge=10, le=1000)
    lost_ms: int = Field(default=1000, ge=100, description="without a good answer for so long it is lost")
    map: ScaleMap

    @model_validator(mode="after")
    def _one_read(self) -> Self:
        if self.map.span[1] > LONGEST_READ:
            raise ValueError(f"all registers must lie within {LONGEST_READ}: one read sees one moment")
        return self


class ModbusScale(Wire):
    """Delivers `WeightReading` for each new result, confirmed by a second read."""

    def __init__(self, name: str, settings: ModbusScaleSettings, now_ns: NowNs) -> None:
        super().__init__(name, now_ns)
        self._settings = settings
        self._client = ModbusClient(settings.host, settings.port, settings.reply_ms / 1000)
        self._codec = ScaleCodec(settings.map)
        self._asked_ns = 0
        self._good_ns = 0
        self._answered = False

    def probe(self) -> str:
        """Connect, read once, compare the known pattern."""
        client = ModbusClient(self._settings.host, self._settings.port, self._settings.reply_ms / 1000)
        try:
            return self._codec.mismatch(self._read(client))
        except ModbusError as error:
            return f"{error}; check `host`, `port`, `unit_id` and that no other client holds the scale's connections"
        finally:
            client.close()

    def _open(self) -> None:
        try:
            self._client.open()
        except ModbusError as error:
            raise WireError(str(error)) from error
        self._codec.restart()
        self._answered = False
        self._asked_ns = self._good_ns = self._now_ns()

    def _turn(self) -> None:
        asked_ns = self._now_ns()
        try:
            words = self._read(self._client)
            if mismatch := self._codec.mismatch(words):
                raise WireError(mismatch)
            self._take(words, asked_ns)
        except ModbusError as error:
            self._counters["refused" if isinstance(error, RefusedError) else "bad answers"] += 1
            if self._now_ns() - self._good_ns > self._settings.lost_ms * MS:
                raise WireError(f"{self._settings.host}: {error}") from error
        self._wait(max(0, self._settings.poll_ms * MS - (self._now_ns() - asked_ns)) / 1e9)

    def _take(self, words: list[int], asked_ns: int) -> None:
        """Deliver a new result, if a second read finds the same: a scale may be read while it writes."""
        arrived = Arrived(self._asked_ns, self._now_ns())
        if (result := self._codec.sample(words, arrived)) is not None:
            same = self._codec.confirms(words, self._read(self._client))
            self._counters["results" if same else "torn"] += 1
            fault = result.fault if same else "changed while it was read"
            self._deliver(WeightReading(self.name, result.weight_g if same else None, arrived, fault))
        self._counters["missed"] = self._codec.missed
        self._asked_ns = self._seen_empty_ns = asked_ns
        self._good_ns, self._answered = self._now_ns(), True

    def _read(self, client: ModbusClient) -> list[int]:
        first, count = self._settings.map.span
        return read_registers(client, first, count, self._settings.unit_id, function=self._settings.function)

    def _sound(self) -> bool:
        return self._answered

    def _close(self) -> None:
        self._client.close()


DRIVER = Driver(Role.SCALE, ModbusScaleSettings, ModbusScale, EXAMPLE)
