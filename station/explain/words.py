"""The plain words: what the PLC's reasons, stages and matches mean to a technician at the belt."""

from __future__ import annotations

from collections.abc import Mapping

from station.core.records import Acknowledged, Decided, FrameInspected, ParcelCompleted, ReadingMatched

PLC_WHY: Mapping[str, str] = {
    "": "the PLC said no reason",
    "released": "the PLC had a valid order to pass for this parcel",
    "no-order": "no order for it had reached the PLC",
    "inspect-order": "the station ordered it to inspection",
    "other-session": "its order, or its entry, was of an earlier life of the station",
    "ambiguous": "at an eye the PLC could not tell it from another parcel",
    "length": "at the decision eye it was not as long as at the infeed",
    "too-close": "the next parcel followed too closely for the diverter to move in between",
    "stood": "it stood too long between decision eye and diverter",
    "not-automatic": "the diverter was in hand or bypass",
    "unknown-parcel": "the PLC had no number for what it saw",
    "void": "the belt had gone past the last place for which its order was valid",
    "stale": "the station's heartbeat had stopped",
    "not-seen": "the eyes did not see it where it should have been",
    "diverter": "the diverter was not where it should have been",
}
_RESULT = {
    "accepted": "the PLC took it",
    "late": "the PLC had it too late: the parcel had passed the decision eye",
    "unknown-parcel": "the PLC knew no such parcel",
    "other-session": "the PLC held another session",
    "void": "the PLC held it void",
}
_WENT = {
    "pass": "went on in the pass lane",
    "inspect": "went to the inspection lane",
    "lost": "was lost: no exit eye saw it, and it should have been seen",
    "unobserved": "left unobserved",
}


def headline(decided: Decided | None, completed: ParcelCompleted | None) -> str:
    """Decision and end in one sentence."""
    if decided is None:
        first = "It was never decided"
    else:
        first = f"It was decided to {decided.route}"
        if decided.after:
            first += ", after it had been decided to pass: the pass was taken back"
    if completed is None:
        return f"{first}; how it ended is not in the journal: it is on the belt still, or the station ended before."
    why = f" ({PLC_WHY.get(completed.plc_why, completed.plc_why)})" if completed.outcome != "unobserved" else ""
    return f"{first}, and it {_WENT[completed.outcome]}{why}."


def warning(decided: Decided | None, completed: ParcelCompleted | None) -> str:
    """What does not fit, empty if the parcel went where the station wanted it."""
    if completed is None or completed.outcome in {"lost", "unobserved"}:
        return ""
    if completed.outcome == "pass" and (decided is None or decided.route != "pass"):
        return "It is in the pass lane without a pass of the station: take it out, and look at the diverter."
    if completed.outcome == "inspect" and decided is not None and decided.route == "pass":
        return f"It should have passed; the PLC did not release it: {PLC_WHY.get(completed.plc_why, 'reason unknown')}."
    return ""


def acknowledged(record: Acknowledged) -> str:
    """The PLC's answer to an order."""
    return f"order {record.order}: {_RESULT[record.result]}, {record.latency_ms:.0f} ms after the evidence was closed"


def findings(record: FrameInspected, thresholds: Mapping[str, float]) -> str:
    """What the detector found, and of what counts for nothing how much."""
    if record.fault:
        return record.fault
    counted = [f for f in record.findings if not float(f.score) < thresholds.get(f.label, 0.0)]
    below = len(record.findings) - len(counted)
    told = ", ".join(f"{f.label} {float(f.score):.2f}" for f in counted) or "no finding"
    return f"{told}, and {below} below their thresholds" if below else told


def value(record: ReadingMatched) -> str:
    """What the device said."""
    if record.value is None:
        return record.fault or "nothing read"
    if record.kind == "weight":
        grams = f"{record.value:g}" if isinstance(record.value, float | int) else record.value
        return f"{grams} g{f', {record.fault}' if record.fault else ''}"
    shown = f"picture {str(record.value)[:12]}" if record.kind == "frame" else str(record.value)
    return f"{shown}{f', {record.fault}' if record.fault else ''}"


def match(record: ReadingMatched, number: int) -> str:
    """Whose the reading is, and why not if it is not."""
    others = [str(ref.number) for ref in record.candidates if ref.number != number]
    if not record.ambiguous:
        return "its own: nobody else was there"
    if others:
        return f"ambiguous: could also be of parcel {', '.join(others)}"
    return f"not used: {record.note}" if record.note else "ambiguous: an object without a number could have made it"
