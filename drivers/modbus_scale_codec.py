"""A scale's Modbus registers to weights in grams; pure.

A result is new when the scale's own result counter has advanced since the poll before (drivers/result_counter.py); our
time of reading proves nothing. A scale without a counter must show a moving or empty platform between two results.
Codes for "no value" (as SunSpec and many converters use them: 7FFD to 7FFF, 8000, all ones, NaN) are no weights.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from drivers.result_counter import ResultCounter
from drivers.weighing import GRAMS, Dynamic, NewResults, Weighed, not_negative
from station.core.events import Arrived
from station.ports import Settings

FORMATS = {"int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "float32": ">f"}
NO_VALUE_16 = {0x7FFD, 0x7FFE, 0x7FFF, 0x8000, 0xFFFF}
NO_VALUE_32 = {0x7FFFFFFD, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF}
SMALLEST_NORMAL = 1.1754943508222875e-38
LAST_REGISTER = 65_535
Unit = Literal["g", "kg", "t", "lb", "oz"]
Bit = Annotated[int, Field(ge=0, le=15)]


class Register(Settings):
    """Where a number stands, and how: its type, and for two registers which comes first."""

    address: int = Field(ge=0, le=65535, description="as on the wire, from 0: 40001 of a manual is 0")
    type: Literal["int16", "uint16", "int32", "uint32", "float32"] = "uint16"
    words: Literal["high-first", "low-first"] = "high-first"

    @property
    def size(self) -> int:
        """Registers that it takes."""
        return 2 if self.type.endswith("32") else 1

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.address + self.size > LAST_REGISTER + 1:
            raise ValueError(f"a number of two registers cannot begin at {self.address}, the last there is")
        return self


class Pattern(Register):
    """A register whose value is known: it shows that map, offset and word order are right."""

    value: float = Field(description="any but 0, which unused registers show too")

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        if self.value == 0 or not fits(self.value, self):
            raise ValueError(f"value {self.value:g}: a register of type {self.type} can hold it, and it is not 0")
        return self


class Status(Settings):
    """A word of flags."""

    address: int = Field(ge=0, le=65535)
    stable_bit: int = Field(ge=0, le=15, description="the bit that is 1 once the weight stands; 0 is the lowest")
    fault_bits: Mapping[Bit, str] = Field(
        default={}, description="bit: what it means, as `2: overload`; 0 is the lowest, 15 the highest"
    )

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        if self.stable_bit in self.fault_bits:
            raise ValueError(f"bit {self.stable_bit} is both stable_bit and one of fault_bits")
        return self


class UnitRegister(Settings):
    """A register that tells the unit."""

    address: int = Field(ge=0, le=65535)
    codes: Mapping[Annotated[int, Field(ge=0, le=LAST_REGISTER)], Unit] = Field(
        description="value: unit, as `1: kg`; the map's `unit` is one of them"
    )


class ScaleMap(Settings):
    """Which registers of a scale mean what."""

    weight: Register
    factor: float = Field(default=1.0, gt=0, description="number times factor is the weight in `unit`")
    unit: Unit = Field(description="of the number times `factor`")
    status: Status
    counter: int | None = Field(default=None, ge=0, le=65535, description="register that counts results")
    unit_register: UnitRegister | None = None
    pattern: Pattern | None = None
    no_value: tuple[int, ...] = Field(
        default=(), description="further codes for no value: the weight's number, or its registers on the wire"
    )
    largest_g: float = Field(default=1e6, gt=0, description="more is nonsense: a wrong type or word order")
    empty_g: float = Field(default=20.0, ge=0, description="without counter: at or below this the platform is empty")

    @model_validator(mode="after")
    def _apart(self) -> Self:
        """No register has two meanings."""
        places = [("status", self.status.address, 1), ("weight", self.weight.address, self.weight.size)]
        places += [("counter", self.counter, 1)] if self.counter is not None else []
        places += [("unit_register", self.unit_register.address, 1)] if self.unit_register else []
        places += [("pattern", self.pattern.address, self.pattern.size)] if self.pattern else []
        for (one, first, size), (other, behind, _) in pairwise(sorted(places, key=lambda place: place[1])):
            if behind < first + size:
                raise ValueError(f"register {behind} is part of both {one} and {other}")
        return self

    @model_validator(mode="after")
    def _can_be_told(self) -> Self:
        if never := [code for code in self.no_value if not fits(code, self.weight)]:
            raise ValueError(f"no_value {never[0]}: no register of type {self.weight.type} ever holds it")
        if self.unit_register and self.unit not in self.unit_register.codes.values():
            raise ValueError(f"no code of unit_register means {self.unit}, so that no weight would ever count")
        return self

    @property
    def span(self) -> tuple[int, int]:
        """First register and count of the one read that has all."""
        wide = [self.weight, *([self.pattern] if self.pattern else [])]
        single = [self.status.address, self.counter, self.unit_register.address if self.unit_register else None]
        singles = [address for address in single if address is not None]
        first = min([*singles, *(one.address for one in wide)])
        return first, max([*(a + 1 for a in singles), *(one.address + one.size for one in wide)]) - first


def fits(value: float, register: Register) -> bool:
    """Whether a register can hold it: as a number of its type, or as the bits on the wire."""
    if value == int(value) and 0 <= value < 1 << 16 * register.size:
        return True
    form = FORMATS[register.type]
    try:
        (held,) = struct.unpack(form, struct.pack(form, value if register.type == "float32" else int(value)))
    except (struct.error, OverflowError):
        return False
    return math.isclose(held, value, rel_tol=1e-6)


class ScaleCodec:
    """Samples of the registers in, new results out."""

    def __init__(self, settings: ScaleMap) -> None:
        self._map = settings
        self._first = settings.span[0]
        self._new = NewResults(settings.empty_g)
        self._counter = ResultCounter()
        self.missed = 0

    def restart(self) -> None:
        """What is there now is old."""
        self._counter.restart()
        self._new = NewResults(self._map.empty_g)

    def mismatch(self, words: list[int]) -> str:
        """Whether the known pattern is not where it should be, and what is there instead."""
        pattern = self._map.pattern
        if pattern is None:
            return ""
        found = self._number(pattern, words)
        if found == pattern.value or math.isclose(found, pattern.value, rel_tol=1e-6):
            return ""
        return f"register {pattern.address} holds {found:g}, not {pattern.value:g}: check map, offset and word order"

    def sample(self, words: list[int], arrived: Arrived) -> Weighed | None:
        """One read of `span`; a result if it is a new one. `arrived` begins with the read before."""
        if self._map.counter is None:
            return self._new.new(self._weigh(words, arrived))
        advance = self._counter.advance(words[self._map.counter - self._first], arrived)
        if not advance:
            return None
        self.missed += advance - 1
        event = self._weigh(words, arrived)
        return Weighed(None, "not stable", arrived) if isinstance(event, Dynamic) else not_negative(event)

    def confirms(self, words: list[int], again: list[int]) -> bool:
        """Whether a second read shows the same result; without a counter the weight is live and need not."""
        if self._map.counter is None:
            return True
        at = self._map.counter - self._first
        return words[at] == again[at] and self._bytes(self._map.weight, words) == self._bytes(self._map.weight, again)

    def _weigh(self, words: list[int], arrived: Arrived) -> Weighed | Dynamic:
        flags = words[self._map.status.address - self._first]
        faults = [name for bit, name in sorted(self._map.status.fault_bits.items()) if flags >> bit & 1]
        if faults:
            return Weighed(None, ", ".join(faults), arrived)
        if told := self._map.unit_register:
            code = words[told.address - self._first]
            if (unit := told.codes.get(code, f"code {code}")) != self._map.unit:
                return Weighed(None, f"unit {unit}, expected {self._map.unit}", arrived)
        grams, fault = self._grams(words)
        if fault:
            return Weighed(None, fault, arrived)
        return Weighed(grams, "", arrived) if flags >> self._map.status.stable_bit & 1 else Dynamic(arrived)

    def _grams(self, words: list[int]) -> tuple[float | None, str]:
        register = self._map.weight
        raw = int.from_bytes(self._bytes(register, words), "big")
        on_wire = int.from_bytes(struct.pack(f">{register.size}H", *self._words(register, words)), "big")
        number = self._number(register, words)
        none = raw in (NO_VALUE_16 if register.size == 1 else NO_VALUE_32) or not math.isfinite(number)
        if none or not {raw, on_wire, number}.isdisjoint(self._map.no_value):
            return None, f"no value ({raw:0{4 * register.size}X})"
        grams = number * self._map.factor * GRAMS[self._map.unit]
        if abs(grams) > self._map.largest_g or 0 < abs(number) < SMALLEST_NORMAL:
            return None, f"nonsense ({raw:0{4 * register.size}X}): check type and word order"
        return grams, ""

    def _words(self, register: Register, words: list[int]) -> list[int]:
        """As they stand on the wire."""
        at = register.address - self._first
        return words[at : at + register.size]

    def _bytes(self, register: Register, words: list[int]) -> bytes:
        order = self._words(register, words)
        if register.words == "low-first":
            order.reverse()
        return struct.pack(f">{register.size}H", *order)

    def _number(self, register: Register, words: list[int]) -> float:
        return float(struct.unpack(FORMATS[register.type], self._bytes(register, words))[0])
