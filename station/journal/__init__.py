"""The append-only record of all that happened: SQLite through apsw, one writer, any number of short readers."""

from station.journal.ids import IdFile
from station.journal.lock import FileLock, LockedError
from station.journal.pictures import PictureStore
from station.journal.places import Standing, standing
from station.journal.published import CURSOR_FILE, Place, published
from station.journal.reader import Meta, Reader
from station.journal.stored import Incarnation, JournalError, Stored
from station.journal.writer import Journal

__all__ = [
    "CURSOR_FILE",
    "FileLock",
    "IdFile",
    "Incarnation",
    "Journal",
    "JournalError",
    "LockedError",
    "Meta",
    "PictureStore",
    "Place",
    "Reader",
    "Standing",
    "Stored",
    "published",
    "standing",
]
