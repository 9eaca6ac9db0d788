"""Reading the journal from any process: read-only, each call one short transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any

import apsw
from pydantic import ValidationError

from station.core.records import CommandResult, FrameInspected, ParcelCompleted, ParcelResolved
from station.journal.opening import check_file, check_ours, open_to_read, plan_once
from station.journal.places import incarnations
from station.journal.published import Place
from station.journal.retention import FRAME_TYPES, named_in
from station.journal.schema import COLUMNS
from station.journal.stored import HOLD_LIST, Incarnation, JournalError, Stored, explain

BUSY_MS = 1000
_AT_ONCE, _GIVES_WAY_S = 500, 0.002
_STATES = {"pass": "passed", "inspect": "inspected", "lost": "lost", "unobserved": "unobserved"}


@dataclass(frozen=True, slots=True)
class Meta:
    """What a journal says of itself: its UUID (hex), its station, and when it was begun (UTC, ISO-8601)."""

    id: str
    station: str
    created: str


class Reader:
    """Read-only; never blocks the writer and keeps no snapshot between calls.

    Raises:
        JournalError: there is no such journal, or it is none of ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            raise JournalError(
                f"there is no journal {path} yet; start the station, or give the path that its YAML names"
            )
        check_file(path)
        try:
            self._db = open_to_read(path)
            plan_once(self._db)
            self._db.set_busy_timeout(BUSY_MS)
            self._db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            check_ours(self._db, path)
            self.meta = Meta(**dict(self._db.execute("SELECT key, value FROM meta")))
        except (apsw.Error, UnicodeDecodeError) as error:
            raise explain(path, error) from error

    def tail(self, n: int) -> list[Stored]:
        """The newest n events, oldest first."""
        return self._rows("ORDER BY seq DESC LIMIT ?", (n,))[::-1]

    def after(self, seq: int, limit: int) -> list[Stored]:
        """Up to `limit` events with a number above `seq`, in order."""
        return self._rows("WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))

    def between(self, after: int, last: int, kind: str) -> list[Stored]:
        """The events of one type with a number above `after` and up to `last`, in order."""
        return self._rows("WHERE seq > ? AND seq <= ? AND type = ? ORDER BY seq", (after, last, kind))

    def of_parcel(self, epoch: int | None, number: int) -> list[Stored]:
        """All that was journaled of a parcel, in order; with epoch None of the newest one of that number."""
        epoch = self.newest_epoch(number) if epoch is None else epoch
        if epoch is None:
            return []
        own = "WHERE seq IN (SELECT seq FROM parcel_event WHERE number = ? AND epoch = ?)"
        events = self._rows(own, (number, epoch))
        inspections = [e for frame, at in _frames(events) for e in self._inspection(frame, at)]
        return sorted({e.seq: e for e in [*events, *inspections]}.values(), key=lambda e: e.seq)

    def newest_epoch(self, number: int) -> int | None:
        """The epoch of the newest parcel of that number, None if there is none."""
        rows = self._all("SELECT epoch FROM parcel_event WHERE number = ? ORDER BY seq DESC LIMIT 1", (number,))
        return int(rows[0][0]) if rows else None

    def newest_of(self, kind: str, *, before: int) -> Stored | None:
        """The newest event of a type with a number below `before`."""
        rows = self._rows("WHERE type = ? AND seq < ? ORDER BY seq DESC LIMIT 1", (kind, before))
        return rows[0] if rows else None

    def answer_to(self, command: str) -> Stored | None:
        """The answer to the command of that id, None while there is none."""
        told = f"type = '{CommandResult.type}' AND instr(payload, CAST(? AS BLOB)) > 0"
        rows = self._rows(f"WHERE {told} ORDER BY seq", (f'"command":"{command}"',))
        return rows[0] if rows else None

    def stands(self, command: str) -> bool:
        """Whether what the command of that id put in force for good is in force still: none came behind it."""
        sql = "SELECT 1 FROM standing WHERE instr(payload, CAST(? AS BLOB)) > 0"
        return bool(self._all(sql, (f'"command":"{command}"',)))

    def hold_list_told(self) -> str:
        """The SHA-256 of the hold list that was commanded last, "" if none is known to have been."""
        rows = self._all("SELECT payload FROM standing WHERE name = ?", (HOLD_LIST,))
        try:
            return CommandResult.model_validate_json(rows[0][0]).about if rows else ""
        except ValidationError:
            return ""

    def standing(self, epoch: int, number: int) -> str:
        """The state in which a parcel was left, by its word in the core; "" if there is nothing of it."""
        state = ""
        for event in self.of_parcel(epoch, number):
            if event.type == ParcelResolved.type:
                return "resolved"
            state = state or "entered"
            if event.type == ParcelCompleted.type:
                state = _STATES.get(_outcome(event), state)
        return state

    def last_seq(self) -> int:
        """The newest number, 0 in an empty journal."""
        return int(self._all("SELECT coalesce(max(seq), 0) FROM event", ())[0][0])

    def incarnations(self) -> list[Incarnation]:
        """The runs of the daemon that wrote it, in order."""
        try:
            return incarnations(self._db)
        except (apsw.Error, UnicodeDecodeError) as error:
            raise explain(self.path, error) from error

    def place_of(self, seq: int) -> Place | None:
        """An event by the run that wrote it; None if there is no such event (any more)."""
        rows = self._all("SELECT id, chain FROM event WHERE seq = ?", (seq,))
        return Place(str(rows[0][0]).rpartition("-")[0], seq, rows[0][1]) if rows else None

    def pruned_to(self) -> int:
        """The last number that retention took out, 0 if none: behind it nothing is missing."""
        return int(self._all("SELECT coalesce(max(last_seq), 0) FROM gap", ())[0][0])

    def pictures_told(self, go_on: Callable[[], bool]) -> Iterator[str]:
        """Every picture that an event names, by the events themselves; many come more than once."""
        last, kinds = 0, ", ".join(f"'{kind}'" for kind in sorted(FRAME_TYPES))
        sql = f"SELECT seq, type, payload FROM event WHERE seq > ? AND type IN ({kinds}) ORDER BY seq LIMIT ?"  # noqa: S608
        while go_on() and (rows := self._all(sql, (last, _AT_ONCE))):
            last = int(rows[-1][0])
            for _, kind, payload in rows:
                yield from named_in(str(kind), payload).frames
            sleep(_GIVES_WAY_S)

    def names_picture(self, sha256: str) -> bool:
        """True if an event names it."""
        return bool(self._all("SELECT 1 FROM frame_event WHERE frame_id = ? LIMIT 1", (sha256,)))

    def pulse_ns(self) -> int:
        """When the writer last committed anything, by its monotonic clock, ns; it commits several times a second."""
        event = "SELECT mono_ns FROM event ORDER BY seq DESC LIMIT 1"
        return int(self._all(f"SELECT max((SELECT mono_ns FROM probe), coalesce(({event}), 0))", ())[0][0])  # noqa: S608

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _inspection(self, frame_id: str, near_seq: int) -> list[Stored]:
        """What the detector said of a frame; of pictures with equal content, that journaled nearest."""
        told = f"frame_event JOIN event USING (seq) WHERE frame_id = ? AND type = '{FrameInspected.type}'"
        nearest = f"WHERE seq = (SELECT seq FROM {told} ORDER BY abs(seq - ?) LIMIT 1)"  # noqa: S608
        return self._rows(nearest, (frame_id, near_seq))

    def _rows(self, where: str, values: tuple[apsw.SQLiteValue, ...]) -> list[Stored]:
        return [Stored(*row) for row in self._all(f"SELECT {COLUMNS} FROM event {where}", values)]  # noqa: S608

    def _all(self, sql: str, values: tuple[apsw.SQLiteValue, ...]) -> list[tuple[Any, ...]]:
        try:
            return list(self._db.execute(sql, values))
        except (apsw.Error, UnicodeDecodeError) as error:
            raise explain(self.path, error) from error


def _outcome(event: Stored) -> str:
    """How a parcel was completed; "" where that cannot be read."""
    try:
        return ParcelCompleted.model_validate_json(event.payload).outcome
    except ValidationError:
        return ""


def _frames(events: Iterable[Stored]) -> list[tuple[str, int]]:
    found = []
    for event in events:
        if event.type == "reading-matched":
            try:
                data = json.loads(event.payload)
            except (ValueError, RecursionError) as error:
                raise JournalError(f"event {event.seq} of the journal is damaged: its payload is no JSON") from error
            value = data.get("value") if isinstance(data, dict) and data.get("kind") == "frame" else None
            if isinstance(value, str) and value:
                found.append((value, event.seq))
    return found
