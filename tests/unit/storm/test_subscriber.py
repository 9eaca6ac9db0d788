"""The subscriber's check names what it finds."""

from __future__ import annotations

import json

import pytest

from simulator.storm.subscriber import SubscriberCheck


def event(number: int, *, journal: str = "j", text: str = "") -> bytes:
    return json.dumps({"id": f"{journal}-{number}", "sequence": number, "data": text}).encode()


def arrived(*payloads: bytes, last: int = 4, excused: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    check = SubscriberCheck(lambda identity: identity != "j-9")
    for payload in payloads:
        check.take("t", payload)
    return [(violation.name, violation.id) for violation in check.verdict({"j": last}, excused)]


def test_all_in_order_with_equal_doubles_is_as_promised() -> None:
    assert arrived(event(1), event(2), event(1), event(2), event(3), event(3), event(4)) == []


def test_journals_are_numbered_each_for_itself() -> None:
    assert arrived(event(1), event(1, journal="k"), event(2), event(3), event(2, journal="k"), event(4)) == []


@pytest.mark.parametrize(
    ("payloads", "found"),
    [
        ((event(1), event(2), event(4)), ("gap", "j-3")),
        ((event(1), event(2), event(3)), ("gap", "j-4")),
        ((event(1), event(3), event(2), event(4)), ("disorder", "j-2")),
        ((event(1), event(2), event(3), event(2, text="x"), event(4)), ("double-differs", "j-2")),
        ((event(1), event(2), event(3), event(4), b"{"), ("not-an-event", "t")),
        ((event(1), event(2), event(3), event(4), b'{"id":"j-5","sequence":6}'), ("id-differs", "j-5")),
    ],
)
def test_each_broken_promise_has_a_name(payloads: tuple[bytes, ...], found: tuple[str, str]) -> None:
    assert arrived(*payloads) == [found]


def test_an_event_that_is_not_on_disk_is_unknown() -> None:
    assert arrived(*(event(n) for n in range(1, 10)), last=9) == [("unknown", "j-9")]


def test_what_the_broker_lost_may_be_missing_or_late() -> None:
    assert arrived(event(1), event(4), event(2), excused=("j-2", "j-3")) == []
