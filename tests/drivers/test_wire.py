"""What every driver's thread does as its device comes and goes, fails, or hangs as it is opened. Field case C33."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from drivers.wire import FIRST_WAIT_S, LONGEST_WAIT_S, STEADY_NS, Wire, WireError
from station.core.events import DeviceState
from station.ports import Device
from tests.drivers.conftest import Caught, eventually

Start = Callable[[Device], Device]
TURN_NS = 200_000_000


class Flapping(Wire):
    """Its device is lost, or its driver fails, after `turns` good turns of 200 ms each; no time passes in the test."""

    def __init__(self, turns: int, fails: Callable[[], Exception]) -> None:
        super().__init__("flapping", lambda: self.now_ns)
        self.now_ns = 1
        self.turns = turns
        self.mended_after = 1000
        self.waited: list[float] = []
        self.enough = threading.Event()
        self._fails = fails
        self._left = 0

    def probe(self) -> str:
        return ""

    def _open(self) -> None:
        self._left = self.turns if len(self.waited) < self.mended_after else 10 * STEADY_NS // TURN_NS

    def _turn(self) -> None:
        self.now_ns += TURN_NS
        self._left -= 1
        if self._left < 0:
            raise self._fails()

    def _close(self) -> None:
        pass

    def _wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        if len(self.waited) >= 30:
            self.enough.set()
            self._stopping.wait()


def lost() -> Exception:
    return WireError("the plug is loose")


@pytest.fixture
def flap(started: Start, caplog: pytest.LogCaptureFixture) -> Callable[..., Flapping]:
    def begin(turns: int, fails: Callable[[], Exception]) -> Flapping:
        caplog.set_level("INFO")
        device = Flapping(turns, fails)
        started(device)
        assert device.enough.wait(5)
        return device

    return begin


def test_a_device_that_comes_and_goes_is_opened_less_and_less_often_and_told_once(
    flap: Callable[..., Flapping], caught: Caught, caplog: pytest.LogCaptureFixture
) -> None:
    device = flap(5, lost)
    assert device.waited[:5] == [FIRST_WAIT_S * 2**n for n in range(5)]
    assert set(device.waited[5:]) == {LONGEST_WAIT_S}
    assert caplog.messages == ["flapping: connected", "flapping: the plug is loose", "flapping: connected again"]
    assert len(caught.of(DeviceState)) == 60


def test_after_some_seconds_of_good_turns_it_begins_anew(
    flap: Callable[..., Flapping], caplog: pytest.LogCaptureFixture
) -> None:
    device = flap(STEADY_NS // TURN_NS + 2, lost)
    assert set(device.waited) == {FIRST_WAIT_S}
    assert caplog.messages.count("flapping: the plug is loose") == 30


def test_losses_that_were_not_told_are_once_it_stays(started: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    device = Flapping(5, lost)
    device.mended_after = 10
    started(device)
    assert device.enough.wait(5)
    assert "flapping: connected again, after 9 more losses" in caplog.messages
    assert device.waited[10:] == [FIRST_WAIT_S] * 20


def test_a_driver_that_fails_again_and_again_leaves_one_traceback(
    flap: Callable[..., Flapping], caplog: pytest.LogCaptureFixture
) -> None:
    flap(3, lambda: RuntimeError("cannot be"))
    assert len([record for record in caplog.records if record.exc_info]) == 1
    assert len(caplog.records) == 4


def test_causes_that_are_never_the_same_are_bounded(
    flap: Callable[..., Flapping], caplog: pytest.LogCaptureFixture
) -> None:
    causes = iter(range(1000))
    flap(3, lambda: WireError(f"cause {next(causes)}"))
    assert len([message for message in caplog.messages if "cause" in message]) == 20


def test_an_opening_that_hangs_is_told(caught: Caught, started: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    back = threading.Event()
    device = Flapping(10**6, lost)
    monkeypatch.setattr(device, "_open", back.wait)
    try:
        started(device)
        eventually(lambda: device._began_ns != 0)
        assert device.health().detail == "not started"
        device.now_ns += device.opens_within_ns + 1
        assert "hangs" in device.health().detail
        assert caught.of(DeviceState) == [DeviceState("flapping", connected=False, detail=device.health().detail)]
    finally:
        back.set()
