"""Orders, session and epoch: no order outlives its world."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from simulator.plc.signals import PlcSettings
from simulator.plc.table import Row, Why

_HALF_WORD = 1 << 31
_HALF_REGISTER = 1 << 15


class Result(IntEnum):
    """Answers to an order, as docs/plc-map.yaml numbers them."""

    ACCEPTED = 1
    LATE = 2
    UNKNOWN_PARCEL = 3
    OTHER_SESSION = 4
    VOID = 5


@dataclass(frozen=True, slots=True)
class OrderWords:
    """One order as the command block holds it; lane 1 pass, 2 inspect."""

    order: int
    parcel: int
    lane: int
    last_count: int | None


class Command(NamedTuple):
    """One command block, decoded and checked."""

    number: int
    session: int
    heartbeat: int
    epoch_grant: int
    orders: tuple[OrderWords, ...]


@dataclass(frozen=True, slots=True)
class Ack:
    """The echo of one order."""

    order: int
    parcel: int
    lane: int
    result: Result


@dataclass(slots=True)
class OrderBook:
    """What the station has told, and whether it is still alive."""

    settings: PlcSettings
    beat_ms: int
    epoch: int = 0
    session: int = 0
    ended: int = 0
    number: int | None = None
    heartbeat: int | None = None
    acks: deque[Ack] = field(default_factory=lambda: deque(maxlen=4))
    _held: dict[int, tuple[OrderWords, int]] = field(default_factory=dict)
    _offered: tuple[int, int] = (0, 0)

    def watch(self, ms: int) -> None:
        """End the session whose heartbeat has not advanced for `stale_ms`."""
        if self.session and ms - self.beat_ms > self.settings.stale_ms:
            self.session, self.ended = 0, self.session

    def take(self, command: Command, rows: dict[int, Row], decision_eye: int, count: int, ms: int) -> None:
        """Take a command block, if its number advanced."""
        if self.number is not None and not 0 < (command.number - self.number) % 65_536 < _HALF_REGISTER:
            return
        self.number = command.number
        if not self.epoch and command.epoch_grant:
            self.epoch = command.epoch_grant
        beats = command.heartbeat != self.heartbeat
        self.heartbeat = command.heartbeat
        if beats and command.session:
            if command.session == self.session:
                self.beat_ms = ms
            elif self._opens(command.session):
                # Seen to advance twice with this session, so it is alive; a dead one's last write opens nothing.
                self.session, self.beat_ms = command.session, ms
            self._offered = (command.session, command.heartbeat)
        for order in command.orders:
            self._order(order, command.session, rows.get(order.parcel), decision_eye, count)

    def _opens(self, session: int) -> bool:
        """Only while there is none, an epoch is known, and never again one that has ended."""
        return not self.session and self.epoch != 0 and session != self.ended and self._offered[0] == session

    def _order(self, order: OrderWords, session: int, row: Row | None, decision_eye: int, count: int) -> None:
        if row is None:
            result = Result.UNKNOWN_PARCEL
        elif not session or session != self.session:
            result = Result.OTHER_SESSION
        elif decision_eye in row.seen:
            held = self._held.get(order.parcel)
            result = Result.ACCEPTED if held and held[0] == order else Result.LATE
        elif self._superseded(order, session) or (order.last_count is not None and _past(count, order.last_count)):
            result = Result.VOID
        else:
            self._held[order.parcel] = (order, session)
            result = Result.ACCEPTED
        ack = Ack(order.order, order.parcel, order.lane, result)
        if ack not in self.acks:
            self.acks.append(ack)

    def _superseded(self, order: OrderWords, session: int) -> bool:
        """A newer order of the session is held for that parcel: an older one that comes behind it is void."""
        held, of_session = self._held.get(order.parcel, (order, 0))
        return of_session == session and (order.order - held.order) % 65_536 >= _HALF_REGISTER

    def verdict(self, parcel: int, session: int, count: int) -> Why | None:
        """Return None for a valid pass of that session, else why there is none."""
        held = self._held.get(parcel)
        if held is None:
            return Why.NO_ORDER
        order, of_session = held
        if of_session != session:
            return Why.OTHER_SESSION
        if order.lane != 1:
            return Why.INSPECT_ORDER
        if order.last_count is not None and _past(count, order.last_count):
            return Why.VOID
        return None

    def held(self, parcel: int) -> bool:
        """True if an order for that parcel was taken."""
        return parcel in self._held

    def forget(self, parcel: int) -> None:
        """The parcel has left; its order dies with it."""
        self._held.pop(parcel, None)


def _past(count: int, last: int) -> bool:
    return 0 < (count - last) % (2 * _HALF_WORD) < _HALF_WORD
