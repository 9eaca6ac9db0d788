"""Which pictures need not be kept: of parcels that pass clean, by the rule in force; and that events say so."""

from __future__ import annotations

import pytest

from station.core.events import Detection, Finding, Frame, PictureRule, Place
from station.core.records import FrameInspected, ParcelCompleted, ReadingMatched
from tests.unit.core.parts.bench import Bench, arrived

WEAK, KNIFE = (Finding("knife", score, (1.0, 2.0, 3.0, 4.0)) for score in (0.1, 0.9))
NUMBERS = range(1, 7)


@pytest.fixture
def bench() -> Bench:
    return Bench().started()


def ride(bench: Bench, *findings: Finding, place: Place = Place.PASS) -> list[ParcelCompleted]:
    """Six parcels in a row, with these findings and that end."""
    for number in NUMBERS:
        count = 2000 + 900 * (number - 1)
        bench.ride(number, count)
        bench.scan(count)
        bench.weigh(count)
        bench.picture(count, number, None, *findings)
        bench.leaves(number, count + 3510, place)
    bench.go(14_000)
    return [bench.completed(number) for number in NUMBERS]


@pytest.mark.parametrize(
    ("every", "kept"), [(1, {1, 2, 3, 4, 5, 6}), (2, {2, 4, 6}), (3, {3, 6}), (10, set()), (0, set())]
)
def test_of_parcels_that_pass_clean_every_so_many_keeps_its_pictures(bench: Bench, every: int, kept: set[int]) -> None:
    bench.give(PictureRule(every))
    done = ride(bench)
    assert [record.outcome for record in done] == ["pass"] * len(NUMBERS)
    for record in done:
        assert record.frames_not_kept == (() if record.parcel.number in kept else record.frames)
    assert bench.dropped == [record.frames for record in done if record.parcel.number not in kept]


def test_a_rule_that_ends_keeps_all_again(bench: Bench) -> None:
    bench.give(PictureRule(0))
    bench.at(7000, PictureRule(1))
    done = ride(bench)
    assert [bool(record.frames_not_kept) for record in done] == [True, True, False, False, False, False]


@pytest.mark.parametrize("place", [Place.PASS, Place.INSPECT, Place.LOST, Place.UNOBSERVED])
def test_pictures_with_something_to_see_stay(bench: Bench, place: Place) -> None:
    """A finding below its threshold as well; and whoever did not leave by the pass lane."""
    bench.give(PictureRule(0))
    done = ride(bench, WEAK if place is Place.PASS else KNIFE, place=place)
    assert all(record.frames and not record.frames_not_kept for record in done)
    assert bench.dropped == []


def test_who_was_to_pass_and_did_not_keeps_its_pictures(bench: Bench) -> None:
    bench.give(PictureRule(0))
    assert {record.route for record in ride(bench, place=Place.INSPECT)} == {"pass"}
    assert bench.dropped == []


def test_a_picture_for_which_there_was_no_room_is_named_so_in_every_event(bench: Bench) -> None:
    bench.ride(1, 2000)
    bench.scan(2000)
    bench.weigh(2000)
    bench.at(3305, Frame("xray", "refused", arrived(3300, 3305), 1, kept=False))
    bench.at(3335, Detection("xray", "refused", (), "model", 20.0, kept=False))
    bench.leaves(1, 5510, Place.PASS)
    bench.give(PictureRule(0))
    bench.go(6000)
    assert bench.last(FrameInspected).kept is False
    assert [r.kept for r in bench.kept(ReadingMatched) if r.value == "refused"] == [False]
    done = bench.completed(1)
    assert (done.route, done.outcome) == ("pass", "pass")
    assert done.frames_not_kept == done.frames == ("refused",)
    assert bench.dropped == []
