"""The first look at a PLC: whether its program runs, and whether somebody else writes its command block already."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from drivers.plc_blocks import MissedEdgesError, PlcBlocks
from drivers.plc_codec import check_map, is_torn
from drivers.plc_reader import FROZEN_S, SCAN_NUMBERS, STANDS_STILL
from drivers.plc_settings import constants_of
from drivers.plc_writes import ANOTHER_WRITES, Writes
from station.core.events import Constants
from station.ports import NowNs

POLL_S = 0.02
ALONE_S = 0.2
TORN = "the status block is torn: scan_begin and scan_end must agree after each scan"
_NS = 1_000_000_000


class FirstLook:
    """Reads status blocks until they have shown enough, or `stopping` is set."""

    def __init__(
        self, blocks: PlcBlocks, version: int, writes: Writes, now_ns: NowNs, stopping: threading.Event
    ) -> None:
        self._blocks = blocks
        self._version = version
        self._writes = writes
        self._now_ns = now_ns
        self._stopping = stopping

    def running(self) -> Mapping[str, Any]:
        """A whole status block of a PLC whose program runs: a Modbus server answers for one in STOP as well.

        Raises:
            ForeignMapError: it is another device, or its map is another.
            MissedEdgesError: its blocks are torn, or its program or its scan number stands still.
            ModbusError: it does not answer.
        """
        begun_ns, why = self._now_ns(), TORN
        first: Mapping[str, Any] | None = None
        while not self._stopping.is_set():
            status = self._blocks.status()
            check_map(status, self._version)
            if not is_torn(status):
                if first is not None and status["heartbeat"] != first["heartbeat"]:
                    if status["scan_begin"] != first["scan_begin"]:
                        return status
                    why = SCAN_NUMBERS
                else:
                    first, why = status, STANDS_STILL
            if self._now_ns() - begun_ns > FROZEN_S * _NS:
                break
            self._stopping.wait(POLL_S)
        raise MissedEdgesError(why)

    def constants(self) -> Constants:
        """The settings of its program.

        Raises:
            ModbusError: it does not answer.
        """
        return constants_of(self._blocks.decode("settings"))

    def alone(self, *, first: bool) -> Mapping[str, Any]:
        """A status block of a PLC whose program runs, and whose command block nobody else writes.

        A connection that goes on, so is not the first, looks only where an echo has changed meanwhile: its session ends
        in half a second.

        Raises:
            ForeignMapError: it is another device, or its map is another.
            MissedEdgesError: somebody else writes, or the program does not run.
            ModbusError: it does not answer.
        """
        begun_ns = self._now_ns()
        while True:
            status = self.running()
            self._writes.seen(status["poll_echo"])
            if self._writes.another:
                raise MissedEdgesError(ANOTHER_WRITES)
            looked = self._now_ns() - begun_ns > ALONE_S * _NS
            if self._stopping.is_set() or looked or not (first or self._writes.doubted):
                return status
