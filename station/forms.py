"""Bytes from anywhere to a command, or to a sentence that says why they are none. Never raises."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any, ClassVar

from pydantic import Field, TypeAdapter, ValidationError

from station.core.commands import COMMANDS, MOST_CODES, Command, HoldList
from station.core.events import CommandMalformed, Source

_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_TYPE = re.compile(r"[a-z-]{1,32}")
_LONGEST = 300
MALFORMED = "malformed"
"""The type by which something waits in the inbox that is no command, to be answered."""
_WAITING = TypeAdapter(CommandMalformed)


Code = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]


class HoldListMessage(Command):
    """Replace the commanded hold list by these codes, as a whole or not at all."""

    type: ClassVar[str] = HoldList.type
    codes: Annotated[tuple[Code, ...], Field(max_length=MOST_CODES)]


MESSAGES: Mapping[str, type[Command]] = {**COMMANDS, HoldList.type: HoldListMessage}
"""Every command by its name, as it comes over MQTT: a hold list brings its codes along."""


def read_message(kind: str, payload: bytes) -> Command | CommandMalformed:
    """The command that a message brings.

    Args:
        kind: its type, the last level of its topic.
        payload: JSON, of any length and any bytes.
    """
    return _read(MESSAGES, kind, "mqtt", payload)


def waiting_form(found: CommandMalformed) -> bytes:
    """How something that is no command waits in the inbox."""
    return json.dumps(asdict(found)).encode()


def read_waiting(kind: str, source: str, payload: bytes) -> Command | CommandMalformed:
    """What waits in the inbox; whoever wrote it there."""
    came: Source = "mqtt" if source == "mqtt" else "station"
    if kind != MALFORMED:
        return _read(COMMANDS, kind, came, payload)
    try:
        found = _WAITING.validate_json(payload)
    except ValidationError:
        return malformed(kind, came, payload, "it cannot be read")
    return replace(malformed(found.type, came, waiting_form(found), found.text), reason=found.reason)


def _read(models: Mapping[str, type[Command]], kind: str, source: Source, payload: bytes) -> Command | CommandMalformed:
    model = models.get(kind)
    if model is None:
        return malformed(kind, source, payload, f"there is no such command; there are: {', '.join(models)}")
    try:
        command = model.model_validate_json(payload)
        _told_once(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        said = str(first["msg"]).removeprefix("Value error, ")
        return malformed(kind, source, payload, f"{where}: {said}" if where else said)
    except (ValueError, RecursionError) as error:
        return malformed(kind, source, payload, str(error))
    return command


def _told_once(payload: bytes) -> None:
    """Of a key that stands twice in an object only the last would count: ValueError."""

    def look(pairs: list[tuple[str, object]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"{key}: stands here a second time; keep one")
            seen.add(key)

    json.loads(payload, object_pairs_hook=look)


def malformed(kind: str, source: Source, payload: bytes, text: str) -> CommandMalformed:
    """What is known of something that is no command."""
    told = _told(payload)
    identity, who = told.get("id"), told.get("who")
    return CommandMalformed(
        type=kind if _TYPE.fullmatch(kind) else "",
        source=source,
        text=_clean(text, _LONGEST),
        id=identity if isinstance(identity, str) and _ID.fullmatch(identity) else "",
        who=_clean(who, 64) if isinstance(who, str) else "",
    )


def _told(payload: bytes) -> dict[str, Any]:
    try:
        told = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _clean(text: str, longest: int) -> str:
    return "".join(c for c in text if c.isprintable())[:longest]
