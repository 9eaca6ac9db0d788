"""Only that a picture differs from the one right ahead of it shows that it is new."""

from __future__ import annotations

import pytest

from simulator.config import PlantConfig
from simulator.storm.setup import setup_of
from station.core.alarms import Alarms
from station.core.belt import Interval
from station.core.desk import Desk
from station.core.events import Arrived, Frame, ParcelKey
from station.core.matching import Match, Matcher
from station.core.now import Now
from station.core.parcel import Parcel
from station.core.plc_state import PlcState
from station.core.witness import Witness

SETUP = setup_of(PlantConfig())
NOT_NEW = "nothing shows that it is new"


def taken(*pictures: tuple[str, int | None]) -> list[str]:
    """What spoils each picture (content, own trigger number); no content: it was cut off."""
    witness = Witness(Desk(SETUP, PlcState(), Alarms()), Matcher(SETUP))
    faults = []
    for n, (content, trigger) in enumerate(pictures):
        parcel = Parcel(ParcelKey(7, n + 1), 0, {0: 1000 * n})
        frame = Frame("xray", content, Arrived(n, n + 1), trigger, "" if content else "cut off")
        witness.testify(Match(frame, SETUP.by_name["xray"], Interval(0, 1), [parcel]), 0, Now(n, ""))
        faults.append(parcel.evidence.frames[0].fault)
    return faults


def test_each_that_follows_another_is_new() -> None:
    assert taken(("a", 4), ("b", 5), ("c", 6))[1:] == ["", ""]


def test_the_first_of_all_may_be_an_old_one() -> None:
    assert NOT_NEW in taken(("a", 4))[0]


@pytest.mark.parametrize("ahead", [("", 5), ("b", 4), ("b", 7)], ids=["cut off", "one is missing", "out of order"])
def test_one_whose_forerunner_is_not_known_may_be_that_one_sent_again(ahead: tuple[str, int]) -> None:
    assert NOT_NEW in taken(("a", 3), ahead, ("c", 6))[2]


def test_the_next_but_one_is_new_again() -> None:
    assert taken(("a", 4), ("", 5), ("c", 6), ("d", 7))[3] == ""


def test_trigger_numbers_begin_anew_behind_the_last() -> None:
    assert taken(("a", 65_534), ("b", 65_535), ("c", 1))[1:] == ["", ""]


def test_a_source_without_trigger_numbers_is_judged_by_its_order_alone() -> None:
    assert taken(("a", None), ("b", None))[1] == ""
