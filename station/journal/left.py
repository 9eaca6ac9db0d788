"""What commands of earlier runs put in force for good, as the journal holds it beside its events."""

from __future__ import annotations

from pydantic import ValidationError

from station.core.events import StationMode
from station.core.records import CommandResult, ModeChanged
from station.journal.stored import HOLD_LIST, MODE
from station.journal.writer import Journal

_STANDING = "SELECT payload FROM standing WHERE name = ?"


def mode_left(journal: Journal) -> StationMode:
    """The mode in which the station was left; paused, where the journal's word on it cannot be read.

    Raises:
        JournalError: the journal cannot be read.
    """
    rows = journal.rows(_STANDING, (MODE,))
    if not rows:
        return StationMode()
    try:
        told = ModeChanged.model_validate_json(rows[0][0])
    except ValidationError:
        return StationMode(paused=True)
    return StationMode(told.paused, told.dry_run)


def hold_list_left(journal: Journal) -> str:
    """The SHA-256 of the hold list that was commanded last, "" if none is known to have been.

    Raises:
        JournalError: the journal cannot be read.
    """
    rows = journal.rows(_STANDING, (HOLD_LIST,))
    try:
        return CommandResult.model_validate_json(rows[0][0]).about if rows else ""
    except ValidationError:
        return ""
