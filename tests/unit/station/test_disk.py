"""Room on the disk: hours left, the stages of keeping pictures, and that each stage is left with some room to spare."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NamedTuple

import pytest

from station import disk
from station.config import DiskConfig
from station.core.events import Condition, PictureRule
from station.disk import GB, SAMPLE_NS, WINDOW, DiskWatch, Forecast, Rules

CONFIG = DiskConfig(alarm_hours=24, thin_gb=5, every=10, none_gb=2, refuse_gb=0.5)
INF = float("inf")


class Usage(NamedTuple):
    """As shutil tells it, in bytes."""

    total: int
    used: int
    free: int


def test_hours_are_reckoned_from_what_was_used_up() -> None:
    forecast = Forecast()
    for minute in range(61):  # one GB an hour
        forecast.take(minute * SAMPLE_NS, int(20 * GB - minute * GB / 60))
    assert forecast.bytes_per_hour() == pytest.approx(GB, rel=1e-6)
    assert forecast.hours(int(12 * GB)) == pytest.approx(12, rel=1e-6)


def test_nothing_is_said_too_early_and_nothing_of_a_disk_that_gets_emptier() -> None:
    forecast = Forecast()
    assert forecast.hours(5) == INF
    for minute in range(10):
        forecast.take(minute * SAMPLE_NS, int(GB) - minute)
        assert forecast.hours(5) == INF
    forecast.take(10 * SAMPLE_NS, int(GB) - 10)
    assert forecast.hours(600) == pytest.approx(10)
    forecast.take(11 * SAMPLE_NS, int(1.5 * GB))
    assert forecast.hours(5) == INF


def test_room_that_somebody_makes_says_nothing_of_what_is_used() -> None:
    """It lasted 6 hours, somebody cleared 60 GB away, and for six hours it was to last for ever."""
    forecast = Forecast()
    free = 60 * GB
    for minute in range(240):  # ten GB an hour
        free += 60 * GB if minute == 120 else -10 * GB / 60
        forecast.take(minute * SAMPLE_NS, int(free))
        if minute >= 10:
            assert forecast.bytes_per_hour() == pytest.approx(10 * GB, rel=0.1)


def test_it_remembers_six_hours_and_one_sample_a_minute() -> None:
    forecast = Forecast()
    for second in range(0, 8 * 3600, 10):
        forecast.take(second * 10**9, second)
    assert len(forecast._seen) == WINDOW
    assert forecast._seen[-1][0] - forecast._seen[0][0] == (WINDOW - 1) * SAMPLE_NS


@pytest.mark.parametrize(
    ("free_gb", "every", "refuses"),
    [(100, 1, False), (5, 1, False), (4.9, 10, False), (2, 10, False), (1.9, 0, False), (0.5, 0, False), (0, 0, True)],
)
def test_pictures_are_thinned_then_dropped_then_refused(free_gb: float, every: int, refuses: bool) -> None:  # noqa: FBT001
    rules = Rules(CONFIG)
    rules.take(int(free_gb * GB), INF)
    assert (rules.every, rules.refuses, rules.low) == (every, refuses, free_gb < 5)


@pytest.mark.parametrize(
    ("files", "low", "refuses"), [(INF, False, False), (20_000, False, False), (19_999, True, False), (999, True, True)]
)
def test_a_disk_without_room_for_more_files_is_as_good_as_full(files: float, low: bool, refuses: bool) -> None:  # noqa: FBT001
    rules = Rules(CONFIG)
    rules.take(int(500 * GB), INF, files)
    assert (rules.low, rules.refuses, rules.every) == (low, refuses, 1)


def test_files_that_are_used_up_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Condition | PictureRule] = []
    monkeypatch.setattr(disk, "_files_left", lambda _folder: 12)
    watch = DiskWatch(tmp_path, DiskConfig(thin_gb=0, none_gb=0, refuse_gb=0), told.append)
    watch.look(0)
    assert watch.refuses
    standing = {c.subject: c.text for c in told if isinstance(c, Condition) and c.standing}
    assert set(standing) == {"data", "refused"}
    assert "room for 12 more files" in standing["data"]


def test_pictures_on_a_full_disk_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "pictures"
    free = {tmp_path: 77 * GB, own: 0.1 * GB}
    monkeypatch.setattr(disk, "disks", lambda data: [data, own])
    monkeypatch.setattr("station.disk.shutil.disk_usage", lambda place: Usage(0, 0, int(free[place])))
    monkeypatch.setattr(disk, "_files_left", lambda _folder: INF)
    told: list[Condition | PictureRule] = []
    watch = DiskWatch(tmp_path, CONFIG, told.append)
    watch.look(0)
    assert watch.refuses
    standing = {f"{c.alarm}/{c.subject}": c.text for c in told if isinstance(c, Condition) and c.standing}
    assert set(standing) == {"disk-low/data", "pictures/thinned", "pictures/refused"}
    assert standing["disk-low/data"] == f"{tmp_path}: 77.00 GB free; {own}: 0.10 GB free"


def test_a_second_disk_is_one_of_another_device(tmp_path: Path) -> None:
    assert disk.disks(tmp_path) == [tmp_path]
    (tmp_path / "pictures").mkdir()
    assert disk.disks(tmp_path) == [tmp_path]
    elsewhere = Path("/dev/shm")
    if elsewhere.stat().st_dev != tmp_path.stat().st_dev:
        (tmp_path / "pictures").rmdir()
        (tmp_path / "pictures").symlink_to(elsewhere)
        assert disk.disks(tmp_path) == [tmp_path, tmp_path / "pictures"]
    with pytest.raises(OSError, match="No such file"):
        disk.disks(tmp_path / "gone")


def test_a_stage_is_left_with_room_to_spare() -> None:
    rules = Rules(CONFIG)
    seen = []
    for free_gb in (0.4, 0.54, 0.56, 2.1, 2.3, 5.4, 5.6):
        rules.take(int(free_gb * GB), INF)
        seen.append((rules.every, rules.refuses, rules.low))
    low = [(0, True, True), (0, True, True), (0, False, True), (0, False, True), (10, False, True), (10, False, True)]
    assert seen == [*low, (1, False, False)]


def test_little_time_is_alarmed_however_much_room_there_is_and_a_little_more_does_not_end_it() -> None:
    rules = Rules(CONFIG)
    seen = []
    for hours in (24, 23.9, 26.3, 26.5):
        rules.take(int(500 * GB), hours)
        seen.append(rules.low)
    assert seen == [False, True, True, False]
    assert rules.every == 1


def test_what_it_sees_is_told_once_and_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    free = [8 * GB]
    monkeypatch.setattr("station.disk.shutil.disk_usage", lambda _: Usage(0, 0, int(free[0])))
    told: list[Condition | PictureRule] = []
    watch = DiskWatch(tmp_path, CONFIG, told.append)

    def standing(at_min: int) -> dict[str, str]:
        told.clear()
        watch.look(at_min * SAMPLE_NS)
        return {f"{c.alarm}/{c.subject}": c.text for c in told if isinstance(c, Condition) and c.standing}

    assert standing(0) == {}
    for minute in range(1, 31):
        free[0] -= GB / 60
        found = standing(minute)
    assert found == {"disk-low/data": "7.50 GB free, 7.5 hours left at 1.00 GB an hour"}
    free[0] = 3 * GB
    found = standing(31)
    assert set(found) == {"disk-low/data", "pictures/thinned"}
    assert found["pictures/thinned"].endswith("of the pictures of parcels that pass clean those of every 10th are kept")
    assert [rule for rule in told if isinstance(rule, PictureRule)] == [PictureRule(10)]
    free[0] = 0.1 * GB
    found = standing(32)
    assert watch.refuses
    assert "no picture is kept any more, events are" in found["pictures/refused"]
    assert "none is kept" in found["pictures/thinned"]
    free[0] = 900 * GB
    assert standing(33) == {}
    assert not watch.refuses
    assert [rule for rule in told if isinstance(rule, PictureRule)] == [PictureRule(1)]

    def fail(_: Path) -> Usage:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("station.disk.shutil.disk_usage", fail)
    with caplog.at_level(logging.WARNING):
        watch.look(34 * SAMPLE_NS)
    assert "Input/output error" in caplog.text
