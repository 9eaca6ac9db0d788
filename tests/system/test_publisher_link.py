"""The link to a broker, over TCP: what the broker says of itself and of each message is heard, whatever version."""

from __future__ import annotations

import json
import signal
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from station.clock import now_utc, utc_text
from station.core.records import DeviceChanged
from station.journal import Inbox
from station.publisher.greeting import greet
from station.publisher.link import PahoLink
from station.publisher.ports import LinkError, Message
from station.publisher.settings import PublisherSettings
from tests.system.broker import Mosquitto, Subscriber
from tests.system.fake_broker import FakeBroker
from tests.system.publisher_rig import Publisher, Station, bulky, living_station, publishers

WILL = Message("will", b"x", retain=True)
EVENT = Message("a/event/b", b"{}")
Fake = Callable[..., FakeBroker]


@pytest.fixture
def fake() -> Iterator[Fake]:
    made: list[FakeBroker] = []

    def make(**how: Any) -> FakeBroker:
        made.append(FakeBroker(**how))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with living_station(tmp_path / "data") as made:
        yield made


@pytest.fixture
def publish(tmp_path: Path) -> Iterator[Callable[..., Publisher]]:
    with publishers(tmp_path / "data") as start:
        yield start


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    (tmp_path / "broker").mkdir()
    made: list[Mosquitto] = []

    def make(*more: str) -> Mosquitto:
        made.append(Mosquitto(tmp_path / "broker", *more))
        return made[-1]

    yield make
    for one in made:
        one.end()


def link(port: int, **more: Any) -> PahoLink:
    names = {"host": "127.0.0.1", "port": port, "site": "a", "line": "b", "station": "c", "data": Path("/nowhere")}
    return PahoLink(PublisherSettings.model_validate(names | more), WILL)


def until(one: PahoLink, what: Callable[[], object], timeout_s: float = 5) -> None:
    end = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < end
        one.turn(0.02)


def ends(one: PahoLink) -> str:
    with pytest.raises(LinkError) as caught:
        until(one, lambda: False)
    one.close(in_order=False)
    return str(caught.value)


@pytest.mark.parametrize("how", [{}, *({"versions": (4,), "otherwise": how} for how in ("says so", "close", "silent"))])
def test_mqtt_5_is_spoken_where_the_broker_does_and_else_3_1_1(fake: Fake, how: dict[str, Any]) -> None:
    broker = fake(**how)
    one = link(broker.port)
    until(one, lambda: one.ready)
    number = one.send(EVENT)
    until(one, lambda: one.acked)
    assert one.acked == [number]
    assert [level for level, _ in broker.connects] == ([5, 4] if "versions" in how else [5])
    one.close(in_order=True)


@pytest.mark.parametrize(
    ("how", "right", "said"),
    [
        ({}, True, "takes this client"),
        ({"versions": (4,)}, True, "takes this client"),
        ({"connack": b"\x20\x03\x00\x87\x00"}, False, "refuses this client: Not authorized"),
        ({"connack": b"HTTP/1.1 400 Bad Request\r\n\r\n"}, False, "answers nothing of MQTT"),
        ({"properties": b"\x27" + struct.pack(">I", 5000)}, False, "packets of 5000 bytes at most"),
        ({"versions": (), "otherwise": "silent"}, False, "answers nothing of MQTT"),
    ],
)
def test_a_check_says_what_the_broker_answers(fake: Fake, how: dict[str, Any], right: bool, said: str) -> None:  # noqa: FBT001
    broker = fake(**how)
    names = {
        "host": "127.0.0.1",
        "port": broker.port,
        "site": "a",
        "line": "b",
        "station": "c",
        "data": Path("/nowhere"),
    }
    found, text = greet(PublisherSettings.model_validate(names))
    assert (found, said in text) == (right, True), text
    assert {client for _, client in broker.connects} == {"a-b-c-check"}
    assert broker.seen == []


def test_what_the_broker_does_not_take_is_not_acknowledged_and_the_reason_is_heard(fake: Fake) -> None:
    answers = {b"0": 0, b"1": 0x10, b"2": 0x87, b"3": 0x97}
    one = link(fake(policy=lambda _topic, payload: answers[payload]).port)
    until(one, lambda: one.ready)
    numbers = [one.send(Message("t", payload)) for payload in answers]
    until(one, lambda: len(one.acked) + len(one.refused) == 4)
    assert one.acked == numbers[:2]
    assert one.refused == [(numbers[2], "Not authorized"), (numbers[3], "Quota exceeded")]
    one.close(in_order=True)


def test_no_more_is_on_its_way_than_the_broker_takes_at_once(fake: Fake) -> None:
    broker = fake(properties=b"\x21" + struct.pack(">H", 3), policy=lambda *_: "silent")
    one = link(broker.port)
    until(one, lambda: one.ready)
    for _ in range(10):
        one.send(EVENT)
    broker.wait(lambda: len(broker.seen) == 3)
    broker.policy = lambda *_: 0
    for mid in (1, 2, 3):
        broker.send(b"\x40\x02" + struct.pack(">H", mid))
    until(one, lambda: len(one.acked) == 10)
    assert one.acked == list(range(1, 11))
    one.close(in_order=True)


def test_limits_of_the_broker_are_known(fake: Fake) -> None:
    one = link(fake(properties=b"\x27" + struct.pack(">I", 5000)).port)
    until(one, lambda: one.ready)
    assert one.largest == 5000
    one.close(in_order=True)
    assert "QoS 0 only" in ends(link(fake(properties=b"\x24\x00").port))
    assert "no retained messages" in ends(link(fake(properties=b"\x25\x00").port))
    assert "packets of 150 bytes" in ends(link(fake(properties=b"\x27" + struct.pack(">I", 150)).port))


def test_the_reason_of_a_refusal_and_of_a_goodbye_is_named(fake: Fake) -> None:
    words = b"\x1f\x00\x05later"
    refusing = fake(connack=b"\x20" + bytes([3 + len(words)]) + b"\x00\x97" + bytes([len(words)]) + words)
    assert "refuses this client: Quota exceeded (later)" in ends(link(refusing.port))
    leaving = fake()
    one = link(leaving.port)
    until(one, lambda: one.ready)
    leaving.send(b"\xe0\x02\x8b\x00")
    assert "the broker ended the connection: Server shutting down" in ends(one)


@pytest.mark.parametrize(
    "garbage",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\x02\x00\x00\x30\x05\x00\x03\xff\xfe\xfdx",
     b"\x20\x02\x00\x00\x30\x02\x00\x09",
     b"\x20\x03\x00\x00\x00\x30\x05\x00\x03\xff\xfe\xfdx", b"\x20\x03\x00\x00\x00\x40\x01\x00",
     b"\x20\x03\x00\x00\x00\x90\x00",
     b"\x20\x03\x00\x00\x00\x40\x04\x00\x01\x01\x00", b"\x20\x03\x00\x00\x00\xff\xff\xff\xff\xff\x01", b"\x20\x00"],
)  # fmt: skip
def test_what_is_no_mqtt_ends_the_connection_and_nothing_else(fake: Fake, garbage: bytes) -> None:
    broker = fake(connack=garbage)
    one = link(broker.port, commands=True)
    try:
        one.send(EVENT)
        for _ in range(25):
            one.turn(0.02)
    except LinkError:
        pass
    one.close(in_order=False)


def test_a_command_is_confirmed_only_if_the_broker_wants_that(fake: Fake) -> None:
    broker = fake(versions=(4,))
    one = link(broker.port, commands=True)
    until(one, lambda: one.ready)
    broker.send(b"\x30\x04\x00\x01ax" + b"\x32\x06\x00\x01a\x00\x07x")
    until(one, lambda: len(one.received) == 2)
    for incoming in one.received:
        one.confirm(incoming)
    until(one, lambda: broker.pubacks)
    assert broker.pubacks == [7]
    one.close(in_order=True)


def test_of_commands_that_want_no_confirmation_100_wait(fake: Fake) -> None:
    broker = fake(versions=(4,))
    one = link(broker.port, commands=True)
    until(one, lambda: one.ready)
    broker.send(b"\x30\x04\x00\x01ax" * 150 + b"\x32\x06\x00\x01a\x00\x07x")
    until(one, lambda: one.received and one.received[-1].mid == 7)
    assert len(one.received) == 101
    one.close(in_order=True)


def test_a_flood_of_commands_holds_up_no_event_and_waits_at_the_broker(
    station: Station, mosquitto: Callable[..., Mosquitto], publish: Callable[..., Publisher], tmp_path: Path
) -> None:
    broker = mosquitto()
    subscriber = Subscriber(broker.port)
    publish(broker.port, commands=True)
    subscriber.wait(lambda: "state" in subscriber.retained)
    central = Client(CallbackAPIVersion.VERSION2, "central-commands")
    central.connect("127.0.0.1", broker.port)
    central.loop_start()
    sent = [central.publish("inspection/v1/hall/belt/s1/command/pause", _wish(n), qos=1) for n in range(700)]
    for one in sent:
        one.wait_for_publish(10)
    begun = time.monotonic()
    station.many(200)
    subscriber.wait(lambda: subscriber.newest == station.journal.last_seq, 5)
    answered: list[str] = []
    while len(answered) < 700:
        answered += _answered(tmp_path / "data")
        assert time.monotonic() - begun < 30, len(answered)
    assert answered == [f"f-{n}" for n in range(700)]
    central.disconnect()
    central.loop_stop()
    subscriber.close()


def _wish(number: int) -> bytes:
    now = now_utc()
    times = {"issued_at": utc_text(now), "expires_at": utc_text(now + timedelta(minutes=5))}
    return json.dumps({"id": f"f-{number}", "who": "wms", **times}).encode()


def _answered(data: Path) -> list[str]:
    """As the station does: what it answers waits no more."""
    with closing(Inbox(data)) as inbox:
        waiting = inbox.waiting()
        for posted in waiting:
            inbox.done(posted.seq)
    return [posted.id for posted in waiting]


@pytest.mark.parametrize("versions", [(4,), (4, 5)])
def test_a_broker_that_answers_all_but_events_is_named_and_loses_none(
    station: Station, fake: Fake, publish: Callable[..., Publisher], versions: tuple[int, ...]
) -> None:
    broker = fake(versions=versions, policy=lambda topic, _payload: "silent" if "/event/" in topic else 0)
    station.many(5)
    one = publish(broker.port)
    assert "accepts no events: it acknowledges none" in one.told("broker", timeout_s=20)
    before = len(broker.connects)
    broker.wait(lambda: len(broker.connects) > before)
    broker.policy = lambda *_: 0
    one.told("broker", standing=False)
    assert one.end() == 0
    cursor = apsw.Connection(str(one.folder / "cursor.db"))
    assert cursor.execute("SELECT seq, (SELECT count(*) FROM rejected) FROM cursor").get == (6, 0)
    cursor.close()


def test_an_event_that_the_broker_refuses_is_rejected_with_its_reason_where_others_are_taken(
    station: Station, fake: Fake, publish: Callable[..., Publisher]
) -> None:
    broker = fake(policy=lambda _topic, payload: 0x99 if b'"text":"2"' in payload else 0)
    station.many(6)
    one = publish(broker.port)
    said = one.told("rejected", timeout_s=30)
    assert "event 4 (alarm-raised) is not published" in said
    assert "Payload format invalid" in said
    broker.wait(lambda: b'"sequence":7' in broker.events()[-1])


def test_a_broker_that_refuses_all_events_is_named_and_loses_none(
    station: Station, tmp_path: Path, mosquitto: Callable[..., Mosquitto], publish: Callable[..., Publisher]
) -> None:
    rules = tmp_path / "acl"
    root = "topic readwrite inspection/v1/hall/belt/s1"
    rules.write_text(f"{root}/state\n{root}/device/#\ntopic read #\n")
    broker = mosquitto(f"acl_file {rules}")
    station.many(5)
    one = publish(broker.port)
    while "accepts no events: Not authorized" not in one.told("broker"):
        pass
    subscriber = Subscriber(broker.port)
    rules.write_text(f"{root}/#\ntopic read #\n")
    broker.signal(signal.SIGHUP)  # it reads its rules anew
    one.told("broker", standing=False)
    subscriber.wait(lambda: len(set(subscriber.payloads)) == 6)
    assert one.end() == 0
    cursor = apsw.Connection(str(tmp_path / "data" / "cursor.db"))
    assert cursor.execute("SELECT * FROM rejected").fetchall() == []
    cursor.close()
    subscriber.close()


def test_a_broker_that_hangs_up_at_a_state_that_it_refuses_gets_the_events(
    station: Station, tmp_path: Path, mosquitto: Callable[..., Mosquitto], publish: Callable[..., Publisher]
) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic readwrite inspection/v1/hall/belt/s1/event/#\ntopic read #\n")
    broker = mosquitto(f"acl_file {rules}")
    subscriber = Subscriber(broker.port)
    station.add(DeviceChanged(device="scanner-1", connected=False, detail="unplugged"))
    station.many(5)
    one = publish(broker.port)
    assert "Not authorized" in one.told("state")
    subscriber.wait(lambda: len(set(subscriber.payloads)) == 7)
    assert "device/#" in one.told("devices")
    station.many(5)
    subscriber.wait(lambda: len(set(subscriber.payloads)) == 12)
    assert subscriber.firsts() == station.numbers
    assert one.end() == 0
    subscriber.close()


def test_an_event_over_the_brokers_own_limit_is_left_out_with_that_cause(
    station: Station, mosquitto: Callable[..., Mosquitto], publish: Callable[..., Publisher]
) -> None:
    broker = mosquitto("max_packet_size 2000")
    station.add(bulky())
    one = publish(broker.port)
    assert "its maximum packet size" in one.told("rejected")


def test_words_that_the_broker_refuses_are_named_and_the_events_are_published(
    station: Station, fake: Fake, publish: Callable[..., Publisher]
) -> None:
    broker = fake(policy=lambda topic, _payload: 0 if "/event/" in topic else 0x87)
    station.many(5)
    one = publish(broker.port)
    assert "Not authorized" in one.told("state")
    broker.wait(lambda: len(broker.events()) == 6)
