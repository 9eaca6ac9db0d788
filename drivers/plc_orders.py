"""Orders that wait for the PLC: each until its echo, a newer one of its parcel, or nobody can use it any more."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence

from drivers.plc_codec import Echo, echo_of
from station.core.actions import Order
from station.core.events import AckResult, OrderAcknowledged

_WORD = 1 << 32
_HALF_WORD = 1 << 31
USELESS_NS = 1_000_000_000
"""So long the PLC has to answer an order that it can carry out no more."""


class PendingOrders:
    """They are put in by the core's thread, and written and taken out by the driver's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: dict[int, Order] = {}
        self._useless: dict[int, int] = {}

    def __len__(self) -> int:
        """How many wait."""
        return len(self._orders)

    def put(self, orders: Sequence[Order]) -> None:
        """Let orders wait; one takes the place of any of its parcel that waits still.

        A pass that was withdrawn would else be repeated behind its withdrawal, until its own echo was read.
        """
        with self._lock:
            for order in orders:
                for older in [o.sequence for o in self._orders.values() if o.parcel == order.parcel]:
                    self._drop(older)
                self._orders[order.sequence] = order

    def clear(self) -> None:
        """None waits any more: the world that they were given in has ended."""
        with self._lock:
            self._orders.clear()
            self._useless.clear()

    def all(self) -> list[Order]:
        """Those that wait, oldest first."""
        with self._lock:
            return list(self._orders.values())

    def echoed(self, entries: Iterable[Mapping[str, int]]) -> tuple[list[OrderAcknowledged], list[str]]:
        """End those whose exact echo is on show, whatever the PLC made of them.

        Args:
            entries: the acknowledgements on show, as the status block has them.

        Returns:
            The answers, and a sentence for each that the map does not know: it is none, and no acceptance.
        """
        answers, unknown = [], []
        for echo in filter(None, map(echo_of, entries)):
            if not self._ends(echo):
                continue
            if echo.result in list(AckResult):
                answers.append(OrderAcknowledged(echo.order, echo.number, echo.lane, AckResult(echo.result)))
            else:
                unknown.append(
                    f"the PLC answers an order with result {echo.result}, which its map does not have: such an order"
                    " counts as not taken; correct the program, or tell its maker"
                )
        return answers, unknown

    def pass_by(self, count: int, gone: Iterable[int], now_ns: int) -> None:
        """Give up orders that were of no use for a second, and unanswered.

        Args:
            count: the PLC's, now; a pass whose last count it is past can be no release.
            gone: numbers of parcels whose outcome was read.
            now_ns: monotonic.
        """
        left = set(gone)
        with self._lock:
            for order in self._orders.values():
                last = order.last_count
                late = last is not None and 0 < (count - last) % _WORD < _HALF_WORD
                if late or order.parcel.number in left:
                    self._useless.setdefault(order.sequence, now_ns)
            for sequence, since_ns in list(self._useless.items()):
                if now_ns - since_ns > USELESS_NS:
                    self._drop(sequence)

    def _ends(self, echo: Echo) -> bool:
        with self._lock:
            order = self._orders.get(echo.order)
            if order is None or (order.parcel.number, order.lane) != (echo.number, echo.lane):
                return False
            self._drop(echo.order)
            return True

    def _drop(self, sequence: int) -> None:
        self._orders.pop(sequence, None)
        self._useless.pop(sequence, None)
