"""What was commanded, and what came of it."""

from __future__ import annotations

from typing import ClassVar, Literal

from station.core.records.base import ParcelRef, Record
from station.core.setup import PolicySetup
from station.core.text import Sentence


class CommandResult(Record):
    """A command was carried out, or refused: one answer for each id, in the same commit as what follows from it.

    `reason` is a code of `docs/mqtt.md`, empty if it was accepted; `command` is its id; `about` what it is about: the
    parcel as EPOCH/NUMBER, or the hold list's SHA-256. `issued_at` is the command's, or when it came if that was ahead
    of it; `digest` tells it from another command of the same id. Both are empty for what is no command.
    """

    type: ClassVar[str] = "command-result"
    version: ClassVar[int] = 2
    command: str
    command_type: str
    result: Literal["accepted", "refused"]
    reason: str
    text: Sentence
    who: str
    source: Literal["station", "mqtt"]
    about: str = ""
    issued_at: str = ""
    digest: str = ""


class ParcelResolved(Record):
    """A human inspector opened a parcel; `found` is what made it `confirmed`. `command` is the id of the command."""

    type: ClassVar[str] = "parcel-resolved"
    parcel: ParcelRef
    resolution: Literal["cleared", "confirmed"]
    found: tuple[str, ...]
    command: str
    who: str


class ModeChanged(Record):
    """A person or a central system had the station's mode changed; `mode` is what holds now.

    `count` is the belt's, unwrapped, None before the first sample.
    """

    type: ClassVar[str] = "station-mode"
    mode: Literal["automatic", "paused", "dry-run"]
    paused: bool
    dry_run: bool
    command: str
    who: str
    count: int | None = None


class PolicyChanged(Record):
    """A person or a central system had the policy changed: all of it, as it holds now, its version naming the command.

    `count` is the belt's, unwrapped, None before the first sample.
    """

    type: ClassVar[str] = "policy-changed"
    policy: PolicySetup
    command: str
    who: str
    count: int | None = None


class ModelChanged(Record):
    """A person or a central system had the image model changed: it counts from the start on that follows at once.

    `release` is the SHA-256 of its model.yaml, `over` that of the configured one which it replaces.
    """

    type: ClassVar[str] = "model-changed"
    release: str
    model_sha256: str
    over: str
    command: str
    who: str
