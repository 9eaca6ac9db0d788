"""From journaled records back to the events that the core was given."""

from __future__ import annotations

from pydantic import ValidationError

from station.core.events import (
    Arrived,
    BarcodeReading,
    BeltParcel,
    Constants,
    Detection,
    Direction,
    Edge,
    Finding,
    Frame,
    Lane,
    ListsLoaded,
    Mode,
    OpenParcel,
    ParcelKey,
    PlcConnected,
    PlcSample,
    Starting,
    StationMode,
    WeightReading,
)
from station.core.matching import Reading
from station.core.records import (
    RECORDS,
    EdgesRead,
    FrameInspected,
    ListsChanged,
    PlcChanged,
    PlcJoined,
    ReadingMatched,
    Record,
    StationStarted,
)
from station.journal import Stored


class ReplayError(Exception):
    """The journal cannot be replayed; the sentence names the event."""


def record_of(event: Stored) -> Record:
    """The record that an event was written from.

    Raises:
        ReplayError: it is none of ours, of another version, or damaged.
    """
    model = RECORDS.get(event.type)
    if model is None:
        raise ReplayError(f"event {event.seq} is of a type '{event.type}' that this program does not know")
    if event.version != model.version:
        sentence = f"event {event.seq}, {event.type}, is of version {event.version}; this program reads {model.version}"
        raise ReplayError(f"{sentence}: use the program that wrote it (its station-started names it)")
    try:
        return model.model_validate_json(event.payload)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ReplayError(f"event {event.seq}, {event.type}, is damaged: {where} {first['msg']}") from error


def starting_of(record: StationStarted) -> Starting:
    """The start as the daemon told it."""
    left_open = [OpenParcel(ParcelKey(o.parcel.epoch, o.parcel.number), o.entered_at) for o in record.left_open]
    known = tuple(left_open), record.trigger_offsets, StationMode(record.paused, record.dry_run)
    return Starting(record.software, record.config_sha256, record.model_sha256, *known)


def edges_of(record: EdgesRead) -> list[Edge]:
    """The edges as the PLC's driver gave them."""
    return [
        Edge(sequence, eye, Direction(direction), count, plc_ms, parcel, trigger)
        for sequence, eye, direction, count, plc_ms, parcel, trigger in record.edges
    ]


def reading_of(record: ReadingMatched) -> Reading:
    """The reading as the device's driver gave it."""
    arrived = Arrived(record.after_ns, record.before_ns)
    text = None if record.value is None else str(record.value)
    match record.kind:
        case "barcode":
            return BarcodeReading(record.device, text, arrived, record.fault)
        case "weight":
            weight_g = None if record.value is None else float(record.value)
            return WeightReading(record.device, weight_g, arrived, record.fault)
        case "frame":
            return Frame(record.device, text or "", arrived, record.trigger, record.fault, record.kept)


def detection_of(record: FrameInspected) -> Detection:
    """The detector's answer."""
    findings = tuple(Finding(f.label, float(f.score), f.box) for f in record.findings)
    return Detection(
        record.device, record.frame_id, findings, record.model_sha256, record.inference_ms, record.fault, record.kept
    )


def connection_of(record: PlcJoined) -> PlcConnected:
    """The connection with the PLC's table of parcels."""
    rows = tuple(BeltParcel(*row) for row in record.parcels)
    fields = {name: getattr(record, name) for name in type(record).model_fields}
    constants = Constants(**record.constants.model_dump())
    return PlcConnected(**fields | {"parcels": rows, "constants": constants})


def sample_of(record: PlcChanged, count: int) -> PlcSample:
    """A sample with the PLC's new words; its times are not needed where counts are known."""
    return PlcSample(
        after_ns=0,
        before_ns=0,
        plc_ms=0,
        count=count,
        epoch=record.epoch,
        session=record.session,
        mode=Mode(record.mode),
        belt_running=record.belt_running,
        stop_cause=record.stop_cause,
        faults=record.faults,
        diverter=Lane.INSPECT,
        lane_full=record.lane_full,
        scan_max_ms=0,
    )


def lists_of(record: ListsChanged) -> ListsLoaded:
    """The part of the lists that concerns what is on the belt."""
    held = frozenset(lookup.code for lookup in record.on_belt if lookup.held)
    declared = tuple((lookup.code, lookup.declared_g) for lookup in record.on_belt if lookup.declared_g is not None)
    return ListsLoaded(record.lists_version, held, declared)
