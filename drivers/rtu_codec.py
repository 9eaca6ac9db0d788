"""Modbus RTU: a read as bytes, and its answer found in what came; pure.

A line adds bytes of its own: zeros as its direction turns, the echo of what was sent, a stray one. An answer is where
unit, function, length and CRC all fit; what stands around it is counted, and no frame whose CRC fails is taken.
Source: MODBUS over Serial Line V1.02 (2.5.1 frames, 6.2.2 CRC); Modbus Application Protocol V1.1b3 (6.3, 6.4, 7).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

REFUSED = 0x80
READS = (1, 2, 3, 4)
"""Functions whose answers look like those to a read of ours."""
_REFUSAL_BYTES = 5


@dataclass(frozen=True, slots=True)
class Registers:
    """The words that were asked for, each 0 to 65,535."""

    words: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The device understood, and said no.

    Attributes:
        code: the Modbus exception code.
    """

    code: int


def crc(data: bytes) -> bytes:
    """The two bytes behind a frame, low one first."""
    remainder = 0xFFFF
    for byte in data:
        remainder ^= byte
        for _ in range(8):
            remainder = remainder >> 1 ^ (0xA001 if remainder & 1 else 0)
    return struct.pack("<H", remainder)


def read_request(unit: int, function: int, address: int, count: int) -> bytes:
    """A read of `count` registers, function 3 (holding) or 4 (input)."""
    frame = struct.pack(">BBHH", unit, function, address, count)
    return frame + crc(frame)


def asked_by_another(data: bytes, own: bytes) -> bool:
    """Whether what was heard on the line holds a sound request of the same length that is not our own."""
    size = len(own)
    requests = (data[at : at + size] for at in range(len(data) - size + 1) if data[at] == own[0])
    return any(one != own and one[1] in READS and _sound(one, size) for one in requests)


@dataclass(slots=True)
class AnswerFinder:
    """Bytes in, the answer to one read out; it remembers no more than an answer's length.

    Attributes:
        came: how many bytes were taken.
    """

    unit: int
    function: int
    count: int
    came: int = 0
    _held: bytes = field(default=b"")

    def receive(self, data: bytes) -> Registers | Refusal | None:
        """The answer, as soon as it is there."""
        self.came += len(data)
        held = self._held + data
        for at in range(len(held)):
            if (found := self._answer(held[at:])) is not None:
                return found
        self._held = held[-self._whole :]
        return None

    @property
    def _whole(self) -> int:
        return max(_REFUSAL_BYTES, 5 + 2 * self.count)

    def _answer(self, data: bytes) -> Registers | Refusal | None:
        """What begins there, if it is the answer and all of it is there."""
        head = bytes((self.unit, self.function, 2 * self.count))
        if data.startswith(head) and _sound(data, self._whole):
            return Registers(struct.unpack_from(f">{self.count}H", data, 3))
        if data.startswith(bytes((self.unit, self.function | REFUSED))) and _sound(data, _REFUSAL_BYTES):
            return Refusal(data[2])
        return None


def _sound(data: bytes, size: int) -> bool:
    return len(data) >= size and crc(data[: size - 2]) == data[size - 2 : size]
