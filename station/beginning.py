"""The journal that a start goes on with; where one, or part of one, is lost all is inspected until a person resumes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from station.clock import utc_text
from station.core.commands import Pause
from station.core.events import CommandReceived, Condition
from station.journal import CURSOR_FILE, DamagedError
from station.journal.backup import restored_up_to, set_aside
from station.journal.left import unreadable_left

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
        subject: of the alarm: "aside" if it is a new one in the place of another, "put-back" if an old copy, "left" if
            what was commanded for good cannot be read in it; else "".
        text: what became of the one before it; "" where there is no alarm.
        events: what the core is to hear of that, behind `Starting` and in the same turn.
    """

    journal: Journal
    subject: Literal["", "aside", "put-back", "left"] = ""
    text: str = ""
    events: tuple[Event, ...] = ()


def begin(path: Path, now: datetime, opened: Callable[[], Journal]) -> Begun:
    """The journal at `path`.

    What was commanded for good went with one that is damaged or gone, and with what an old copy of it does not hold, so
    a person is to look before anything passes: the core hears of a pause, which the journal keeps like any other, and
    of an alarm.

    Args:
        path: of the journal.
        now: UTC, which the folder that takes a damaged one is named after.
        opened: opens the journal there, or makes one.

    Raises:
        JournalError: it cannot be used as it is, is not to be touched, or cannot be set aside.
    """
    try:
        journal = opened()
    except DamagedError as error:
        folder = set_aside(path, f"{now:%Y%m%dT%H%M%SZ}")
        return _paused(opened(), "aside", f"{error.what}: it lies in {folder} now; a new one is begun", now)
    # Also where a start that set one aside died ahead of its first event.
    if not journal.last_seq and any(path.with_name(name).exists() for name in _LEFT_BY_A_RUN):
        what = f"journal {path} was not there or held nothing, and a station has run here; a new one is begun"
        return _paused(journal, "aside", what, now)
    if journal.published_beyond:
        what = f"event {journal.published_beyond} was published, and journal {path} does not hold it"
        return _paused(journal, "put-back", f"{what}: an old copy of it was put back", now)
    if (restored := restored_up_to(journal)) is not None and journal.last_seq <= restored:
        return _paused(journal, "put-back", f"journal {path} is a backup that was restored", now)
    if unreadable := unreadable_left(journal):
        return _paused(journal, "left", f"what was commanded last is damaged in journal {path}: {unreadable}", now)
    return Begun(journal)


def _paused(journal: Journal, subject: Literal["aside", "put-back", "left"], what: str, now: datetime) -> Begun:
    text = f"{what}; all is inspected until `station resume`"
    begins, ends = utc_text(now), utc_text(now + _LASTS)
    pause = Pause(id=f"journal-{subject}-{journal.incarnation}", who="station", issued_at=begins, expires_at=ends)
    alarm = Condition("journal", subject, standing=True, text=text)
    return Begun(journal, subject, text, (CommandReceived(pause, "station", own=True), alarm))
