"""What a replay found to differ from the journal, and how two records are compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from station.core.records import Decided, ParcelCompleted, ParcelEntered, ParcelRef, ReadingMatched, Reason, Record

_COMPLETED = ("route", "barcodes", "weight_g", "frames", "findings", "length_mm", "exceptions", "adopted")
EXPECTED = {
    "parcel-entered": "an edge begins this parcel, and the journal lets none enter",
    "reading-matched": "an edge that no parcel explains makes a reading ambiguous, and the journal does not say so",
    "decided": "its pass had to be taken back, and the journal does not say so",
    "parcel-completed": "it has left the belt, and the journal does not complete it",
}
"""What the core says of itself and must stand in the journal, with what it means where it does not."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A route, None for none yet, and all the reasons for it."""

    route: str | None
    reasons: tuple[Reason, ...] = ()

    def __str__(self) -> str:
        codes = ", ".join(reason.code for reason in self.reasons)
        return f"{self.route or 'nothing'}{f' ({codes})' if codes else ''}"


@dataclass(frozen=True, slots=True)
class Difference:
    """One event that the replay does not confirm.

    Attributes:
        parcel: whom it concerns, None where the event names nobody.
        seq, event: number and type of the journaled event (number 0 for a record that was never journaled).
        what: a sentence for a person.
        journaled, replayed: the two verdicts, where the event is one.
    """

    parcel: ParcelRef | None
    seq: int
    event: str
    what: str
    journaled: Verdict | None = None
    replayed: Verdict | None = None


def of_decisions(journaled: Decided, replayed: Decided, seq: int) -> Iterator[Difference]:
    """Route, reasons and exceptions of a decision; the order of the reasons says nothing."""
    old, new = Verdict(journaled.route, journaled.reasons), Verdict(replayed.route, replayed.reasons)
    if old.route != new.route:
        what = f"the journal decides {old}, the replay {new}"
    elif _in_order(old.reasons) != _in_order(new.reasons):
        what = f"reasons differ: {_only(old.reasons, new.reasons, 'in the journal', 'in the replay')}"
    elif journaled.exceptions != replayed.exceptions or journaled.policy_version != replayed.policy_version:
        what = "the devices that were missing, or the policy's version, differ"
    else:
        return
    yield Difference(journaled.parcel, seq, journaled.type, what, old, new)


def of_readings(journaled: ReadingMatched, replayed: ReadingMatched, seq: int) -> Iterator[Difference]:
    """Whom a reading could belong to, and what the trigger said."""
    if journaled == replayed:
        return
    old, new = set(journaled.candidates), set(replayed.candidates)
    what = f"{journaled.device}: by the edges its reading fits {_names(new)}, the journal says {_names(old)}"
    if old == new:
        what = f"{journaled.device}: the match of its reading differs ({journaled.note!r}, replayed {replayed.note!r})"
    named = sorted(old ^ new or old, key=lambda ref: (ref.epoch, ref.number))
    for parcel in named or (None,):
        yield Difference(parcel, seq, journaled.type, what)


def of_entries(journaled: ParcelEntered, replayed: ParcelEntered, seq: int) -> Iterator[Difference]:
    """Where a parcel entered."""
    if journaled.count != replayed.count:
        what = f"it entered at count {journaled.count} by the journal, at {replayed.count} by its edge"
        yield Difference(journaled.parcel, seq, journaled.type, what)


def of_completions(journaled: ParcelCompleted, replayed: ParcelCompleted, seq: int) -> Iterator[Difference]:
    """The evidence and the decision that the last record of a parcel sums up."""
    names = [name for name in _COMPLETED if getattr(journaled, name) != getattr(replayed, name)]
    if _in_order(journaled.reasons) != _in_order(replayed.reasons):
        names.append("reasons")
    if names:
        told = ", ".join(f"{n} {getattr(journaled, n)!r}, replayed {getattr(replayed, n)!r}" for n in names[:3])
        old = Verdict(journaled.route, journaled.reasons)
        new = Verdict(replayed.route, replayed.reasons)
        yield Difference(journaled.parcel, seq, journaled.type, f"its sum differs: {told}", old, new)


def of_missing(record: Record) -> Iterator[Difference]:
    """The replayed core made a record that the journal lacks."""
    parcels = record.candidates if isinstance(record, ReadingMatched) else (getattr(record, "parcel", None),)
    for parcel in parcels:
        if isinstance(record, Decided):
            new = Verdict(record.route, record.reasons)
            yield Difference(parcel, 0, record.type, f"{EXPECTED[record.type]}: {new}", Verdict("pass"), new)
        else:
            yield Difference(parcel, 0, record.type, EXPECTED[record.type])


def _in_order(reasons: tuple[Reason, ...]) -> list[tuple[str, str, str]]:
    return sorted((reason.code, reason.text, reason.device) for reason in reasons)


def _only(old: tuple[Reason, ...], new: tuple[Reason, ...], in_old: str, in_new: str) -> str:
    parts = [f"only {in_old}: '{reason.text}'" for reason in old if reason not in new]
    parts += [f"only {in_new}: '{reason.text}'" for reason in new if reason not in old]
    return "; ".join(parts) or "one of them is given twice"


def _names(parcels: set[ParcelRef]) -> str:
    return ", ".join(sorted(f"{ref.epoch}/{ref.number}" for ref in parcels)) or "none"
