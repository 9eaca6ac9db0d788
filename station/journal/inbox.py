"""The command inbox: a file of its own in which wishes wait until the core has answered them.

Command line and publisher write it, the daemon reads and empties it. It holds no answer: those are events. So it may be
lost at any time; what was waiting in it is then not carried out, and its sender hears nothing.
"""

from __future__ import annotations

import json
import os
from itertools import count
from pathlib import Path
from typing import NamedTuple

import apsw

from station.core.events import Source
from station.journal.files import sync_folder
from station.journal.opening import plan_once

INBOX_FILE = "inbox.db"
APPLICATION_ID = 0x49_4E_42_58
"""`INBX` in the SQLite header: whose file it is."""
VERSION = 1
MOST_WAITING = 500
LONGEST_BYTES = 16_384
BUSY_MS = 2000
AT_ONCE = 20
_FULL = f"{MOST_WAITING} commands wait already: does the station run?"
_TIMES = ("issued_at", "expires_at")
_WAL_BYTES = 4 * 2**20
_SCHEMA = f"""
CREATE TABLE command (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, source TEXT NOT NULL,
    payload BLOB NOT NULL CHECK (length(payload) <= {LONGEST_BYTES})) STRICT;
"""
_POST = f"""
INSERT INTO command (id, type, source, payload)
    SELECT ?, ?, ?, ? WHERE (SELECT count(*) FROM command) < {MOST_WAITING} ON CONFLICT (id) DO NOTHING
"""  # noqa: S608
_TAKE = f"""
SELECT seq, coalesce(CAST(id AS TEXT), ''), coalesce(CAST(type AS TEXT), ''), coalesce(CAST(source AS TEXT), ''),
    CAST(substr(coalesce(payload, ''), 1, {LONGEST_BYTES + 1}) AS BLOB) FROM command WHERE seq > ? ORDER BY seq LIMIT ?
"""  # noqa: S608


class InboxError(Exception):
    """The inbox cannot be used; the sentence says what to do."""


class InboxLostError(InboxError):
    """The inbox is damaged, foreign or gone: nothing that waited in it can be read."""


class IdWaitsError(InboxError):
    """Another wish of the same id waits; nothing else of the inbox is wrong."""


class Posted(NamedTuple):
    """A wish as it waits: its place in the queue, its id, and what it says, as it was written."""

    seq: int
    id: str
    type: str
    source: Source
    payload: bytes


class Inbox:
    """One process's door to it.

    Raises:
        InboxLostError: the file is none of ours, or damaged.
        InboxError: it cannot be opened.
    """

    def __init__(self, data: Path) -> None:
        self.path = data / INBOX_FILE
        try:
            if not self.path.exists():
                _create(self.path)
            self._db = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READWRITE)
        except (apsw.Error, OSError) as error:
            raise _explain(self.path, error) from error
        try:
            plan_once(self._db)
            if self._db.readonly("main"):  # SQLite falls back to reading only, without a word
                raise apsw.ReadOnlyError("may not be written")
            self._db.set_busy_timeout(BUSY_MS)
            self._check()
            self._inode = self.path.stat().st_ino
        except (apsw.Error, OSError, UnicodeDecodeError) as error:
            self._db.close()
            raise _explain(self.path, error) from error
        except InboxError:
            self._db.close()
            raise

    def _check(self) -> None:
        if self._db.pragma("application_id") != APPLICATION_ID or self._db.pragma("user_version") != VERSION:
            raise InboxLostError(f"{self.path} is no inbox of this program")
        self._db.pragma("journal_mode", "wal")
        self._db.pragma("synchronous", "full")
        self._db.pragma("journal_size_limit", _WAL_BYTES)
        self._db.execute("SELECT seq, id, type, source, payload FROM command LIMIT 1").fetchall()

    def post(self, identity: str, kind: str, source: Source, payload: bytes) -> None:
        """Have a wish wait, durable; one that waits already changes nothing.

        Raises:
            IdWaitsError: another one of its id waits.
            InboxError: it is full, cannot be written, or the wish is too large.
        """
        if len(payload) > LONGEST_BYTES:
            raise InboxError(f"the command has {len(payload)} bytes, {LONGEST_BYTES} are allowed")
        try:
            self._db.execute(_POST, (identity, kind, source, payload))
            waits = self._db.execute("SELECT type, payload FROM command WHERE id = ?", (identity,)).fetchall()
        except (apsw.Error, UnicodeDecodeError) as error:
            raise _explain(self.path, error) from error
        if not waits:
            raise InboxError(_FULL)
        ((waiting_kind, waiting),) = waits
        if kind != waiting_kind or _wish(payload) != _wish(waiting):
            raise IdWaitsError(f"another command of the id {identity} waits: give each its own")

    def look_for_room(self) -> None:
        """Whether a wish could wait, ahead of the work of reading it.

        Raises:
            InboxError: it is full, or cannot be read.
        """
        try:
            count = self._db.execute("SELECT count(*) FROM command").get
        except (apsw.Error, UnicodeDecodeError) as error:
            raise _explain(self.path, error) from error
        if count >= MOST_WAITING:
            raise InboxError(_FULL)

    def waiting(self, after: int = 0, limit: int = AT_ONCE) -> list[Posted]:
        """What waits behind that place, in order.

        Raises:
            InboxLostError: the file is damaged, or another lies in its place.
            InboxError: it cannot be read now.
        """
        try:
            if self.path.stat().st_ino != self._inode:
                raise InboxLostError(f"{self.path} is another file than before")
            return [Posted(*row) for row in self._db.execute(_TAKE, (after, limit))]
        except (apsw.Error, OSError, UnicodeDecodeError) as error:
            raise _explain(self.path, error) from error

    def done(self, seq: int) -> None:
        """It is answered: it waits no more.

        Raises:
            InboxError: it cannot be written now.
        """
        try:
            self._db.execute("DELETE FROM command WHERE seq = ?", (seq,))
        except (apsw.Error, UnicodeDecodeError) as error:
            raise _explain(self.path, error) from error

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


def _wish(payload: object) -> object:
    """What a command wishes, whenever it was given; what is none is compared as it is."""
    if not isinstance(payload, bytes):
        return payload
    try:
        told = json.loads(payload)
    except (ValueError, RecursionError):
        return payload
    return {key: told[key] for key in told if key not in _TIMES} if isinstance(told, dict) else told


def put_aside(data: Path) -> Path | None:
    """Keep a lost inbox under a name that is free, that name; None if there is none any more.

    Raises:
        OSError: it cannot be moved.
    """
    path = data / INBOX_FILE
    aside = next(name for n in count(1) if not (name := Path(f"{path}.damaged-{n}")).exists())
    for suffix in ("-wal", "-shm"):
        if (beside := Path(f"{path}{suffix}")).exists():
            beside.rename(f"{aside}{suffix}")
    if not path.exists():
        return None
    path.rename(aside)
    return aside


def _create(path: Path) -> None:
    """Make it under another name; of two that make it at once, the first one's stays."""
    temporary = Path(f"{path}.{os.getpid()}.new")
    temporary.unlink(missing_ok=True)
    db = apsw.Connection(str(temporary))
    try:
        with db:
            db.execute(_SCHEMA)
            db.pragma("application_id", APPLICATION_ID)
            db.pragma("user_version", VERSION)
    finally:
        db.close()
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    sync_folder(path.parent)


def _explain(path: Path, error: Exception) -> InboxError:
    match error:
        case apsw.CorruptError() | apsw.NotADBError() | apsw.SQLError() | UnicodeDecodeError():
            return InboxLostError(f"{path} is damaged or no inbox ({error})")
        case FileNotFoundError():
            return InboxLostError(f"{path} is gone")
        case apsw.BusyError() | apsw.LockedError():
            return InboxError(f"{path} is locked by another program (`fuser {path}` names it)")
        case _:
            return InboxError(f"{path}: {error}; let this user write there, and look for room on the disk")
