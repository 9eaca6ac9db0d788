"""Which event shows whether the broker accepts events: one that it acknowledged before."""

from __future__ import annotations

from station.journal import Reader, Stored
from station.publisher.cursor import Cursor

NEAR = 50


def control_of(reader: Reader, cursor: Cursor, beyond: int | None) -> Stored | None:
    """The smallest of the newest events that the broker acknowledged; None if it never acknowledged any.

    Args:
        reader: the journal.
        cursor: how far it is acknowledged.
        beyond: an event that was acknowledged ahead of those in which the cursor stands, if there is one.
    """
    flagged = {seq for seq, _ in cursor.rejected()}
    near = reader.after(max(0, cursor.seq - NEAR - len(flagged)), NEAR + len(flagged))
    known = [event for event in near if event.seq <= cursor.seq and event.seq not in flagged]
    if not known and beyond is not None and beyond > cursor.seq + 1:
        known = [event for event in reader.after(beyond - 1, 1) if event.seq == beyond]
    return min(known, key=lambda event: len(event.payload), default=None)
