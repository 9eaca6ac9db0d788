"""Pictures that no event names, as a kill between picture and event leaves them: found at a start, and taken away.

Nothing is taken that an event elsewhere may name: all that was ever published must be in this journal, and no other
journal lie beside it. Where an old copy was put back or a new journal begun, every picture stays, for good. So does one
that is older than the journal, and one so young that the station may still be writing its event.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from station.journal.pictures import PictureStore
from station.journal.places import standing
from station.journal.published import CURSOR_FILE, published
from station.journal.reader import Reader
from station.journal.stored import Incarnation, JournalError

YOUNG = timedelta(minutes=10)
AT_MOST = 1000
_VERIFY = "; `station journal verify` tells which"
_PICTURE = re.compile(r"([0-9a-f]{64})\.[a-z]{3}")
_UNFINISHED = re.compile(r"[0-9a-f]{64}\.[0-9]+")
_OWN = frozenset({"journal.db", "journal.db-wal", "journal.db-shm", "journal.db.lock"})


def told_elsewhere(data: Path, runs: Sequence[Incarnation], last_seq: int) -> bool:
    """Whether there may have been events that are not in the journal of `runs`, which ends at `last_seq`.

    Asked ahead of this run's first event. Without a cursor that has seen the journal, nothing shows it.
    """
    others = [path for path in data.glob("*journal*") if path.name not in _OWN]
    if not runs or others or any(data.glob(f"{CURSOR_FILE}.damaged-*")):
        return True
    reached = published(data / CURSOR_FILE)
    return not reached or any(standing([place], runs, last_seq).beyond is not None for place in reached)


def sweep(pictures: PictureStore, reader: Reader, utc: datetime, go_on: Callable[[], bool]) -> int:
    """Take away what no event names and is not young at `utc`; how many that were.

    The table by which they are found is outside of the chain, so the events themselves are asked ahead of that.

    Raises:
        JournalError: the journal cannot be read, or its table lacks some; or there are more than kills leave. None was
            taken then.
    """
    found = set(_orphans(pictures, reader, utc, go_on))
    if len(found) > AT_MOST:
        sentence = f"more than {AT_MOST} pictures in {pictures.folder} are named by no event of {reader.path}"
        raise JournalError(f"{sentence}: none was removed; do they belong to another journal?")
    if found and not found.isdisjoint(reader.pictures_told(go_on)):
        raise JournalError(f"{reader.path} lists not all pictures that its events name: none was removed{_VERIFY}")
    return sum(pictures.remove(sha256) for sha256 in found if go_on() and not reader.names_picture(sha256))


def sweep_unfinished(pictures: PictureStore, utc: datetime) -> int:
    """Take away what was killed before it was a whole picture; how many that were."""
    found = [p for p in pictures.files() if _UNFINISHED.fullmatch(p.name) and _written(p) < utc - YOUNG]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def _orphans(pictures: PictureStore, reader: Reader, utc: datetime, go_on: Callable[[], bool]) -> Iterator[str]:
    begun = datetime.fromisoformat(reader.meta.created)
    for path in pictures.files():
        named = _PICTURE.fullmatch(path.name)
        if not go_on():
            return
        if named and begun < _written(path) < utc - YOUNG and not reader.names_picture(named[1]):
            yield named[1]


def _written(path: Path) -> datetime:
    """When, by the wall clock; never, if it is gone."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return datetime.max.replace(tzinfo=UTC)
