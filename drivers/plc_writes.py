"""Numbers of the command blocks that are written: which echo proves one of them, and whether another program writes."""

from __future__ import annotations

import random
from collections import OrderedDict, deque

from station.ports import NowNs

NUMBERS = 65_536
HALF = 1 << 15
LONGEST_STEP = 255
_KEPT = 256
_FOREIGN = 3
_WITHIN_NS = 10_000_000_000
ANOTHER_WRITES = (
    "another program writes the command block of this PLC; a second station, one that was left running, or a tool: end"
    " it, for only one may write there"
)


class Writes:
    """The own writes since the connection began, by number; and the echoes that were of none of them.

    A number is 1 to 255 ahead of the one before: two programs that write in turn then all but never use the same, and
    each soon sees numbers that it has not written.
    """

    def __init__(self, now_ns: NowNs) -> None:
        self._now_ns = now_ns
        self._number = 0
        self._echo: int | None = None
        self._sent: OrderedDict[int, int] = OrderedDict()
        self._old: OrderedDict[int, None] = OrderedDict()
        self._foreign: deque[int] = deque(maxlen=_FOREIGN)

    def begin(self, echo: int) -> None:
        """A connection begins: go on from the echo on show, so that the next write has advanced."""
        self._number = self._echo = echo
        while self._sent:
            self._retire()

    def next(self) -> int:
        """The number of a write that goes out now."""
        self._number = self._stepped()
        while self._number in self._old:  # that one may come late, and would be taken for this one
            self._number = self._stepped()
        self._sent[self._number] = self._now_ns()
        if len(self._sent) > _KEPT:
            self._retire()
        return self._number

    def _retire(self) -> None:
        """The oldest write is proved by no echo any more, but its number is still known for an own one."""
        number, _ = self._sent.popitem(last=False)
        self._old[number] = None
        if len(self._old) > _KEPT:
            self._old.popitem(last=False)

    def _stepped(self) -> int:
        step = random.randint(1, LONGEST_STEP)
        return (self._number + step) % NUMBERS

    def asked(self, echo: int) -> int | None:
        """When the own write went out (monotonic ns) that the echo is of; None where it is of none.

        The next number goes on from one that is ahead: of a late block of an earlier life; ours would never be taken.
        """
        asked_ns = self._sent.get(echo)
        if asked_ns is None:
            self.seen(echo)
            if 0 < (echo - self._number) % NUMBERS < HALF:
                self._number = echo
        else:
            while next(iter(self._sent)) != echo:  # an older one is shown in an old answer alone
                self._retire()
        self._echo = echo
        return asked_ns

    def seen(self, echo: int) -> None:
        """An echo is on show: a new one of a number that was never written here is somebody else's."""
        if self._echo not in {None, echo} and echo not in self._sent and echo not in self._old:
            self._foreign.append(self._now_ns())
        self._echo = echo

    @property
    def doubted(self) -> bool:
        """Somebody else's number was seen lately: wait for more."""
        return bool(self._foreign) and self._now_ns() - self._foreign[-1] < _WITHIN_NS

    @property
    def another(self) -> bool:
        """So many within ten seconds cannot be late ones of an earlier life of this station."""
        return len(self._foreign) == _FOREIGN and self._now_ns() - self._foreign[0] < _WITHIN_NS
