"""Which events are on their way, in order; the cursor may move over those at the front that are done. Pure."""

from __future__ import annotations

from collections import deque


class Window:
    """Events in the order of their numbers, each open until it is acknowledged or left out."""

    def __init__(self) -> None:
        self._order: deque[int] = deque()
        self._open: dict[int, int] = {}
        self._done: set[int] = set()

    def __len__(self) -> int:
        return len(self._order)

    @property
    def head(self) -> int | None:
        """The first event that is open."""
        return next((seq for seq in self._order if seq not in self._done), None)

    def sent(self, message_id: int, seq: int) -> None:
        """The event went out as that message."""
        self._order.append(seq)
        self._open[message_id] = seq

    def left_out(self, seq: int) -> None:
        """The event will never go out."""
        self._order.append(seq)
        self._done.add(seq)

    def has(self, message_id: int) -> bool:
        """Whether that message is an event on its way."""
        return message_id in self._open

    def acknowledged(self, message_id: int) -> int | None:
        """The broker has it; which event that is, None for other messages' ids."""
        if (seq := self._open.pop(message_id, None)) is not None:
            self._done.add(seq)
        return seq

    def reached(self) -> int | None:
        """Take the done events off the front; the number of the last of them, None if there is none."""
        last = None
        while self._order and self._order[0] in self._done:
            last = self._order.popleft()
            self._done.remove(last)
        return last
