"""Another program that keeps a reading of the journal open is told of, and is forgiven once it lets go."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from station import keeping
from station.clock import Clock
from station.core.events import Condition
from station.journal import Journal
from station.keeping import ASK_NS, HeldLog
from tests.unit.journal.conftest import changed

LONG = changed(1).model_copy(update={"detail": "x" * 20_000})


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """A bound that a test reaches soon, above what a log that nobody holds comes to."""
    monkeypatch.setattr(keeping, "HELD_BYTES", 40 * 2**20)
    return 40 * 2**20


def test_a_snapshot_left_open_is_an_alarm_until_it_is_closed(
    path: Path, opened: Callable[..., Journal], small: int
) -> None:
    """A `BEGIN; SELECT` in a shell, forgotten (CoreScope#1434: 115 GB)."""
    journal, now_ns, told = opened(), [ASK_NS], list[Condition]()
    clock = Clock(lambda: now_ns[0], lambda: datetime(2026, 11, 1, tzinfo=UTC))
    log = HeldLog(journal, clock)

    def write_more(megabytes: int) -> int:
        largest = 0
        for _ in range(megabytes):
            journal.append([LONG] * 50, epoch=0, session=0)
            largest = max(largest, journal.wal_bytes())
        now_ns[0] += ASK_NS
        log.step(told.append)
        return largest

    assert write_more(48) < small // 2
    assert told == []
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as forgotten:
        forgotten.execute("BEGIN")
        assert forgotten.execute("SELECT count(*) FROM event").fetchone()[0] > 0
        assert write_more(48) > small
        (raised,) = told
        assert (raised.alarm, raised.subject, raised.standing) == ("journal", "held", True)
        assert f"MB in {path}-wal" in raised.text
        write_more(1)
        assert len(told) == 1, "one alarm, not one each time"
    write_more(3)
    assert [condition.standing for condition in told] == [True, False]
