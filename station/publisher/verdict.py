"""Why connections end: a broker that is away, an event that it never accepts, another client under our name. Pure.

After a connection that ended suddenly with events on their way, those go one at a time. An event is never accepted if
then, three times, the broker took this client's state message and, with that one event alone on its way, closed the
connection at once or acknowledged nothing although it was alive. A broker that stops or is killed does not do that
three times to one event. Nor does a link that breaks again and again: before the second and the third time the
connection must have stayed up for `quiet_s` without any event, and one that did not clears the event.
"""

from __future__ import annotations

STRIKES = 3
AT_ONCE_S = 1.0
QUIET_S = 3.0
SHORT_S = 10.0
FLAPS = 3
FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 5.0
FLAPPING_WAIT_S = 30.0


class Verdict:
    """Fed with each end of a connection.

    Attributes:
        careful_until: up to that number events go one at a time; 0 if none is suspected.
    """

    def __init__(self) -> None:
        self.careful_until = 0
        self._struck: int | None = None
        self._strikes = 0
        self._flaps = 0
        self._failures = 0

    @property
    def flapping(self) -> bool:
        """Whether the broker ends connections again and again soon after accepting them."""
        return self._flaps >= FLAPS

    @property
    def quiet_s(self) -> float:
        """How long the next connection must stay up before an event goes: longer each time, so that no rhythm fits."""
        return QUIET_S * self._strikes

    def wait_s(self) -> float:
        """How long to wait before the next attempt."""
        if self.flapping:
            return float(min(2 ** (self._flaps - FLAPS), FLAPPING_WAIT_S))
        return float(min(FIRST_WAIT_S * 2 ** min(self._failures, 10), LONGEST_WAIT_S))

    def no_connection(self) -> None:
        """The broker did not take this client."""
        self._failures += 1

    def acknowledged(self, up_to: int) -> None:
        """Events up to that number are with the broker."""
        self._failures = 0
        if up_to >= self.careful_until:
            self.careful_until = 0
        if self._struck is not None and up_to >= self._struck:
            self._clear()

    def ended(
        self, *, head: int | None, newest: int, sound: bool, lived_s: float, open_s: float, silent: bool
    ) -> int | None:
        """A connection ended; the number of an event to be left out for ever, if that is proven now.

        Args:
            head: the first event on its way.
            newest: the last event that was sent.
            sound: the broker had acknowledged this client's state message.
            lived_s: how long the connection lasted.
            open_s: how long the head was on its way.
            silent: we ended it, for want of an acknowledgement from a broker that was alive.
        """
        self._failures += not sound
        sudden = head is not None and sound and (silent or open_s < AT_ONCE_S)
        if sound and head is None:
            self._clear()
        if not sudden:
            self._flaps = self._flaps + 1 if lived_s < SHORT_S else 0
            return None
        if not self.careful_until:
            self.careful_until = newest
            return None
        self._strikes = self._strikes + 1 if head == self._struck else 1
        self._struck = head
        return head if self._strikes >= STRIKES else None

    def _clear(self) -> None:
        """No event is to blame."""
        self._struck, self._strikes = None, 0
