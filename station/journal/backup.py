"""A copy of the journal made while the station writes it, and its way back; nothing is ever written over."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import apsw

from station.journal.files import sync_file, sync_folder
from station.journal.opening import check_file, check_ours, check_station, take_lock
from station.journal.stored import MARK, JournalError, explain
from station.journal.verify import verify

PAGES = 2000
BUSY_MS = 5000
SUFFIXES = ("", "-wal", "-shm", "-journal", MARK)
Progress = Callable[[int, int], object]
"""Told how many of how many there are done."""


def _quiet(_done: int, _of: int) -> None:
    """Nobody looks."""


def back_up(path: Path, target: Path, progress: Progress = _quiet) -> None:
    """Copy the journal as it stands now to one file that is whole by itself.

    One snapshot is held meanwhile, so the write-ahead log grows by what the station writes until it is done.

    Raises:
        JournalError: the journal cannot be read, or the target cannot be written or is there already.
    """
    check_file(path)
    if target.exists():
        raise JournalError(f"{target} is there already: name another file, nothing is written over")
    partial = Path(f"{target}.part")
    try:
        with _connection(path, apsw.SQLITE_OPEN_READONLY) as source, _partial(partial):
            check_ours(source, path, older=True)
            _copy(source, partial, progress)
            _into_place(partial, target)
    except apsw.Error as error:
        raise _of_copy(path, target, error) from error
    except OSError as error:
        sentence = f"{target} cannot be written: {error.strerror}: name a file in a folder where this user may write"
        raise JournalError(f"{sentence}; the journal was only read") from error


def restore(source: Path, path: Path, station: str, progress: Progress = _quiet) -> int:
    """Put a backup in the place of a journal that is lost; its last number.

    The next run of the station goes on behind it under a name of its own, so no id is used again, and the publisher
    tells what had been published beyond it.

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
        with _connection(source, apsw.SQLITE_OPEN_READONLY) as backup, _partial(partial):
            check_ours(backup, source, older=True)
            check_station(backup, source, station)
            _copy(backup, partial, progress)
            last = _whole(partial, source)
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
    db = apsw.Connection(str(path), flags=flags)
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


def _whole(partial: Path, source: Path) -> int:
    """The last number of a copy whose pages and chain are whole."""
    with _connection(partial, apsw.SQLITE_OPEN_READONLY) as db:
        verdict = db.execute("PRAGMA quick_check(1)").get
        version = int(db.pragma("user_version"))
        last = int(db.execute("SELECT coalesce(max(seq), 0) FROM event").get)
    if verdict != "ok":
        raise JournalError(f"{source} is damaged ({verdict}): it was not put in place; try an older backup")
    faults = verify(partial).faults if version > 1 else []
    if faults:
        raise JournalError(f"{source} is not whole: {faults[0].text}; it was not put in place; try an older backup")
    return last


def _into_place(partial: Path, target: Path) -> None:
    partial.rename(target)
    sync_folder(target.parent)


def _of_copy(source: Path, target: Path, error: Exception) -> JournalError:
    if isinstance(error, apsw.FullError):
        return JournalError(f"no space left for {target}; {source} was only read, and nothing unfinished stays")
    return explain(source, error)
