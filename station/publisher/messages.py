"""Journaled events as CloudEvents 1.0 (structured JSON), byte for byte the same whenever they are made.

Source: CloudEvents 1.0.2, JSON event format, MQTT protocol binding (structured content mode).
"""

from __future__ import annotations

import json
import re
from json.encoder import encode_basestring_ascii as quoted
from typing import Literal

from station.journal import Stored
from station.publisher.ports import Message
from station.publisher.settings import PublisherSettings

_NUMBER = re.compile(r"-?[0-9]{1,18}")
_LEVEL = re.compile(r"[^+#/\x00]{1,200}")
State = Literal["online", "stale", "offline"]


def schema_urn(kind: str, version: int) -> str:
    """Name of the JSON Schema of a record type's `data`; the files stand in docs/schemas/."""
    return f"urn:inspection-station:schema:{kind}:{version}"


class Envelopes:
    """Makes events into messages; what does not change from event to event of a type is written once."""

    def __init__(self, settings: PublisherSettings) -> None:
        self._root = f"{settings.topic}/event/"
        self._source = quoted(settings.source)
        self._parts: dict[tuple[str, int], tuple[str, str, str]] = {}

    def event(self, event: Stored) -> Message:
        """An event for its topic; a function of the journal and of the station's names, and of nothing else."""
        topic, before, behind = self._parts.get((event.type, event.version)) or self._made(event.type, event.version)
        time = f"{quoted(event.time)},{_clock(event.clock)}"
        head = f'{{"specversion":"1.0","id":{quoted(event.id)},{before}{time}{behind}{event.seq},"data":'
        return Message(topic, head.encode() + event.payload + b"}")

    def _made(self, kind: str, version: int) -> tuple[str, str, str]:
        before = f'"source":{self._source},"type":{quoted(f"inspection.v1.{kind}")},"time":'
        urn = quoted(schema_urn(kind, version))
        behind = f'"datacontenttype":"application/json","dataschema":{urn},"sequence":'
        made = self._parts[kind, version] = (f"{self._root}{kind}", before, behind)
        return made


def _clock(quality: str) -> str:
    """The clock's quality as extension attributes, each with a comma behind it; "" where none was kept."""
    if not quality:
        return ""
    state, *known = quality.split(" ")
    numbers = zip(("clockerrorus", "clockoffsetus"), known, strict=False)
    return f'"clockstate":{quoted(state)},' + "".join(
        f'"{name}":{number},' for name, number in numbers if _NUMBER.fullmatch(number)
    )


def event_message(event: Stored, settings: PublisherSettings) -> Message:
    """One event for its topic; for many, make `Envelopes` once."""
    return Envelopes(settings).event(event)


def device_message(event: Stored, settings: PublisherSettings) -> tuple[str, Message] | None:
    """A `device-changed` event as the retained word on that device: name and message; None if damaged."""
    try:
        data = json.loads(event.payload)
        name, connected, detail = data["device"], data["connected"], data["detail"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    if not (isinstance(name, str) and _LEVEL.fullmatch(name)):
        return None
    body = {"connected": connected, "detail": detail, "since": event.time, "sequence": event.seq}
    return name, Message(f"{settings.topic}/device/{name}", json.dumps(body).encode(), retain=True)


def state_message(settings: PublisherSettings, state: State, time: str, last_seq: int) -> Message:
    """The retained word on the station: what holds, since when by its own clock, and the newest number it has."""
    body = {"state": state, "time": time, "sequence": last_seq}
    return Message(f"{settings.topic}/state", json.dumps(body).encode(), retain=True)
