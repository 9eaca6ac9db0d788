"""The journal's file: whose it is, its version, and its tables. Older versions are brought forward by `migrate.py`.

`event.chain` is the event's link (`chain.py`). `frame_event` has every event that names a picture. `incarnation` tells
from which number on which run of this database wrote; ids begin with its name. `gap` tells what retention took out:
the events `first_seq` to `last_seq`, the links ahead of and behind them, and by which `journal-pruned` that was told.
"""

from __future__ import annotations

APPLICATION_ID = 0x49_4E_53_50
"""`INSP` in the SQLite header: whose file it is."""

SCHEMA_VERSION = 3

NEW_IN_2 = """
CREATE TABLE incarnation (first_seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, begun TEXT NOT NULL) STRICT;
CREATE TABLE gap (
    first_seq INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL, before BLOB NOT NULL, after BLOB NOT NULL,
    told INTEGER NOT NULL) STRICT;
"""

CLOCK_COLUMN = "clock TEXT NOT NULL DEFAULT ''"
"""How far `time` can be trusted: the state of the clock, its greatest error and its offset in microseconds."""

CHAIN_COLUMN = "chain BLOB NOT NULL DEFAULT x''"

SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE event (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, type TEXT NOT NULL, version INTEGER NOT NULL, time TEXT NOT NULL,
    mono_ns INTEGER NOT NULL, epoch INTEGER NOT NULL, session INTEGER NOT NULL, payload BLOB NOT NULL,
    {CHAIN_COLUMN}, {CLOCK_COLUMN}) STRICT;
CREATE TABLE parcel_event (
    number INTEGER, epoch INTEGER, seq INTEGER, PRIMARY KEY (number, epoch, seq)) WITHOUT ROWID, STRICT;
CREATE TABLE frame_event (frame_id TEXT, seq INTEGER, PRIMARY KEY (frame_id, seq)) WITHOUT ROWID, STRICT;
CREATE TABLE probe (one INTEGER PRIMARY KEY CHECK (one = 1), mono_ns INTEGER NOT NULL) STRICT;
INSERT INTO probe VALUES (1, 0);
{NEW_IN_2}
"""  # noqa: S608

FOR_COMMANDS = """
CREATE INDEX IF NOT EXISTS command_result ON event (seq) WHERE type = 'command-result';
CREATE TABLE IF NOT EXISTS standing (name TEXT PRIMARY KEY, payload BLOB NOT NULL) STRICT;
"""
"""A journal without them gets them when it is opened; programs of before have no eye for them.

`standing` is the newest word on what a command put in force for good: it outlives its event, which retention may take.
"""

STANDS = "INSERT OR REPLACE INTO standing VALUES (?, ?)"
STANDING_ROWS = "SELECT CAST(name AS BLOB), payload FROM standing"

COLUMNS = "seq, id, type, version, time, mono_ns, epoch, session, payload, chain, clock"
