"""A scale whose results stand in registers, whatever wire they are read by."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from typing import Literal, Protocol, Self

from pydantic import Field, model_validator

from drivers.modbus import ModbusError, RefusedError
from drivers.modbus_scale_codec import ScaleCodec, ScaleMap
from drivers.wire import Wire, WireError
from station.core.events import Arrived, WeightReading
from station.ports import NowNs, Settings

MAP_EXAMPLE = """\
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
POLL, REPLY = "it is asked so often", "an answer that takes longer is none"
_TRIES = 3
"""How often a result is read a second time, before it counts as one that nothing confirms."""


class RegisterScaleSettings(Settings):
    """How often a scale is asked, and its registers."""

    unit_id: int = Field(default=1, ge=0, le=255, description="the unit that the scale answers as")
    function: Literal[3, 4] = Field(default=3, description="3: holding registers, 4: input registers")
    poll_ms: int = Field(default=20, ge=5, le=5000, description=POLL)
    reply_ms: int = Field(default=100, ge=10, le=1000, description=REPLY)
    lost_ms: int = Field(default=1000, ge=100, description="without a good answer for so long it is lost")
    map: ScaleMap

    @property
    def lies_ms(self) -> float:
        """A result may have come right behind the last look."""
        return self.poll_ms

    @model_validator(mode="after")
    def _one_read(self) -> Self:
        if self.map.span[1] > LONGEST_READ:
            raise ValueError(f"all registers must lie within {LONGEST_READ}: one read sees one moment")
        return self


class RegisterWire(Protocol):
    """What reads registers.

    Attributes:
        name: of its far end, for messages.
        in_step: an answer that comes too late is never taken for that to a later question.
    """

    name: str
    in_step: bool

    def open(self) -> None:
        """Be ready to ask; ModbusError or WireError if it cannot be."""

    def read(self, address: int, count: int) -> list[int]:
        """Registers of one moment; ModbusError if none came, WireError if the wire is gone."""

    def close(self) -> None:
        """Let go of it, in whatever state."""


class RegisterScale(Wire):
    """Delivers `WeightReading` for each new result, confirmed by a second read."""

    check = "check the settings"
    """What to look at when it does not answer."""

    def __init__(self, name: str, settings: RegisterScaleSettings, now_ns: NowNs) -> None:
        super().__init__(name, now_ns)
        self._settings = settings
        self._registers = self._wire()
        self._codec = ScaleCodec(settings.map)
        self._sampled_ns = 0
        self._good_ns = 0
        self._answered = False
        self._unanswered: deque[int] = deque()

    @abstractmethod
    def _wire(self) -> RegisterWire:
        """A new wire to it, not open yet."""

    def probe(self) -> str:
        """Connect, read once, compare the known pattern."""
        registers = self._wire()
        try:
            registers.open()
            return self._codec.mismatch(registers.read(*self._settings.map.span))
        except ModbusError as error:
            return f"{registers.name}: {error}; {self.check}"
        except WireError as error:
            return str(error)
        finally:
            registers.close()

    def _open(self) -> None:
        try:
            self._registers.open()
        except ModbusError as error:
            raise WireError(str(error)) from error
        self._codec.restart()
        self._answered = False
        self._unanswered.clear()
        self._sampled_ns = self._good_ns = self._now_ns()

    def _turn(self) -> None:
        asked_ns = self._now_ns()
        if (words := self._read()) is not None:
            if mismatch := self._codec.mismatch(words):
                raise WireError(mismatch)
            self._take(words, self._since(asked_ns))
        self._wait(max(0, self._settings.poll_ms * MS - (self._now_ns() - asked_ns)) / 1e9)

    def _read(self) -> list[int] | None:
        """Registers of one moment; None if no answer came that may be used.

        Raises:
            WireError: none came for too long.
        """
        asked_ns = self._now_ns()
        try:
            return self._registers.read(*self._settings.map.span)
        except ModbusError as error:
            refused = isinstance(error, RefusedError)
            self._counters["refused" if refused else "bad answers"] += 1
            if not refused and not self._registers.in_step:
                self._unanswered.append(asked_ns)
            if self._now_ns() - self._good_ns > self._settings.lost_ms * MS:
                raise WireError(f"{self._registers.name}: {error}") from error
            return None

    def _since(self, asked_ns: int) -> int:
        """From when on what came can be: where answers can be out of step, it may be that to an earlier question."""
        while self._unanswered and asked_ns - self._unanswered[0] > self._settings.lost_ms * MS:
            self._unanswered.popleft()
        return self._unanswered[0] if self._unanswered else asked_ns

    def _take(self, words: list[int], sampled_ns: int) -> None:
        """Deliver a new result, if a second read finds the same: a scale may be read while it writes."""
        arrived = Arrived(self._sampled_ns, self._now_ns())
        if (result := self._codec.sample(words, arrived)) is not None:
            fault = self._doubt(words)
            self._counters["torn" if fault else "results"] += 1
            weight_g = None if fault else result.weight_g
            self._deliver(WeightReading(self.name, weight_g, arrived, fault or result.fault))
        self._counters["missed"] = self._codec.missed
        self._sampled_ns = self._seen_empty_ns = sampled_ns
        self._good_ns, self._answered = self._now_ns(), True

    def _doubt(self, words: list[int]) -> str:
        """Why a result is not to be believed; "" once a second read has found the same."""
        for _ in range(_TRIES):
            if (again := self._read()) is not None:
                return "" if self._codec.confirms(words, again) else "changed while it was read"
        return "could not be read a second time"

    def _sound(self) -> bool:
        return self._answered

    def _close(self) -> None:
        self._registers.close()
