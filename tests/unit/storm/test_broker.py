"""Whatever broker, network and kills do to the publisher: once it is over, all that was journaled has arrived."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.core.records import DeviceChanged
from station.journal import JournalError, Reader, Stored
from station.publisher.cursor import Cursor
from station.publisher.ports import Message
from tests.unit.storm.rig import Rig

Op = Callable[[Rig], None]


def _forget(rig: Rig) -> None:
    rig.broker.leave(forget=True)


def _slow(milliseconds: int) -> Op:
    return lambda rig: setattr(rig.broker.faults, "slow_ms", (0.0, float(milliseconds)))


def _set(name: str, *, to: bool) -> Op:
    return lambda rig: setattr(rig.broker.faults, name, to)


def _burst(n: int) -> tuple[str, Op]:
    """Append so many events, and stop as they are on the wire."""

    def op(rig: Rig) -> None:
        rig.append(n)
        rig.run(0.02)

    return f"burst {n}", op


HARMLESS: list[st.SearchStrategy[tuple[str, Op]]] = [
    st.integers(1, 150).map(lambda n: (f"append {n}", lambda rig: rig.append(n))),
    st.integers(1, 150).map(_burst),
    st.sampled_from([0.0, 0.01, 0.03, 0.3, 3.0]).map(lambda s: (f"run {s}", lambda rig: rig.run(s))),
    st.just(("kill", Rig.kill)),
    st.just(("end", Rig.end)),
    st.just(("broker leaves", lambda rig: rig.broker.leave())),
    st.just(("broker forgets", _forget)),
    st.just(("broker back", lambda rig: rig.broker.come_back())),
    st.just(("subscriber leaves", lambda rig: rig.broker.subscriber_leaves())),
    st.just(("subscriber returns", lambda rig: rig.broker.subscriber_returns())),
    st.sampled_from([0, 5, 90, 2500]).map(lambda ms: (f"slow {ms}", _slow(ms))),
    st.booleans().map(lambda on: (f"refusing {on}", _set("refusing", to=on))),
]
SUSPICIOUS: list[st.SearchStrategy[tuple[str, Op]]] = [
    st.integers(0, 120).map(lambda k: (f"cut after {k}", lambda rig: rig.broker.cut(accepted=k))),
    st.booleans().map(lambda on: (f"silent {on}", _set("silent", to=on))),
    st.just(("run 20", lambda rig: rig.run(20.0))),
]


def play(rig: Rig, script: list[tuple[str, Op]]) -> None:
    rig.run(0.2)
    for _, op in script:
        op(rig)
    rig.broker.still()
    rig.append(1)
    rig.settle()


@settings(deadline=None, max_examples=150)
@given(st.lists(st.one_of(HARMLESS), min_size=5, max_size=40), st.integers(0, 99))
def test_all_arrives_in_order_whatever_broker_and_kills_do(script: list[tuple[str, Op]], seed: int) -> None:
    with Rig(seed) as rig:
        play(rig, script)
        assert rig.violations() == []
        rig.kill()
        assert rig.rejected() == {}
        assert rig.cursor() <= rig.check.newest(rig.journal.incarnation)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.one_of(HARMLESS + SUSPICIOUS), min_size=5, max_size=40), st.integers(0, 99))
def test_only_an_event_that_the_broker_hung_up_on_again_and_again_is_left_out(
    script: list[tuple[str, Op]], seed: int
) -> None:
    with Rig(seed) as rig:
        play(rig, script)
        rig.kill()
        flagged = rig.rejected()
        suspicious = sum(name.startswith(("cut", "silent True", "run 20")) for name, _ in script)
        assert len(flagged) <= suspicious // 4
        assert rig.violations(excused=frozenset(f"{rig.journal.incarnation}-{seq}" for seq in flagged)) == []


def test_cut_in_mid_window_repeats_what_was_accepted_and_sends_what_was_lost() -> None:
    with Rig() as rig:
        rig.run(0.1)
        rig.append(50)
        rig.run(0.02)
        rig.broker.cut(accepted=20)
        accepted = rig.check.arrivals
        rig.settle()
        assert 0 < accepted < 50
        assert (rig.violations(), rig.check.doubles) == ([], accepted)


def test_a_kill_costs_doubles_and_no_event() -> None:
    with Rig() as rig:
        rig.run(0.1)
        rig.append(130)
        rig.run(0.06)
        before = rig.check.newest(rig.journal.incarnation)
        rig.kill()
        assert 0 < rig.cursor() <= before
        rig.settle()
        assert rig.violations() == []
        assert rig.check.arrivals == 131 + rig.check.doubles


def test_what_a_broker_without_a_disk_acknowledged_and_lost_is_counted() -> None:
    with Rig() as rig:
        rig.run(0.1)
        rig.broker.subscriber_leaves()
        rig.append(10)
        rig.run(1.0)
        rig.broker.leave(forget=True)
        rig.broker.still()
        rig.append(5)
        rig.settle()
        assert len(rig.broker.forgotten) == 11
        assert rig.violations() == []
        missing = rig.check.verdict({rig.journal.incarnation: 16})
        assert [v.id for v in missing if v.name == "gap"] == [f"{rig.journal.incarnation}-{n}" for n in range(1, 12)]


def test_an_event_that_the_broker_hates_is_flagged_and_the_others_arrive() -> None:
    with Rig() as rig:
        rig.broker.faults.hates = _thirteen
        rig.append(30)
        rig.settle()
        assert rig.broker.hung_up == 4
        rig.kill()
        assert list(rig.rejected()) == [14]
        assert [(v.name, v.id) for v in rig.violations()] == [("gap", f"{rig.journal.incarnation}-14")]
        assert "event 14" in next(told.text for told in rig.told if told.subject == "rejected")


def _event(message: Message) -> bool:
    return "/event/" in message.topic


def _thirteen(message: Message) -> bool:
    return b'"text":"13"' in message.payload


def _first(message: Message) -> bool:
    return "/event/journal-opened" in message.topic


def _says(rig: Rig, subject: str, text: str) -> bool:
    return any(told.subject == subject and told.standing and text in told.text for told in rig.told)


@pytest.mark.parametrize("fault", ["hates", "ignores"])
@pytest.mark.parametrize("before", [0, 20])
def test_a_broker_that_accepts_no_events_for_a_while_loses_none(fault: str, before: int) -> None:
    with Rig() as rig:
        if before:
            rig.append(before)
            rig.settle()
        setattr(rig.broker.faults, fault, _event)
        rig.append(20)
        rig.run(400)
        assert _says(rig, "broker", "accepts no events")
        assert rig.told[-1].standing
        rig.broker.still()
        rig.settle()
        assert rig.violations() == []
        assert [told.standing for told in rig.told if told.subject == "broker"][-1] is False
        rig.kill()
        assert rig.rejected() == {}


@pytest.mark.parametrize("kind", ["journal-opened", "alarm-raised"])
def test_an_event_that_the_broker_ignores_is_flagged_if_others_are_accepted(kind: str) -> None:
    with Rig() as rig:
        rig.broker.faults.ignores = _thirteen if kind == "alarm-raised" else _first
        rig.append(30)
        rig.run(200)
        rig.kill()
        assert list(rig.rejected()) == [14 if kind == "alarm-raised" else 1]
        assert [v.name for v in rig.violations()] == ["gap"]


def test_an_event_that_the_broker_hates_is_never_flagged_if_no_other_was_ever_accepted() -> None:
    with Rig() as rig:
        rig.broker.faults.hates = _first
        rig.append(5)
        rig.run(600)
        assert _says(rig, "broker", "accepts no events")
        rig.broker.still()
        rig.settle()
        assert rig.violations() == []
        rig.kill()
        assert rig.rejected() == {}


@pytest.mark.parametrize("fault", ["hates", "ignores"])
@pytest.mark.parametrize("takes", [1, 2, 3])
def test_a_broker_that_takes_few_events_a_connection_gets_all_in_time(takes: int, fault: str) -> None:
    with Rig() as rig:
        rig.append(5)
        rig.settle()
        seen: dict[object, int] = {}

        def over(message: Message) -> bool:
            link = rig.broker._link
            seen[link] = seen.get(link, 0) + _event(message)
            return _event(message) and seen[link] > takes

        setattr(rig.broker.faults, fault, over)
        rig.append(6)
        rig.run(400, until=lambda: rig.check.newest(rig.journal.incarnation) >= rig.journal.last_seq)
        assert rig.violations() == []
        rig.kill()
        assert rig.rejected() == {}


def test_two_events_in_a_row_that_the_broker_hates_are_flagged_each() -> None:
    with Rig() as rig:
        rig.broker.faults.hates = lambda m: b'"text":"12"' in m.payload or b'"text":"13"' in m.payload
        rig.append(30)
        rig.settle()
        rig.kill()
        assert list(rig.rejected()) == [13, 14]


@pytest.mark.parametrize("fault", ["hates", "ignores"])
def test_a_broker_that_takes_no_words_on_devices_gets_all_events(fault: str) -> None:
    with Rig() as rig:
        setattr(rig.broker.faults, fault, lambda message: "/device/" in message.topic)
        for _ in range(4):
            rig.append(20)
            rig.run(30)
        assert rig.check.newest(rig.journal.incarnation) == rig.journal.last_seq
        assert rig.violations() == []
        assert _says(rig, "devices", "ends the connection") == (fault == "hates")
        rig.kill()
        assert rig.rejected() == {}


def test_words_on_devices_are_said_again_on_a_connection_that_outlasts_their_silence() -> None:
    """Seed 2026113765: a connection that began in the silence kept it, and the alarm, for as long as it lasted."""
    with Rig() as rig:
        rig.broker.faults.hates = lambda message: "/device/" in message.topic
        for _ in range(4):
            rig.append(20)
            rig.run(30)
        assert _says(rig, "devices", "ends the connection")
        rig.broker.faults.hates = lambda _: False
        rig.run(700)
        assert [told.standing for told in rig.told if told.subject == "devices"][-1] is False
        topics = [f"{rig.settings.topic}/device/scale-{n}" for n in range(3)]
        assert all(rig.broker.retained.get(topic) for topic in topics)


def test_words_on_devices_are_of_now_while_a_backlog_is_still_on_its_way() -> None:
    """Behind an outage the words of before were said again as the station was `online`, as long as it drained."""
    with Rig() as rig:
        topics = [f"{rig.settings.topic}/device/scale-{n}" for n in range(3)]
        rig.append(21)
        rig.settle()
        rig.broker.leave()
        rig.append(2000)
        rig.run(5)
        rig.broker.faults.slow_ms = (900.0, 900.0)
        rig.broker.come_back()
        for _ in range(2):  # as it connects, and of what changes later
            last = rig.journal.last_seq
            rig.run(10)
            assert rig.check.newest(rig.journal.incarnation) < last - 20
            said = [json.loads(rig.broker.retained[topic]) for topic in topics]
            newest = {event.seq: json.loads(event.payload) for event in _device_changes(rig)}
            assert {word["sequence"]: word["connected"] for word in said} == {
                seq: told["connected"] for seq, told in sorted(newest.items())[-3:]
            }
            rig.append(2000)
        rig.broker.faults.slow_ms = (0.0, 0.0)
        rig.broker.cut()
        rig.settle()
        assert rig.violations() == []


def test_a_broker_that_refuses_all_events_of_a_kind_makes_the_others_late_and_that_is_told() -> None:
    with Rig() as rig:
        rig.append(5)
        rig.settle()
        rig.broker.faults.hates = lambda message: "/event/device-changed" in message.topic
        for _ in range(250):
            rig.append(14)
            rig.run(8)
        behind = [told for told in rig.told if told.subject == "behind"]
        assert [told.standing for told in behind] == [False, True]
        assert "have waited for the broker" in behind[1].text
        rig.broker.faults.hates = lambda _: False
        rig.settle()
        rig.run(20)
        assert [told for told in rig.told if told.subject == "behind"][-1].standing is False


def test_an_outage_is_not_told_as_a_broker_that_is_slow() -> None:
    with Rig() as rig:
        rig.append(5)
        rig.settle()
        rig.broker.leave()
        rig.append(1000)
        rig.run(2000)
        rig.broker.come_back()
        rig.settle()
        assert [told.standing for told in rig.told if told.subject == "behind"] == [False]


def _device_changes(rig: Rig) -> list[Stored]:
    with contextlib.closing(Reader(rig.settings.data / "journal.db")) as reader:
        return reader.between(0, rig.journal.last_seq, DeviceChanged.type)


def test_the_word_on_a_device_that_the_station_no_longer_has_is_taken_away_once() -> None:
    with Rig() as rig:
        rig.append(22)
        rig.run(5)
        topics = [f"{rig.settings.topic}/device/scale-{n}" for n in range(3)]
        assert all(rig.broker.retained[topic] for topic in topics)
        rig.settings = rig.settings.model_copy(update={"devices": frozenset({"scale-0", "scale-2"})})
        for _ in range(2):
            rig.kill()
            rig.run(5)
            assert [bool(rig.broker.retained.pop(topic, b"")) for topic in topics] == [True, False, True]
        assert topics[1] not in rig.broker.retained
        rig.append(22)
        rig.run(5)
        assert topics[1] not in rig.broker.retained


def test_a_cursor_that_cannot_be_written_is_told_and_publishing_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    written, full = Cursor._write, [False]

    def write(cursor: Cursor) -> None:
        if full[0]:
            raise apsw.FullError("database or disk is full")
        written(cursor)

    monkeypatch.setattr(Cursor, "_write", write)
    with Rig() as rig:
        rig.append(5)
        rig.run(2)
        full[0] = True
        rig.append(30)
        rig.run(5)
        rig.broker.cut()
        rig.run(5)
        assert _says(rig, "cursor", "cannot be written")
        assert rig.check.newest(rig.journal.incarnation) == rig.journal.last_seq
        full[0] = False
        rig.run(5)
        assert [told.standing for told in rig.told if told.subject == "cursor"][-2:] == [True, False]
        rig.kill()
        assert rig.cursor() == rig.journal.last_seq


def test_a_journal_that_cannot_be_read_for_a_while_is_told_and_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    after, broken = Reader.after, [True]

    def read(reader: Reader, seq: int, limit: int) -> list[Stored]:
        if broken[0]:
            raise JournalError("its page 7 cannot be read")
        return after(reader, seq, limit)

    monkeypatch.setattr(Reader, "after", read)
    with Rig() as rig:
        rig.append(5)
        rig.run(30)
        assert [told.standing for told in rig.told if told.subject == "journal"] == [False, True]
        broken[0] = False
        rig.settle()
        assert rig.code is None
        assert rig.violations() == []
        rig.run(3)
        assert [told.standing for told in rig.told if told.subject == "journal"] == [False, True, False]


def test_an_event_whose_acknowledgement_comes_with_the_end_of_the_connection_is_not_suspected() -> None:
    with Rig() as rig:
        rig.run(0.1)
        for _ in range(6):
            rig.append(1)
            rig.run(0.02)
            link = rig.broker._link
            assert link
            link.turn(0)
            rig.broker.cut()
            rig.run(5.0)
        rig.kill()
        assert rig.cursor() == 7
        assert (rig.check.arrivals, rig.check.doubles) == (7, 0)


def test_a_broker_that_refuses_then_takes_this_client_gets_everything() -> None:
    with Rig() as rig:
        rig.broker.faults.refusing = True
        rig.append(5)
        rig.run(30)
        assert rig.check.arrivals == 0
        assert "refuses" in next(t.text for t in rig.told if t.subject == "broker")
        rig.broker.still()
        rig.settle()
        assert rig.violations() == []


def test_the_retained_state_follows_the_publisher_and_its_daemon() -> None:
    with Rig() as rig:
        topic = f"{rig.settings.topic}/state"

        def state() -> str:
            return rig.broker.retained[topic].decode().split('"')[3]

        rig.run(0.2)
        assert state() == "online"
        rig.kill()
        assert state() == "offline"
        rig.run(1.0)
        assert state() == "online"
        rig.append(3)
        rig.end()
        assert (rig.code, state()) == (0, "stale")
        assert rig.violations() == []
        assert rig.cursor() == 4


@pytest.mark.parametrize("asked", range(1, 8))
def test_an_end_that_comes_in_mid_turn_leaves_no_state_of_before_it(asked: int) -> None:
    """The daemon's pipe closes on another thread, at any moment of a turn."""
    with Rig() as rig:
        rig.run(2.0)
        rig.end_at_question(asked)
        states = [json.loads(word)["state"] for topic, word in rig.broker.retained.items() if topic.endswith("/state")]
        assert (rig.code, states) == (0, ["stale"])


def test_no_event_goes_before_the_broker_has_acknowledged_the_state() -> None:
    with Rig() as rig:
        rig.broker.faults.silent = True
        rig.append(5)
        rig.run(3.0)
        assert (set(rig.broker.retained), rig.check.arrivals) == ({f"{rig.settings.topic}/state"}, 0)
        rig.broker.still()
        rig.settle()
        assert rig.check.arrivals == 6


@pytest.mark.parametrize(("wait_s", "cut"), [(1.0, False), (0.06, True)])
def test_the_cursor_is_on_disk_soon_and_when_a_connection_ends(wait_s: float, *, cut: bool) -> None:
    with Rig() as rig:
        rig.run(1.0)
        rig.append(1)
        rig.run(0.06)
        rig.append(3)
        rig.run(wait_s)
        if cut:
            rig.broker.cut()
            rig.run(0.04)
        rig.kill()
        assert rig.cursor() == rig.journal.last_seq


def test_a_guess_at_the_newest_number_that_is_too_low_costs_a_keep_alive_interval() -> None:
    with Rig() as rig:
        rig.guess = lambda: 0
        rig.run(0.2)
        rig.append(3)
        rig.run(1.0)
        assert rig.check.arrivals == 0
        rig.run(rig.settings.keepalive_s)
        assert rig.check.arrivals == 4


def test_the_newest_cause_is_told_and_one_that_stays_only_once() -> None:
    with Rig() as rig:
        rig.run(0.5)
        rig.broker.leave()
        rig.run(20.0)
        rig.broker.faults.refusing = True
        rig.broker.come_back()
        rig.run(20.0)
        words = [told.text for told in rig.told if told.subject == "broker" and told.standing]
        assert "refuses this client" in words[-1]
        assert len(words) == len(set(words)) <= 3
