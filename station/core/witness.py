"""From matched readings and detections to a parcel's evidence, and what spoils it."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace

from station.core.actions import Action, Keep
from station.core.desk import Desk
from station.core.events import BarcodeReading, Detection, Frame, WeightReading
from station.core.matching import Match, Matcher, Reading
from station.core.now import Now
from station.core.parcel import Evidence, FrameEvidence, Parcel
from station.core.policy import NO_LABEL, NOREAD
from station.core.records import CountInterval, FrameInspected, Lookup, ReadingMatched, told
from station.core.refs import finding_records, ref
from station.core.triggers import TRIGGERS

_DETECTIONS_KEPT = 200
_PICTURES_KEPT = 100
_LARGEST = 1 << 53
_READINGS_AT_MOST = 100
_FINDINGS_AT_MOST = 100
FLOOD = "more readings than can be held: did it stand under a device?"


@dataclass(slots=True)
class Witness:
    """Gives each reading to its parcel.

    Memory is bounded: by the matcher, the last 200 detections, and 100 readings a parcel (with more it is inspected).
    """

    desk: Desk
    matcher: Matcher
    _earlier: dict[str, deque[str]] = field(default_factory=dict)
    _newest: dict[str, Frame] = field(default_factory=dict)
    _detections: OrderedDict[str, Detection] = field(default_factory=OrderedDict)

    def testify(self, match: Match, count: int, now: Now) -> list[Action]:
        """Take one match: evidence of its owner, or a doubt on every parcel that it could belong to."""
        reading, device = match.reading, match.device.name
        frame = self._frame(reading) if isinstance(reading, Frame) else None
        actions: list[Action] = [self._matched(match, count), *self._trigger_alarm(device)]
        owner = match.owner
        if owner is None:
            for parcel in match.candidates:
                parcel.evidence.ambiguous.add(device)
                actions += self.desk.withdraw(parcel, count, now)
            return actions
        self._add(owner, reading, frame)
        return actions + self.desk.withdraw(owner, count, now)

    def question(self, stranger: Parcel, count: int, now: Now) -> list[Action]:
        """An object that nothing explains: what could be a reading of it is no evidence any more."""
        actions: list[Action] = []
        for match, owner in self.matcher.question(stranger):
            owner.evidence.ambiguous.add(match.device.name)
            actions += [self._matched(match, count), *self.desk.withdraw(owner, count, now)]
        return actions

    def detect(self, detection: Detection, parcels: list[Parcel], count: int, now: Now) -> list[Action]:
        """Take the detector's answer for a frame, matched already or not yet."""
        record = FrameInspected(
            device=detection.device,
            frame_id=detection.frame_id,
            findings=finding_records(detection),
            model_sha256=detection.model_sha256,
            inference_ms=round(detection.inference_ms, 3),
            fault=detection.fault,
            kept=detection.kept,
        )
        actions: list[Action] = [Keep(record)]
        self._detections[detection.frame_id] = united(self._detections.get(detection.frame_id), detection)
        while len(self._detections) > _DETECTIONS_KEPT:
            self._detections.popitem(last=False)
        for parcel in parcels:
            for frame in parcel.evidence.frames:
                if frame.frame_id == detection.frame_id:
                    if frame.detection is None:
                        parcel.ready_ns = max(parcel.ready_ns, now.ns)
                    frame.detection = united(frame.detection, detection)
                    actions += self.desk.withdraw(parcel, count, now)
        return actions

    def _matched(self, match: Match, count: int) -> Keep:
        reading = match.reading
        lookup = self.desk.lookup(reading.code) if isinstance(reading, BarcodeReading) and reading.code else None
        return matched_record(match, count, lookup)

    def _trigger_alarm(self, device: str) -> list[Keep]:
        counter = self.matcher.counters.get(device)
        if counter is None:
            return []
        text = (
            "its trigger numbers and times disagree: its pictures are not trusted; if it stays, pause the feed for 2 s"
        )
        return self.desk.alarms.when(counter.doubtful, "trigger-step", device, text)

    def _add(self, owner: Parcel, reading: Reading, frame: FrameEvidence | None) -> None:
        evidence, device = owner.evidence, reading.device
        if len(evidence.barcodes) + len(evidence.weights_g) + len(evidence.frames) >= _READINGS_AT_MOST:
            owner.doubts["flood"] = FLOOD
            return
        match reading:
            case BarcodeReading(code=None):
                _note_fault(evidence, device, reading.symbology or NOREAD)
            case BarcodeReading(code=str(code)):
                evidence.barcodes.append(code)
                evidence.brought.add(device)
            case WeightReading(weight_g=None):
                _note_fault(evidence, device, reading.fault or "fault")
            case WeightReading(weight_g=float(weight)):
                evidence.weights_g.append(weight)
                evidence.brought.add(device)
        if frame is not None:
            evidence.frames.append(frame)

    def _frame(self, frame: Frame) -> FrameEvidence:
        """What a picture is as evidence; each is remembered, also one that no parcel owns, to know it again."""
        earlier = self._earlier.setdefault(frame.device, deque(maxlen=_PICTURES_KEPT))
        fault = frame.fault
        if not fault and frame.frame_id in earlier:
            fault = "the very same picture as an earlier one: frozen, or sent again?"
        elif not fault and self._again(frame):
            fault = f"a second picture of trigger number {frame.trigger}: of several views each is a device of its own"
        elif not fault and not self._follows(frame):
            fault = "nothing shows that it is new: the picture ahead of it did not come, or could not be read"
        earlier.append(frame.frame_id)
        self._newest[frame.device] = frame
        return FrameEvidence(frame.device, frame.frame_id, self._detections.get(frame.frame_id), fault, frame.kept)

    def _again(self, frame: Frame) -> bool:
        """True if the picture right ahead of it bears the same number."""
        before = self._newest.get(frame.device)
        return before is not None and frame.trigger is not None and frame.trigger == before.trigger

    def _follows(self, frame: Frame) -> bool:
        """True if the picture right ahead of it was seen: only that it differs from that one shows that it is new.

        Some machines count on beyond the last of the PLC's trigger numbers.
        """
        before = self._newest.get(frame.device)
        if before is None or before.fault:
            return False
        if frame.trigger is None or before.trigger is None:
            return True
        return frame.trigger in {before.trigger + 1, before.trigger % TRIGGERS + 1}


def _note_fault(evidence: Evidence, device: str, fault: str) -> None:
    """The newest stands, but for one that says nothing."""
    if fault not in NO_LABEL or device not in evidence.faults:
        evidence.faults[device] = fault


def matched_record(match: Match, count: int, lookup: Lookup | None) -> Keep:
    """The match as the journal keeps it; the count of the belt then, and what the lists say of a barcode."""
    reading = match.reading
    value: str | float | None
    match reading:
        case BarcodeReading():
            kind, value, fault, trigger = "barcode", reading.code, "" if reading.code else reading.symbology, None
        case WeightReading():
            kind, value, fault, trigger = "weight", _weight(reading), reading.fault, None
        case _:
            kind, value, fault, trigger = "frame", reading.frame_id, reading.fault, reading.trigger
    record = {
        "device": reading.device,
        "kind": kind,
        "value": value,
        "fault": fault,
        "trigger": trigger,
        "plc_trigger": match.plc_trigger,
        "after_ns": reading.arrived.after_ns,
        "before_ns": reading.arrived.before_ns,
        "interval": CountInterval(low=_whole(match.counts.low), high=_whole(match.counts.high)),
        "candidates": tuple(ref(parcel) for parcel in match.candidates if parcel.key),
        "ambiguous": match.owner is None,
        "note": match.note,
        "count": count,
        "held": lookup.held if lookup else False,
        "declared_g": lookup.declared_g if lookup else None,
        "kept": reading.kept if isinstance(reading, Frame) else True,
    }
    return Keep(ReadingMatched.model_validate(record))


def _weight(reading: WeightReading) -> float | str | None:
    return None if reading.weight_g is None else told(reading.weight_g)


def _whole(value: float) -> int:
    return int(max(-_LARGEST, min(_LARGEST, value)))


def united(before: Detection | None, answer: Detection) -> Detection:
    """All that the detector said of one picture: one that came twice was looked at twice, and may have two answers."""
    if before is None:
        return answer
    new = tuple(finding for finding in answer.findings if finding not in before.findings)
    fault = before.fault or answer.fault
    if len(before.findings) + len(new) > _FINDINGS_AT_MOST:
        new, fault = (), fault or "the detector answers for it again and again, and never the same"
    return replace(before, findings=before.findings + new, fault=fault)
