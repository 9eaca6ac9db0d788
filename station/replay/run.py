"""A whole journal replayed: in pieces, with progress, and the result for a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from station.core.records import ParcelRef
from station.journal import Reader
from station.replay.difference import Difference
from station.replay.engine import Replay
from station.replay.events import ReplayError

_AT_ONCE = 2000
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Result:
    """What a replay came to: events read, events skipped ahead of the first setup, decisions, differences."""

    events: int
    skipped: int
    decisions: int
    differences: tuple[Difference, ...]


def replay_journal(reader: Reader, progress: Callable[[int], None] = lambda _: None) -> Result:
    """Replay all events up to now, behind those of which retention took some out.

    Args:
        reader: the journal.
        progress: told the number of the last event, now and then.

    Raises:
        ReplayError: nothing of it can be replayed, or an event is damaged.
        JournalError: it cannot be read.
    """
    replay, found = Replay(), list[Difference]()
    seq, last, read = reader.pruned_to(), reader.last_seq(), 0
    while seq < last and (events := reader.after(seq, _AT_ONCE)):
        for event in events:
            found += replay.take(event)
        seq, read = events[-1].seq, read + len(events)
        progress(seq)
    found += replay.finish()
    if replay.skipped == read:
        raise ReplayError(
            "the journal holds no station-started that tells a setup: nothing can be replayed"
            if read
            else "the journal is empty: nothing can be replayed"
        )
    return Result(read, replay.skipped, replay.decisions, tuple(found))


def result_view(result: Result) -> RenderableType:
    """The result as a technician reads it: one row a parcel, with the first event that differs."""
    of_parcel: dict[ParcelRef | None, list[Difference]] = {}
    for found in result.differences:
        of_parcel.setdefault(found.parcel, []).append(found)
    head = Text(f"{result.decisions} decisions of {result.events} events repeated: ")
    head.append(
        "all are equal." if not of_parcel else f"{len(of_parcel)} parcel(s) differ.", "red" if of_parcel else ""
    )
    if result.skipped:
        head.append(f"\n{result.skipped} events stand ahead of the first station-started with a setup: skipped.")
    if not of_parcel:
        return head
    table = Table(pad_edge=False)
    for name in ("parcel", "journal", "replay", "first event that differs"):
        table.add_column(name, overflow="fold")
    for parcel, differences in list(of_parcel.items())[:_SHOWN]:
        table.add_row(*_row(parcel, differences))
    left = len(of_parcel) - _SHOWN
    return Group(head, table, Text(f"and {left} more")) if left > 0 else Group(head, table)


def _row(parcel: ParcelRef | None, differences: list[Difference]) -> tuple[str, str, str, str]:
    first = differences[0]
    decided = next((found for found in differences if found.journaled is not None), None)
    name = f"{parcel.epoch}/{parcel.number}" if parcel else "-"
    number = f"{first.seq} " if first.seq else ""
    event = f"{number}{first.event}: {first.what}"
    if decided is None:
        return name, "equal", "equal", event
    replayed = str(decided.replayed) if decided.replayed else "no decision"
    return name, str(decided.journaled), replayed, event
