"""Session, epoch and status of the PLC: no order outlives its world, and what a technician must know is an alarm."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest

from station.core.actions import Action, Keep, OpenSession
from station.core.alarms import Alarms
from station.core.events import Fault, Mode, PlcConnected, PlcSample, SessionChosen, StopCause
from station.core.network import NS_PER_S
from station.core.plc_state import PlcState, compare, joined_record
from station.core.records import AlarmCleared, AlarmRaised, PlcChanged, SessionOpened
from tests.unit.core.parts.bench import CONSTANTS, EPOCH, GEOMETRY, SAMPLE, SESSION


def connected(epoch: int = EPOCH, session: int = 0, *, resumed: bool = False) -> PlcConnected:
    return PlcConnected(epoch, session, 1, 0, 0, (), resumed, CONSTANTS)


class Plc:
    """The state, fed with samples; what it said."""

    def __init__(self) -> None:
        self.state, self.alarms, self.worlds = PlcState(), Alarms(), []

    def take(self, **changes: Any) -> list[Action]:
        sample: PlcSample = replace(SAMPLE, **changes)
        return self.state.take(sample, self.alarms, self.worlds.append)

    def calm(self) -> list[Action]:
        """So much time passes that whatever is over is told to be over."""
        self.alarms.now_ns += 60 * NS_PER_S
        return [*self.alarms.pass_time()]

    def live(self) -> Plc:
        self.state.connected(connected())
        self.state.chosen(SessionChosen(SESSION, None), 0)
        self.take()
        return self

    def asked(self, **changes: Any) -> list[bool]:
        return [action.needs_epoch for action in self.take(**changes) if isinstance(action, OpenSession)]


def test_what_agrees_is_not_told() -> None:
    assert compare(CONSTANTS, GEOMETRY) == []


@pytest.mark.parametrize(
    ("name", "theirs", "ours"),
    [
        ("mm_per_count", 2.0, 1.0),
        ("latch_ms", 2.0, 1.0),
        ("slip", 0.1, 0.0),
        ("tolerance_mm", 9.0, 8.0),
        ("tolerance_mm", 7.0, 8.0),
        ("switch_mm", 100.0, 200.0),
        ("eyes_mm", (0.0, 1000.0), (0.0, 1000.0, 1500.0, 2500.0, 3500.0, 3500.0)),
        ("decision_eye", 2, 3),
        ("diverter_mm", 3000.0, 3100.0),
        ("longest_mm", 700.0, 600.0),
        ("stale_ms", 400, 500),
    ],
)
def test_what_the_plc_and_the_configuration_disagree_on_is_named(name: str, theirs: Any, ours: Any) -> None:
    sentence = f"{name} is {theirs} in the PLC, {ours} in the station's configuration"
    assert compare(replace(CONSTANTS, **{name: theirs}), GEOMETRY) == [sentence]


@pytest.mark.parametrize(("theirs", "told"), [(0.0, False), (15.0, False), (16.0, False), (17.0, True)])
def test_the_plc_may_allow_a_length_no_more_than_both_ends_may_be_off(theirs: float, *, told: bool) -> None:
    sentence = f"length_tolerance_mm is {theirs} in the PLC, 16.0 at most by the station's tolerance_mm"
    assert compare(replace(CONSTANTS, length_tolerance_mm=theirs), GEOMETRY) == ([sentence] if told else [])


def test_a_plc_is_not_trusted_before_its_settings_were_seen() -> None:
    assert not PlcState().trusted


def test_the_connection_is_kept_whole() -> None:
    record = joined_record(connected()).record.model_dump()
    assert record["epoch"] == EPOCH
    assert record["constants"] == asdict(CONSTANTS)
    assert set(record) == {
        "epoch",
        "session",
        "program_version",
        "count",
        "plc_ms",
        "parcels",
        "resumed",
        "constants",
    }


def test_a_new_connection_opens_a_session_and_an_epoch_only_where_there_is_none() -> None:
    state = PlcState()
    assert state.connected(connected(epoch=5)) == [OpenSession(needs_epoch=False)]
    assert state.epoch == 5
    assert state.connected(connected(epoch=0)) == [OpenSession(needs_epoch=True)]
    assert state.epoch == 0


def test_with_a_new_connection_a_session_is_asked_for_once() -> None:
    plc = Plc()
    plc.state.connected(connected())
    assert plc.asked(session=0) == []


def test_a_connection_that_goes_on_changes_nothing_but_what_is_known_of_sessions() -> None:
    plc = Plc().live()
    assert plc.state.connected(connected(epoch=9, session=44, resumed=True)) == []
    assert (plc.state.epoch, plc.state.live, plc.state.highest) == (EPOCH, True, 44)
    assert PlcState().highest == 0
    plc.state.connected(connected(session=12))
    assert plc.state.highest == 44
    assert not plc.state.live


def test_a_session_is_live_while_the_plc_holds_it_and_an_epoch() -> None:
    plc = Plc()
    plc.state.connected(connected())
    plc.take(session=0)
    assert not plc.state.live
    assert plc.state.chosen(SessionChosen(SESSION, 8), 3) == [
        Keep(SessionOpened(new_session=SESSION, new_epoch=8, parcels_on_belt=3))
    ]
    for session, epoch, live in ((6, 5, False), (SESSION, 5, True), (SESSION, 0, False)):
        plc.take(session=session, epoch=epoch)
        assert plc.state.live is live


def test_one_that_has_ended_is_not_live_again_while_another_is_being_chosen() -> None:
    plc = Plc().live()
    assert plc.asked(session=0) == [False]
    plc.take()
    assert not plc.state.live
    plc.state.chosen(SessionChosen(SESSION + 1, None), 0)
    plc.take()
    assert not plc.state.live
    plc.take(session=SESSION + 1)
    assert plc.state.live


def test_no_session_of_ours_is_never_live() -> None:
    plc = Plc()
    plc.take(session=0, epoch=5)
    assert not plc.state.live


def test_a_session_that_ended_is_followed_by_one_new_one() -> None:
    plc = Plc().live()
    assert plc.asked() == []
    assert plc.asked(session=0) == [False]
    assert plc.asked(session=0) == []  # asked for already
    plc.state.chosen(SessionChosen(8, None), 0)
    assert plc.asked(session=0) == []  # on offer: the PLC takes it once the old one is stale
    assert plc.asked(session=8) == []
    assert plc.asked(session=0) == [False]


@pytest.mark.parametrize("epoch", [EPOCH, 0])
def test_an_offer_that_is_not_taken_within_three_seconds_of_the_pcs_time_is_made_anew(epoch: int) -> None:
    """It may have been taken, and ended, between two polls. The PLC's own clock says nothing of the wait."""
    plc = Plc()
    plc.state.connected(connected())
    plc.state.chosen(SessionChosen(SESSION, 21), 0)
    begin = 10**9
    for ms, opens in ((0, []), (3000, []), (3000.000_001, [epoch == 0]), (9000, [])):
        assert plc.asked(session=0, epoch=epoch, before_ns=begin + int(ms * 1e6)) == opens
    plc.state.chosen(SessionChosen(8, 22), 0)
    begin += 10**10  # a wait of its own, from the first sample that it was seen not taken in
    for ms, opens in ((0, []), (3000, []), (3001, [epoch == 0])):
        assert plc.asked(session=0, epoch=epoch, before_ns=begin + int(ms * 1e6)) == opens


def test_an_offer_that_is_taken_late_is_no_longer_waited_for() -> None:
    plc = Plc()
    plc.state.connected(connected())
    plc.state.chosen(SessionChosen(SESSION, None), 0)
    assert plc.asked(session=0, before_ns=10**9) == []
    assert plc.asked(session=SESSION, before_ns=10**10) == []
    assert plc.state.live


def test_without_any_session_one_is_asked_for_once() -> None:
    plc = Plc()
    assert plc.asked(session=0) == [False]
    assert plc.asked(session=0) == []


def test_a_plc_that_lost_its_epoch_gets_a_session_with_one() -> None:
    plc = Plc().live()
    assert plc.asked(session=0, epoch=0) == [True]
    assert plc.asked(session=0, epoch=0) == []
    plc.state.chosen(SessionChosen(8, 21), 0)
    assert plc.asked(session=0, epoch=0) == []  # one is on offer


def test_an_offer_without_an_epoch_is_no_help_to_a_plc_that_lost_it() -> None:
    plc = Plc()
    plc.state.connected(connected())
    plc.state.chosen(SessionChosen(SESSION, None), 0)
    assert plc.asked(session=0) == []
    assert plc.asked(session=0, epoch=0) == [True]


def test_what_is_numbered_before_the_epoch_is_told_belongs_to_the_one_on_offer() -> None:
    plc = Plc()
    assert plc.state.numbering == 0
    plc.state.connected(connected(epoch=0))
    assert plc.state.numbering == 0
    plc.state.chosen(SessionChosen(8, 21), 0)
    assert plc.state.numbering == 21
    plc.take(session=8, epoch=21)
    assert plc.state.numbering == 21
    plc.state.epoch = 0  # taken: the offer is none any more
    assert plc.state.numbering == 0


def test_another_epoch_is_another_world_and_told_once() -> None:
    plc = Plc().live()
    assert plc.worlds == []
    plc.take(epoch=6, session=0)
    plc.take(epoch=6, session=0)
    assert plc.worlds == [6]
    assert plc.state.epoch == 6


def raised(actions: list[Action]) -> list[tuple[str, str, str, str]]:
    records = [action.record for action in actions if isinstance(action, Keep)]
    return [(r.alarm, r.subject, r.text, r.priority) for r in records if isinstance(r, AlarmRaised)]


def cleared(actions: list[Action]) -> list[tuple[str, str]]:
    records = [action.record for action in actions if isinstance(action, Keep)]
    return [(r.alarm, r.subject) for r in records if isinstance(r, AlarmCleared)]


def test_a_session_that_is_not_taken_for_more_than_three_seconds_is_told() -> None:
    """Also over the rollover of the PLC's clock, at which the wait begins."""
    plc = Plc()
    text = "the PLC does not take the station's session: every parcel is inspected; look at its program"
    assert raised(plc.take(session=0, plc_ms=2**32 - 1000)) == []
    assert raised(plc.take(session=0, plc_ms=2000)) == []
    assert raised(plc.take(session=0, plc_ms=2001)) == [("no-session", "plc", text, "high")]
    plc.state.chosen(SessionChosen(SESSION, None), 0)
    plc.take(plc_ms=2020)
    assert cleared(plc.calm()) == [("no-session", "plc")]
    assert raised(plc.take(session=0, plc_ms=9000)) == []  # a wait of its own
    assert raised(plc.take(session=0, plc_ms=12_001)) == [("no-session", "plc", text, "high")]


def test_each_change_is_kept_once() -> None:
    plc = Plc()
    kept = PlcChanged(
        mode="automatic", belt_running=True, stop_cause=0, faults=0, lane_full=False, session=SESSION, epoch=EPOCH
    )
    assert plc.take()[0] == Keep(kept)
    for change in (
        {"mode": Mode.HAND},
        {"belt_running": False},
        {"stop_cause": 1},
        {"faults": 1},
        {"lane_full": True},
        {"session": 9},
        {"epoch": 9},
    ):
        after = {name: value.value if isinstance(value, Mode) else value for name, value in change.items()}
        assert plc.take(**change)[0] == Keep(kept.model_copy(update=after))
        assert not [a for a in plc.take(**change) if isinstance(a, Keep)]
        plc.take()


@pytest.mark.parametrize("mode", [Mode.HAND, Mode.BYPASS])
def test_a_diverter_that_is_not_worked_by_the_plc_is_an_alarm(mode: Mode) -> None:
    plc = Plc().live()
    expected = [("plc-mode", "diverter", f"the diverter is in {mode.value}", "high")]
    assert raised(plc.take(mode=mode)) == expected
    assert plc.state.mode is mode
    plc.take()
    assert plc.state.mode is Mode.AUTOMATIC
    assert cleared(plc.calm()) == [("plc-mode", "diverter")]


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (StopCause.OPERATOR, "stopped by an operator"),
        (StopCause.LANE_FULL, "the inspection lane is full"),
        (StopCause.DIVERTER, "the diverter is not where it should be"),
        (StopCause.UNRELEASED_IN_PASS_LANE, "a parcel that was not released is in the pass lane"),
    ],
)
def test_why_the_belt_stands_is_a_top_alarm(cause: StopCause, words: str) -> None:
    plc = Plc().live()
    ((alarm, subject, text, priority),) = raised(plc.take(stop_cause=int(cause), belt_running=False))
    assert (alarm, subject, priority) == ("belt-stopped", cause.name.lower(), "top")
    assert text.startswith(words)
    assert plc.state.look()["stop_cause"] == cause.name.lower()
    assert cleared(plc.take()) == [("belt-stopped", cause.name.lower())]


def test_each_fault_bit_is_an_alarm_of_its_own() -> None:
    plc = Plc().live()
    both = Fault.EYE_BLOCKED | Fault.ENCODER
    assert raised(plc.take(faults=int(both))) == [
        ("plc-fault", "eye_blocked", "the PLC reports EYE_BLOCKED", "high"),
        ("plc-fault", "encoder", "the PLC reports ENCODER", "high"),
    ]
    plc.take(faults=int(Fault.ENCODER))
    assert cleared(plc.calm()) == [("plc-fault", "eye_blocked")]


@pytest.mark.parametrize("told", [{"stop_cause": 6}, {"faults": 0x40}])
def test_what_a_newer_program_tells_is_an_alarm(told: dict[str, int]) -> None:
    plc = Plc().live()
    ((alarm, subject, text, _),) = raised(plc.take(**told))
    assert (alarm, subject) == ("plc-fault", "unknown")
    assert text.startswith("the PLC reports stop cause ")
    plc.take()
    assert cleared(plc.calm()) == [("plc-fault", "unknown")]


def test_a_person_sees_what_it_last_said() -> None:
    plc = Plc()
    blank = {
        "epoch": 0,
        "session": 0,
        "live": False,
        "mode": "automatic",
        "belt_running": False,
        "stop_cause": "",
        "faults": 0,
    }
    assert plc.state.look() == blank
    plc.live()
    plc.take(mode=Mode.BYPASS, faults=8)
    assert plc.state.look() == {
        "epoch": EPOCH,
        "session": SESSION,
        "live": True,
        "mode": "bypass",
        "belt_running": True,
        "stop_cause": "none",
        "faults": 8,
    }
    plc.take(stop_cause=99, belt_running=False)  # a cause of a newer program
    assert plc.state.look()["stop_cause"] == ""
    assert plc.state.look()["belt_running"] is False
