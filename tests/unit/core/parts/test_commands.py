"""What a command must be, whoever writes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from station.core.commands import COMMANDS, ChangePolicy, HoldList, Pause, Resolve, ShelveAlarm

SIGNED: dict[str, Any] = {
    "id": "c-1",
    "who": "anna",
    "issued_at": "2026-11-25T10:00:00Z",
    "expires_at": "2026-11-25T10:01:00Z",
}
CONFIRMED = SIGNED | {"parcel": {"epoch": 5, "number": 1}, "resolution": "confirmed", "found": ["knife"]}
HOLD = SIGNED | {"sha256": "0a" * 32, "codes": 2}


def read(model: type[Any], fields: dict[str, Any]) -> Any:
    return model.model_validate_json(json.dumps(fields))


def test_commands_are_named_by_their_types() -> None:
    assert all(name == model.type for name, model in COMMANDS.items())
    assert set(COMMANDS) == {
        "pause",
        "resume",
        "dry-run",
        "resolve",
        "hold-list",
        "policy",
        "model",
        "acknowledge-alarm",
        "shelve-alarm",
    }


def test_times_are_kept_with_milliseconds_so_that_they_compare_as_texts() -> None:
    command = read(Pause, SIGNED | {"issued_at": "2026-11-25T10:00:00.25Z"})
    assert command.issued_at == "2026-11-25T10:00:00.250Z"
    assert command.expires_at == "2026-11-25T10:01:00.000Z"


@pytest.mark.parametrize(
    "fields",
    [
        {"expires_at": "2026-11-25T10:00:00Z"},
        {"expires_at": "2026-11-26T10:00:00.001Z"},
        {"issued_at": "2026-11-25T11:00:00+01:00"},
        {"issued_at": "2026-02-30T10:00:00Z"},
        {"issued_at": "2026-11-25 10:00:00Z"},
        {"issued_at": 0},
        {"id": ""},
        {"id": "a b"},
        {"id": "x" * 65},
        {"who": ""},
        {"who": "x" * 65},
        {"who": "an\nna"},
        {"version": 2},
        {"more": 1},
    ],
    ids=str,
)
def test_what_is_no_command(fields: dict[str, Any]) -> None:
    read(Pause, SIGNED)
    with pytest.raises(ValidationError):
        read(Pause, SIGNED | fields)


def test_a_command_may_last_a_day() -> None:
    assert read(Pause, SIGNED | {"expires_at": "2026-11-26T10:00:00Z"}).version == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"found": []},
        {"found": [""]},
        {"found": ["x" * 65]},
        {"found": ["knife"] * 21},
        {"resolution": "cleared"},
        {"resolution": "perhaps"},
        {"parcel": {"epoch": 5, "number": 1 << 32}},
        {"parcel": {"epoch": -1, "number": 1}},
        {"parcel": {"epoch": 5, "number": 1, "more": 1}},
        {"parcel": {"epoch": "5", "number": 1}},
    ],
    ids=str,
)
def test_a_resolution_says_of_what_and_what_was_found(fields: dict[str, Any]) -> None:
    assert read(Resolve, CONFIRMED).found == ("knife",)
    assert read(Resolve, CONFIRMED | {"resolution": "cleared", "found": []}).found == ()
    with pytest.raises(ValidationError):
        read(Resolve, CONFIRMED | fields)


@pytest.mark.parametrize(
    "fields", [{"sha256": "0A" * 32}, {"sha256": "0a"}, {"codes": 100_001}, {"codes": -1}], ids=str
)
def test_a_hold_list_is_named_by_its_hash_and_has_an_end(fields: dict[str, Any]) -> None:
    assert read(HoldList, HOLD | {"codes": 100_000}).codes == 100_000
    with pytest.raises(ValidationError):
        read(HoldList, HOLD | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"weight_range_g": [200, 100]},
        {"weight_range_g": [-1, 100]},
        {"declared_tolerance_g": -1},
        {"thresholds": {"knife": 1.5}},
        {"thresholds": {"": 0.5}},
        {"may_be_missing": [""]},
        {"detector": "none"},
    ],
    ids=str,
)
def test_a_policy_names_what_changes_within_its_bounds(fields: dict[str, Any]) -> None:
    named = SIGNED | {"thresholds": {"knife": 0}, "weight_range_g": [100, 200.5]}
    command = read(ChangePolicy, named)
    assert (command.thresholds, command.weight_range_g) == ({"knife": 0.0}, (100.0, 200.5))
    with pytest.raises(ValidationError):
        read(ChangePolicy, named | fields)


def test_a_policy_that_changes_nothing_is_none() -> None:
    with pytest.raises(ValidationError, match="name what is to be changed"):
        read(ChangePolicy, SIGNED)


def test_an_alarm_is_shelved_for_a_shift_at_most() -> None:
    alarm = SIGNED | {"alarm": "device-lost", "subject": "scanner"}
    assert read(ShelveAlarm, alarm | {"for_s": 8 * 3600}).for_s == 8 * 3600
    for seconds in (8 * 3600 + 1, -1):
        with pytest.raises(ValidationError):
            read(ShelveAlarm, alarm | {"for_s": seconds})
