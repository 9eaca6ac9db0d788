"""What the demo can say of the promises: the plant's truth against what the station told the world.

Nothing here knows the station's code: it reads MQTT events, rows of the journal, and what the plant wrote down.
"""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PLANT_LATE_MS, ORDER_LATE_MS = 25.0, 250.0
"""A plant that is later than that does not keep the latencies that the station was told (in quiet it is 4 to 6 ms
late), and a station that takes so long to have an order in the PLC had no time to work."""

WEIGHT_TOLERANCE_G = 10.0
FEED_CAUSES = frozenset({"too-close"})
BY_HAND = frozenset({"added", "removed"})


@dataclass(slots=True)
class Truth:
    """What really happened, by item."""

    items: dict[int, dict[str, Any]] = field(default_factory=dict)
    lanes: dict[int, str] = field(default_factory=dict)
    pictures: dict[int, str] = field(default_factory=dict)
    hazards: dict[int, list[str]] = field(default_factory=dict)
    numbers: dict[tuple[int, int], int] = field(default_factory=dict)
    whys: dict[tuple[int, int], str] = field(default_factory=dict)
    hands: set[int] = field(default_factory=set)

    @classmethod
    def load(cls, path: Path) -> Truth:
        """Read the plant's file."""
        truth = cls()
        truth.take(path.read_text(encoding="utf-8").splitlines())
        return truth

    def take(self, lines: Iterable[str]) -> None:
        """Take facts, one JSON text each."""
        by_count: dict[int, int] = {}
        for line in lines:
            fact = json.loads(line)
            if fact["kind"] in BY_HAND:
                self.hands.add(fact["item"])
            match fact["kind"]:
                case "fed" | "added":
                    self.items[fact["item"]] = fact
                case "infeed":
                    by_count[fact["count"]] = fact["item"]
                case "numbered":
                    if (item := by_count.get(fact["count"])) is not None:  # else an edge that no parcel made
                        self.numbers[fact["epoch"], fact["number"]] = item
                case "outcome":
                    self.whys[fact["epoch"], fact["number"]] = fact["why"]
                case "left":
                    self.lanes[fact["item"]] = fact["lane"]
                case "picture":
                    self.pictures[fact["item"]] = fact["sha256"]
                    self.hazards[fact["item"]] = fact["hazards"]

    def threat(self, item: int) -> bool:
        """True if the item holds a hazard."""
        return bool(self.hazards.get(item) or self.items.get(item, {}).get("hazards"))

    def clean(self, item: int) -> bool:
        """True if nothing about the item is a cause to inspect it."""
        return bool(self.items[item]["clean"]) and not self.threat(item) and item not in self.hands


def make_report(truth: Truth, events: Sequence[Mapping[str, Any]], journaled: int, again: int = 0) -> dict[str, Any]:
    """Compare; `events` are CloudEvents by sequence, `journaled` the last sequence in the journal.

    `again` of the events had to be read again from the journal, since the broker lost them.
    """
    done = [_heard(event["data"], truth) for event in events if event["type"].endswith(".parcel-completed")]
    done = [_whole(data, events) for data in done]
    late = _withdrawn_too_late(events)
    done = [_as_released(d) if _key(d) in late and d["outcome"] == "pass" else d for d in done]
    acks = [event["data"] for event in events if event["type"].endswith(".acknowledged")]
    frames = [event["data"] for event in events if event["type"].endswith(".frame-inspected")]
    pairs = [(truth.numbers.get((d["parcel"]["epoch"], d["parcel"]["number"])), d) for d in done]
    known = [(item, d) for item, d in pairs if item is not None]
    passed = [(item, d) for item, d in known if truth.lanes.get(item) == "pass"]
    inspected = [(item, d) for item, d in known if truth.lanes.get(item) == "inspect"]
    numbered = set(truth.numbers.values())
    clean = [(item, d) for item, d in known if truth.clean(item)]
    causes = Counter(_cause(truth, item, d) for item, d in inspected)
    latency = sorted(a["latency_ms"] for a in acks if a["result"] == "accepted")
    wrong = {
        "passed_without_own_clean_evidence": [item for item, d in passed if not _own_and_clean(truth, item, d)],
        "passed_without_a_number": [i for i, lane in truth.lanes.items() if lane == "pass" and i not in numbered],
        "in_the_wrong_lane": [item for item, d in known if _wrong_lane(truth, item, d)],
    }
    report: dict[str, Any] = {
        "parcels": len(known),
        "threats": sum(truth.threat(item) for item, _ in known),
        "threats_missed_by_the_detector": sum(truth.threat(item) for item, _ in passed),
        "passed": len(passed),
        "withdrawn_too_late": len(late),
        "inspected": len(inspected),
        **{name: len(items) for name, items in wrong.items()},
        "evidence_of_another_parcel": sum(_of_another(truth, item, d) for item, d in known),
        "orders_late_or_never_sent": _late(known, acks, late),
        "inspections_by_reason": dict(Counter(r["code"] for _, d in inspected for r in d["reasons"])),
        "inspections_by_cause": dict(causes),
        "inspections_without_a_cause": causes["none"],
        "clean_parcels": len(clean),
        "clean_share_passed": _share(sum(truth.lanes.get(item) == "pass" for item, _ in clean), len(clean)),
        "detector_false_alarms": sum("finding" in _codes(d) and not truth.threat(item) for item, d in known),
        "by_hazard": _by_hazard(truth, known),
        "no_reads": sum("no-barcode" in _codes(d) for _, d in known),
        "events_journaled": journaled,
        "events_received": len(events),
        "events_read_again": again,
        "order_latency_ms": _spread(latency),
        "inference_ms": _spread(sorted(f["inference_ms"] for f in frames if not f["fault"])),
    }
    report["broken"] = broken(report)
    report["items"] = {name: items for name, items in wrong.items() if items}
    return report


def _key(data: Mapping[str, Any]) -> tuple[int, int]:
    return data["parcel"]["epoch"], data["parcel"]["number"]


def _withdrawn_too_late(events: Sequence[Mapping[str, Any]]) -> set[tuple[int, int]]:
    """Parcels whose pass was withdrawn after the PLC had released them: the PLC answered `late`."""
    withdrawn: set[tuple[int, int]] = set()
    late: set[tuple[int, int]] = set()
    for event in events:
        kind, data = event["type"].rpartition(".")[2], event["data"]
        if kind == "decided" and data["after"] == "pass":
            withdrawn.add(_key(data))
        elif kind == "acknowledged" and data["result"] == "late" and _key(data) in withdrawn:
            late.add(_key(data))
    return late


def _as_released(done: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parcel as it stood when it was released: what came after is counted apart, and changes nothing of that."""
    return dict(done, route="pass", reasons=[], acknowledged=True)


def _by_hazard(truth: Truth, known: Sequence[tuple[int, Mapping[str, Any]]]) -> dict[str, dict[str, int]]:
    """For each hazard: parcels that have it, found as it, found as anything, and inspected for whatever reason."""
    found: dict[str, Counter[str]] = {}
    for item, done in known:
        seen = {
            reason["text"].rpartition(": ")[2].split(" ")[0]
            for reason in done["reasons"]
            if reason["code"] == "finding"
        }
        for hazard in truth.hazards.get(item, []):
            counts = found.setdefault(hazard, Counter())
            counts["have_it"] += 1
            counts["found_as_it"] += hazard in seen
            counts["found_at_all"] += bool(seen)
            counts["inspected"] += truth.lanes.get(item) == "inspect"
    return {hazard: dict(counts) for hazard, counts in sorted(found.items())}


def _heard(done: Mapping[str, Any], truth: Truth) -> Mapping[str, Any]:
    """A parcel that left while no station lived has no word of the PLC; the PLC itself knows what it did.

    One that tells the plant nothing (another's program at the seam) is known by what it did: what passed, it released.
    """
    if done["outcome"] != "unobserved" or done["plc_why"]:
        return done
    passed = truth.lanes.get(truth.numbers.get(_key(done), -1)) == "pass"
    silent = "released" if passed and not truth.whys else ""
    return dict(done, plc_why=truth.whys.get(_key(done), silent))


def _whole(done: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """A parcel that was on the belt when the station started again: what the run before said of it belongs to it.

    That run may have died before it could journal the PLC's echo of an order; that the PLC released the parcel shows
    that it held one. What the new run decided of a parcel that was released already changes nothing of that.
    """
    released = done["plc_why"] == "released"
    if not done["adopted"] or (done["route"] is not None and not released):
        return done
    whole = dict(done, barcodes=[], frames=[])
    for event in events:
        kind, data = event["type"].rpartition(".")[2], event["data"]
        if kind == "reading-matched" and data["candidates"] == [done["parcel"]] and not data["ambiguous"]:
            whole |= _reading(whole, data)
        elif data.get("parcel") != done["parcel"]:
            continue
        elif kind == "decided" and (data["route"] == "pass" or not released):
            whole |= {"route": data["route"], "reasons": data["reasons"], "ordered": True}
        elif kind == "acknowledged":
            whole["acknowledged"] = data["result"] == "accepted"
    whole["acknowledged"] |= whole["ordered"] and released
    return whole


def _reading(whole: Mapping[str, Any], matched: Mapping[str, Any]) -> dict[str, Any]:
    value = matched["value"]
    match matched["kind"]:
        case "barcode" if value:
            return {"barcodes": [*whole["barcodes"], value], "barcode": value}
        case "weight":
            return {"weight_g": value}
        case "frame":
            return {"frames": [*whole["frames"], value]}
    return {}


def too_busy(result: Mapping[str, Any]) -> str:
    """What shows that plant or station did not get their share of the processor; nothing if they did."""
    if (late_ms := result["simulator_late_ms"] or 0) > PLANT_LATE_MS:
        return f"the simulated plant ran up to {late_ms:g} ms late, so its devices told later than they state"
    if (order_ms := (result["order_latency_ms"] or {}).get("max", 0)) > ORDER_LATE_MS:
        return f"the station took up to {order_ms:g} ms to have an order in the PLC (in quiet, some 80)"
    return ""


def broken(report: Mapping[str, Any]) -> list[str]:
    """The promises that the report shows as broken, by the name of their figure."""
    zeros = (
        "passed_without_own_clean_evidence",
        "passed_without_a_number",
        "in_the_wrong_lane",
        "evidence_of_another_parcel",
        "orders_late_or_never_sent",
        "inspections_without_a_cause",
    )
    found = [name for name in zeros if report[name]]
    if report["events_journaled"] != report["events_received"]:
        found.append("events_received")
    if report["events_read_again"] > report["events_journaled"] / 10:
        found.append("events_read_again")
    return found


def _codes(done: Mapping[str, Any]) -> set[str]:
    return {reason["code"] for reason in done["reasons"]}


def _of_another(truth: Truth, item: int, done: Mapping[str, Any]) -> bool:
    """Some reading that the station gave this parcel was not taken of it."""
    fact = truth.items[item]
    if any(code != fact["barcode"] for code in done["barcodes"]):
        return True
    weight = done["weight_g"]
    if weight is not None and abs(weight - fact["weight_g"]) > WEIGHT_TOLERANCE_G:
        return True
    return any(frame != truth.pictures.get(item) for frame in done["frames"])


def _own_and_clean(truth: Truth, item: int, done: Mapping[str, Any]) -> bool:
    """The parcel passed on a decision to pass, with all evidence its own; a miss of the detector is counted apart."""
    fact = truth.items[item]
    complete = done["barcode"] is not None and done["weight_g"] is not None and done["frames"]
    free = not fact["held"] and item not in truth.hands and done["route"] == "pass" and not done["reasons"]
    return bool(complete) and free and done["acknowledged"] and not _of_another(truth, item, done)


def _wrong_lane(truth: Truth, item: int, done: Mapping[str, Any]) -> bool:
    lane = truth.lanes.get(item)
    if lane is None:
        return False
    if done["outcome"] in {"pass", "inspect"} and lane != done["outcome"]:
        return True
    return (lane == "pass" and done["route"] != "pass") or (lane == "inspect" and done["plc_why"] == "released")


def _cause(truth: Truth, item: int, done: Mapping[str, Any]) -> str:
    """Why an item was inspected: something of its own, the feed, the detector, or none."""
    if not truth.clean(item):
        return "parcel"
    if done["plc_why"] in FEED_CAUSES:
        return "feed"
    codes = _codes(done)
    if codes & {"finding", "picture-unusable"}:
        return "detector"
    if codes == {"no-barcode"}:
        return "no-read"
    return "none"


def _late(
    known: Iterable[tuple[int, Mapping[str, Any]]],
    acks: Iterable[Mapping[str, Any]],
    withdrawn: set[tuple[int, int]],
) -> int:
    late: int = sum(ack["result"] == "late" and _key(ack) not in withdrawn for ack in acks)
    return late + sum(not (done["ordered"] and done["acknowledged"]) for _, done in known if done["outcome"] != "lost")


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    p99 = values[min(len(values) - 1, int(len(values) * 0.99))]
    return {"p50": round(statistics.median(values), 1), "p99": round(p99, 1), "max": round(values[-1], 1)}
