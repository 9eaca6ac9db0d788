"""The journal that a start goes on with; where it is damaged or gone a new one is begun, and the station is paused."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from station.clock import utc_text
from station.core.commands import Pause
from station.core.events import CommandReceived, Condition
from station.journal import CURSOR_FILE, DamagedError
from station.journal.backup import set_aside

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from station.core.events import Event
    from station.journal import Journal

_LASTS = timedelta(hours=1)
_LEFT_BY_A_RUN = ("ids.json", CURSOR_FILE)


class Begun(NamedTuple):
    """A journal to go on with.

    Attributes:
        journal: opened.
        aside: what became of the one before it; "" if it is the one to go on with, or there was none.
        events: what the core is to hear of that, behind `Starting` and in the same turn.
    """

    journal: Journal
    aside: str = ""
    events: tuple[Event, ...] = ()


def begin(path: Path, now: datetime, opened: Callable[[], Journal]) -> Begun:
    """The journal at `path`.

    What was commanded for good went with one that is damaged or gone, so a person is to look before anything passes:
    the core hears of a pause, which the new journal keeps like any other, and of an alarm.

    Args:
        path: of the journal.
        now: UTC, which the folder that takes a damaged one is named after.
        opened: opens the journal there, or makes one.

    Raises:
        JournalError: it cannot be used as it is, is not to be touched, or cannot be set aside.
    """
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    try:
        journal = opened()
        # Also where a start that set one aside died ahead of its first event.
        if journal.last_seq or not any(path.with_name(name).exists() for name in _LEFT_BY_A_RUN):
            return Begun(journal)
        what = f"journal {path} was not there or held nothing, and a station has run here"
    except DamagedError as error:
        folder = set_aside(path, stamp)
        journal, what = opened(), f"{error.what}: it lies in {folder} now"
    text = f"{what}; a new one is begun, and all is inspected until `station resume`"
    begins, ends = utc_text(now), utc_text(now + _LASTS)
    pause = Pause(id=f"journal-aside-{stamp}", who="station", issued_at=begins, expires_at=ends)
    alarm = Condition("journal", "aside", standing=True, text=text)
    return Begun(journal, text, (CommandReceived(pause, "station"), alarm))
