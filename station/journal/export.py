"""Events of the journal as text: JSON Lines as they were published, or CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import Literal

from station.journal.reader import Reader
from station.journal.stored import Stored

Format = Literal["jsonl", "csv"]
AT_ONCE = 1000
COLUMNS = ("sequence", "id", "type", "version", "time", "mono_ns", "epoch", "session", "data", "chain", "clock")


def csv_head() -> bytes:
    """The line of the columns' names."""
    return _line(COLUMNS)


def csv_line(event: Stored) -> bytes:
    """An event as RFC 4180 has it, `data` as JSON in one field; for `jsonl` see the publisher's messages."""
    data = event.payload.decode("utf-8", "backslashreplace")
    told = (event.seq, event.id, event.type, event.version, event.time, event.mono_ns, event.epoch, event.session)
    return _line((*told, data, event.chain.hex(), event.clock))


def selected(reader: Reader, after: int, limit: int | None, wanted: Callable[[Stored], bool]) -> Iterator[Stored]:
    """Up to `limit` events behind a number, in order, a short transaction at a time.

    Raises:
        JournalError: it cannot be read.
    """
    left = limit
    while (left is None or left > 0) and (events := reader.after(after, AT_ONCE)):
        for event in events:
            if wanted(event) and (left is None or left > 0):
                left = None if left is None else left - 1
                yield event
        after = events[-1].seq


def _line(fields: tuple[object, ...]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(fields)
    return text.getvalue().encode()
