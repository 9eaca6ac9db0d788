"""What the station itself tells its core: lists, sessions, commands, start, end, time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from station.core.commands import Command
from station.core.events.plc import ParcelKey
from station.core.handbook import AlarmName
from station.core.setup import PolicySetup


@dataclass(frozen=True, slots=True)
class HeldCodes:
    """The codes of a commanded hold list, in all spellings, and the list's SHA-256; both empty if there is none."""

    sha256: str = ""
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ListsLoaded:
    """The hold list and the declared weights (grams) as a whole; `version` is the hash of the files.

    `commanded` is the hold list that an earlier run was commanded: held is what either of the two names.
    """

    version: str
    held: frozenset[str]
    declared_g: tuple[tuple[str, float], ...]
    commanded: HeldCodes | None = None


@dataclass(frozen=True, slots=True)
class SessionChosen:
    """A session (and an epoch, where the PLC had none) is on disk and offered to the PLC."""

    session: int
    epoch: int | None


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that the daemon watches (disk, publisher, lists) began or ended; the core keeps all alarms."""

    alarm: AlarmName
    subject: str
    standing: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class PictureRule:
    """Of parcels that pass clean, the pictures of every so many are kept from now on: 1 all, 0 none."""

    every: int


@dataclass(frozen=True, slots=True)
class OpenParcel:
    """A parcel that an earlier run of the daemon saw enter (UTC, ISO-8601) and did not complete."""

    key: ParcelKey
    entered_at: str


@dataclass(frozen=True, slots=True)
class StationMode:
    """What a person has the station do: nothing else is automatic. A dry run outlasts a pause."""

    paused: bool = False
    dry_run: bool = False

    @property
    def word(self) -> str:
        """What holds now, in one word."""
        return "paused" if self.paused else "dry-run" if self.dry_run else "automatic"


Source = Literal["station", "mqtt"]


@dataclass(frozen=True, slots=True)
class StagedModel:
    """An image model that lies ready and has passed its test; `over` is the release of the configured one."""

    release: str
    model_sha256: str
    over: str


@dataclass(frozen=True, slots=True)
class CommandReceived:
    """A command out of the inbox, right in its form, and how it came there.

    `standing` is the state of the parcel that it names, as far as the journal knows it, "" if it does not; `held` the
    hold list that it names, `model` the model, and `fault` why that cannot be used. One of the station's `own` is given
    as it is taken: no clock that was set meanwhile makes it late.
    """

    command: Command
    source: Source
    standing: str = ""
    held: HeldCodes | None = None
    model: StagedModel | None = None
    fault: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class CommandMalformed:
    """Something came to the inbox that is no command; id and sign are "" where they cannot be made out.

    Or a command whose id another one had: `id-used`.
    """

    type: str
    source: Source
    text: str
    id: str = ""
    who: str = ""
    reason: Literal["malformed", "id-used"] = "malformed"


@dataclass(frozen=True, slots=True)
class Starting:
    """The daemon begins; what it runs with, and what the journal knows: open parcels, offsets of trigger numbers.

    The mode is the one in which an earlier run was left; `rules` the policy that it was commanded, if it still counts;
    `issued` when the newest command was issued of each kind that puts something in force.
    """

    software: str
    config_sha256: str
    model_sha256: str
    left_open: tuple[OpenParcel, ...] = ()
    trigger_offsets: tuple[tuple[str, int], ...] = ()
    mode: StationMode = field(default_factory=StationMode)
    rules: PolicySetup | None = None
    issued: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Stopping:
    """The daemon is about to end in order."""

    cause: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing happened, but the time that the core asked for has come."""
