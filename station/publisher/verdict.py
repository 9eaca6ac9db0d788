"""Why connections end: a broker that is away, an event that it never accepts, another client under our name. Pure.

After a connection that ended suddenly with events on their way, those go one at a time, and ahead of the first goes the
*control*: an event that the broker acknowledged before, once more (its id shows the double). An event is never accepted
if three times in a row the broker acknowledged other events and then, with that one event alone on its way, closed the
connection at once, refused it, or acknowledged nothing although it was alive.

Where the control fails as well, or there is none, the broker accepts no events: none is to blame, and they wait. Nor is
an event blamed for a rhythm of the broker or of the link: each time the connection must first stay up longer without
any event, and one control more goes ahead. After a control that failed, a connection goes without: a broker that takes
one event a connection then gets the one that waits.
"""

from __future__ import annotations

from dataclasses import dataclass

STRIKES = 3
AT_ONCE_S = 1.0
QUIET_S = 3.0
SHORT_S = 10.0
FLAPS = 3
FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 5.0
FLAPPING_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Care:
    """How the next connection is fed.

    Attributes:
        until: up to that number events go one at a time; 0 if none is suspected.
        quiet_s: how long it must stay up before an event goes: longer each time, so that no rhythm fits.
        controls: how often an acknowledged event goes ahead once more.
    """

    until: int = 0
    quiet_s: float = 0.0
    controls: int = 0


@dataclass(frozen=True, slots=True)
class End:
    """How a connection ended.

    Attributes:
        head: the first event on its way.
        newest: the last event that was sent.
        sound: the broker had answered this client's state message.
        accepted: how many events and controls it acknowledged.
        control: a control was on its way.
        lived_s: how long the connection lasted.
        open_s: how long the head, or the control, was on its way.
        ours: we ended it: the broker refused an event, or acknowledged nothing although it was alive.
    """

    head: int | None
    newest: int
    sound: bool
    accepted: int
    control: bool
    lived_s: float
    open_s: float
    ours: bool


class Verdict:
    """Fed with each end of a connection.

    Attributes:
        refuses: the broker takes this client, and no event.
    """

    def __init__(self) -> None:
        self.refuses = False
        self._careful_until = 0
        self._struck: int | None = None
        self._strikes = 0
        self._barren = 0
        self._without = False
        self._flaps = 0
        self._failures = 0

    @property
    def flapping(self) -> bool:
        """Whether the broker ends connections again and again soon after accepting them."""
        return self._flaps >= FLAPS

    @property
    def care(self) -> Care:
        """How the next connection is fed."""
        quiet_s = QUIET_S * (self._strikes or min(self._barren, STRIKES - 1))
        controls = self._strikes + 1 if self._careful_until and not self._without else 0
        return Care(self._careful_until, quiet_s, controls)

    def wait_s(self) -> float:
        """How long to wait before the next attempt."""
        if self.flapping:
            return float(min(2 ** (self._flaps - FLAPS), FLAPPING_WAIT_S))
        return float(min(FIRST_WAIT_S * 2 ** min(max(self._failures, self._barren), 10), LONGEST_WAIT_S))

    def no_connection(self) -> None:
        """The broker did not take this client."""
        self._failures += 1

    def acknowledged(self, up_to: int, accepted: int) -> None:
        """Events up to that number are with the broker; so many it acknowledged on this connection."""
        self._failures = 0
        if up_to >= self._careful_until:
            self._careful_until, self._without = 0, False
        if accepted:
            self._barren, self.refuses = 0, False
        if self._struck is not None and up_to >= self._struck:
            self._clear()

    def ended(self, end: End) -> int | None:
        """A connection ended; the number of an event to be left out for ever, if that is proven now."""
        self._failures += not end.sound
        waited = end.head is not None or end.control
        if end.sound and not waited:
            self._clear()
            self._barren = 0
        if not (waited and end.sound and (end.ours or end.open_s < AT_ONCE_S)):
            self._flaps = self._flaps + 1 if end.lived_s < SHORT_S else 0
            return None
        if not self._careful_until:
            self._careful_until = end.newest
            self.refuses = self.refuses or (end.ours and not end.accepted)
            return None
        self._without = end.control
        if end.control or not end.accepted:
            self._clear()
            self._took_none(end)
            return None
        self._strikes = self._strikes + 1 if end.head == self._struck else 1
        self._struck = end.head
        return end.head if self._strikes >= STRIKES else None

    def _took_none(self, end: End) -> None:
        if not end.accepted:
            self._barren += 1
            self.refuses = self.refuses or end.ours or self._barren > 1

    def _clear(self) -> None:
        """No event is to blame."""
        self._struck, self._strikes = None, 0
