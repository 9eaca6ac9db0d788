"""The station's runs: journal, start, session, end."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from station.core.records.base import ParcelRef, Record
from station.core.setup import DeviceSetup, Geometry, LineSetup, PolicySetup
from station.core.text import Sentence


class SetupRecord(BaseModel):
    """What the core was told at its start, all of it: what a replay is set up with."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    geometry: Geometry
    devices: tuple[DeviceSetup, ...]
    policy: PolicySetup
    order_room_ms: float
    detect_ms: float
    settle_ms: float

    @classmethod
    def of(cls, setup: LineSetup) -> SetupRecord:
        """The setup as records hold it."""
        return cls(**{name: getattr(setup, name) for name in cls.model_fields})

    def line_setup(self) -> LineSetup:
        """The same for the core."""
        return LineSetup(**{name: getattr(self, name) for name in type(self).model_fields})


class LeftOpen(BaseModel):
    """A parcel that an earlier run saw enter and did not complete."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    parcel: ParcelRef
    entered_at: str


class JournalOpened(Record):
    """The journal was opened for writing: from here on ids begin with `incarnation`.

    It goes on behind the event `last_seq` of the run `previous` (empty in a new journal), whose link in the hash chain
    is `chain`, 64 hex digits. `published_beyond` is the id of an event that was published and is not in this journal,
    as when an older copy of it was put back, or
    a new one begun; empty if there is none. `migrated_from` is the version of the file's
    schema that was brought forward now, 0 if none.
    """

    type: ClassVar[str] = "journal-opened"
    journal: str
    incarnation: str
    previous: str
    last_seq: int
    chain: str
    published_beyond: str = ""
    migrated_from: int = 0


class JournalPruned(Record):
    """Old events are removed by the site's rules: all of `first_seq` to `last_seq` but the `kept` ones.

    They lie in `gaps` runs of numbers; `gaps_sha256` is over these runs and the links at both ends of each
    (`docs/operations.md`), so that what is left can be verified still. All of them had been published.
    """

    type: ClassVar[str] = "journal-pruned"
    first_seq: int
    last_seq: int
    kept: int
    gaps: int
    gaps_sha256: str
    cause: Literal["age", "size", "age-of-finds", "size-of-finds"]


class StationStarted(Record):
    """The daemon began; what it runs with. Of `left_open`, those that have left the belt meanwhile are completed.

    `paused` and `dry_run`: the mode in which an earlier run was left, which goes on.
    """

    type: ClassVar[str] = "station-started"
    version: ClassVar[int] = 4
    software: str
    config_sha256: str
    model_sha256: str
    policy_version: str
    setup: SetupRecord
    left_open: tuple[LeftOpen, ...] = ()
    trigger_offsets: tuple[tuple[str, int], ...] = ()
    paused: bool = False
    dry_run: bool = False


class StationStopped(Record):
    """The daemon ends in order."""

    type: ClassVar[str] = "station-stopped"
    cause: Sentence


class SessionOpened(Record):
    """A new session (and epoch, where the PLC had none) was chosen; nothing that entered before is released."""

    type: ClassVar[str] = "session-opened"
    new_session: int
    new_epoch: int | None = None
    parcels_on_belt: int = 0
