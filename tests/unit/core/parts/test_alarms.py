"""Alarms by ISA-18.2: states, delays, one for each root cause, people; and that no decision hears of any of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import get_args

import pytest

from station.core.actions import Keep
from station.core.alarm_kinds import kind_of
from station.core.alarms import AlarmRefusedError, Alarms
from station.core.events import DeviceState
from station.core.handbook import HANDBOOK, SHELVED_AT_MOST_S, AlarmName
from station.core.network import JOIN_NS, NS_PER_S, TOGETHER, TOGETHER_NS, Network
from station.core.records import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    AlarmShelved,
    AlarmSuppressed,
    AlarmUnshelved,
    ParcelCompleted,
    Record,
)
from tests.unit.core.parts.bench import SETUP, Bench, codes

MODE = "plc-mode", "diverter"
DELAY = kind_of("device-lost", "scanner")


@dataclass
class Panel:
    """Alarms, time in seconds, and all that was told, in short."""

    alarms: Alarms = field(default_factory=Alarms)
    told: list[str] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)

    def hear(self, keeps: list[Keep]) -> Panel:
        for keep in keeps:
            record = keep.record
            self.records.append(record)
            self.told.append(f"{record.type.removeprefix('alarm-')} {record.alarm}/{record.subject}")  # type: ignore[attr-defined]
        return self

    def on(self, alarm: AlarmName, subject: str, text: str = "t") -> Panel:
        return self.hear(self.alarms.set(alarm, subject, text))

    def off(self, alarm: AlarmName, subject: str) -> Panel:
        return self.hear(self.alarms.clear(alarm, subject))

    def at(self, seconds: float) -> Panel:
        self.alarms.now_ns = round(seconds * NS_PER_S)
        return self.hear(self.alarms.pass_time())

    def acknowledge(self, alarm: AlarmName = "plc-mode", subject: str = "diverter") -> Panel:
        return self.hear(self.alarms.acknowledge(alarm, subject, "shift 2"))

    def shelve(self, for_s: float, alarm: AlarmName = "plc-mode", subject: str = "diverter") -> Panel:
        return self.hear(self.alarms.shelve(alarm, subject, "shift 2", for_s))

    def state(self, alarm: AlarmName = "plc-mode", subject: str = "diverter") -> str:
        listed = self.alarms.listed.get((alarm, subject))
        return listed.state if listed else "normal"


@pytest.fixture
def panel() -> Panel:
    return Panel()


def test_every_alarm_has_a_row_with_cause_consequence_and_action() -> None:
    assert {name.partition("/")[0] for name in HANDBOOK} == set(get_args(AlarmName))
    assert all(kind.cause and kind.consequence and kind.action for kind in HANDBOOK.values())
    roots = {root.partition("/")[0] for kind in HANDBOOK.values() for root in kind.follows}
    assert roots <= set(get_args(AlarmName))


@pytest.mark.parametrize("alarm", ["belt-stopped", "journal", "plc-lost", "plc-mismatch", "numbers", "detector"])
def test_what_is_for_safety_is_raised_without_a_delay(alarm: AlarmName) -> None:
    assert (HANDBOOK[alarm].priority, HANDBOOK[alarm].on_s) == ("top", 0)


# --- states


def test_an_alarm_is_raised_once_acknowledged_and_gone_when_its_cause_is(panel: Panel) -> None:
    panel.on(*MODE).on(*MODE)
    assert panel.state() == "unacknowledged"
    panel.acknowledge()
    assert panel.state() == "acknowledged"
    panel.off(*MODE).off(*MODE).at(HANDBOOK["plc-mode"].off_s)
    assert panel.state() == "normal"
    assert panel.told == [f"{word} plc-mode/diverter" for word in ("raised", "acknowledged", "cleared")]
    assert panel.records[0] == AlarmRaised(alarm=MODE[0], subject=MODE[1], text="t", priority="high")
    assert panel.records[1] == AlarmAcknowledged(alarm=MODE[0], subject=MODE[1], who="shift 2")
    assert panel.records[2] == AlarmCleared(alarm=MODE[0], subject=MODE[1])
    assert panel.alarms.listed == {}


def test_what_returns_to_normal_unseen_stays_on_the_list_until_somebody_saw_it(panel: Panel) -> None:
    panel.on(*MODE).off(*MODE).at(10)
    assert panel.state() == "returned-unacknowledged"
    assert panel.alarms.open == {}
    panel.acknowledge()
    assert panel.state() == "normal"
    assert panel.alarms.listed == {}


def test_what_comes_again_waits_to_be_seen_again(panel: Panel) -> None:
    panel.on(*MODE).acknowledge().off(*MODE).at(10).on(*MODE)
    assert panel.state() == "unacknowledged"
    panel.off(*MODE).at(20).on(*MODE)
    assert panel.state() == "unacknowledged"
    assert panel.told.count("raised plc-mode/diverter") == 3


def test_the_newest_text_is_shown_and_the_first_was_journaled(panel: Panel) -> None:
    panel.on("journal", "disk", "full").on("journal", "disk", "fsync failed")
    assert panel.alarms.listed["journal", "disk"].text == "fsync failed"
    assert panel.alarms.open["journal", "disk"].text == "full"


# --- delays


def test_what_comes_and_goes_now_and_then_raises_nothing(panel: Panel) -> None:
    for turn in range(50):
        begins = turn * (1.0 + DELAY.off_s)
        panel.at(begins).on("device-lost", "scanner").at(begins + 1.0).off("device-lost", "scanner")
    assert panel.at(1000).told == []


def test_what_comes_and_goes_again_and_again_is_raised_once_and_cleared_once_it_stays_away(panel: Panel) -> None:
    """A device that is there for half a second now and then has not come back."""
    for turn in range(50):
        panel.at(turn).on("device-lost", "scanner").at(turn + 0.5).off("device-lost", "scanner")
    assert panel.told == ["raised device-lost/scanner"]
    panel.at(49.5 + DELAY.off_s)
    assert panel.told == ["raised device-lost/scanner", "cleared device-lost/scanner"]


def test_one_that_was_gone_for_long_enough_begins_anew(panel: Panel) -> None:
    panel.at(0).on("device-lost", "scanner").at(1).off("device-lost", "scanner")
    panel.at(1 + DELAY.off_s).on("device-lost", "scanner")
    panel.at(1 + DELAY.off_s + DELAY.on_s - 0.001)
    assert panel.told == []
    panel.at(1 + DELAY.off_s + DELAY.on_s)
    assert panel.told == ["raised device-lost/scanner"]


def test_what_is_over_is_not_listed_for_ever(panel: Panel) -> None:
    panel.at(0).on("device-lost", "scanner").at(1).off("device-lost", "scanner")
    panel.at(100).on("device-lost", "scale")
    assert set(panel.alarms.listed) == {("device-lost", "scale")}


def test_what_chatters_once_raised_stays_raised_until_it_has_been_still(panel: Panel) -> None:
    panel.on("device-lost", "scanner").at(DELAY.on_s)
    assert panel.told == ["raised device-lost/scanner"]
    for turn in range(50):
        panel.at(10 + turn).off("device-lost", "scanner").at(10.9 + turn).on("device-lost", "scanner")
    panel.at(100).off("device-lost", "scanner").at(100 + DELAY.off_s - 0.001)
    assert panel.told == ["raised device-lost/scanner"]
    panel.at(100 + DELAY.off_s)
    assert panel.told == ["raised device-lost/scanner", "cleared device-lost/scanner"]


def test_a_delay_ends_to_the_nanosecond_and_is_asked_for(panel: Panel) -> None:
    panel.at(5).on("device-lost", "scanner")
    due = round((5 + DELAY.on_s) * NS_PER_S)
    assert panel.alarms.next_ns == due
    panel.alarms.now_ns = due - 1
    assert panel.alarms.pass_time() == []
    panel.alarms.now_ns = due
    assert len(panel.alarms.pass_time()) == 1
    assert panel.alarms.next_ns is None


def test_the_core_asks_to_be_woken_for_a_delay() -> None:
    bench = Bench()
    assert bench.line.next_deadline() is None
    bench.give(DeviceState("scanner", connected=False))
    assert bench.line.next_deadline() == bench.ms * 1_000_000 + round(DELAY.on_s * NS_PER_S)


# --- one root, one alarm


def test_what_follows_from_a_standing_alarm_is_suppressed_and_told_when_that_is_over(panel: Panel) -> None:
    panel.on("plc-lost", "plc").on("no-session", "plc")
    assert panel.told == ["raised plc-lost/plc", "suppressed no-session/plc"]
    assert panel.records[1] == AlarmSuppressed(alarm="no-session", subject="plc", by="plc-lost/plc")
    assert panel.state("no-session", "plc") == "suppressed"
    panel.off("plc-lost", "plc").at(100)
    assert panel.told[2:] == ["cleared plc-lost/plc", "raised no-session/plc"]


def test_what_follows_and_ends_with_its_root_is_cleared_and_forgotten(panel: Panel) -> None:
    panel.on("journal", "disk").on("numbers", "disk").on("no-session", "plc")
    panel.off("numbers", "disk").off("no-session", "plc").at(50)
    assert panel.told == [
        "raised journal/disk",
        "suppressed numbers/disk",
        "suppressed no-session/plc",
        "cleared numbers/disk",
        "cleared no-session/plc",
    ]
    assert list(panel.alarms.listed) == [("journal", "disk")]


def test_what_ended_while_its_root_stood_is_not_raised_behind_it(panel: Panel) -> None:
    """Its own delay still runs as the root is cleared: a full disk has room again, and was called full then."""
    panel.on("journal", "disk").on("disk-low", "data").at(10)
    panel.off("disk-low", "data").off("journal", "disk").at(20)
    assert panel.told[2:] == ["cleared journal/disk", "cleared disk-low/data"]
    panel.at(100).acknowledge("journal", "disk").at(101)
    assert panel.told[4:] == ["acknowledged journal/disk"]
    assert panel.alarms.listed == {}


def test_a_root_that_is_told_later_takes_over_what_was_raised(panel: Panel) -> None:
    panel.on("no-session", "plc").on("plc-lost", "plc")
    assert panel.told == ["raised no-session/plc", "raised plc-lost/plc", "suppressed no-session/plc"]
    assert set(panel.alarms.open) == {("plc-lost", "plc")}
    panel.on("journal", "disk").off("plc-lost", "plc").at(60)
    assert panel.alarms.listed["no-session", "plc"].by == "journal/disk"
    assert panel.told.count("suppressed no-session/plc") == 1


@pytest.mark.parametrize(
    ("root", "follower"),
    [
        (("detector", "golden"), ("heartbeat", "detector")),
        (("detector", "hangs"), ("heartbeat", "detector")),
        (("detector", "hangs"), ("no-evidence", "xray")),
        (("belt-stopped", "diverter"), ("plc-fault", "diverter_not_in_position")),
        (("belt-stopped", "encoder"), ("plc-fault", "encoder")),
        (("heartbeat", "loop"), ("no-session", "plc")),
        (("journal", "disk"), ("pictures", "refused")),
        (("journal", "disk"), ("publisher", "cursor")),
        (("pictures", "fault"), ("no-evidence", "xray")),
    ],
)
def test_two_words_for_one_thing_are_one_alarm(
    panel: Panel, root: tuple[AlarmName, str], follower: tuple[AlarmName, str]
) -> None:
    panel.on(*root).on(*follower)
    assert list(panel.alarms.open) == [root]
    assert panel.state(*follower) == "suppressed"


def test_another_subject_of_a_root_suppresses_nothing(panel: Panel) -> None:
    panel.on("belt-stopped", "operator").on("plc-fault", "encoder").on("heartbeat", "detector")
    assert len(panel.alarms.open) == 3


# --- a dead switch is not nine lost devices

NINE = [f"scanner-{number}" for number in range(9)]


def switched() -> Panel:
    hosts = {name: f"10.0.0.{number}" for number, name in enumerate(NINE)}
    return Panel(Alarms(Network({**hosts, "a": "10.0.1.1", "b": "10.0.1.1", "plc": "10.0.2.1"})))


def test_nine_devices_lost_within_a_second_are_one_alarm_with_their_names() -> None:
    panel = switched()
    for number, name in enumerate(NINE):
        panel.at(number / 9).on("device-lost", name)
    panel.at(30)
    assert panel.told == [f"raised network/{TOGETHER}", *(f"suppressed device-lost/{name}" for name in NINE)]
    record = panel.records[0]
    assert isinstance(record, AlarmRaised)
    assert all(name in record.text for name in NINE)
    for name in NINE[:8]:
        panel.off("device-lost", name)
    panel.at(60)
    assert panel.told[10:] == [
        *(f"cleared device-lost/{name}" for name in NINE[:2]),
        f"cleared network/{TOGETHER}",
        *(f"cleared device-lost/{name}" for name in NINE[2:8]),
        "raised device-lost/scanner-8",
    ]
    assert panel.alarms.network.groups == {}


def test_all_behind_one_host_are_one_alarm_however_far_apart_they_were_lost() -> None:
    panel = switched()
    panel.on("device-lost", "a").at(100).on("device-lost", "b").at(200)
    assert panel.told == [
        "raised device-lost/a",
        "raised network/10.0.1.1",
        "suppressed device-lost/a",
        "suppressed device-lost/b",
    ]
    panel.off("device-lost", "b").at(201).on("device-lost", "b").at(300)
    assert panel.told[-1] == "suppressed device-lost/b"
    panel.off("device-lost", "a").off("device-lost", "b").at(400)
    assert panel.alarms.open == {}
    assert panel.state("network", "10.0.1.1") == "returned-unacknowledged"
    panel.on("device-lost", "scanner-0").at(500)
    assert panel.told[-1] == "raised device-lost/scanner-0"


def test_a_blink_of_the_other_one_behind_a_host_makes_no_network_of_it() -> None:
    panel = switched()
    panel.on("device-lost", "a").at(100).on("device-lost", "b").at(101).off("device-lost", "b").at(200)
    assert panel.told == ["raised device-lost/a"]
    assert panel.alarms.network.groups == {}


def test_two_that_were_lost_a_little_more_than_a_second_apart_are_two() -> None:
    panel = switched()
    panel.on("device-lost", "scanner-0").at(1 + TOGETHER_NS / NS_PER_S).on("device-lost", "scanner-1").at(60)
    assert panel.told == ["raised device-lost/scanner-0", "raised device-lost/scanner-1"]


def test_two_that_were_lost_just_a_second_apart_are_one() -> None:
    panel = switched().at(1000)
    panel.on("device-lost", "scanner-0").at(1000 + TOGETHER_NS / NS_PER_S).on("device-lost", "scanner-1").at(1060)
    assert panel.told[0] == f"raised network/{TOGETHER}"


def test_the_first_that_was_lost_waits_for_the_alarm_of_all() -> None:
    panel = switched()
    panel.on("device-lost", "scanner-0").at(0.9).on("device-lost", "scanner-1").at(DELAY.on_s + 0.5)
    assert panel.told == []
    panel.at(DELAY.on_s + 0.9)
    assert panel.told[0] == f"raised network/{TOGETHER}"
    assert set(panel.alarms.open) == {("network", TOGETHER)}


def test_a_network_that_is_lost_again_before_it_was_cleared_stands_on() -> None:
    panel = switched()
    for at, there in ((0, False), (10, True), (12, False)):
        panel.at(at)
        for name in NINE[:2]:
            (panel.off if there else panel.on)("device-lost", name)
    panel.at(60)
    assert f"cleared network/{TOGETHER}" not in panel.told
    assert set(panel.alarms.open) == {("network", TOGETHER)}


def test_two_shelves_that_end_at_once_are_both_told(panel: Panel) -> None:
    panel.on(*MODE).on("plc-fault", "drive").at(60)
    panel.shelve(10).shelve(10, "plc-fault", "drive").at(70)
    assert panel.told[-2:] == ["unshelved plc-mode/diverter", "unshelved plc-fault/drive"]


def test_one_whose_time_out_is_longer_joins_those_that_are_told_of_already() -> None:
    panel = switched().at(1000)
    panel.on("device-lost", "scanner-0").on("device-lost", "scanner-1").at(1000 + JOIN_NS / NS_PER_S)
    panel.on("device-lost", "scanner-2").at(1030).on("device-lost", "scanner-3").at(1060)
    assert panel.alarms.listed["network", TOGETHER].text == "lost together: scanner-0, scanner-1, scanner-2"
    assert set(panel.alarms.open) == {("network", TOGETHER), ("device-lost", "scanner-3")}


def test_what_else_is_wrong_with_one_that_was_lost_with_others_is_told() -> None:
    panel = switched()
    panel.on("device-lost", "a").on("device-lost", "b").at(30).on("trigger-step", "a").at(60)
    assert set(panel.alarms.open) == {("network", "10.0.1.1"), ("trigger-step", "a")}


def test_a_lost_plc_waits_for_nobody_and_then_follows_from_the_network() -> None:
    panel = switched()
    panel.on("device-lost", "a").on("plc-lost", "plc")
    assert panel.told == ["raised plc-lost/plc"]
    panel.at(60)
    assert panel.told[1:] == [f"raised network/{TOGETHER}", "suppressed device-lost/a", "suppressed plc-lost/plc"]


def test_devices_without_a_host_are_told_one_by_one(panel: Panel) -> None:
    panel.on("device-lost", "scanner").on("device-lost", "scale").at(60)
    assert panel.told == ["raised device-lost/scanner", "raised device-lost/scale"]


def test_suppressed_or_not_each_parcel_names_each_device() -> None:
    hosts = {device.name: "10.0.0.7" for device in SETUP.devices}
    told = []
    for setup in (SETUP, replace(SETUP, hosts=hosts)):
        bench = Bench(setup).started()
        bench.clean(1, 2000)
        for device in setup.devices:
            bench.at(1500, DeviceState(device.name, connected=False))
        bench.go(9000)
        told.append((bench.last(ParcelCompleted), bench.kept(AlarmRaised)))
    (alone, three), (together, one) = told
    assert [len(three), [(r.alarm, r.subject) for r in one]] == [3, [("network", TOGETHER)]]
    assert one[0].text == "lost together: scanner, scale, xray, all behind 10.0.0.7"
    assert alone == together
    lost = [device for code, device in codes(alone.reasons) if code == "device-lost"]
    assert sorted(lost) == ["scale", "scanner", "xray"]


# --- people


def test_a_shelved_alarm_comes_back_when_its_time_is_over(panel: Panel) -> None:
    panel.on(*MODE).acknowledge().at(10).shelve(60)
    assert panel.state() == "shelved"
    assert panel.records[-1] == AlarmShelved(alarm=MODE[0], subject=MODE[1], who="shift 2", for_s=60)
    panel.at(69.9)
    assert panel.state() == "shelved"
    panel.at(70)
    assert panel.records[-1] == AlarmUnshelved(alarm=MODE[0], subject=MODE[1])
    assert panel.state() == "unacknowledged"


def test_a_shelved_alarm_goes_on_to_be_journaled_and_stays_on_the_list(panel: Panel) -> None:
    panel.on(*MODE).acknowledge().shelve(60).off(*MODE).at(10)
    assert panel.told[-1] == "cleared plc-mode/diverter"
    assert panel.state() == "shelved"
    panel.at(60)
    assert panel.told[-1] == "unshelved plc-mode/diverter"
    assert panel.alarms.listed == {}


def test_a_person_takes_it_off_the_shelf(panel: Panel) -> None:
    panel.on(*MODE).shelve(60).at(10).shelve(0)
    assert panel.records[-1] == AlarmUnshelved(alarm=MODE[0], subject=MODE[1], who="shift 2")
    assert panel.state() == "unacknowledged"


def test_what_cannot_be_done_is_refused_with_a_sentence_and_told_to_nobody(panel: Panel) -> None:
    panel.on(*MODE).on("plc-lost", "plc").on("device-lost", "scanner")
    told = list(panel.told)
    for wish, sentence in (
        (lambda: panel.acknowledge("plc-jump", "plc"), "there is no alarm plc-jump plc"),
        (lambda: panel.shelve(1, "device-lost", "scanner"), "there is no alarm device-lost scanner"),
        (lambda: panel.shelve(1, "plc-lost", "plc"), "plc-lost is of priority top, and cannot be shelved"),
        (lambda: panel.shelve(0), "plc-mode diverter is not shelved"),
    ):
        with pytest.raises(AlarmRefusedError, match=sentence):
            wish()
    assert panel.told == told
    panel.shelve(SHELVED_AT_MOST_S)
    with pytest.raises(AlarmRefusedError, match="plc-mode diverter is shelved: there is nothing to acknowledge"):
        panel.acknowledge()
    assert panel.state() == "shelved"
