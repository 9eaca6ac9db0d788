"""The journal at length: `python -m simulator.trials.journal append`, and `... fill --events 10000000 FOLDER`.

`append` writes the same rows with the journal and with bare apsw inserts into a table without a chain or an index,
turn about in one run, each commit synced. `fill` grows a journal to a length, tells what an append costs on the way,
how long the next start takes, how many events a second `verify` looks at, how long a backup takes, and a step of
retention.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import apsw

from simulator.config import FeedConfig, PlantConfig
from simulator.storm.world import World
from station.clock import now_ns, now_utc
from station.core.records import CountInterval, EdgesRead, FrameInspected, ParcelRef, ReadingMatched, Record
from station.journal import Journal, PictureStore, Stored
from station.journal.backup import back_up
from station.journal.pruning import Pruner
from station.journal.retention import Rules
from station.journal.verify import verify

BATCHES = (1, 5, 20)
BARE = """
CREATE TABLE event (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, type TEXT NOT NULL, version INTEGER NOT NULL, time TEXT NOT NULL,
    mono_ns INTEGER NOT NULL, epoch INTEGER NOT NULL, session INTEGER NOT NULL, payload BLOB NOT NULL) STRICT
"""
_STEPS = 10
PRUNE_STEPS = 3000


def records_of(number: int) -> list[Record]:
    """Twenty records as a parcel makes them, about 400 bytes each."""
    ref = ParcelRef(epoch=1_790_000_000, number=number)
    place = {"after_ns": 1, "before_ns": 2, "interval": CountInterval(low=1, high=2), "candidates": (ref,), "count": 9}
    frame = f"{number:064x}"
    read = {"device": "xray", "kind": "frame", "value": frame, "ambiguous": False}
    edge = (number, 1, 1, number * 900, number * 360, number, 0)
    inspected = FrameInspected(device="xray", frame_id=frame, findings=(), model_sha256="m" * 64, inference_ms=4.0)
    matched = ReadingMatched.model_validate(read | place)
    return [*[EdgesRead(edges=(edge,) * 8, count=number)] * 18, matched, inspected]


class Bare:
    """What an append can cost at least: the same bytes, one insert a row, one synced commit a batch."""

    def __init__(self, path: Path) -> None:
        self._db = apsw.Connection(str(path))
        self._db.pragma("journal_mode", "wal")
        self._db.pragma("synchronous", "full")
        self._db.execute(BARE)

    def append(self, batch: Sequence[Stored]) -> None:
        """Insert, and commit."""
        self._db.execute("BEGIN IMMEDIATE")
        rows = [(e.seq, e.id, e.type, e.version, e.time, e.mono_ns, e.epoch, e.session, e.payload) for e in batch]
        self._db.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._db.execute("COMMIT")


def _journal(path: Path) -> Journal:
    return Journal(path, station="trial", now_utc=now_utc, mono_ns=now_ns)


def _append(journal: Journal, records: Sequence[Record]) -> tuple[float, list[Stored]]:
    """Milliseconds, and what was kept."""
    begin = time.perf_counter()
    stored = journal.append(records, epoch=1, session=1)
    return (time.perf_counter() - begin) * 1000, stored


def _insert(bare: Bare, batch: Sequence[Stored]) -> float:
    begin = time.perf_counter()
    bare.append(batch)
    return (time.perf_counter() - begin) * 1000


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {"p50": round(statistics.median(ordered), 4), "p99": round(ordered[int(len(ordered) * 0.99)], 4)}


class Listening(World):
    """A line on virtual time that keeps what its station appends, batch by batch."""

    batches: list[list[Record]]

    def kept(self, records: Sequence[Record], stored: Sequence[Stored]) -> None:
        """Records are on disk."""
        self.batches.append(list(records))
        super().kept(records, stored)


def line_batches(turns: int) -> list[list[Record]]:
    """What a busy line appends, from its start on."""
    with tempfile.TemporaryDirectory() as folder:
        world = Listening(PlantConfig(seed=1, feed=FeedConfig(parcels_per_hour=6000)), Path(folder))
        world.batches = []
        world.start_station()
        while len(world.batches) < turns:
            world.run_until(world.ms() + 1000)
        world.kill_station()
        return world.batches[:turns]


def compare(folder: Path, turns: int) -> dict[str, Any]:
    """As a line writes, and by batch size: ms of an append, of bare inserts of the same bytes, and their ratios."""
    line = line_batches(turns)
    cases = {f"as a line writes, {sum(map(len, line)) / len(line):.2f} a commit": line}
    for size in BATCHES:
        cases[f"{size} a commit"] = [records_of(number)[-size:] for number in range(turns)]
    return {name: _compared(folder / f"{index}", batches) for index, (name, batches) in enumerate(cases.items())}


def _compared(folder: Path, batches: Sequence[Sequence[Record]]) -> dict[str, Any]:
    folder.mkdir()
    journal, bare = _journal(folder / "journal.db"), Bare(folder / "bare.db")
    own, floor = [], []
    for records in batches:
        ms, stored = _append(journal, records)
        own.append(ms)
        floor.append(_insert(bare, stored))
    journal.close()
    told = {"journal_ms": _spread(own), "bare_ms": _spread(floor)}
    ratio = {key: round(told["journal_ms"][key] / told["bare_ms"][key], 3) for key in ("p50", "p99")}
    return told | {"ratio": ratio, "ratio_of_sums": round(sum(own) / sum(floor), 3)}


def fill(folder: Path, events: int, batch: int) -> dict[str, Any]:
    """Grow a journal, then start it, verify it, back it up, and prune some of it."""
    path = folder / "journal.db"
    steps = _grown(path, events, batch)
    begin = time.perf_counter()
    journal = _journal(path)
    known = len(journal.open_parcels()), len(journal.trigger_offsets())
    start_s = time.perf_counter() - begin
    journal.close()
    begin = time.perf_counter()
    verdict = verify(path)
    verify_s = time.perf_counter() - begin
    begin = time.perf_counter()
    back_up(path, folder / "backup.db")
    backup_s = time.perf_counter() - begin
    (folder / "backup.db").unlink()
    return {
        "events": verdict.events,
        "file_mb": round(path.stat().st_size / 1e6, 1),
        "steps": steps,
        "start_s": round(start_s, 3),
        "open_parcels_and_offsets": known,
        "verify_s": round(verify_s, 1),
        "verify_events_per_s": round(verdict.events / verify_s),
        "faults": len(verdict.faults),
        "backup_s": round(backup_s, 1),
        "prune_step_ms": _pruned(path),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _pruned(path: Path) -> dict[str, float]:
    """Milliseconds of a step of retention, ten days later."""
    journal = _journal(path)
    pruner = Pruner(journal, PictureStore(path.parent / "pictures"), Rules(days=1), lambda: journal.last_seq)
    later, spent, pruned_before = now_utc() + timedelta(days=10), [], journal.last_seq
    pruner.step(0, later - timedelta(hours=2), epoch=1, session=1)
    for _ in range(PRUNE_STEPS):
        begin = time.perf_counter()
        pruner.step(7200 * 10**9, later, epoch=1, session=1)
        spent.append((time.perf_counter() - begin) * 1000)
    told = journal.last_seq - pruned_before
    journal.close()
    return _spread(spent) | {"max": round(max(spent), 2), "passes": told}


def _grown(path: Path, events: int, batch: int) -> list[dict[str, Any]]:
    """What an append costs on the way."""
    journal = _journal(path)
    steps: list[dict[str, Any]] = []
    number = count(journal.last_seq)
    while journal.last_seq < events:
        goal = min(events, journal.last_seq + max(1, events // _STEPS))
        costs = []
        while journal.last_seq < goal:
            records = [record for _ in range(batch // 20) for record in records_of(next(number))]
            costs.append(_append(journal, records)[0])
        single = [_append(journal, records_of(next(number))[-5:])[0] for _ in range(200)]
        told = {"append_of_5_ms": _spread(single), f"append_of_{batch}_ms": _spread(costs)}
        steps.append({"events": journal.last_seq, **told})
        sys.stderr.write(f"{json.dumps(steps[-1])}\n")
    journal.close()
    return steps


def main(argv: list[str]) -> int:
    """Run one of the two, and print JSON."""
    parser = argparse.ArgumentParser(prog="simulator.trials.journal", description=__doc__)
    parser.add_argument("what", choices=["append", "fill"])
    parser.add_argument("folder", type=Path, nargs="?", help="where; by default a temporary folder")
    parser.add_argument("--turns", type=int, default=3000, help="appends of each size to compare")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=200, help="events a commit while filling")
    arguments = parser.parse_args(argv)
    with contextlib.ExitStack() as stack:
        made = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(dir=Path.cwd())))
        made.mkdir(parents=True, exist_ok=True)
        report = compare(made, arguments.turns) if arguments.what == "append" else None
        report = report or fill(made, arguments.events, arguments.batch)
        sys.stdout.write(f"{json.dumps(report, indent=2)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
