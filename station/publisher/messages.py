"""Journaled events as CloudEvents 1.0 (structured JSON), byte for byte the same whenever they are made.

Source: CloudEvents 1.0.2, JSON event format, MQTT protocol binding (structured content mode).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from station.journal import Stored
from station.publisher.settings import PublisherSettings

State = Literal["online", "stale", "offline"]


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to the broker, at QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False


def schema_urn(kind: str, version: int) -> str:
    """Name of the JSON Schema of a record type's `data`; the files stand in docs/schemas/."""
    return f"urn:inspection-station:schema:{kind}:{version}"


def event_message(event: Stored, settings: PublisherSettings) -> Message:
    """An event for its topic; a function of the journal and of the station's names, and of nothing else."""
    envelope = {
        "specversion": "1.0",
        "id": event.id,
        "source": settings.source,
        "type": f"inspection.v1.{event.type}",
        "time": event.time,
        "datacontenttype": "application/json",
        "dataschema": schema_urn(event.type, event.version),
        "sequence": event.seq,
    }
    head = json.dumps(envelope, separators=(",", ":"))[:-1].encode()
    return Message(f"{settings.topic}/event/{event.type}", head + b',"data":' + event.payload + b"}")


def device_message(event: Stored, settings: PublisherSettings) -> tuple[str, Message]:
    """A `device-changed` event as the retained word on that device: its name, and the message."""
    data = json.loads(event.payload)
    body = {"connected": data["connected"], "detail": data["detail"], "since": event.time, "sequence": event.seq}
    name = str(data["device"])
    return name, Message(f"{settings.topic}/device/{name}", json.dumps(body).encode(), retain=True)


def state_message(settings: PublisherSettings, state: State, time: str, last_seq: int) -> Message:
    """The retained word on the station: what holds, since when by its own clock, and the newest number it has."""
    body = {"state": state, "time": time, "sequence": last_seq}
    return Message(f"{settings.topic}/state", json.dumps(body).encode(), retain=True)
