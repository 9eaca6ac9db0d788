"""How far the broker has acknowledged the journal, as the publisher's `cursor.db` tells anyone who wants to know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import apsw

CURSOR_FILE = "cursor.db"
BUSY_MS = 200


@dataclass(frozen=True, slots=True)
class Place:
    """An event by the incarnation that wrote it, its number and its link; b"" where the link is not known."""

    incarnation: str
    seq: int
    chain: bytes


def published(path: Path) -> list[Place]:
    """By incarnation how far its events are published, the newest last; [] if nothing can be told."""
    if not path.is_file():
        return []
    try:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            db.set_busy_timeout(BUSY_MS)
            rows = db.execute("SELECT incarnation, seq, chain FROM reached ORDER BY place").fetchall()
        finally:
            db.close()
    except (apsw.Error, UnicodeDecodeError):
        return []
    return [Place(str(i), int(s), bytes(c)) for i, s, c in rows]  # type: ignore[arg-type]
