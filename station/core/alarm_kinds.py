"""Which row of the handbook holds for an alarm of a certain subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from station.core.handbook import HANDBOOK, AlarmKind, AlarmName

_FAULT = HANDBOOK["plc-fault"]
_DIVERTER = replace(_FAULT, follows=("belt-stopped/diverter", "plc-lost"))

_SUBJECTS: Mapping[str, AlarmKind] = {
    "lists/files": replace(HANDBOOK["lists"], follows=("lists/commanded",)),
    "heartbeat/detector": replace(HANDBOOK["heartbeat"], follows=("detector/golden", "detector/hangs")),
    "plc-fault/diverter_not_in_position": _DIVERTER,
    "plc-fault/diverter_inputs": _DIVERTER,
    "plc-fault/encoder": replace(_FAULT, follows=("belt-stopped/encoder", "plc-lost")),
    "plc-fault/unreleased_in_pass_lane": replace(_FAULT, follows=("belt-stopped/unreleased_in_pass_lane", "plc-lost")),
    "pictures/thinned": replace(
        HANDBOOK["pictures"], priority="medium", follows=("pictures/refused", "disk-low", "journal/disk")
    ),
    "publisher/cursor": replace(HANDBOOK["publisher"], follows=("journal/disk",)),
    "inbox/access": replace(HANDBOOK["inbox"], on_s=1.0, off_s=5.0, follows=("journal/disk",)),
    "publisher/behind": replace(HANDBOOK["publisher"], follows=("publisher/broker",)),
    "publisher/broker": replace(HANDBOOK["publisher"], on_s=2.0),
    "publisher/journal": replace(HANDBOOK["publisher"], follows=("journal/aside", "journal/put-back")),
    "publisher/process": replace(HANDBOOK["publisher"], on_s=2.0),
}
"""Subjects that follow from something of their own, or come and go by nature."""


def kind_of(alarm: AlarmName, subject: str) -> AlarmKind:
    """The row that holds for an alarm of that subject."""
    name = f"{alarm}/{subject}"
    return _SUBJECTS.get(name) or HANDBOOK.get(name) or HANDBOOK[alarm]
