"""Whatever the wall clock does: numbers go on, the order is theirs, and each event says how far its time is right."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from station.clock import ClockQuality
from station.journal import Journal, Reader
from station.journal.verify import verify
from station.publisher.messages import event_message
from station.publisher.settings import PublisherSettings
from tests.unit.journal.conftest import changed

SETTINGS = PublisherSettings.model_validate(
    {"host": "broker", "site": "hall-2", "line": "belt-7", "station": "s1", "data": "data"}
)
BERLIN_ENDS_SUMMER = datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC)
STEPS_S = {
    "summer time ends": 1,  # UTC goes on; a local clock would repeat an hour from here
    "leap second": 0,
    "leap second smeared": 0.5,
    "an hour back": -3600,
    "an hour forward": 3600,
    "two weeks back": -14 * 86_400,
    "1970": -1_700_000_000,
}


def test_order_is_that_of_numbers_whatever_the_clock_does(path: Path) -> None:
    now, mono, quality = [BERLIN_ENDS_SUMMER], [0], [ClockQuality("synchronised", 900, 12)]
    journal = Journal(path, station="demo", now_utc=lambda: now[0], mono_ns=lambda: mono[0], quality=lambda: quality[0])
    for number, (name, seconds) in enumerate(STEPS_S.items()):
        now[0] += timedelta(seconds=seconds)
        mono[0] += 250_000_000
        quality[0] = ClockQuality("unsynchronised", number) if seconds < 0 else quality[0]
        journal.append([changed(number)], epoch=1, session=1)
        assert name
    journal.close()
    told = [json.loads(event_message(event, SETTINGS).payload) for event in Reader(path).after(0, 100)]
    assert [event["sequence"] for event in told] == list(range(1, len(STEPS_S) + 2))
    assert len({event["id"] for event in told}) == len(told)
    assert any(before["time"] > after["time"] for before, after in pairwise(told))
    assert any(before["time"] == after["time"] for before, after in pairwise(told))
    events = Reader(path).after(1, 100)
    assert [e.mono_ns for e in events] == sorted(e.mono_ns for e in events)
    assert told[1]["time"] == told[0]["time"] == "2026-10-25T01:00:00.000Z"
    assert [event["clockstate"] for event in told[1:]] == ["synchronised"] * 3 + ["unsynchronised"] * 4
    assert told[1]["clockerrorus"] == 900
    assert verify(path).faults == []


def test_where_nobody_knows_the_clock_that_is_said_too(path: Path) -> None:
    journal = Journal(path, station="demo", now_utc=lambda: BERLIN_ENDS_SUMMER, mono_ns=lambda: 0)
    journal.append([changed(1)], epoch=1, session=1)
    assert json.loads(event_message(Reader(path).tail(1)[0], SETTINGS).payload)["clockstate"] == "unknown"
    journal.close()
