"""Gathers one parcel's story from the journal: its track, its readings, each stage and the deadline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from station.core.belt import Interval
from station.core.records import (
    Acknowledged,
    Decided,
    EdgesRead,
    FrameInspected,
    Ordered,
    ParcelCompleted,
    ParcelEntered,
    ParcelRef,
    ReadingMatched,
    Record,
    StationStarted,
)
from station.core.setup import LineSetup
from station.explain import words
from station.explain.track import Passage, Times, Track, tracks
from station.journal import Reader, Stored
from station.replay import ReplayError
from station.replay.events import record_of

_AROUND = 150
_MOST = 20_000
_NS_PER_MS = 1e6
_LONGEST_MS = 1e8


class ExplainError(Exception):
    """The journal does not hold what a parcel's story needs; the sentence says what is missing."""


@dataclass(frozen=True, slots=True)
class Step:
    """One stage: `at_ms` since the parcel entered."""

    name: str
    at_ms: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Sensed:
    """A reading that could be the parcel's: the counts in which it was taken, and those of the parcel in the zone."""

    record: ReadingMatched
    zone_mm: tuple[float, float]
    taken: Interval
    window: Interval
    taken_ms: tuple[float, float]
    arrived_ms: float

    @property
    def own(self) -> bool:
        """True if it counted for the parcel."""
        return not self.record.ambiguous


@dataclass(frozen=True, slots=True)
class Story:
    """All that is to be told of one parcel. Times are ms since it entered.

    Attributes:
        deadline_ms: when the belt was at the last place from which an order is in time.
        neighbours: the tracks of the parcels around it, on the same clock.
        strangers: eyes broken by what has no number.
        start_ms: when it entered, by the clock that the tracks are told in.
    """

    ref: ParcelRef
    setup: LineSetup
    entered_at: str
    track: Track
    neighbours: tuple[Track, ...]
    strangers: tuple[Passage, ...]
    start_ms: float
    deadline_ms: float
    steps: tuple[Step, ...]
    readings: tuple[Sensed, ...]
    decisions: tuple[Decided, ...]
    completed: ParcelCompleted | None

    @property
    def decided(self) -> Decided | None:
        """The decision that stood at the end."""
        return self.decisions[-1] if self.decisions else None


def tell(reader: Reader, epoch: int | None, number: int) -> Story:
    """Gather the story; without an epoch that of the newest parcel of that number.

    Raises:
        ExplainError: the journal knows no such parcel, or its events are damaged or not whole.
        JournalError: it cannot be read.
    """
    events = reader.of_parcel(epoch, number)
    if not events:
        raise ExplainError(f"the journal holds nothing of parcel {f'{epoch}/' if epoch else ''}{number}")
    started = reader.newest_of(StationStarted.type, before=events[0].seq)
    if started is None:
        raise ExplainError("no station-started stands ahead of the parcel: its line's setup is not known")
    try:
        return _tell(reader, events, started)
    except ReplayError as error:
        raise ExplainError(str(error)) from error
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ExplainError(f"the parcel's events make no sense together: {error}") from error


def _tell(reader: Reader, events: Sequence[Stored], started: Stored) -> Story:
    begun = record_of(started)
    own = [(record_of(event), event) for event in events]
    entry = next(((record, e) for record, e in own if isinstance(record, ParcelEntered)), None)
    if not isinstance(begun, StationStarted) or entry is None:
        raise ValueError("where it entered is not in the journal")
    setup, entered = begun.setup.line_setup(), entry[0]
    edges, entries = _around(reader, entry[1].seq, events[-1].seq)
    known = tracks(edges, entries)
    track = known.numbered.pop(entered.parcel.number)
    times = Times(known.points, setup.geometry)
    start = track.leads[0][1] if 0 in track.leads else times.ms(entered.count)
    deadline = times.ms(_deadline(track, setup)) - start
    readings = tuple(_sensed(r, track, setup, times, start) for r, _ in own if isinstance(r, ReadingMatched))
    steps = sorted(_steps(own, track, setup, start, deadline), key=lambda step: step.at_ms)
    if not all(math.isfinite(ms) and abs(ms) < _LONGEST_MS for ms in (start, deadline, *(s.at_ms for s in steps))):
        raise ValueError("its times are no times")
    return Story(
        ref=entered.parcel,
        setup=setup,
        entered_at=entry[1].time,
        track=track,
        neighbours=tuple(known.numbered.values()),
        strangers=tuple(s for s in known.strangers if s.eye < len(setup.geometry.eyes_mm)),
        start_ms=start,
        deadline_ms=deadline,
        steps=tuple(steps),
        readings=readings,
        decisions=tuple(r for r, _ in own if isinstance(r, Decided)),
        completed=next((r for r, _ in own if isinstance(r, ParcelCompleted)), None),
    )


def _around(reader: Reader, first: int, last: int) -> tuple[list[tuple[EdgesRead, int]], list[ParcelEntered]]:
    """Edges and entries from a little before the parcel's first event to its last."""
    edges: list[tuple[EdgesRead, int]] = []
    entries: list[ParcelEntered] = []
    begin = max(0, first - 1 - _AROUND)
    for event in reader.after(begin, min(_MOST, last - begin)):
        if event.type in {EdgesRead.type, ParcelEntered.type}:
            record = record_of(event)
            if isinstance(record, EdgesRead):
                edges.append((record, event.mono_ns))
            elif isinstance(record, ParcelEntered):
                entries.append(record)
    return edges, entries


def _deadline(track: Track, setup: LineSetup) -> float:
    """The count at which an order must be on its way, as the core reckons it ahead of the decision eye."""
    geometry = setup.geometry
    parcel = track.parcel(len(geometry.eyes_mm))
    lead = parcel.lead_at(geometry.decision_mm, geometry, before_eye=len(geometry.eyes_mm) - 1)
    return lead.low - setup.order_room_ms * geometry.counts_per_ms


def _sensed(record: ReadingMatched, track: Track, setup: LineSetup, times: Times, start: float) -> Sensed:
    device, geometry = setup.by_name[record.device], setup.geometry
    window = track.parcel(len(geometry.eyes_mm)).within(device.zone_mm, geometry)
    taken = Interval(record.interval.low, record.interval.high)
    arrived = record.before_ns / _NS_PER_MS - start
    lasts = device.latency_ms[1] + device.measuring_ms
    # What nothing bounds is drawn as the device's own bounds would have it.
    low, high = times.ms(taken.low) - start, times.ms(taken.high) - start
    low, high = max(low, arrived - 2 * lasts), min(high, arrived)
    return Sensed(record, device.zone_mm, taken, window, (min(low, high), high), arrived)


def _steps(
    own: Sequence[tuple[Record, Stored]], track: Track, setup: LineSetup, start: float, deadline: float
) -> list[Step]:
    steps = [*_seen(track, setup, start), Step("deadline", deadline, "the last moment for an order to be on its way")]
    for record, event in own:
        at = event.mono_ns / _NS_PER_MS - start
        match record:
            case ReadingMatched():
                arrived = record.before_ns / _NS_PER_MS - start
                steps.append(Step(f"reading of {record.device}", arrived, words.value(record)))
            case FrameInspected():
                told = words.findings(record, setup.policy.thresholds)
                steps.append(Step("detector answers", at, f"{told} ({record.inference_ms:.0f} ms)"))
            case Decided():
                codes = ", ".join(reason.code for reason in record.reasons)
                steps.append(Step(f"decided: {record.route}", at, codes or "no reason against it"))
            case Ordered():
                steps.append(Step(f"ordered: {record.lane}", at, f"order {record.order} handed to the PLC"))
            case Acknowledged():
                steps.append(Step("acknowledged", at, words.acknowledged(record)))
            case ParcelCompleted():
                steps.append(Step(f"outcome: {record.outcome}", at, words.PLC_WHY.get(record.plc_why, record.plc_why)))
            case _:
                pass
    return steps


def _seen(track: Track, setup: LineSetup, start: float) -> list[Step]:
    eyes = setup.geometry.eyes_mm
    steps = []
    for passage in track.passages():
        if passage.lead is None:
            continue
        named = {0: "entered", len(eyes) - 1: "decision eye"}.get(passage.eye, f"eye {passage.eye}")
        if passage.eye >= len(eyes):
            named = "exit eye"
        place = f"at {eyes[passage.eye]:g} mm" if passage.eye < len(eyes) else f"at {setup.geometry.exit_mm:g} mm"
        cleared = f", free again {passage.trail[1] - passage.lead[1]:.0f} ms later" if passage.trail else ""
        steps.append(Step(named, passage.lead[1] - start, f"{place}{cleared}"))
    return steps if any(step.name == "entered" for step in steps) else [Step("entered", 0.0, "taken over"), *steps]
