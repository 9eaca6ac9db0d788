"""MT-SICS, the command set of Mettler-Toledo scales: its lines to weights in grams.

Source: MT-SICS Interface Command reference, level 0 and 1: `S S <weight> <unit>` stable, `S D` dynamic, `S I` not
executable, `S +` overload, `S -` underload, `ES` `ET` `EL` errors, each ended by CR LF. Unit and status are read in
every line; a line counts whole or not at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.families import family_of
from drivers.framing import Dropped, Framed, Framer
from drivers.weighing import GRAMS, Dynamic, Weighed
from station.core.events import Arrived

WEIGHT = re.compile(r"S ([SD]) {1,12}(-?\d{1,9}(?:\.\d{1,6})?) {1,3}(\w{1,3}) *")
FAULTS = {"S I": "not executable", "S +": "overload", "S -": "underload", "ES": "syntax error",
          "ET": "transmission error", "EL": "logical error"}  # fmt: skip
NOT_UNDERSTOOD = {"syntax error", "transmission error", "logical error"}
SWITCHED_ON = "switched on"
LONGEST = 64


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is no result; `family` names another device that speaks so, if known."""

    why: str
    data: bytes
    family: str
    arrived: Arrived


class MtSicsCodec:
    """Bytes in, results out; holds at most 66 bytes."""

    def __init__(self, unit: str, idle_ns: int) -> None:
        self._unit = unit
        self._framer = Framer(b"", b"\r\n", LONGEST, idle_ns)

    @property
    def held(self) -> int:
        """Bytes held now."""
        return self._framer.held

    @property
    def pending(self) -> bool:
        """Whether a frame has begun that may still become whole."""
        return self._framer.pending

    def begin(self) -> None:
        """Reading begins between two frames: what came before is no part of any."""
        self._framer.begin()

    def skip(self) -> None:
        """Reading begins in the middle of something."""
        self._framer.skip()

    def receive(self, data: bytes, arrived: Arrived) -> list[Weighed | Dynamic | Refused]:
        """Take bytes that arrived together."""
        return [self._read(piece) for piece in self._framer.receive(data, arrived)]

    def idle(self, empty_ns: int) -> list[Weighed | Dynamic | Refused]:
        """The port was seen empty at that moment."""
        return [self._read(piece) for piece in self._framer.idle(empty_ns)]

    def _read(self, piece: Framed | Dropped) -> Weighed | Dynamic | Refused:
        if isinstance(piece, Dropped):
            return Refused(piece.why, piece.data, _other(piece.data), piece.arrived)
        line = piece.body.decode("latin-1")
        if fault := FAULTS.get(line.rstrip(" ")):
            return Weighed(None, fault, piece.arrived)
        found = WEIGHT.fullmatch(line) if line.isascii() else None
        if found is None:
            return self._no_result(piece)
        status, number, unit = found.groups()
        if status == "D":
            return Dynamic(piece.arrived)
        return self._stable(float(number), unit, piece.arrived)

    @staticmethod
    def _no_result(piece: Framed) -> Weighed | Refused:
        if piece.body.startswith(b"I4 A"):
            return Refused(SWITCHED_ON, piece.body, "", piece.arrived)
        if family := _other(piece.body):
            return Refused("text of another device", piece.body, family, piece.arrived)
        return Weighed(None, f"no MT-SICS result: {piece.body[:40]!r}", piece.arrived)

    def _stable(self, number: float, unit: str, arrived: Arrived) -> Weighed:
        if unit != self._unit:
            return Weighed(None, f"unit {unit}, expected {self._unit}", arrived)
        return Weighed(number * GRAMS[unit], "", arrived)


def _other(data: bytes) -> str:
    family = family_of(data)
    return "" if family == "an MT-SICS scale" else family
