"""Blocks, rows and ring entries out of the PLC's registers, in requests that no scan divides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drivers.plc_codec import PlcMap
from station.core.events import BeltParcel

_READ_AT_MOST = 125
_ROWS_AT_ONCE = 120  # registers of whole rows of the parcel table: none is read half before and half after a scan

Read = Callable[[int, int], list[int]]


class MissedEdgesError(Exception):
    """Edges or outcomes were lost before they could be read, or what the PLC says cannot be: all begins anew."""


class PlcBlocks:
    """Reads by the map; pure but for the `read(address, count)` that it is given."""

    def __init__(self, plc_map: PlcMap, read: Read) -> None:
        self._map = plc_map
        self._read = read

    def status(self) -> dict[str, Any]:
        """In one request, or no scan would be whole."""
        block = self._map.blocks["status"]
        return block.decode(self._read(block.address, block.count))

    def decode(self, name: str) -> dict[str, Any]:
        """A block of any size, in several requests."""
        block = self._map.blocks[name]
        words: list[int] = []
        while len(words) < block.count:
            count = min(_ROWS_AT_ONCE, block.count - len(words))
            words += self._read(block.address + len(words), count)
        return block.decode(words)

    def table(self) -> list[BeltParcel]:
        """The parcels on the belt."""
        return [
            BeltParcel(
                row["number"],
                row["infeed_count"],
                row["length_counts"],
                row["session"],
                row["last_eye"],
                row["last_eye_count"],
            )
            for row in self.decode("parcel_table")["rows"]
            if row["number"]
        ]

    def entries(self, ring: str, have: int, total: int, newest: list[dict[str, int]]) -> list[dict[str, int]]:
        """Entries of a ring that are new, oldest first: from those that the status block shows, if it shows them all.

        Raises:
            MissedEdgesError: the ring has run over them.
        """
        missing = total - have
        if missing <= len(newest):
            return newest[:missing][::-1]
        size = self._map.ring_entries[ring]
        if missing > size:
            raise MissedEdgesError(f"{missing} entries since the last poll, the {ring} holds {size}")
        width = self._map.blocks[ring].count // size
        entries: list[dict[str, int]] = []
        while len(entries) < missing:
            wanted = min(missing - len(entries), _READ_AT_MOST // width)
            address, count = self._map.entry(ring, have + len(entries) + 1, wanted)
            entries += self._map.decode_entries(ring, self._read(address, count))
        return entries
