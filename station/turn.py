"""One turn of the daemon: events to the core, its records to disk, and only then its orders to the PLC."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from station.clock import Clock, utc_text
from station.core.actions import Action, Drop, Keep, OpenSession, Order, Send
from station.core.events import Condition, Event, Lane, ParcelKey, SessionChosen
from station.core.line import Line
from station.core.now import Now
from station.core.records import Record
from station.heartbeat import JOURNAL_MS, LOOP_MS, Heartbeat, Proof
from station.journal import DamagedError, JournalError
from station.ports import Plc

log = logging.getLogger(__name__)
PROBE_NS = 200_000_000
RETRY_NS = 50_000_000
BACKLOG = 50_000
_PASSES = 64
"""So many passes may stand between the order and the decision eye; far more than a belt has room for."""


class Keeper(Protocol):
    """The part of the journal that a turn needs."""

    def append(self, records: list[Record], *, epoch: int, session: int) -> object:
        """Keep records, synced."""

    def probe(self) -> None:
        """Prove that a commit reaches the disk."""


class Numbers(Protocol):
    """Epochs and sessions never used before."""

    def next_session(self, floor: int = 0) -> int:
        """A session, durable."""

    def next_epoch(self, floor: int = 0) -> int:
        """An epoch, durable."""


@dataclass(slots=True)
class Turn:
    """Carries out what the core wants. A heartbeat is earned: by turns in time, by commits, and by `proofs`.

    `drop` lets pictures go, once what says so is on disk.
    While the disk refuses, orders are dropped (their parcels are inspected), records wait in a bounded backlog, no
    heartbeat is sent, and the disk is tried again now and then, with little: all that waits would hold up each turn.
    An order that takes back a pass waits as well: the disk may be well again before the PLC misses a heartbeat.

    Attributes:
        damaged: how the journal's file is damaged; nothing will be kept in it any more.
    """

    line: Line
    journal: Keeper
    numbers: Numbers
    plc: Plc
    clock: Clock = field(default_factory=Clock)
    proofs: Sequence[Proof] = ()
    drop: Callable[[tuple[str, ...]], object] = len
    heartbeat: Heartbeat = field(init=False)
    backlog: list[Record] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=lambda: {"turns": 0, "events": 0, "orders": 0, "unkept": 0})
    damaged: str = ""
    _turned_ns: int | None = None
    _committed_ns: int | None = None
    _broken: bool = False
    _tried_ns: int = 0
    _wanted: OpenSession | None = None
    _dropped: list[tuple[str, ...]] = field(default_factory=list)
    _offer: tuple[int, int | None] | None = None
    _passes: deque[ParcelKey] = field(default_factory=lambda: deque(maxlen=_PASSES))
    _unsent: dict[ParcelKey, Order] = field(default_factory=dict)

    def __post_init__(self) -> None:
        loop = Proof(
            "loop", LOOP_MS, lambda: self._turned_ns, "this PC is too slow or was stopped; look what else runs"
        )
        disk = Proof("journal", JOURNAL_MS, lambda: self._committed_ns)
        self.heartbeat = Heartbeat([loop, disk, *self.proofs])

    def take(self, events: Iterable[Event]) -> bool:
        """Handle events and do what follows; False if the disk refused."""
        orders: list[Order] = []
        now = self._now()
        self._turned_ns = self._turned_ns or now.ns
        for event in events:
            self.counters["events"] += 1
            for action in self.line.handle(event, now):
                self._carry_out(action, orders)
        self.counters["turns"] += 1
        kept = self._commit()
        if kept:
            self._send(orders)
            self._open()
            for frames in self._dropped:
                self.drop(frames)
            self._dropped.clear()
        else:
            self._unsent |= {order.parcel: order for order in orders if order.parcel in self._passes}
        self._look(now.ns)
        if not kept or self._broken:
            return False
        if self.heartbeat.earned:
            self.plc.beat()
        return True

    def _send(self, orders: list[Order]) -> None:
        """Send orders, and what takes back a pass and could not be sent before; the decision of each is on disk."""
        newer = {order.parcel for order in orders}
        orders = [*orders, *(order for parcel, order in self._unsent.items() if parcel not in newer)]
        self._unsent.clear()
        if orders:
            self.plc.send(orders)
            self.counters["orders"] += len(orders)
            self._passes.extend(order.parcel for order in orders if order.lane is Lane.PASS)

    def _look(self, began_ns: int) -> None:
        """Has every part proved itself? What is missing for a while is an alarm, unless it has one of its own."""
        changed = self.heartbeat.look(self.clock.mono_ns())
        self._turned_ns = began_ns
        for proof, standing in changed:
            if proof.mend:
                if standing:
                    log.warning("heartbeat: %s", proof.told())
                self._say(Condition("heartbeat", proof.name, standing=standing, text=proof.told()))

    def _now(self) -> Now:
        return Now(self.clock.mono_ns(), utc_text(self.clock.utc()))

    def _say(self, event: Event) -> None:
        """Tell the core something of the turn's own; it answers with records alone."""
        self.counters["events"] += 1
        for action in self.line.handle(event, self._now()):
            self._carry_out(action, [])

    def _carry_out(self, action: Action, orders: list[Order]) -> None:
        match action:
            case Keep():
                self._wait(action.record)
            case Send():  # what is taken back in the same turn never goes out
                orders[:] = [order for order in orders if order.parcel != action.order.parcel]
                orders.append(action.order)
            case OpenSession():
                self._wanted = action
            case Drop():
                self._dropped.append(action.frames)

    def _wait(self, record: Record) -> None:
        if len(self.backlog) < BACKLOG:
            self.backlog.append(record)
        else:
            self.counters["unkept"] += 1
            self._unsent.clear()

    def _commit(self) -> bool:
        """Bring the backlog to disk, or with nothing to write prove now and then that it could be."""
        now = self.clock.mono_ns()
        if self._broken and now - self._tried_ns < RETRY_NS:
            return False
        proved = self._committed_ns is not None and now - self._committed_ns < PROBE_NS
        if proved and not self.backlog and not self._broken:
            return True
        try:
            if self._broken or not self.backlog:
                self.journal.probe()
            if self.backlog:
                self.journal.append(self.backlog, epoch=self.line.plc.epoch, session=self.line.plc.session)
                self.backlog = []
        except JournalError as error:
            self._trouble(error)
            return False
        self._committed_ns = self.clock.mono_ns()
        if self._broken:
            self._broken = False
            log.warning("journal: writes again")
            self._say(Condition("journal", "disk", standing=False))
            if unkept := self.counters["unkept"]:
                text = f"{unkept} records could not be kept while the disk refused, and are lost"
                log.error("journal: %s", text)
                self._say(Condition("journal", "unkept", standing=True, text=text))
        return True

    def end(self) -> None:
        """Try the disk once more, and say what it did not take: an orderly end is the last moment at which one can."""
        self._tried_ns = 0
        if not self._commit() or not self._commit():
            log.error("journal: %d records could not be kept and are lost with this end", len(self.backlog))

    def _trouble(self, error: JournalError) -> None:
        self._tried_ns = self.clock.mono_ns()
        if isinstance(error, DamagedError):
            self.damaged = error.what
        if not self._broken:
            self._broken = True
            log.error("journal: %s; all parcels are inspected until it can be written", error)
            self._say(Condition("journal", "disk", standing=True, text=str(error)))

    def _open(self) -> None:
        """Open the session that is wanted; what the disk refuses now is tried again at the next turn."""
        if self._wanted is not None:
            try:
                epoch = self.numbers.next_epoch(self.line.plc.epoch) if self._wanted.needs_epoch else None
                session = self.numbers.next_session(max(self.line.plc.session, self.line.plc.highest))
            except JournalError as error:
                if ("numbers", "disk") not in self.line.alarms.open:
                    log.error("no session: %s; all parcels are inspected", error)  # noqa: TRY400 - one line is enough
                self._say(Condition("numbers", "disk", standing=True, text=str(error)))
                return
            self._say(Condition("numbers", "disk", standing=False))
            self._wanted, self._offer = None, (session, epoch)
            self._say(SessionChosen(session, epoch))
        if self._offer is not None and self._commit():
            session, epoch = self._offer
            self._offer = None
            self.plc.open_session(session, epoch)
            log.info("plc: session %d offered%s", session, f" with epoch {epoch}" if epoch else "")
