"""What is new in the PLC's registers since the last poll: edges and outcomes in order, none missed, then the sample."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any

from drivers.plc_blocks import MissedEdgesError, PlcBlocks, Read
from drivers.plc_codec import PlcMap, edge_of, is_torn, is_whole, outcome_of, sample_of
from drivers.plc_edges import Moment, edge_fault
from drivers.plc_settings import changes, constants_of
from station.core.events import (
    BeltParcel,
    Constants,
    Edge,
    OutcomeSeen,
    PlcConnected,
    PlcSample,
)

_WORD = 1 << 32
_HALF_WORD = 1 << 31
_NS = 1_000_000_000
FROZEN_S = 0.3
TORN_S = 1.0
SETTINGS_S = 5.0
STANDS_STILL = "the PLC answers, but its program stands still or was restarted"
SCAN_NUMBERS = (
    "scan_begin and scan_end stand still while the PLC's program runs: it must write each scan's number to both, or"
    " nobody can tell a torn status block from a whole one"
)
_SAME_SCAN = 5
_TABLE_TRIES = 5

Seen = Edge | OutcomeSeen | PlcConnected | PlcSample


class PlcReader:
    """Remembers how far the rings were read; pure but for the `read(address, count)` that it is given."""

    def __init__(self, plc_map: PlcMap, read: Read) -> None:
        self._blocks = PlcBlocks(plc_map, read)
        self._known = False
        self._edges = self._outcomes = 0
        self._epoch = 0
        self._plc_ms = 0
        self._heartbeat: int | None = None
        self._advanced_ns = 0
        self._arrivals: list[int] = []
        self._constants: Constants | None = None
        self._complete = Moment(0, 0)
        self._scan = -1, 0
        self._settings_ns = self._of_session = 0
        self._torn: dict[str, tuple[int, int]] = {}
        self.notes: list[str] = []
        """What was wrong and could be read all the same, since whoever reads took the last of them."""

    def forget(self) -> None:
        """The next connection begins anew: what was missed is not known."""
        self._known = False

    @property
    def known(self) -> bool:
        """Whether the next connection may go on where the last one ended."""
        return self._known

    def silent(self, now_ns: int, seconds: float) -> bool:
        """True if nothing advanced for that long."""
        return now_ns - self._advanced_ns > seconds * _NS

    def connect(self, status: Mapping[str, Any], now_ns: int) -> PlcConnected:
        """Begin, or go on where the last connection ended if the rings still hold all since then.

        A PLC whose settings are others than before begins anew: what it was ordered was meant for those.
        """
        told = self._constants
        self._read_settings(status, now_ns)
        resumed = self._known and self._continues(status) and self._constants == told
        self._heartbeat, self._advanced_ns, self._scan = None, now_ns, (-1, 0)
        if not resumed:
            status = self._begin(status)
        return self._connected(status, resumed=resumed)

    def take(self, status: Mapping[str, Any], asked_ns: int | None, answered_ns: int) -> Iterator[Seen]:
        """Yield what is new, the sample last; `asked_ns` is None where the echo proves no write of ours.

        Such a sample's bracket is open to the past (0): it says all else, and matches no clock.

        Raises:
            MissedEdgesError: the rings ran over, an entry stays torn or cannot be, the arrivals do not add up, the
                settings have changed, or the PLC's program or its scan number stands still.
        """
        if self._heartbeat is not None and not 0 < (status["heartbeat"] - self._heartbeat) % 65_536 < _HALF_WORD >> 16:
            # The same scan again or an older answer; if that goes on, the program stands still or began anew.
            if self.silent(answered_ns, FROZEN_S):
                raise MissedEdgesError(STANDS_STILL)
            return
        if not self._continues(status):
            self._read_settings(status, answered_ns)
            status = self._begin(status)
            self._heartbeat, self._advanced_ns = status["heartbeat"], answered_ns
            yield self._connected(status, resumed=False)
            return
        self._heartbeat, self._advanced_ns = status["heartbeat"], answered_ns
        self._look_at_scan(status)
        self._look_at_settings(status, answered_ns)
        self._epoch, self._plc_ms = status["epoch"], status["plc_ms"]
        complete = yield from self._new_edges(status)
        yield from self._new_outcomes(status)
        if complete:
            self._complete = Moment(status["count"], status["plc_ms"])
            yield sample_of(status, asked_ns or 0, answered_ns)

    def _look_at_scan(self, status: Mapping[str, Any]) -> None:
        """A block whose heartbeat has advanced is of another scan.

        Raises:
            MissedEdgesError: five in a row name the same scan.
        """
        scan, times = self._scan
        self._scan = status["scan_begin"], times + 1 if status["scan_begin"] == scan else 0
        if self._scan[1] >= _SAME_SCAN:
            raise MissedEdgesError(SCAN_NUMBERS)

    def _read_settings(self, status: Mapping[str, Any], now_ns: int) -> None:
        self._constants = constants_of(self._blocks.decode("settings"))
        self._settings_ns, self._of_session = now_ns, status["session"]

    def _look_at_settings(self, status: Mapping[str, Any], now_ns: int) -> None:
        """Every few seconds, and as an epoch or a session begins: somebody may work on the PLC's program.

        Raises:
            MissedEdgesError: they have changed since they were told.
        """
        begins = status["session"] != self._of_session or status["epoch"] != self._epoch
        if not begins and now_ns - self._settings_ns < SETTINGS_S * _NS:
            return
        told = self._constants
        self._read_settings(status, now_ns)
        if told is not None and self._constants is not None and self._constants != told:
            raise MissedEdgesError(f"the PLC's settings have changed: {changes(told, self._constants)}")

    def _continues(self, status: Mapping[str, Any]) -> bool:
        """Same program run: totals and time went on; an epoch may only appear where there was none."""
        forward = (status["plc_ms"] - self._plc_ms) % _WORD < _HALF_WORD
        same_epoch = status["epoch"] == self._epoch or self._epoch == 0
        more = status["edges"] >= self._edges and status["outcomes"] >= self._outcomes
        return forward and same_epoch and more

    def _begin(self, status: Mapping[str, Any]) -> Mapping[str, Any]:
        self._known = True
        self._torn.clear()
        self._edges, self._outcomes = status["edges"], status["outcomes"]
        self._epoch, self._plc_ms = status["epoch"], status["plc_ms"]
        self._arrivals = list(status["arrivals"])
        self._complete = Moment(status["count"], status["plc_ms"])
        return status

    def _connected(self, status: Mapping[str, Any], *, resumed: bool) -> PlcConnected:
        rows: list[BeltParcel] = []
        if not resumed:
            status, rows = self._in_step(status)
        if self._constants is None:
            raise MissedEdgesError("the PLC's settings were not read")
        return PlcConnected(
            status["epoch"],
            status["session"],
            status["program_version"],
            status["count"],
            status["plc_ms"],
            tuple(rows),
            resumed,
            self._constants,
        )

    def _in_step(self, status: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[BeltParcel]]:
        """The parcel table and a status of the same moment: no edge that the table has already comes behind it.

        Where the wire is too slow for that, one from ahead of the table: an edge may then come twice, which the core
        sees, and inspects.
        """
        for _ in range(_TABLE_TRIES):
            rows = self._blocks.table()
            after = self._blocks.status()
            if is_torn(after):
                continue
            if (after["edges"], after["outcomes"]) == (status["edges"], status["outcomes"]):
                return status, rows
            status = self._begin(after)
        return status, self._blocks.table()

    def _new_edges(self, status: Mapping[str, Any]) -> Generator[Edge, None, bool]:
        """Yield new edges in order; returns True if all up to the status were there."""
        entries = self._blocks.entries("edge_ring", self._edges, status["edges"], status["newest_edges"])
        for entry in entries:
            if not self._whole("edge_ring", entry, self._edges + 1):
                return False
            try:
                edge = edge_of(entry, self._edges + 1)
            except ValueError:
                text = f"edge {self._edges + 1} has direction {entry['direction']}: 1 is a beam broken, 0 one freed"
                raise MissedEdgesError(f"{text}; correct the PLC's program") from None
            self._believe(edge, status)
            self._edges += 1
            if edge.direction and edge.eye < len(self._arrivals):
                self._arrivals[edge.eye] = (self._arrivals[edge.eye] + 1) % 65_536
            yield edge
        if self._arrivals != list(status["arrivals"]):
            raise MissedEdgesError(f"edges are missing: arrivals {status['arrivals']}, seen {self._arrivals}")
        return True

    def _believe(self, edge: Edge, status: Mapping[str, Any]) -> None:
        shown = Moment(status["count"], status["plc_ms"])
        mm_per_count = self._constants.mm_per_count if self._constants else 1.0
        if fault := edge_fault(edge, self._complete, shown, mm_per_count):
            raise MissedEdgesError(fault)

    def _new_outcomes(self, status: Mapping[str, Any]) -> Iterator[OutcomeSeen]:
        for entry in self._blocks.entries(
            "outcome_ring", self._outcomes, status["outcomes"], status["newest_outcomes"]
        ):
            if not self._whole("outcome_ring", entry, self._outcomes + 1):
                return
            self._outcomes += 1
            outcome, notes = outcome_of(entry, self._outcomes)
            self.notes += notes
            yield outcome

    def _whole(self, ring: str, entry: Mapping[str, int], total: int) -> bool:
        """False if the entry is torn, and will be read again.

        Raises:
            MissedEdgesError: it has been torn for a second.
        """
        if is_whole(entry, total):
            self._torn.pop(ring, None)
            return True
        since = self._torn.get(ring)
        if since is None or since[0] != total:
            self._torn[ring] = total, self._advanced_ns
        elif self._advanced_ns - since[1] > TORN_S * _NS:
            found, wanted = f"{entry['sequence']} and {entry['sequence_end']}", total & 0xFFFF
            raise MissedEdgesError(
                f"an entry of the {ring} stays torn: its sequence and sequence_end are {found}, both must be {wanted};"
                " correct the PLC's program, which must write them with the entry"
            )
        return False
