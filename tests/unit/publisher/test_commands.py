"""Commands over MQTT: into the inbox or answered, whatever comes, and confirmed only then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from station.clock import Clock
from station.core.commands import HoldList, Pause, Resume
from station.core.events import CommandMalformed
from station.core.records import CommandResult
from station.forms import MALFORMED, MESSAGES, read_message, read_waiting
from station.holding import staged
from station.journal import INBOX_FILE, Inbox, Journal, Posted, Reader
from station.publisher.commands import LARGEST_BYTES, Commands
from station.publisher.cursor import Cursor
from station.publisher.messages import Envelopes
from station.publisher.ports import Incoming, Message
from station.publisher.settings import PublisherSettings
from station.publisher.shelf import Shelf
from station.publisher.teller import Teller, Told

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SIGNED: dict[str, Any] = {
    "id": "c-1",
    "who": "wms",
    "issued_at": "2026-11-25T12:00:00Z",
    "expires_at": "2026-11-25T12:01:00Z",
}
ROOT = "inspection/v1/hall/belt/s1"


@dataclass
class Wire:
    """A connection that brought something."""

    ready: bool = True
    deaf: str = ""
    acked: list[int] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    largest: int = 0
    received: list[Incoming] = field(default_factory=list)
    confirmed: list[int] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    waiting_at_confirmation: list[int] = field(default_factory=list)
    data: Path = Path()

    def turn(self, seconds: float) -> None: ...

    def send(self, message: Message) -> int:
        self.sent.append(message)
        return len(self.sent)

    def confirm(self, incoming: Incoming) -> None:
        self.confirmed.append(incoming.mid)
        self.waiting_at_confirmation.append(len(waiting(self.data)))

    def close(self, *, in_order: bool) -> None: ...


@dataclass
class Rig:
    data: Path
    journal: Journal
    cursor: Cursor
    reader: Reader
    commands: bool = True
    now_ns: int = 0
    told: list[Told] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = {"host": "broker", "site": "hall", "line": "belt", "station": "s1", "data": self.data}
        settings = PublisherSettings.model_validate(names | {"commands": self.commands})
        clock = Clock(lambda: self.now_ns, lambda: NOON)
        shelf = Shelf(settings, clock, self.reader, self.cursor, Envelopes(settings), lambda: 0)
        self.taker = Commands(shelf, Teller(self.told.append))
        self.wire = Wire(data=self.data)

    def bring(self, kind: str, payload: bytes, *, retained: bool = False, root: str = f"{ROOT}/command/") -> None:
        self.wire.received.append(Incoming(f"{root}{kind}", payload, retained, len(self.wire.confirmed) + 1))
        self.taker.take(self.wire)

    def later(self, *seconds: float) -> None:
        """After each so long another turn."""
        for wait_s in seconds:
            self.now_ns += int(wait_s * 1e9)
            self.taker.take(self.wire)

    def troubles(self) -> list[tuple[str, bool]]:
        return [(told.subject, told.standing) for told in self.told]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    journal = Journal(tmp_path / "journal.db", station="demo", now_utc=lambda: NOON, mono_ns=lambda: 7)
    journal.probe()
    with Cursor(tmp_path / "cursor.db") as cursor, closing(Reader(journal.path)) as reader:
        yield Rig(tmp_path, journal, cursor, reader)
    journal.close()


def waiting(data: Path) -> list[Posted]:
    if not (data / INBOX_FILE).is_file():
        return []
    with closing(Inbox(data)) as inbox:
        return inbox.waiting(limit=1000)


def answer(data: Path, number: int = 1000) -> None:
    """As the station does: what is answered waits no more."""
    if (data / INBOX_FILE).is_file():
        with closing(Inbox(data)) as inbox:
            for posted in inbox.waiting(limit=number):
                inbox.done(posted.seq)


def signed(**more: Any) -> bytes:
    return json.dumps(SIGNED | more).encode()


def test_a_command_waits_in_the_inbox_before_it_is_confirmed(rig: Rig) -> None:
    rig.bring("pause", signed())
    (posted,) = waiting(rig.data)
    assert (posted.id, posted.type, posted.source) == ("c-1", "pause", "mqtt")
    assert read_waiting(posted.type, posted.source, posted.payload) == Pause.model_validate(SIGNED)
    assert rig.wire.waiting_at_confirmation == [1]
    assert rig.wire.received == []


def test_one_delivered_twice_waits_once(rig: Rig) -> None:
    for _ in range(2):
        rig.bring("pause", signed())
    assert len(waiting(rig.data)) == 1
    assert len(rig.wire.confirmed) == 2


def test_one_that_the_broker_retained_is_confirmed_and_left(rig: Rig) -> None:
    rig.bring("pause", signed(), retained=True)
    assert waiting(rig.data) == []
    assert rig.wire.confirmed == [1]


def test_what_was_not_asked_for_is_left(rig: Rig) -> None:
    rig.bring("pause", signed(), root="inspection/v1/hall/belt/s2/command/")
    assert waiting(rig.data) == []


def test_a_hold_list_is_put_beside_the_inbox(rig: Rig) -> None:
    rig.bring("hold-list", signed(codes=["B", "A"]))
    (posted,) = waiting(rig.data)
    command = read_waiting(posted.type, posted.source, posted.payload)
    assert isinstance(command, HoldList)
    assert command.codes == 2
    assert staged(rig.data, command.sha256).codes == {"A", "B"}


def test_a_hold_list_with_what_is_no_code_is_answered(rig: Rig) -> None:
    rig.bring("hold-list", signed(codes=["A", " B"]))
    (posted,) = waiting(rig.data)
    found = read_waiting(posted.type, posted.source, posted.payload)
    assert isinstance(found, CommandMalformed)
    assert (found.type, found.id) == ("hold-list", "c-1")
    assert "no barcode" in found.text


def test_what_is_no_command_waits_to_be_answered(rig: Rig) -> None:
    rig.bring("pause", b'{"id": "m-1", "who": "wms"}')
    (posted,) = waiting(rig.data)
    found = read_waiting(posted.type, posted.source, posted.payload)
    assert isinstance(found, CommandMalformed)
    assert (found.type, found.id, found.who, found.source) == ("pause", "m-1", "wms", "mqtt")


def test_what_is_too_large_is_not_even_read(rig: Rig) -> None:
    rig.bring("pause", b" " * (LARGEST_BYTES + 1))
    (posted,) = waiting(rig.data)
    found = read_waiting(posted.type, posted.source, posted.payload)
    assert isinstance(found, CommandMalformed)
    assert "16777217 bytes" in found.text


def test_of_what_is_no_command_20_a_minute_are_answered(rig: Rig) -> None:
    for number in range(30):
        rig.bring("pause", f"{number}".encode())
    many = [posted.id for posted in waiting(rig.data)]
    rig.bring("pause", signed())
    rig.now_ns += int(timedelta(seconds=60).total_seconds() * 1e9)
    rig.bring("stop", b"{}")
    assert len(many) == len({posted.id for posted in waiting(rig.data)}) - 2


def test_an_answer_is_sent_again_for_one_that_comes_again(rig: Rig) -> None:
    told = {"command": "c-1", "command_type": "pause", "result": "accepted", "reason": "", "text": "", "who": "wms"}
    rig.journal.append([CommandResult.model_validate(told | {"source": "mqtt"})], epoch=1, session=1)
    rig.bring("pause", signed())
    assert rig.wire.sent == []  # it has not gone out yet, and will
    rig.cursor.advance(rig.journal.last_seq)
    rig.bring("pause", signed())
    (again,) = rig.wire.sent
    assert again.topic == f"{ROOT}/event/command-result"
    assert json.loads(again.payload)["data"] == told | {"source": "mqtt", "about": "", "issued_at": "", "digest": ""}
    assert waiting(rig.data) == []


def test_another_command_of_an_id_that_was_answered_waits_for_an_answer_of_its_own(rig: Rig) -> None:
    first = Pause.model_validate(SIGNED)
    told = {"command": "c-1", "command_type": "pause", "result": "accepted", "reason": "", "text": "", "who": "wms"}
    kept = CommandResult.model_validate(told | {"source": "mqtt", "digest": first.digest})
    rig.journal.append([kept], epoch=1, session=1)
    rig.cursor.advance(rig.journal.last_seq)
    rig.bring("pause", signed())
    assert len(rig.wire.sent) == 1
    rig.bring("resume", signed())
    rig.bring("hold-list", signed(codes=[]))
    rig.bring("stop", signed())
    rig.bring("pause", signed(id="c-2"))
    assert len(rig.wire.sent) == 1
    assert rig.wire.received == []  # two of one id at once hold up nothing behind them
    assert [posted.type for posted in waiting(rig.data)] == ["resume", MALFORMED, MALFORMED, "pause"]
    used = [read_waiting(posted.type, "mqtt", posted.payload) for posted in waiting(rig.data)[1:3]]
    text = "another command of the id c-1 waits: give each its own"
    assert used == [CommandMalformed(kind, "mqtt", text, "c-1", "wms", "id-used") for kind in ("hold-list", "stop")]


def test_taking_a_retained_message_away_is_no_command(rig: Rig) -> None:
    rig.bring("pause", b"")
    assert (waiting(rig.data), len(rig.wire.confirmed)) == ([], 1)


@pytest.mark.parametrize("line", ["a\u202eb", "a\u0085b", "a\u2028b", "a\u200bb", "a\x7fb", "a\nb"])
def test_a_sign_is_one_plain_line(line: str) -> None:
    assert isinstance(read_message("pause", signed(who=line)), CommandMalformed)


def test_one_issued_anew_is_answered_from_before_only_while_what_it_did_is_in_force(rig: Rig) -> None:
    def keep(model: type[Pause | Resume], identity: str) -> None:
        command = model.model_validate(SIGNED | {"id": identity})
        told = {"command": identity, "command_type": command.type, "result": "accepted", "reason": "", "text": ""}
        kept = CommandResult.model_validate(told | {"who": "wms", "source": "mqtt", "digest": command.digest})
        rig.journal.append([kept], epoch=1, session=1)
        rig.cursor.advance(rig.journal.last_seq)

    keep(Pause, "button")
    pressed_again = signed(id="button", issued_at="2026-11-25T12:00:01Z")
    rig.bring("pause", pressed_again)
    assert (len(rig.wire.sent), waiting(rig.data)) == (1, [])
    keep(Resume, "c-2")
    rig.bring("pause", signed(id="button"))  # the very message, as a broker may bring it twice
    assert (len(rig.wire.sent), waiting(rig.data)) == (2, [])
    rig.bring("pause", pressed_again)
    assert len(rig.wire.sent) == 2
    assert [posted.id for posted in waiting(rig.data)] == ["button"]


def test_an_inbox_that_cannot_be_used_is_told_until_it_can(rig: Rig) -> None:
    (rig.data / INBOX_FILE).mkdir()
    rig.bring("pause", signed())
    rig.later(2.0)
    assert rig.wire.confirmed == []
    (rig.data / INBOX_FILE).rmdir()
    rig.later(0.2)
    assert len(waiting(rig.data)) == len(rig.wire.confirmed) == 1
    assert rig.troubles() == [("commands", False), ("inbox", True), ("inbox", False)]


def test_a_broker_that_lets_it_hear_nothing_is_told(rig: Rig) -> None:
    rig.wire.deaf = "not permitted"
    rig.taker.take(rig.wire)
    assert rig.troubles() == [("commands", True)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.sampled_from([*MESSAGES, "", "+", "no-such"]) | st.text(), st.binary() | st.just(signed()), st.booleans())
def test_no_bytes_raise(rig: Rig, kind: str, payload: bytes, retained: bool) -> None:  # noqa: FBT001
    answer(rig.data)
    before = len(rig.wire.confirmed)
    rig.bring(kind, payload, retained=retained)
    assert len(rig.wire.confirmed) == before + 1


def flood(rig: Rig, number: int) -> None:
    for n in range(number):
        rig.wire.received.append(Incoming(f"{ROOT}/command/dry-run", signed(id=f"f-{n}"), retained=False, mid=n + 1))


def test_of_many_a_few_are_taken_a_turn(rig: Rig) -> None:
    flood(rig, 50)
    taken = []
    for _ in range(3):
        rig.taker.take(rig.wire)
        taken.append(len(rig.wire.confirmed))
    assert taken == [20, 40, 50]
    assert [posted.id for posted in waiting(rig.data)] == [f"f-{n}" for n in range(50)]


def test_what_the_inbox_has_no_room_for_is_confirmed_once_it_has(rig: Rig) -> None:
    flood(rig, 560)
    rig.later(*[0.02] * 40)
    assert len(waiting(rig.data)) == len(rig.wire.confirmed) == 500
    answer(rig.data, 20)
    rig.later(0.2)
    assert len(waiting(rig.data)) == 500
    assert rig.troubles() == [("commands", False), ("inbox", False)]  # it moves
    rig.later(*[0.2] * 12)
    assert rig.troubles()[-1] == ("inbox", True)
    assert "500 commands wait already" in rig.told[-1].text
    answer(rig.data)
    rig.later(0.2, 0.2)
    assert rig.wire.confirmed == list(range(1, 561))
    assert [posted.id for posted in waiting(rig.data)] == [f"f-{n}" for n in range(520, 560)]
    assert rig.troubles()[-1] == ("inbox", False)


def test_a_command_that_is_too_large_for_the_inbox_is_answered(rig: Rig) -> None:
    rig.bring("policy", signed(thresholds={f"{n:02}{62 * '刀'}": 0.5 for n in range(100)}))
    (posted,) = waiting(rig.data)
    found = read_waiting(posted.type, posted.source, posted.payload)
    assert isinstance(found, CommandMalformed)
    assert (found.id, found.type) == ("c-1", "policy")
    assert "16384 are allowed" in found.text
