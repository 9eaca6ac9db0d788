"""A picture counts only if it shows that it is new: frozen ones, old ones, trigger numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station.core.events import (
    DeviceState,
    Frame,
    Lane,
    ListsLoaded,
    SessionChosen,
)
from station.core.records import Decided
from tests.unit.core.parts.bench import SETUP, Bench, arrived


def unusable(bench: Bench, number: int) -> list[str]:
    """What is wrong with the pictures of that parcel, as its decision says."""
    (decided,) = [r for r in bench.kept(Decided) if r.parcel.number == number]
    return [r.text.partition(": ")[2] for r in decided.reasons if r.code == "picture-unusable"]


NOT_NEW = "nothing shows that it is new: the picture ahead of it did not come, or could not be read"


def test_the_first_picture_of_all_may_be_an_old_one_and_the_next_is_new() -> None:
    bench = Bench()
    for device in SETUP.devices:
        bench.give(DeviceState(device.name, connected=True))
    bench.give(ListsLoaded("lists", frozenset(), ()))
    bench.connect()
    bench.give(SessionChosen(7, None))
    for number, count in ((1, 2000), (2, 5000)):
        bench.clean(number, count)
    bench.go(6700)
    assert [unusable(bench, number) for number in (1, 2)] == [[NOT_NEW], []]
    assert [order.lane for order in bench.orders] == [Lane.INSPECT, Lane.PASS]


@pytest.mark.parametrize(
    ("trigger", "fault", "known"),
    [
        (1, "", True),
        (None, "", True),
        (1, "torn", False),
        (None, "torn", False),
        (65_535, "", False),
        (3, "", False),
    ],
)
def test_only_the_picture_right_ahead_if_it_could_be_read_shows_that_one_is_new(
    bench: Bench, trigger: int | None, fault: str, *, known: bool
) -> None:
    taken = bench.line.witness._frame
    taken(Frame("xray", "ahead", arrived(2000, 2005), trigger, fault))
    assert taken(Frame("xray", "its own", arrived(3000, 3005), 2)).fault == ("" if known else NOT_NEW)
    assert taken(Frame("xray", "next", arrived(4000, 4005), 3)).fault == ""


def test_of_several_pictures_of_one_number_the_fault_says_what_to_do(bench: Bench) -> None:
    taken = bench.line.witness._frame
    taken(Frame("xray", "ahead", arrived(2000, 2005), 1))
    assert taken(Frame("xray", "from above", arrived(3000, 3005), 2)).fault == ""
    second = taken(Frame("xray", "from the side", arrived(3100, 3105), 2))
    assert second.fault == "a second picture of trigger number 2: of several views each is a device of its own"
    assert taken(Frame("xray", "next", arrived(4000, 4005), 3)).fault == ""


def test_trigger_numbers_go_from_65535_to_1_and_never_through_0(bench: Bench) -> None:
    taken = bench.line.witness._frame
    for n, (trigger, fault) in enumerate([(65_534, NOT_NEW), (65_535, ""), (1, ""), (2, ""), (65_535, NOT_NEW)]):
        assert taken(Frame("xray", f"{n}", arrived(2000, 2005), trigger)).fault == fault
    assert taken(Frame("xray", "zero", arrived(2000, 2005), 0)).fault == NOT_NEW


def test_a_machine_may_count_on_beyond_the_plcs_last_number(bench: Bench) -> None:
    taken = bench.line.witness._frame
    for n, trigger in enumerate([65_534, 65_535, 65_536, 65_537, 1_000_000]):
        fault = NOT_NEW if trigger in {65_534, 1_000_000} else ""
        assert taken(Frame("xray", f"{n}", arrived(2000, 2005), trigger)).fault == fault


def test_a_second_picture_without_a_number_follows_by_its_order(bench: Bench) -> None:
    taken = bench.line.witness._frame
    assert taken(Frame("xray", "a", arrived(2000, 2005), None)).fault == ""
    assert taken(Frame("xray", "b", arrived(2000, 2005), None)).fault == ""
    assert taken(Frame("camera", "c", arrived(2000, 2005), None)).fault == NOT_NEW


@pytest.mark.parametrize("owned", [True, False])
def test_the_very_same_picture_is_no_evidence_the_second_time(bench: Bench, *, owned: bool) -> None:
    """Also where the first was nobody's."""
    bench.ride(1, 2000)
    bench.picture(2000, 1 if owned else None, "frozen")
    bench.ride(2, 5000)
    bench.scan(5000)
    bench.weigh(5000)
    bench.picture(5000, 2, "frozen")
    bench.go(6700)
    ((reason,),) = [r.reasons for r in bench.kept(Decided) if r.parcel.number == 2]
    assert (reason.code, reason.device) == ("picture-unusable", "xray")
    assert reason.text.endswith("the very same picture as an earlier one: frozen, or sent again?")


def test_a_picture_that_is_unusable_keeps_its_own_fault_when_it_comes_again(bench: Bench) -> None:
    for number, count in ((1, 2000), (2, 5000)):
        bench.ride(number, count)
        bench.scan(count)
        bench.weigh(count)
        bench.at(count + 1305, Frame("xray", "f", arrived(count + 1300, count + 1305), number, "torn"))
    bench.go(6700)
    for decided in bench.kept(Decided):
        assert [reason.text for reason in decided.reasons] == ["the picture cannot be used: torn"]


def test_a_hundred_pictures_a_device_are_remembered(bench: Bench) -> None:
    bench.ride(1, 2000)
    bench.at(3305, Frame("xray", "same", arrived(3300, 3305), 1))
    bench.go(3320)
    for number in range(99):
        bench.give(Frame("xray", f"{number}", arrived(3320, 3325), number + 2))
    bench.go(3340)
    again = Frame("xray", "same", arrived(3340, 3345), 101)
    taken = bench.line.witness._frame
    assert "the very same picture" in taken(again).fault
    assert not taken(replace(again, frame_id="one more", trigger=102)).fault
    assert not taken(replace(again, frame_id="0", trigger=103)).fault
    taken(replace(again, device="camera", frame_id="first", trigger=1))
    assert not taken(replace(again, device="camera", frame_id="one more", trigger=2)).fault
