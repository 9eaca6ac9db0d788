"""When hours on real processes count as growth, and that what is looked at is what the system says."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from simulator.trials.endurance import Sample, grown, look


def series(megabytes: Sequence[float]) -> list[Sample]:
    """A sample a minute, from the first minute on."""
    return [Sample(float(minute), 2, rss, 40, 16) for minute, rss in enumerate(megabytes, 1)]


def test_what_is_taken_while_it_warms_up_is_no_growth() -> None:
    assert grown(series([50.0] * 9 + [200.0] * 30)) == []


def test_what_swings_is_no_growth() -> None:
    assert grown(series([200.0, 230.0] * 30)) == []


def test_what_climbs_is_named_with_its_figures() -> None:
    """Of the minutes 10 to 60 a quarter is twelve: the first ends with minute 21, the last begins with minute 49."""
    climbing = [200.0 + minute for minute in range(1, 61)]
    assert grown(series(climbing)) == ["rss_mb grew from 221 to 249"]


def test_a_process_that_was_added_is_growth() -> None:
    samples = [Sample(float(minute), 2 if minute < 30 else 3, 200.0, 40, 16) for minute in range(1, 61)]
    assert grown(samples) == ["processes grew from 2 to 3"]


def test_descriptors_and_threads_are_those_of_the_process(tmp_path: Path) -> None:
    before = look(os.getpid(), 1.0)
    ended = threading.Event()
    waits = threading.Thread(target=ended.wait)
    with (tmp_path / "file").open("w", encoding="utf-8"):
        waits.start()
        after = look(os.getpid(), 2.0)
        ended.set()
    waits.join()
    assert (after.descriptors - before.descriptors, after.threads - before.threads) == (1, 1)
    assert after.rss_mb == pytest.approx(before.rss_mb, rel=0.5)
