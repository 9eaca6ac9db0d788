"""Reads the lists in a thread of its own, again and again: a share that hangs holds up nothing but that thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

from station.clock import now_ns
from station.core.events import Condition, Event
from station.lists import ListError, Lists

EVERY_S = 1.0
HANGS_S = 3.0
_NS = 1_000_000_000


def hanging(lists: Lists) -> str:
    """What to say of a read that has not come back within `HANGS_S`."""
    where = lists.reading or "a list"
    return f"{where}: has not answered for {HANGS_S:g} s: is the share there on which it lies?"


class ListsWatch:
    """Tells lists that changed and whether they can be read; `look` tells a read that does not come back.

    Args:
        lists: used by the thread alone.
        put: where lists and conditions go; from any thread.
        clock_ns: the monotonic clock.
    """

    def __init__(self, lists: Lists, put: Callable[[Event], None], clock_ns: Callable[[], int] = now_ns) -> None:
        self._lists = lists
        self._put = put
        self._now_ns = clock_ns
        self._begun_ns: int | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lists", daemon=True)

    def start(self) -> None:
        """Begin to read; the first lists come a moment later."""
        self._thread.start()

    def stop(self) -> None:
        """End, without waiting: a read that hangs may never come back, and the thread ends with the process."""
        self._stopping.set()

    def look(self) -> None:
        """Tell a read that has not come back within its bound."""
        begun = self._begun_ns
        if begun is not None and self._now_ns() - begun > HANGS_S * _NS:
            self._tell(f"{hanging(self._lists)} The lists before stay in force")

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._begun_ns = self._now_ns()
            try:
                lists = self._lists.changed()
            except ListError as error:
                self._begun_ns = None
                self._tell(f"{error}; the lists before stay in force")
            else:
                self._begun_ns = None
                self._put(Condition("lists", "files", standing=False))
                if lists is not None:
                    self._put(lists)
            self._stopping.wait(EVERY_S)

    def _tell(self, text: str) -> None:
        self._put(Condition("lists", "files", standing=True, text=text))
