"""Bytes from anywhere to a command, or to why they are none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.core.commands import COMMANDS, Command, HoldList, Pause
from station.core.events import CommandMalformed
from station.forms import MALFORMED, MESSAGES, HoldListMessage, read_message, read_waiting, waiting_form

SIGNED: dict[str, Any] = {
    "id": "c-1",
    "who": "anna",
    "issued_at": "2026-11-25T10:00:00Z",
    "expires_at": "2026-11-25T10:01:00Z",
}
KINDS = st.sampled_from([*MESSAGES, MALFORMED, "", "no-such"]) | st.text()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
NAMES = [*SIGNED, "version", "on", "parcel", "resolution", "found", "codes", "sha256"]
NEARLY = st.dictionaries(st.sampled_from(NAMES), JSON).map(lambda fields: json.dumps(SIGNED | fields).encode())
PAYLOADS = st.binary() | JSON.map(lambda value: json.dumps(value).encode()) | NEARLY


def held_to_its_bounds(found: Command | CommandMalformed) -> None:
    if isinstance(found, CommandMalformed):
        assert len(found.text) <= 300
        assert found.text.isprintable()
        assert len(found.id) <= 64
        assert len(found.who) <= 64
        assert len(found.type) <= 32
        assert read_waiting(MALFORMED, found.source, waiting_form(found)) == found
    else:
        assert type(found).model_validate_json(found.model_dump_json()) == found


@given(KINDS, PAYLOADS)
def test_no_message_raises(kind: str, payload: bytes) -> None:
    held_to_its_bounds(read_message(kind, payload))


@given(KINDS, st.text(), PAYLOADS)
def test_nothing_that_waits_raises(kind: str, source: str, payload: bytes) -> None:
    held_to_its_bounds(read_waiting(kind, source, payload))


@pytest.mark.parametrize("payload", [b"[" * 100_000, b"9" * 10_000, b'{"id":"\\ud800"}', b"\xff\xfe", b"", b"null"])
def test_what_parsers_stumble_over(payload: bytes) -> None:
    for kind in MESSAGES:
        assert isinstance(read_message(kind, payload), CommandMalformed)


def test_a_command_is_read() -> None:
    found = read_message("pause", json.dumps(SIGNED).encode())
    assert found == Pause.model_validate(SIGNED)


def test_what_is_wrong_is_named_with_whose_it_was() -> None:
    found = read_message("pause", json.dumps(SIGNED | {"expires_at": "soon"}).encode())
    assert isinstance(found, CommandMalformed)
    assert (found.type, found.id, found.who, found.source) == ("pause", "c-1", "anna", "mqtt")
    assert found.text.startswith("expires_at: ")


def test_a_type_that_there_is_not_is_answered_with_those_that_there_are() -> None:
    found = read_message("stop", json.dumps(SIGNED).encode())
    assert isinstance(found, CommandMalformed)
    assert all(kind in found.text for kind in COMMANDS)


def test_a_hold_list_comes_with_its_codes_and_waits_with_its_hash() -> None:
    message = json.dumps(SIGNED | {"codes": ["A", "B"]}).encode()
    assert isinstance(read_message("hold-list", message), HoldListMessage)
    assert isinstance(read_waiting("hold-list", "mqtt", message), CommandMalformed)
    waits = json.dumps(SIGNED | {"sha256": "0a" * 32, "codes": 2}).encode()
    assert isinstance(read_waiting("hold-list", "mqtt", waits), HoldList)


@pytest.mark.parametrize(
    "codes",
    [["A"] * 100_001, [""], ["x" * 129], ["a\nb"], "A", [1]],
    ids=["many", *["empty", "long", "line", "text", "number"]],
)
def test_what_is_no_hold_list(codes: Any) -> None:
    assert isinstance(read_message("hold-list", json.dumps(SIGNED | {"codes": codes}).encode()), CommandMalformed)


@pytest.mark.parametrize(
    ("kind", "more", "key"),
    [
        ("dry-run", '"on": true, "on": false', "on"),
        ("dry-run", r'"on": true, "\u006fn": false', "on"),
        ("pause", '"id": "c-2"', "id"),
        ("resolve", '"resolution": "cleared", "parcel": {"epoch": 1, "number": 2, "number": 3}', "number"),
    ],
)
def test_a_key_that_stands_twice_is_refused_and_named(kind: str, more: str, key: str) -> None:
    payload = f"{json.dumps(SIGNED)[:-1]}, {more}}}".encode()
    for found in (read_message(kind, payload), read_waiting(kind, "mqtt", payload)):
        assert isinstance(found, CommandMalformed)
        assert found.text == f"{key}: stands here a second time; keep one"
