"""Storms see deliberate bugs; `python -m tests.bugs.hunt` tries the whole catalogue."""

from __future__ import annotations

import pytest

from simulator.storm.promises import Promise
from tests.bugs.hunt import hunt
from tests.bugs.patching import load

BUGS = {bug.name: bug for bug in load()}


@pytest.mark.parametrize(
    ("name", "seed", "promise"),
    [
        ("ambiguous-to-the-first", 2, Promise.OWN_EVIDENCE),
        ("orders-before-commit", 2, Promise.DISK_FIRST),
        ("completed-twice", 2, Promise.REPLAY),
        ("doubles-with-new-id", 2, Promise.RECOVERY),
        ("matched-never-forgotten", 6, Promise.BOUNDED),
        ("deadline-too-early", 2, Promise.USEFUL),
    ],
)
def test_a_bug_is_caught_by_the_promise_that_it_breaks(name: str, seed: int, promise: Promise) -> None:
    assert hunt(BUGS[name], [seed], 150.0).promise == promise.name
