"""A device that is connected and brings nothing of use is an alarm, cleared by the first parcel that has something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from station.core import usable
from station.core.events import DeviceState
from station.core.records import AlarmCleared, AlarmRaised, Decided
from station.core.usable import IN_A_ROW
from tests.unit.core.parts.bench import SCALE, SCANNER, SETUP, Bench

APART = 8000


def parcels(bench: Bench, first: int, times: int, without: Callable[[int, int], None]) -> None:
    """So many parcels; `without` lays out what devices say of each."""
    for number in range(first, first + times):
        count = number * APART
        bench.ride(number, count)
        without(number, count)
        bench.go(count + APART - 1)


def no_code(bench: Bench) -> Callable[[int, int], None]:
    def lay(number: int, count: int) -> None:
        bench.weigh(count)
        bench.picture(count, number)

    return lay


def no_weight(bench: Bench) -> Callable[[int, int], None]:
    def lay(number: int, count: int) -> None:
        bench.scan(count, f"C{number}")
        bench.weigh(count, None, "unstable")
        bench.picture(count, number)

    return lay


def no_look(bench: Bench) -> Callable[[int, int], None]:
    def lay(number: int, count: int) -> None:
        bench.scan(count, f"C{number}")
        bench.weigh(count)
        bench.picture(count, number, fault="the detector failed: out of memory")

    return lay


def all_well(bench: Bench) -> Callable[[int, int], None]:
    def lay(number: int, count: int) -> None:
        bench.scan(count, f"C{number}")
        bench.weigh(count)
        bench.picture(count, number)

    return lay


def told(bench: Bench) -> list[str]:
    raised = [f"raised {r.subject}" for r in bench.kept(AlarmRaised) if r.alarm == "no-evidence"]
    cleared = [f"cleared {r.subject}" for r in bench.kept(AlarmCleared) if r.alarm == "no-evidence"]
    return raised + cleared


@pytest.mark.parametrize(
    ("kind", "device", "last"),
    [
        (no_code, "scanner", "nothing came"),
        (no_weight, "scale", "unstable"),
        (no_look, "xray", "the detector failed: out of memory"),
    ],
)
def test_five_parcels_in_a_row_without_anything_usable(
    bench: Bench, kind: Callable[[Bench], Callable[[int, int], None]], device: str, last: str
) -> None:
    parcels(bench, 1, IN_A_ROW - 1, kind(bench))
    assert told(bench) == []
    parcels(bench, IN_A_ROW, 1, kind(bench))
    assert told(bench) == [f"raised {device}"]
    (alarm,) = [r for r in bench.kept(AlarmRaised) if r.alarm == "no-evidence"]
    assert alarm.text.endswith(f"the last: {last}")
    parcels(bench, IN_A_ROW + 1, 1, all_well(bench))
    assert told(bench) == [f"raised {device}", f"cleared {device}"]


def test_one_label_in_six_that_can_be_read_is_one_alarm(bench: Bench) -> None:
    for first in range(1, 30, IN_A_ROW + 1):
        parcels(bench, first, IN_A_ROW, no_code(bench))
        parcels(bench, first + IN_A_ROW, 1, all_well(bench))
    assert told(bench) == ["raised scanner", "raised scanner", "cleared scanner"]
    parcels(bench, 60, IN_A_ROW - 2, all_well(bench))  # behind the last one of those
    assert told(bench).count("cleared scanner") == 1
    parcels(bench, 70, 1, all_well(bench))
    assert told(bench).count("cleared scanner") == 2


SECOND = {"scanner": replace(SCANNER, name="second"), "scale": replace(SCALE, name="second")}


@pytest.mark.parametrize(("kind", "worth"), [("scanner", 20), ("scale", IN_A_ROW)])
def test_a_second_one_that_is_silent_for_ever_beside_one_that_speaks(
    monkeypatch: pytest.MonkeyPatch, kind: str, worth: int
) -> None:
    """Of several scanners each sees only some labels; scales weigh every parcel."""
    monkeypatch.setattr(usable, "BESIDE_ANOTHER", 20)
    bench = Bench(replace(SETUP, devices=(*SETUP.devices, SECOND[kind]))).started()
    parcels(bench, 1, worth - 1, all_well(bench))
    assert told(bench) == []
    parcels(bench, worth, 1, all_well(bench))
    assert told(bench) == ["raised second"]
    assert {d.route for d in bench.kept(Decided)} == {"pass"}


def test_one_that_has_something_breaks_the_row(bench: Bench) -> None:
    parcels(bench, 1, IN_A_ROW - 1, no_code(bench))
    parcels(bench, IN_A_ROW, 1, all_well(bench))
    parcels(bench, IN_A_ROW + 1, IN_A_ROW - 1, no_code(bench))
    assert told(bench) == []


def test_a_device_that_is_lost_has_an_alarm_of_its_own(bench: Bench) -> None:
    parcels(bench, 1, IN_A_ROW + 1, no_code(bench))
    assert told(bench) == ["raised scanner"]
    bench.give(DeviceState("scanner", connected=False, detail="unplugged"))
    parcels(bench, IN_A_ROW + 2, IN_A_ROW + 1, no_code(bench))
    assert told(bench) == ["raised scanner", "cleared scanner"]
