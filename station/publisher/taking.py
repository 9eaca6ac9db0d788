"""What a publisher needs before it can begin: the cursor, held by it alone, and the journal."""

from __future__ import annotations

from collections.abc import Generator

import apsw
from apsw import CorruptError, NotADBError, SQLError

from station.clock import Clock
from station.journal import CURSOR_FILE, JournalError, LockedError, Reader
from station.publisher.cursor import Cursor, put_aside
from station.publisher.ending import Ending
from station.publisher.settings import PublisherSettings
from station.publisher.teller import Teller
from station.publisher.waits import STEP, Wait

LOCK_WAIT_S = 3.0


def take_cursor(
    settings: PublisherSettings, clock: Clock, ending: Ending, teller: Teller
) -> Generator[Wait, float | None, Cursor | None]:
    """The cursor, once a publisher that is about to end has let go of it, and once it can be used."""
    until_ns = clock.mono_ns() + int(LOCK_WAIT_S * 1e9)
    path, damaged = settings.data / CURSOR_FILE, False
    while True:
        try:
            cursor = Cursor(path)
        except LockedError as error:
            if clock.mono_ns() > until_ns or ending.begun():
                holder = f"process {error.pid}" if error.pid else "another process"
                teller.tell("lock", f"{holder} already publishes this journal; end it first")
                return None
        except (CorruptError, NotADBError, SQLError, UnicodeDecodeError) as error:
            aside, damaged = put_aside(path), True
            sentence = f"{path} was damaged ({error}) and is kept as {aside}: all events are published once more"
            teller.tell("cursor", sentence)
        except (apsw.Error, OSError) as error:
            teller.tell("cursor", f"{path} cannot be used ({error}): let this user write it; nothing is lost")
        else:
            teller.tell("lock", None)
            if not damaged:
                teller.tell("cursor", None)
            return cursor
        if ending.begun():
            return None
        yield STEP


def open_journal(
    settings: PublisherSettings, ending: Ending, teller: Teller
) -> Generator[Wait, float | None, Reader | None]:
    """The journal, once there is one that can be read; None at the end."""
    while not ending.begun():
        try:
            return Reader(settings.data / "journal.db")
        except JournalError as error:
            teller.tell("journal", str(error))
        yield STEP
    return None
