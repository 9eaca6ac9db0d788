"""What the daemon is told of the publisher's troubles; it makes alarms of them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from station.core.handbook import AlarmName

ALARM: AlarmName = "publisher"
REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Told:
    """A condition that stands, or is over."""

    subject: str
    standing: bool
    text: str
    alarm: AlarmName = ALARM


class Teller:
    """Tells a condition when it is first known and when it changes.

    Also if all is well at first: a publisher before may have raised it.
    """

    def __init__(self, out: Callable[[Told], None]) -> None:
        self._out = out
        self._told: dict[str, str | None] = {}

    def tell(self, subject: str, text: str | None, *, anew: bool = False) -> None:
        """The condition on `subject` stands with that text, or with None is over.

        One that stands is told again only with `anew`, for a text that says more.
        """
        if subject in self._told:
            before = self._told[subject]
            if text == before or ((before is None) == (text is None) and not anew):
                return
        self._told[subject] = text
        self._out(Told(subject, text is not None, text or ""))
