"""What leaves the core for the journal: one pydantic model an event type, each versioned and closed."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from station.core.setup import DeviceSetup, Geometry, LineSetup, PolicySetup

Route = Literal["pass", "inspect"]


class Record(BaseModel):
    """One journaled event. `type` names it on disk and on the wire; `version` grows when its fields change."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    type: ClassVar[str] = ""
    version: ClassVar[int] = 1


class ParcelRef(BaseModel):
    """A parcel's identity: PLC epoch and number."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    epoch: int
    number: int


class CountInterval(BaseModel):
    """Hard bounds of a place, in unwrapped encoder counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    low: int
    high: int


def told(number: float) -> float | str:
    """A number as records hold it: JSON has no word for one that is none, so that is told as a text."""
    return number if math.isfinite(number) else str(number)


class FindingRecord(BaseModel):
    """A finding: label, score 0..1 (a text if it was no number), box x0 y0 x1 y1 in pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    label: str
    score: float | str
    box: tuple[float, float, float, float]


class Reason(BaseModel):
    """One reason for a decision: a code of `docs/mqtt.md` and a sentence for a person; `device` where one is named."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    code: str
    text: str
    device: str = ""


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
    cause: str


class SessionOpened(Record):
    """A new session (and epoch, where the PLC had none) was chosen; nothing that entered before is released."""

    type: ClassVar[str] = "session-opened"
    new_session: int
    new_epoch: int | None = None
    parcels_on_belt: int = 0


class EdgesRead(Record):
    """Edges read in one poll: sequence, eye, broken (1) or freed (0), count, PLC ms, number, trigger.

    Journaled ahead of all that follows from them, so a poll may take several records. `count` is the belt's,
    unwrapped, at the last sample before them; None before the first.
    """

    type: ClassVar[str] = "edges-read"
    version: ClassVar[int] = 2
    edges: tuple[tuple[int, int, int, int, int, int, int], ...]
    count: int | None


class ParcelEntered(Record):
    """The infeed eye saw a new parcel."""

    type: ClassVar[str] = "parcel-entered"
    parcel: ParcelRef
    count: int
    inspect_only: bool


class ReadingMatched(Record):
    """A reading, its interval of counts, and the parcels that it could belong to (one: matched; else ambiguous).

    `count` is the belt's when it was matched; `held` and `declared_g` what the lists then said of a barcode;
    `plc_trigger` the PLC's trigger number for a picture whose own is in step with it; `kept` is False for a picture
    for which there was no room.
    """

    type: ClassVar[str] = "reading-matched"
    version: ClassVar[int] = 3
    device: str
    kind: Literal["barcode", "weight", "frame"]
    value: str | float | None
    fault: str = ""
    trigger: int | None = None
    plc_trigger: int | None = None
    after_ns: int
    before_ns: int
    interval: CountInterval
    candidates: tuple[ParcelRef, ...]
    ambiguous: bool
    note: str = ""
    count: int
    held: bool = False
    declared_g: float | None = None
    kept: bool = True


class FrameInspected(Record):
    """The detector's answer for one frame; `kept` is False where there was no room for the picture's file."""

    type: ClassVar[str] = "frame-inspected"
    version: ClassVar[int] = 3
    device: str
    frame_id: str
    findings: tuple[FindingRecord, ...]
    model_sha256: str
    inference_ms: float
    fault: str = ""
    kept: bool = True


class Decided(Record):
    """A decision: the route and all the reasons for it. On disk before its order is sent.

    `exceptions` names the devices that policy allows to be missing, and that were.
    """

    type: ClassVar[str] = "decided"
    parcel: ParcelRef
    route: Route
    reasons: tuple[Reason, ...]
    policy_version: str
    count: int
    after: str = ""
    exceptions: tuple[str, ...] = ()


class Ordered(Record):
    """The decision was handed to the PLC's driver."""

    type: ClassVar[str] = "ordered"
    parcel: ParcelRef
    order: int
    lane: Route


class Acknowledged(Record):
    """The PLC echoed sequence, parcel and lane of an order; `result` is what it made of it."""

    type: ClassVar[str] = "acknowledged"
    parcel: ParcelRef
    order: int
    lane: Route
    result: Literal["accepted", "late", "unknown-parcel", "other-session", "void"]
    latency_ms: float


class ParcelCompleted(Record):
    """All that a central system needs of one parcel, when it has left the station.

    `adopted` marks a parcel that was on the belt when the station started: what an earlier run knew of it, its
    decision too, stands in that run's own events. `exceptions` are those of the decision. `frames_not_kept` are those
    of its pictures whose files are not there: for want of room they were refused, or go now by the rules of thinning.
    """

    type: ClassVar[str] = "parcel-completed"
    version: ClassVar[int] = 3
    parcel: ParcelRef
    barcode: str | None
    barcodes: tuple[str, ...]
    weight_g: float | None
    frames: tuple[str, ...]
    findings: tuple[FindingRecord, ...]
    route: Route | None
    reasons: tuple[Reason, ...]
    ordered: bool
    acknowledged: bool
    outcome: Literal["pass", "inspect", "lost", "unobserved"]
    plc_why: str
    mode: Literal["automatic", "hand", "bypass"]
    length_mm: float | None
    entered_at: str
    decided_at: str | None
    completed_at: str
    order_latency_ms: float | None
    exceptions: tuple[str, ...] = ()
    adopted: bool = False
    test: bool = False
    frames_not_kept: tuple[str, ...] = ()


class AlarmRaised(Record):
    """A condition that a technician must know of; one per condition until it is cleared."""

    type: ClassVar[str] = "alarm-raised"
    alarm: str
    subject: str
    text: str
    priority: Literal["low", "medium", "high", "top"]


class AlarmCleared(Record):
    """The condition is over."""

    type: ClassVar[str] = "alarm-cleared"
    alarm: str
    subject: str


class AlarmSuppressed(Record):
    """The alarm stands, and follows from another that stands, `by` (alarm/subject): only that one is worth a look.

    It ends with `alarm-cleared`, or with `alarm-raised` where the other one is over first.
    """

    type: ClassVar[str] = "alarm-suppressed"
    alarm: str
    subject: str
    by: str


class AlarmAcknowledged(Record):
    """Somebody has seen the alarm; `who` is a role or a terminal, as the site names them."""

    type: ClassVar[str] = "alarm-acknowledged"
    alarm: str
    subject: str
    who: str


class AlarmShelved(Record):
    """Somebody does not want to be told of the alarm for so many seconds; what is raised meanwhile is journaled."""

    type: ClassVar[str] = "alarm-shelved"
    alarm: str
    subject: str
    who: str
    for_s: float


class AlarmUnshelved(Record):
    """The alarm is no longer shelved: by `who`, or, where that is empty, since its time is over."""

    type: ClassVar[str] = "alarm-unshelved"
    alarm: str
    subject: str
    who: str = ""


class DeviceChanged(Record):
    """A device's connection came or went; `count` is the belt's, unwrapped, None before the first sample."""

    type: ClassVar[str] = "device-changed"
    version: ClassVar[int] = 2
    device: str
    connected: bool
    detail: str
    count: int | None = None


class PlcConstants(BaseModel):
    """What the PLC's program says of the line."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    mm_per_count: float
    latch_ms: float
    slip: float
    tolerance_mm: float
    length_tolerance_mm: float
    switch_mm: float
    eyes_mm: tuple[float, ...]
    decision_eye: int
    diverter_mm: float
    longest_mm: float
    stale_ms: int


class PlcJoined(Record):
    """The PLC answers. Unless `resumed`, counts and tracks begin anew with its table of parcels on the belt.

    A row of the table: number, infeed count, length in counts, session, last eye, count there; counts are the PLC's.
    """

    type: ClassVar[str] = "plc-connected"
    version: ClassVar[int] = 2
    epoch: int
    session: int
    program_version: int
    count: int
    plc_ms: int
    parcels: tuple[tuple[int, int, int, int, int, int], ...]
    resumed: bool
    constants: PlcConstants


class PlcJumped(Record):
    """The PLC's clock or count jumped: whatever is on the belt is doubted. Counts are unwrapped."""

    type: ClassVar[str] = "plc-jumped"
    before: int | None
    count: int


class PlcChanged(Record):
    """Mode, belt, stop cause or faults of the PLC changed."""

    type: ClassVar[str] = "plc-changed"
    mode: Literal["automatic", "hand", "bypass"]
    belt_running: bool
    stop_cause: int
    faults: int
    lane_full: bool
    session: int
    epoch: int


class Lookup(BaseModel):
    """What the lists say of one barcode that was read."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    code: str
    held: bool
    declared_g: float | None


class ListsChanged(Record):
    """The hold list or the declared weights were replaced, as a whole; `on_belt`: what they say of what is there.

    `count` is the belt's, unwrapped, None before the first sample.
    """

    type: ClassVar[str] = "lists-changed"
    version: ClassVar[int] = 2
    lists_version: str
    held: int
    declared: int
    on_belt: tuple[Lookup, ...] = ()
    count: int | None = None


class CommandResult(Record):
    """A command was carried out, or refused: one answer for each id, in the same commit as what follows from it.

    `reason` is a code of `docs/mqtt.md`, empty if it was accepted; `command` is its id; `about` what it is about: the
    parcel as EPOCH/NUMBER, or the hold list's SHA-256.
    """

    type: ClassVar[str] = "command-result"
    command: str
    command_type: str
    result: Literal["accepted", "refused"]
    reason: str
    text: str
    who: str
    source: Literal["station", "mqtt"]
    about: str = ""


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


RECORDS: dict[str, type[Record]] = {
    model.type: model
    for model in (
        JournalOpened,
        JournalPruned,
        StationStarted,
        StationStopped,
        SessionOpened,
        EdgesRead,
        ParcelEntered,
        ReadingMatched,
        FrameInspected,
        Decided,
        Ordered,
        Acknowledged,
        ParcelCompleted,
        AlarmRaised,
        AlarmCleared,
        AlarmSuppressed,
        AlarmAcknowledged,
        AlarmShelved,
        AlarmUnshelved,
        DeviceChanged,
        PlcChanged,
        PlcJoined,
        PlcJumped,
        ListsChanged,
        CommandResult,
        ParcelResolved,
        ModeChanged,
        PolicyChanged,
        ModelChanged,
    )
}
"""Every record type by its name; the journal, the schemas and the publisher know no other list."""
