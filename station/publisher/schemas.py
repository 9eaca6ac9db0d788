"""JSON Schemas of all record types and commands, from the code: `python -m station.publisher.schemas docs/schemas`.

Writes one file a type for an event's `data`, the envelope's, and beside the folder the AsyncAPI document.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from station.core.commands import Command
from station.core.records import RECORDS, Record
from station.forms import MESSAGES
from station.publisher.messages import schema_urn

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ROOT = "inspection/v1/{site}/{line}/{station}"


def data_schema(record: type[Record]) -> dict[str, Any]:
    """Schema of a type's `data`, as it is written to the journal."""
    schema = record.model_json_schema(mode="serialization")
    return {"$schema": DIALECT, "$id": schema_urn(record.type, record.version), **schema}


def envelope_schema() -> dict[str, Any]:
    """Schema of a whole event: CloudEvents 1.0 in structured JSON."""
    text = {"type": "string", "minLength": 1}
    fields: dict[str, Any] = {
        "specversion": {"const": "1.0"},
        "id": {**text, "description": "incarnation of the journal and number; equal in each repetition"},
        "source": {"type": "string", "pattern": "^inspection/[^/]+/[^/]+/[^/]+$"},
        "type": {"type": "string", "pattern": r"^inspection\.v1\.[a-z-]+$"},
        "time": {"type": "string", "format": "date-time", "description": "UTC by the station's clock, which may step"},
        "clockstate": {
            "enum": ["synchronised", "unsynchronised", "unknown"],
            "description": "whether something kept the station's clock right then; absent in events of before",
        },
        "clockerrorus": {"type": "integer", "minimum": 0, "description": "greatest error of `time`, microseconds"},
        "clockoffsetus": {"type": "integer", "description": "what the kernel was correcting by, microseconds"},
        "datacontenttype": {"const": "application/json"},
        "dataschema": {**text, "description": "`$id` of the schema of `data`"},
        "sequence": {"type": "integer", "minimum": 1, "description": "gapless within one journal; order by it"},
        "data": {"type": "object"},
    }
    return {
        "$schema": DIALECT,
        "$id": schema_urn("envelope", 2),
        "title": "Envelope",
        "type": "object",
        "properties": fields,
        "required": [name for name in fields if not name.startswith("clock")],
        "additionalProperties": False,
    }


def retained_schemas() -> dict[str, dict[str, Any]]:
    """Schemas of the retained messages, by the last level of their topic."""
    moment = {"type": "string", "format": "date-time"}
    number = {"type": "integer", "minimum": 0}
    state = {"state": {"enum": ["online", "stale", "offline"]}, "time": moment, "sequence": number}
    text, flag = {"type": "string"}, {"type": "boolean"}
    device = {"connected": flag, "detail": text, "since": moment, "sequence": number}
    return {
        name: {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
        for name, fields in (("state", state), ("device", device))
    }


def command_schema(command: type[Command]) -> dict[str, Any]:
    """Schema of a command's message."""
    schema = command.model_json_schema(mode="validation")
    return {"$schema": DIALECT, "$id": schema_urn(f"command-{command.type}", 1), **schema}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI document: a channel for each event type, the two retained ones, and one for each command."""
    parameters = {name: {"description": f"name of the {name}"} for name in ("site", "line", "station")}
    channels: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for record in RECORDS.values():
        what = (record.__doc__ or "").strip().splitlines()[0]
        data = {"properties": {"data": {"$ref": f"schemas/{record.type}.json"}}}
        messages[record.type] = {
            "summary": what,
            "contentType": "application/cloudevents+json",
            "payload": {"allOf": [{"$ref": "schemas/envelope.json"}, data]},
        }
        channels[record.type] = _channel(f"{ROOT}/event/{record.type}", record.type, parameters)
    for name, schema in retained_schemas().items():
        more = {"device": {"description": "name of the device"}} if name == "device" else {}
        address = f"{ROOT}/device/{{device}}" if name == "device" else f"{ROOT}/state"
        messages[name] = {"summary": f"Retained: {name}", "contentType": "application/json", "payload": schema}
        channels[name] = _channel(address, name, {**parameters, **more})
    for command in MESSAGES.values():
        name = f"command-{command.type}"
        messages[name] = {
            "summary": (command.__doc__ or "").strip().splitlines()[0],
            "contentType": "application/json",
            "payload": {"$ref": f"schemas/{name}.json"},
        }
        channels[name] = _channel(f"{ROOT}/command/{command.type}", name, parameters)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Inspection station", "version": "1", "description": "See mqtt.md."},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": {
            name: {"action": _action(name), "channel": {"$ref": f"#/channels/{name}"}, "bindings": {"mqtt": {"qos": 1}}}
            for name in channels
        },
        "components": {"messages": messages},
    }


def _action(channel: str) -> str:
    """By the station: commands it receives, where the site allows it."""
    return "receive" if channel.startswith("command-") and channel not in RECORDS else "send"


def _channel(address: str, message: str, parameters: dict[str, Any]) -> dict[str, Any]:
    reference = {message: {"$ref": f"#/components/messages/{message}"}}
    return {"address": address, "parameters": dict(parameters), "messages": reference}


def files() -> dict[str, str]:
    """All generated files by their path in docs/."""
    schemas = {record.type: data_schema(record) for record in RECORDS.values()}
    schemas |= {f"command-{kind}": command_schema(model) for kind, model in MESSAGES.items()}
    schemas["envelope"] = envelope_schema()
    made = {f"schemas/{name}.json": json.dumps(schema, indent=2) + "\n" for name, schema in schemas.items()}
    note = "# Generated: python -m station.publisher.schemas docs/schemas\n"
    made["asyncapi.yaml"] = note + yaml.dump(asyncapi(), Dumper=_Plain, sort_keys=False, width=110)
    return made


class _Plain(yaml.SafeDumper):
    """Without anchors: each channel stands by itself."""

    def ignore_aliases(self, data: Any) -> bool:
        return data is not None


def main(argv: list[str]) -> int:
    """Write them; files of types that are no more are removed."""
    if len(argv) != 1:
        print("usage: python -m station.publisher.schemas docs/schemas", file=sys.stderr)  # noqa: T201
        return 2
    folder = Path(argv[0])
    folder.mkdir(parents=True, exist_ok=True)
    made = files()
    for old in folder.glob("*.json"):
        if f"schemas/{old.name}" not in made:
            old.unlink()
    for name, text in made.items():
        (folder.parent / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
