"""What a decision rests on: each reading against the plant's truth, each pass against what the station must know."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from simulator.plant.trouble import Emission
from simulator.storm.devices import Stamp
from simulator.storm.truth import Body, Key, Truth, key_of
from simulator.storm.violation import Promise
from station.core.records import Decided, FrameInspected, ReadingMatched, Reason

KEPT = 400
"""Parcels, readings and pictures that are remembered."""
_WORD = 1 << 32
_LONG_BEFORE = 2
_TURNED_MM = 50.0
_ASIDE = frozenset(
    {
        "readings",
        "devices",
        "detector",
        "broker",
        "commands",
        "lists-changed",
        "wall-clock-step",
        "time-zone",
        "leap-second",
    }
)
ORDERED = _ASIDE | {"parcels", "hand-mode"}
"""Faults that leave alone all that an order needs on its way."""
SEEN = ORDERED | {"photo-eyes", "diverter"}
"""Those under which the station is told in time what its eyes saw."""
TRACKED = _ASIDE | {"daemon", "disk", "plc-mute", "plc-slow", "plc-torn", "ack-lost", "diverter"}
"""Those that leave a parcel's track alone."""


@dataclass(slots=True)
class Seen:
    """What the journal holds of a parcel."""

    stamps: list[tuple[ReadingMatched, Stamp]] = field(default_factory=list)
    ordered_lane: str = ""
    accepted_lane: str = ""
    reasons: tuple[Reason, ...] = ()
    ambiguous: set[str] = field(default_factory=set)
    passes: dict[int, list[str]] = field(default_factory=dict)
    route: str | None = None
    decided_seq: int = 0
    ordered_in: int | None = None


class Book(Protocol):
    """What is known of the line, and where broken promises are written down."""

    @property
    def truth(self) -> Truth:
        """What the plant knows."""

    @property
    def origin(self) -> Mapping[Stamp, Emission]:
        """By a reading's stamp, what the device said."""

    @property
    def required(self) -> tuple[str, ...]:
        """The devices of which a pass needs something."""

    @property
    def open(self) -> Mapping[Key, float]:
        """Parcels that have entered and are not completed."""

    def held(self) -> frozenset[str]:
        """The barcodes that are held."""

    def encoder_mm(self) -> float:
        """By how much the encoder is wrong."""

    def undisturbed(self, body: Body, harmless: frozenset[str], /) -> bool:
        """True if in its own session, and from a while before it, only faults of those groups or names were on."""

    def broken(self, promise: Promise, text: str, key: Key | None = None) -> None:
        """Write a broken promise down."""


@dataclass(slots=True)
class Evidence:
    """Told of each reading as it is handed over and as it is matched, of each answer of the detector, each decision."""

    book: Book
    _handed: OrderedDict[Stamp, None] = field(default_factory=OrderedDict)
    _seen: OrderedDict[Key, Seen] = field(default_factory=OrderedDict)
    _detections: OrderedDict[str, set[str]] = field(default_factory=OrderedDict)
    """What is wrong with any of the answers for a picture."""

    def of(self, key: Key) -> Seen:
        """What the journal holds of that parcel."""
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = Seen()
            while len(self._seen) > KEPT:
                self._seen.popitem(last=False)
        return seen

    def handed(self, stamp: Stamp) -> None:
        """The core gets that reading now."""
        self._handed[stamp] = None
        while len(self._handed) > KEPT:
            self._handed.popitem(last=False)

    def answered(self, record: FrameInspected) -> None:
        """The detector has answered for a picture."""
        wrong = self._detections.setdefault(record.frame_id, set())
        if record.fault:
            wrong.add(f"the detector did not answer for {record.frame_id}: {record.fault}")
        if any(isinstance(finding.score, str) for finding in record.findings):
            wrong.add(f"the detector's score for {record.frame_id} is no number")
        while len(self._detections) > KEPT:
            self._detections.popitem(last=False)

    def matched(self, record: ReadingMatched) -> None:
        """A reading is matched, and that is on disk."""
        stamp = record.device, record.after_ns, record.before_ns, record.value
        self._handed.pop(stamp, None)
        if (emission := self.book.origin.get(stamp)) is not None:
            self._sensed(record, emission)
        if not record.ambiguous and (len(record.candidates) != 1 or record.note):
            key = key_of(record.candidates[0]) if record.candidates else None
            self.book.broken(Promise.OWN_EVIDENCE, f"{record.device} counts for it, though it could be another's", key)
        if record.ambiguous:
            for parcel in record.candidates:
                self.of(key_of(parcel)).ambiguous.add(record.device)
        else:
            self.of(key_of(record.candidates[0])).stamps.append((record, stamp))

    def _sensed(self, record: ReadingMatched, emission: Emission) -> None:
        """The interval of a reading that a device made within its bounds holds the place where that was."""
        sensed, wide = emission.sensed, record.interval.high - record.interval.low
        if sensed is None or sensed.encoder_mm != self.book.encoder_mm() or wide >= _WORD // 2:
            return
        ahead, last = (sensed.first - record.interval.low) % _WORD, sensed.last - sensed.first
        key = key_of(record.candidates[0]) if record.candidates else None
        if ahead + last > wide:
            text = f"{record.device} sensed at count {sensed.first}, its interval is {record.interval}"
            self.book.broken(Promise.OWN_EVIDENCE, text, key)
        body = self.book.truth.bodies.get(emission.shows) if emission.shows is not None else None
        if body is None or body.key is None or body.key not in self.book.open or len(body.items) > 1:
            return
        if body.key not in map(key_of, record.candidates) and self.book.undisturbed(body, TRACKED):
            text = f"{record.device} said {record.value!r} of it, and it is not among those it could be of"
            self.book.broken(Promise.OWN_EVIDENCE, text, body.key)

    def decided(self, key: Key, record: Decided, seq: int) -> None:
        """A parcel is decided, and that is on disk."""
        body, seen = self.book.truth.by_key.get(key), self.of(key)
        if body is not None and len(body.items) == 1:
            self._unsaid(key, record, body)
        if record.route != "pass":
            return
        known = self._known_against(seen, record, body)
        for text in known:
            self.book.broken(Promise.OWN_EVIDENCE, f"decided to pass, and {text}", key)
        seen.passes[seq] = [*self._true_against(seen, record, body), *known]

    def _unsaid(self, key: Key, record: Decided, body: Body) -> None:
        """What befell it well ahead of its decision is among the reasons, and not only what else was wrong with it."""
        lost = {reason.device for reason in record.reasons if reason.code == "device-lost"}
        unsaid = []
        if self.book.undisturbed(body, ORDERED):
            unsaid += [f"{device} was not connected while it lay there" for device in sorted(body.unwatched - lost)]
        if self.book.undisturbed(body, SEEN) and not any(reason.code == "tracking" for reason in record.reasons):
            unsaid += [text for eye, text in body.misseen if 0 < eye <= _LONG_BEFORE]
            eye, by_mm = body.items[0].turned or (0, 0.0)
            if 0 < eye <= _LONG_BEFORE and abs(by_mm) > _TURNED_MM:
                unsaid.append(f"it turned ahead of eye {eye}, and was another {abs(by_mm):.0f} mm long")
        for text in unsaid:
            self.book.broken(Promise.OWN_EVIDENCE, f"{text}, and the decision does not say so", key)

    def _known_against(self, seen: Seen, record: Decided, body: Body | None) -> list[str]:
        """What the station itself knows against a pass, or must have known by now."""
        lacks = [f"a reading of {device} is ambiguous" for device in sorted(seen.ambiguous)]
        got = {reading.device for reading, _ in seen.stamps if reading.value not in {None, ""} and not reading.fault}
        lacks += [
            f"there is nothing of {device}"
            for device in self.book.required
            if device not in got | set(record.exceptions)
        ]
        codes = {reading.value for reading, _ in seen.stamps if reading.kind == "barcode" and reading.value}
        if len(codes) > 1:
            lacks.append(f"it has {len(codes)} different barcodes")
        lacks += self._pictures(seen)
        if body is not None:
            lacks += [
                f"a reading of {stamp[0]} was not looked at" for stamp in self._handed if self._is_of(stamp, body)
            ]
        return lacks

    def _is_of(self, stamp: Stamp, body: Body) -> bool:
        emission = self.book.origin.get(stamp)
        return emission is not None and emission.shows == body.identity and emission.sensed is not None

    def _true_against(self, seen: Seen, record: Decided, body: Body | None) -> list[str]:
        """What the plant knows against a pass."""
        against = [f"it has reasons against it: {record.reasons[0].text}"] if record.reasons else []
        if body is None:
            return [*against, "the number belongs to no parcel"]
        for reading, stamp in seen.stamps:
            emission = self.book.origin.get(stamp)
            if (emission is None or emission.shows != body.identity) and reading.value is not None:
                against.append(f"{reading.device} said {reading.value!r} of something else")
        against += [f"it holds {hazard}" for hazard in body.hazards]
        against += [f"{code} is held" for code in sorted(body.barcodes & self.book.held())]
        item = body.items[0]
        if item.declared_g is not None and abs(item.weight_g - item.declared_g) > 50 + 0.05 * item.declared_g + 5:
            against.append(f"it weighs {item.weight_g} g, {item.declared_g:g} g are declared")
        return against

    def _pictures(self, seen: Seen) -> list[str]:
        frames = [reading.value for reading, _ in seen.stamps if reading.kind == "frame" and not reading.fault]
        lacks = []
        for frame in frames:
            wrong = self._detections.get(str(frame))
            lacks += [f"the detector has not answered for {frame}"] if wrong is None else sorted(wrong)
        return lacks

    def completed(self, key: Key) -> None:
        """No reading of another object stands as its own to the end, whatever was decided."""
        body = self.book.truth.by_key.get(key)
        if body is None or not self.book.undisturbed(body, TRACKED | {"parcel-added"}):
            return
        seen = self.of(key)
        for reading, stamp in seen.stamps:
            emission = self.book.origin.get(stamp)
            if emission is None or emission.sensed is None or reading.device in seen.ambiguous or reading.value is None:
                continue
            if emission.shows != body.identity and not body.misseen:
                text = f"{reading.device} said {reading.value!r} of something else, and that stands to the end"
                self.book.broken(Promise.OWN_EVIDENCE, text, key)
