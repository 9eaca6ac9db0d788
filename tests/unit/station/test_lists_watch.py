"""The lists are read apart: a share that hangs is told, and holds up neither the start nor the end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from station.core.events import Condition, Event, ListsLoaded
from station.lists import ListError, Lists, read_hold_list
from station.lists_watch import HANGS_S, ListsWatch


def eventually(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not true():
        assert time.monotonic() < end, "did not come true"
        time.sleep(0.005)


class Hanging:
    """A share whose files do not answer until it is let go."""

    def __init__(self) -> None:
        self.hangs = True
        self.let_go = threading.Event()
        self.asked = 0

    def stamp(self, _path: Path) -> object:
        if self.hangs:
            self.asked += 1
            self.let_go.wait(20)
        return 1


@pytest.fixture
def share(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    one = Hanging()
    monkeypatch.setattr("station.lists._stamp", one.stamp)
    yield one
    one.let_go.set()


def test_a_share_that_hangs_is_told_and_waited_for_by_nobody(tmp_path: Path, share: Hanging) -> None:
    (tmp_path / "hold.csv").write_text("barcode\nA1\n")
    told: list[Event] = []
    now = [1]
    watch = ListsWatch(Lists(tmp_path / "hold.csv", None), told.append, lambda: now[0])
    begun = time.monotonic()
    watch.start()
    eventually(lambda: share.asked == 1)
    watch.look()
    assert told == []
    now[0] += int(HANGS_S * 1e9) + 1
    watch.look()
    [condition] = told
    assert isinstance(condition, Condition)
    assert (condition.alarm, condition.standing) == ("lists", True)
    assert condition.text.startswith(f"{tmp_path / 'hold.csv'}: has not answered for 3 s")
    share.hangs = False
    share.let_go.set()
    eventually(lambda: len(told) == 3)
    assert told[1] == Condition("lists", "files", standing=False)
    assert isinstance(told[2], ListsLoaded)
    watch.look()
    assert len(told) == 3
    watch.stop()
    assert time.monotonic() - begun < HANGS_S


def test_the_end_does_not_wait_for_it(tmp_path: Path, share: Hanging) -> None:
    watch = ListsWatch(Lists(tmp_path / "hold.csv", None), lambda _event: None)
    watch.start()
    eventually(lambda: share.asked == 1)
    begun = time.monotonic()
    watch.stop()
    assert time.monotonic() - begun < 0.5
    [thread] = [one for one in threading.enumerate() if one.name == "lists"]
    assert thread.daemon
    share.let_go.set()
    thread.join(5)


def test_what_cannot_be_read_is_told_each_time(tmp_path: Path) -> None:
    told: list[Event] = []
    watch = ListsWatch(Lists(tmp_path / "hold.csv", None), told.append)
    watch.start()
    eventually(lambda: bool(told))
    watch.stop()
    assert isinstance(told[0], Condition)
    assert told[0].text.endswith("; the lists before stay in force")


def test_a_pipe_is_no_list(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hold.csv")
    with pytest.raises(ListError, match="is no plain file"):
        Lists(tmp_path / "hold.csv", None).changed()


def test_neither_is_one_that_becomes_a_pipe_as_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "hold.csv")
    monkeypatch.setattr("station.lists._stamp", lambda _path: (1,))
    with pytest.raises(ListError, match="is no plain file"):
        Lists(tmp_path / "hold.csv", None).changed()


def test_a_person_may_hand_one_over_in_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hold.csv")
    writer = threading.Thread(target=lambda: (tmp_path / "hold.csv").write_text("barcode\nA1\n"))
    writer.start()
    assert read_hold_list(tmp_path / "hold.csv") == ["A1"]
    writer.join()
