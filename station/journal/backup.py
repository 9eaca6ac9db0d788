"""A copy of the journal made while the station writes it, and its way back; nothing is ever written over."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from station.journal.files import sync_file, sync_folder
from station.journal.migrate import bring_forward
from station.journal.opening import check_file, check_ours, check_station, open_to_read, take_lock
from station.journal.schema import FOR_COMMANDS, SCHEMA_VERSION, STANDS
from station.journal.stored import MARK, JournalError, explain, stands
from station.journal.verify import verify

if TYPE_CHECKING:
    from station.journal.writer import Journal

PAGES = 2000
BUSY_MS = 5000
_RESTORED = "restored"
SUFFIXES = ("", "-wal", "-shm", "-journal", MARK)
Progress = Callable[[int, int], object]
"""Told how many of how many there are done."""


def _quiet(_done: int, _of: int) -> None:
    """Nobody looks."""


def back_up(path: Path, target: Path, progress: Progress = _quiet) -> None:
    """Copy the journal as it stands now to one file that is whole by itself.

    One snapshot is held meanwhile, so the write-ahead log grows by what the station writes until it is done.

    Raises:
        JournalError: the journal cannot be read or is not whole, or the target cannot be written or is there already.
    """
    check_file(path)
    if target.exists():
        raise JournalError(f"{target} is there already: name another file, nothing is written over")
    partial = Path(f"{target}.part")
    try:
        with _busy(open_to_read(path)) as source, _partial(partial):
            check_ours(source, path, older=True)
            _copy(source, partial, progress)
            if source.pragma("user_version") == SCHEMA_VERSION:
                _whole(partial, path, "no backup was made of it; an older one is worth keeping")
            _into_place(partial, target)
    except apsw.Error as error:
        raise _of_copy(path, target, error) from error
    except OSError as error:
        sentence = f"{target} cannot be written: {error.strerror}: name a file in a folder where this user may write"
        raise JournalError(f"{sentence}; the journal was only read") from error


def restore(source: Path, path: Path, station: str, progress: Progress = _quiet) -> int:
    """Put a backup in the place of a journal that is lost; its last number.

    The next run of the station goes on behind it under a name of its own, so no id is used again, the publisher tells
    what had been published beyond it, and all is inspected until a person resumes: what was commanded since is
    forgotten. A backup of an older version is brought forward.

    Raises:
        JournalError: there is a journal still, a station runs, or the backup is not whole or not this station's.
    """
    for suffix in SUFFIXES:
        if Path(f"{path}{suffix}").exists():
            raise JournalError(f"{path}{suffix} is there: move the journal aside first (`station journal aside`)")
    lock = take_lock(path)
    partial = Path(f"{path}.part")
    try:
        check_file(source)
        with _busy(open_to_read(source)) as backup, _partial(partial):
            check_ours(backup, source, older=True)
            check_station(backup, source, station)
            _copy(backup, partial, progress)
            _bring_forward(partial, source)
            last = _whole(partial, source, "it was not put in place; try an older backup")
            _mark_restored(partial, last)
            _into_place(partial, path)
    except (apsw.Error, UnicodeDecodeError) as error:
        raise _of_copy(source, path, error) from error
    except OSError as error:
        raise JournalError(f"{path} cannot be written: {error.strerror}; the backup was only read") from error
    finally:
        lock.close()
    return last


def set_aside(path: Path, stamp: str) -> Path:
    """Move the journal's files, all together, to a folder beside it; that folder. The next start begins a new one.

    Raises:
        JournalError: a station runs, there is nothing to move, or it cannot be moved.
    """
    lock = take_lock(path)
    try:
        found = [Path(f"{path}{suffix}") for suffix in SUFFIXES if Path(f"{path}{suffix}").exists()]
        if not found:
            raise JournalError(f"there is no journal {path}: the next start begins one")
        named = f"{path.stem}-aside-{stamp}"  # a clock that was set back tells the same moment again
        names = (f"{named}-{n}" if n > 1 else named for n in count(1))
        folder = next(folder for name in names if not (folder := path.parent / name).exists())
        folder.mkdir()
        for file in reversed(found):
            file.rename(folder / file.name)
        sync_folder(folder)
        sync_folder(path.parent)
    except OSError as error:
        raise JournalError(f"{path} cannot be moved aside: {error.strerror}; nothing was deleted") from error
    finally:
        lock.close()
    return folder


@contextlib.contextmanager
def _connection(path: Path, flags: int) -> Iterator[apsw.Connection]:
    with _busy(apsw.Connection(str(path), flags=flags)) as db:
        yield db


@contextlib.contextmanager
def _busy(db: apsw.Connection) -> Iterator[apsw.Connection]:
    """Closed in the end; it waits for others meanwhile."""
    try:
        db.set_busy_timeout(BUSY_MS)
        yield db
    finally:
        db.close()


@contextlib.contextmanager
def _partial(partial: Path) -> Iterator[None]:
    """What is not finished does not stay, Ctrl-C included."""
    partial.unlink(missing_ok=True)
    try:
        yield
    finally:
        for suffix in SUFFIXES:
            Path(f"{partial}{suffix}").unlink(missing_ok=True)


def _copy(source: apsw.Connection, partial: Path, progress: Progress) -> None:
    partial.touch()  # what the system says of the target is not blamed on the source
    source.execute("BEGIN; SELECT count(*) FROM meta")
    with _connection(partial, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE) as target:
        with target.backup("main", source, "main") as copying:
            while not copying.done:
                copying.step(PAGES)
                progress(copying.page_count - copying.remaining, copying.page_count)
        target.pragma("journal_mode", "delete")
    source.execute("COMMIT")
    sync_file(partial)


def _bring_forward(partial: Path, source: Path) -> None:
    """A copy of an older version as this program has it: only then can its chain be followed."""
    with _connection(partial, apsw.SQLITE_OPEN_READWRITE) as db:
        bring_forward(db, source)
        db.execute(FOR_COMMANDS)
    sync_file(partial)


def _whole(partial: Path, source: Path, so: str) -> int:
    """The last number of a copy whose pages and chain are whole."""
    with _connection(partial, apsw.SQLITE_OPEN_READONLY) as db:
        verdict = db.execute("PRAGMA quick_check(1)").get
        last = int(db.execute("SELECT coalesce(max(seq), 0) FROM event").get)
    if verdict != "ok":
        raise JournalError(f"{source} is damaged ({verdict}): {so}")
    faults = verify(partial).faults
    if faults:
        raise JournalError(f"{source} is not whole: {faults[0].text}; {so}")
    return last


def _mark_restored(partial: Path, last: int) -> None:
    with _connection(partial, apsw.SQLITE_OPEN_READWRITE) as db:
        db.executemany(STANDS, stands(_RESTORED, str(last).encode()))
    sync_file(partial)


def restored_up_to(journal: Journal) -> int | None:
    """The last number that a journal had when it was restored; None if it never was.

    Until a run of the station has written behind it, nobody has looked at what was forgotten.

    Raises:
        JournalError: the journal cannot be read.
    """
    rows = journal.rows("SELECT payload FROM standing WHERE name = ?", (_RESTORED,))
    return int(rows[0][0]) if rows and rows[0][0].isdigit() else None


def _into_place(partial: Path, target: Path) -> None:
    partial.rename(target)
    sync_folder(target.parent)


def _of_copy(source: Path, target: Path, error: Exception) -> JournalError:
    if isinstance(error, apsw.FullError):
        return JournalError(f"no space left for {target}; {source} was only read, and nothing unfinished stays")
    return explain(source, error)
