"""Storms see deliberate bugs; `python -m tests.bugs.hunt` tries the whole catalogue."""

from __future__ import annotations

import pytest

from simulator.storm.violation import Promise
from tests.bugs.hunt import hunt
from tests.bugs.patching import load

BUGS = {bug.name: bug for bug in load()}


SEEDS = range(2, 12)


@pytest.mark.parametrize(
    ("name", "promise"),
    [
        ("ambiguous-to-the-first", Promise.OWN_EVIDENCE),
        ("orders-before-commit", Promise.DISK_FIRST),
        ("completed-twice", Promise.REPLAY),
        ("cursor-moved-on-send", Promise.AT_SUBSCRIBER),
        ("matched-never-forgotten", Promise.BOUNDED),
        ("deadline-too-early", Promise.USEFUL),
    ],
)
def test_a_bug_is_caught_by_the_promise_that_it_breaks(name: str, promise: Promise) -> None:
    assert hunt(BUGS[name], SEEDS, 300.0).promise == promise.name
