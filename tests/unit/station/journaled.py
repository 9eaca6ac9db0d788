"""Whole lines on virtual time whose records stand in a real journal, as the daemon would have written them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw

from simulator.config import FeedConfig, PlantConfig
from station.core.events import Event, ListsLoaded
from station.core.records import Record
from station.journal import Journal, Stored
from station.replay import Difference, Replay
from tests.unit.core.virtual_line import VirtualLine

BEGIN = datetime(2026, 10, 25, 12, 0, tzinfo=UTC)


@dataclass(slots=True)
class TimedLine(VirtualLine):
    """Writes a real journal in `folder`, a batch an event, at the virtual time."""

    folder: Path = Path()
    written: int = 0
    journal: Journal | None = None

    def give(self, event: Event) -> None:
        VirtualLine.give(self, event)
        if self.journal is None:
            self.journal = Journal(
                self.folder / "journal.db",
                station="demo",
                now_utc=lambda: BEGIN + timedelta(microseconds=self.ns // 1000),
                mono_ns=lambda: self.ns,
            )
        new = self.records[self.written :]
        self.written += len(new)
        self.journal.append(new, epoch=self.line.plc.epoch, session=self.line.plc.session)


def busy(seed: int) -> PlantConfig:
    return PlantConfig(seed=seed, feed=FeedConfig(parcels_per_hour=9000))


def stored(records: Sequence[Record]) -> list[Stored]:
    """The records as a journal would hand them back."""
    return [
        Stored(seq, f"j-{seq}", r.type, r.version, "2026-10-25T12:00:00.000Z", 0, 0, 0, r.model_dump_json().encode())
        for seq, r in enumerate(records, 1)
    ]


def overwrite(path: Path, seq: int, **columns: Any) -> None:
    """Tamper with a row of a journal that nobody writes."""
    db = apsw.Connection(str(path))
    for name, value in columns.items():
        db.execute(f"UPDATE event SET {name} = ? WHERE seq = ?", (value, seq))
    db.close()


def differences(records: Sequence[Record | Stored]) -> list[Difference]:
    replay = Replay()
    found = [difference for record in records for difference in replay.take(record)]
    return [*found, *replay.finish()]


def lists_changing() -> VirtualLine:
    """All that is on the belt is held, then not, then held again."""
    line = VirtualLine(busy(12))
    line.run(8)
    for turn in range(30):
        codes = sorted({code for parcel in line.line.tracker.parcels for code in parcel.evidence.barcodes})
        held = frozenset(codes) if turn % 2 else frozenset[str]()
        line.give(ListsLoaded(f"{turn}", held, tuple((code, 1e6) for code in codes if turn % 5 == 0)))
        line.run(0.4)
    return line
