"""One parcel from infeed to exit: edges, readings, findings, decision, order, outcome."""

from __future__ import annotations

from typing import ClassVar, Literal

from station.core.records.base import CountInterval, FindingRecord, ParcelRef, Reason, Record, Route
from station.core.text import Sentence


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
    fault: Sentence = ""
    trigger: int | None = None
    plc_trigger: int | None = None
    after_ns: int
    before_ns: int
    interval: CountInterval
    candidates: tuple[ParcelRef, ...]
    ambiguous: bool
    note: Sentence = ""
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
    fault: Sentence = ""
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
