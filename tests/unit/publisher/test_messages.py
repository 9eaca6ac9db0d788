"""What goes to the broker, byte for byte; the golden messages and the schemas."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.clock import ClockQuality
from station.core.records import (
    RECORDS,
    AlarmRaised,
    Decided,
    DeviceChanged,
    FindingRecord,
    ParcelCompleted,
    ParcelRef,
    Reason,
    Record,
)
from station.forms import MESSAGES, read_message
from station.journal import Stored
from station.publisher.messages import device_message, event_message, state_message
from station.publisher.schemas import (
    asyncapi,
    command_schema,
    data_schema,
    envelope_schema,
    files,
    main,
    retained_schemas,
)
from station.publisher.settings import PublisherSettings

GOLDEN = Path(__file__).parent / "golden"
DOCS = Path(__file__).parents[3] / "docs"
SETTINGS = PublisherSettings(host="broker", site="hall-2", line="belt-7", station="s1", data=Path("data"))
PARCEL = ParcelRef(epoch=1_790_000_000, number=4711)
NO_WEIGHT = Reason(code="no-weight", text="no weight from scale-1", device="scale-1")
KNIFE = FindingRecord(label="knife", score=0.91, box=(10.0, 20.0, 110.5, 60.0))


def completed(**more: object) -> ParcelCompleted:
    clean: dict[str, object] = {
        "parcel": PARCEL, "barcode": "4006381333931", "barcodes": ("4006381333931",), "weight_g": 1234.0,
        "frames": ("ab" * 32,), "findings": (), "route": "pass", "reasons": (), "ordered": True, "acknowledged": True,
        "outcome": "pass", "plc_why": "released", "mode": "automatic", "length_mm": 312.0,
        "entered_at": "2026-10-25T00:59:58.000Z", "decided_at": "2026-10-25T00:59:59.400Z",
        "completed_at": "2026-10-25T01:00:01.000Z", "order_latency_ms": 31.5,
    }  # fmt: skip
    return ParcelCompleted.model_validate(clean | more)


EXAMPLES: dict[str, Record] = {
    "parcel-completed-passed": completed(),
    "parcel-completed-inspected": completed(
        barcode=None, barcodes=(), weight_g=None, findings=(KNIFE,), route="inspect", reasons=(NO_WEIGHT,),
        outcome="inspect", plc_why="inspect-order",
    ),
    "parcel-completed-test-in-bypass-unobserved": completed(
        test=True, mode="bypass", outcome="unobserved", plc_why="not-automatic", ordered=False, acknowledged=False,
        route=None, decided_at=None, order_latency_ms=None,
    ),
    "decided": Decided(parcel=PARCEL, route="inspect", reasons=(NO_WEIGHT,), policy_version="7f", count=4012),
    "alarm-raised": AlarmRaised(alarm="device-lost", subject="scale-1", text="port is gone", priority="high"),
    "device-changed": DeviceChanged(device="scale-1", connected=False, detail="port is gone; is the plug in?"),
}  # fmt: skip


def stored(record: Record, seq: int = 12) -> Stored:
    payload = record.model_dump_json().encode()
    return Stored(seq, f"{'0' * 32}-{seq}", record.type, record.version, "2026-10-25T01:00:01.250Z", 9, 5, 6, payload)


@pytest.mark.parametrize("name", EXAMPLES)
def test_golden_messages_are_stable(name: str) -> None:
    message = event_message(stored(EXAMPLES[name]), SETTINGS)
    golden = json.loads((GOLDEN / f"{name}.json").read_text())
    assert json.loads(message.payload) == golden["payload"]
    assert message.topic == golden["topic"]
    assert list(json.loads(message.payload)) == list(golden["payload"])


@given(st.text(), st.text(), st.text(), st.integers(1, 99), st.integers(1, 2**40))
def test_an_envelope_is_what_json_writes_without_spaces(id_: str, kind: str, time: str, version: int, seq: int) -> None:
    event = Stored(seq, id_, kind, version, time, 9, 5, 6, b'{"a":1}')
    envelope = {
        "specversion": "1.0", "id": id_, "source": "inspection/hall-2/belt-7/s1", "type": f"inspection.v1.{kind}",
        "time": time, "datacontenttype": "application/json",
        "dataschema": f"urn:inspection-station:schema:{kind}:{version}", "sequence": seq, "data": {"a": 1},
    }  # fmt: skip
    message = event_message(event, SETTINGS)
    assert message.payload == json.dumps(envelope, separators=(",", ":")).encode()
    assert message.topic == f"inspection/v1/hall-2/belt-7/s1/event/{kind}"


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ("", {}),
        ("unknown", {"clockstate": "unknown"}),
        ("synchronised 1250 -3", {"clockstate": "synchronised", "clockerrorus": 1250, "clockoffsetus": -3}),
        (ClockQuality("unsynchronised", 16_000_000).text(),
         {"clockstate": "unsynchronised", "clockerrorus": 16_000_000, "clockoffsetus": 0}),
    ],
)  # fmt: skip
def test_an_envelope_tells_how_far_the_clock_can_be_trusted(kept: str, told: dict[str, object]) -> None:
    event = json.loads(event_message(stored(EXAMPLES["decided"])._replace(clock=kept), SETTINGS).payload)
    jsonschema.validate(event, envelope_schema())
    assert {name: value for name, value in event.items() if name.startswith("clock")} == told
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in event)  # CloudEvents 1.0.2, naming of attributes


def test_a_damaged_word_on_the_clock_does_not_spoil_the_envelope() -> None:
    event = stored(EXAMPLES["decided"])._replace(clock='syn"chronised 1,2 x')
    told = json.loads(event_message(event, SETTINGS).payload)
    assert (told["clockstate"], "clockerrorus" in told) == ('syn"chronised', False)


def test_there_is_no_golden_message_without_a_test() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_messages_fit_their_schemas(name: str) -> None:
    record = EXAMPLES[name]
    event = json.loads(event_message(stored(record), SETTINGS).payload)
    jsonschema.validate(event, envelope_schema())
    jsonschema.validate(event["data"], data_schema(type(record)))
    assert event["dataschema"] == data_schema(type(record))["$id"]


def test_a_doubled_event_repeats_its_bytes() -> None:
    event = stored(EXAMPLES["decided"])
    assert event_message(event, SETTINGS) == event_message(event, SETTINGS)
    assert event.payload in event_message(event, SETTINGS).payload


def test_retained_messages_fit_their_schemas() -> None:
    state = state_message(SETTINGS, "online", "2026-10-25T01:00:01.250Z", 77)
    word = device_message(stored(EXAMPLES["device-changed"]), SETTINGS)
    assert word
    name, device = word
    assert (state.topic, state.retain) == ("inspection/v1/hall-2/belt-7/s1/state", True)
    assert (device.topic, device.retain, name) == ("inspection/v1/hall-2/belt-7/s1/device/scale-1", True, "scale-1")
    jsonschema.validate(json.loads(state.payload), retained_schemas()["state"])
    jsonschema.validate(json.loads(device.payload), retained_schemas()["device"])


@pytest.mark.parametrize(
    "payload", [b"{", b"\xff", b"[]", b"7", b'{"device": "a"}', b'{"device": "a/#", "connected": true, "detail": ""}',
                b'{"device": 7, "connected": true, "detail": ""}', b"[" * 100_000]
)  # fmt: skip
def test_a_damaged_word_on_a_device_is_no_word_and_its_event_is_published_as_it_is(payload: bytes) -> None:
    event = stored(EXAMPLES["device-changed"])._replace(payload=payload)
    assert device_message(event, SETTINGS) is None
    assert event_message(event, SETTINGS).payload.endswith(b'"data":' + payload + b"}")


def test_the_documents_are_what_the_code_generates() -> None:
    made = files()
    for name, text in made.items():
        assert (DOCS / name).read_text() == text, "run: python -m station.publisher.schemas docs/schemas"
    assert {path.stem for path in (DOCS / "schemas").glob("*.json")} == {
        *RECORDS,
        *(f"command-{kind}" for kind in MESSAGES),
        "envelope",
    }


COMMANDS: dict[str, dict[str, Any]] = {
    "pause": {},
    "resume": {},
    "dry-run": {"on": False},
    "resolve": {"parcel": {"epoch": 5, "number": 1}, "resolution": "confirmed", "found": ["knife"]},
    "hold-list": {"codes": ["A", "B"]},
    "acknowledge-alarm": {"alarm": "device-lost", "subject": "scanner"},
    "shelve-alarm": {"alarm": "device-lost", "subject": "scanner", "for_s": 3600},
    "policy": {"thresholds": {"knife": 0.4}, "weight_range_g": [100, 200]},
    "model": {"release": "0f" * 32},
}


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_command_that_fits_its_schema_is_one(kind: str) -> None:
    times = {"issued_at": "2026-11-25T12:00:00Z", "expires_at": "2026-11-25T12:01:00Z"}
    message = {"id": "c-1", "who": "wms", **times, **COMMANDS[kind]}
    schema = command_schema(MESSAGES[kind])
    jsonschema.validate(message, schema)
    assert isinstance(read_message(kind, json.dumps(message).encode()), MESSAGES[kind])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(message | {"more": 1}, schema)
    assert asyncapi()["operations"][f"command-{kind}"]["action"] == "receive"
    assert asyncapi()["operations"]["command-result"]["action"] == "send"


def test_generating_removes_what_is_no_more(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "gone.json").write_text("{}")
    assert main([str(tmp_path / "schemas")]) == 0
    assert not (tmp_path / "schemas" / "gone.json").exists()
    assert main([]) == 2


@pytest.mark.parametrize("name", ["a/b", "a+b", "", "#", "a b"])
def test_a_name_that_is_no_topic_level_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="site"):
        PublisherSettings(host="h", site=name, line="l", station="s", data=Path())
