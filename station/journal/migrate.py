"""An older journal brought forward where it lies: in small transactions, and resumed wherever it was killed.

From 1 to 2: each event gets its link; pictures are found by every event that names them; the journal's own id becomes
its first incarnation. Until the last transaction the file is still of version 1, and the program before can read it.

From 2 to 3: events get a place for the clock's quality, empty in those that are there, whose links stay as they are.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import apsw

from station.journal.chain import genesis, link
from station.journal.schema import CHAIN_COLUMN, CLOCK_COLUMN, NEW_IN_2, SCHEMA_VERSION

log = logging.getLogger(__name__)
AT_ONCE = 5000
_TOLD_EVERY = 100
_OLD = "seq, id, type, version, time, mono_ns, epoch, session, payload"
_PROGRESS = "CREATE TABLE migration (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER, chain BLOB) STRICT"

Step = Callable[[apsw.Connection], bool]


def bring_forward(db: apsw.Connection, path: Path) -> int:
    """Migrate to the version of this program; from which version it was, 0 if there was nothing to do.

    Raises:
        apsw.Error: the disk refused; what was done stays, and the next start goes on from there.
    """
    version = int(db.pragma("user_version"))
    if version == SCHEMA_VERSION:
        return 0
    last = int(db.execute("SELECT coalesce(max(seq), 0) FROM event").get)
    log.warning("journal: %s is of version %d; its %d events are brought to %d", path, version, last, SCHEMA_VERSION)
    turns = 0
    while version == 1 and not _in_one(db, _one_to_two):
        turns += 1
        if turns % _TOLD_EVERY == 0:
            log.info("journal: %d of %d events brought forward", turns * AT_ONCE, last)
    _in_one(db, _two_to_three)
    log.warning("journal: %s is of version %d now", path, SCHEMA_VERSION)
    return version


def _in_one(db: apsw.Connection, step: Step) -> bool:
    db.execute("BEGIN IMMEDIATE")
    try:
        done = step(db)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return done


def _one_to_two(db: apsw.Connection) -> bool:
    """One transaction's worth; True once it is done."""
    if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'migration'").get is None:
        db.execute(f"ALTER TABLE event ADD COLUMN {CHAIN_COLUMN}; {NEW_IN_2}; {_PROGRESS}")
        journal = str(db.execute("SELECT value FROM meta WHERE key = 'id'").get)
        db.execute("INSERT INTO migration VALUES (1, 0, ?)", (genesis(journal),))
        return False
    seq, chain = db.execute("SELECT seq, chain FROM migration").fetchall()[0]
    rows = db.execute(f"SELECT {_OLD} FROM event WHERE seq > ? ORDER BY seq LIMIT ?", (seq, AT_ONCE)).fetchall()  # noqa: S608
    if not rows:
        _finish(db)
        return True
    links, frames = [], []
    for row in rows:
        chain = link(chain, *row)  # type: ignore[arg-type]
        links.append((chain, row[0]))
        frames += [(frame, row[0]) for frame in _frames(str(row[2]), row[8])]
    db.executemany("UPDATE event SET chain = ? WHERE seq = ?", links)
    db.executemany("INSERT OR IGNORE INTO frame_event VALUES (?, ?)", frames)
    db.execute("UPDATE migration SET seq = ?, chain = ?", (links[-1][1], chain))
    return False


def _two_to_three(db: apsw.Connection) -> bool:
    db.execute(f"ALTER TABLE event ADD COLUMN {CLOCK_COLUMN}")
    db.pragma("user_version", 3)
    return True


def _finish(db: apsw.Connection) -> None:
    first = db.execute("SELECT min(seq) FROM event").get
    if first is not None:
        meta = dict(db.execute("SELECT key, value FROM meta"))
        db.execute("INSERT INTO incarnation VALUES (?, ?, ?)", (first, meta["id"], meta["created"]))
    db.execute("DROP TABLE migration")
    db.pragma("user_version", 2)


def _frames(kind: str, payload: object) -> list[str]:
    """The pictures that an event of version 1 names, beside those inspected; a damaged one names none."""
    if kind not in {"reading-matched", "parcel-completed"} or not isinstance(payload, bytes):
        return []
    try:
        told = json.loads(payload)
        named = told["frames"] if kind == "parcel-completed" else [told["value"]] if told["kind"] == "frame" else []
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    return [frame for frame in dict.fromkeys(named) if isinstance(frame, str) and frame]
