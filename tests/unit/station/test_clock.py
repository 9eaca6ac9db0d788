"""The wall clock's quality, as adjtimex(2) tells it; and the alarm on a clock that nothing keeps right."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass

import pytest

from station.clock import ClockQuality, QualityWatch, kernel_quality
from station.core.alarm_kinds import kind_of
from station.core.alarms import Alarms
from station.daemon import clock_condition


@dataclass
class Libc:
    """A C library whose kernel says what it is told to; like Linux it writes the whole struct."""

    status: int = 0
    maxerror: int = 0
    offset: int = 0
    answer: int = 0
    modes: int = -1

    def adjtimex(self, told: object) -> int:
        timex = told._obj  # type: ignore[attr-defined]
        self.modes = timex.modes
        timex.offset, timex.maxerror, timex.status = self.offset, self.maxerror, self.status
        return self.answer


@pytest.mark.parametrize(
    ("libc", "quality"),
    [
        (Libc(status=0x0001, maxerror=1250, offset=-40), ClockQuality("synchronised", 1250, -40)),
        (Libc(status=0x2001, maxerror=1250, offset=40_900), ClockQuality("synchronised", 1250, 40)),
        (Libc(status=0x0040, maxerror=16_000_000, answer=5), ClockQuality("unsynchronised", 16_000_000)),
        (Libc(answer=-1), ClockQuality("unknown")),
    ],
)
def test_what_the_kernel_says(libc: Libc, quality: ClockQuality) -> None:
    assert kernel_quality(libc) == quality
    assert libc.modes == 0  # nothing is set


def test_the_real_kernel_is_asked_and_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "adjtimex"):
        assert kernel_quality().state in {"synchronised", "unsynchronised"}
        assert kernel_quality().error_us >= 0
    monkeypatch.setattr(sys, "platform", "darwin")
    assert kernel_quality() == ClockQuality("unknown")


def test_the_journal_keeps_it_as_a_word_and_two_numbers() -> None:
    assert ClockQuality("synchronised", 1250, -40).text() == "synchronised 1250 -40"
    assert ClockQuality().text() == "unknown"


def test_it_is_asked_once_a_second() -> None:
    asked, now = [], [0]

    def ask() -> ClockQuality:
        asked.append(now[0])
        return ClockQuality("synchronised", len(asked))

    watch = QualityWatch(lambda: now[0], ask)
    for ms in range(0, 3000, 100):
        now[0] = ms * 1_000_000
        watch()
    assert asked == [0, 10**9, 2 * 10**9]
    assert watch().error_us == 3


def test_a_clock_that_nothing_keeps_right_for_long_is_an_alarm_and_one_not_known_is_none() -> None:
    alarms = Alarms()
    patience_s = kind_of("clock", "sync").on_s
    assert patience_s >= 600
    for second in range(0, int(patience_s) + 1, 2):
        alarms.now_ns = second * 10**9
        condition = clock_condition(ClockQuality("unsynchronised", 2_500_000))
        keeps = [
            *alarms.when(condition.standing, condition.alarm, condition.subject, condition.text),
            *alarms.pass_time(),
        ]
        assert bool(keeps) == (second == int(patience_s))
    assert "2.5 s" in alarms.open["clock", "sync"].text
    assert not clock_condition(ClockQuality("unknown")).standing
    assert not clock_condition(ClockQuality("synchronised", 900)).standing
