"""The rules of the site: evidence in, a route and all the reasons out."""

from __future__ import annotations

import math
from collections.abc import Collection, Container, Mapping

from station.core.parcel import FrameEvidence, Parcel
from station.core.records import Reason
from station.core.setup import DeviceSetup, PolicySetup

REASONS: Mapping[str, str] = {
    "no-barcode": "no barcode was read",
    "several-barcodes": "several different barcodes were read",
    "held": "the barcode is on the hold list",
    "no-lists": "the hold list and the declared weights were never read since the station's start",
    "no-weight": "no valid weight",
    "several-weights": "the scale gave different weights",
    "faulty-reading": "beside a good reading the device gave one that is none",
    "weight-range": "the weight is outside the site's range",
    "weight-mismatch": "the weight does not fit the declared one",
    "no-picture": "no picture",
    "picture-unusable": "the picture cannot be used",
    "no-detection": "the detector gave no answer in time",
    "finding": "the detector found a hazard",
    "ambiguous": "a reading could belong to another object as well",
    "device-lost": "a device was not connected while the parcel passed it",
    "tracking": "the parcel's track cannot be trusted",
    "inspect-only": "the parcel entered before this session, or without one",
    "deadline": "the evidence was not complete in time",
    "paused": "the station is paused: every parcel is inspected",
    "dry-run": "the station is on a dry run: it decides, and every parcel is inspected",
}
"""Every reason code; docs/mqtt.md lists them from here."""
NOREAD = "NOREAD"
NO_LABEL = frozenset({NOREAD, "blank code"})
"""What a scanner says that sees no label; beside one that does it means nothing."""


def reasons_to_inspect(
    parcel: Parcel,
    policy: PolicySetup,
    devices: Collection[DeviceSetup],
    lost: Collection[str],
    held: Container[str],
    declared_g: Mapping[str, float],
) -> list[Reason]:
    """Return every reason why a person should open the parcel; none means that it may pass.

    `lost` names the devices that were not connected all the while the parcel passed them.
    """
    found = [Reason(code="tracking", text=text) for text in parcel.doubts.values()]
    if parcel.inspect_only:
        found.append(reason("inspect-only"))
    for device in devices:
        found += _of_device(parcel, policy, device, device.name in lost)
    found += _of_barcodes(parcel, held)
    found += _of_weight(parcel, policy, declared_g)
    for frame in parcel.evidence.frames:
        found += _of_frame(frame, policy.thresholds)
    return found


def beyond_the_model(thresholds: Mapping[str, float], floor: float) -> str:
    """Which thresholds no score can meet as meant, and what would be right; "" if none is so.

    Args:
        thresholds: by label.
        floor: score below which the model reports nothing.
    """
    wrong = [f"{label} {score:g}" for label, score in thresholds.items() if not floor <= score < 1.0]
    if not wrong:
        return ""
    return f"{', '.join(wrong)}: the model reports nothing below {floor:g}, and hardly ever 1: name {floor:g} to 0.999"


def reason(code: str, detail: str = "", device: str = "") -> Reason:
    """A reason by its code, with what it is about."""
    text = REASONS[code]
    return Reason(code=code, text=f"{text}: {detail}" if detail else text, device=device)


def _of_device(parcel: Parcel, policy: PolicySetup, device: DeviceSetup, lost: bool) -> list[Reason]:  # noqa: FBT001
    evidence = parcel.evidence
    found = []
    if device.name in evidence.ambiguous:
        found.append(reason("ambiguous", device=device.name))
    if lost and device.name not in policy.may_be_missing:
        found.append(reason("device-lost", device.name, device.name))
    fault = evidence.faults.get(device.name, "")
    if is_missing(parcel, device) and not (lost and device.name in policy.may_be_missing):
        code = {"barcode": "no-barcode", "weight": "no-weight", "frame": "no-picture"}[device.kind]
        found.append(reason(code, fault, device.name))
    elif fault and fault not in NO_LABEL:  # beside a good one: which of the two is the parcel's?
        found.append(reason("faulty-reading", fault, device.name))
    return found


def is_missing(parcel: Parcel, device: DeviceSetup) -> bool:
    """Whether the parcel has nothing of the kind that the device brings."""
    evidence = parcel.evidence
    return {
        "barcode": not evidence.barcodes,
        "weight": not evidence.weights_g,
        "frame": not any(frame.device == device.name for frame in evidence.frames),
    }[device.kind]


def _of_barcodes(parcel: Parcel, held: Container[str]) -> list[Reason]:
    codes = sorted(set(parcel.evidence.barcodes))
    found = [reason("several-barcodes", ", ".join(codes))] if len(codes) > 1 else []
    return found + [reason("held", code) for code in codes if code in held]


def _of_weight(parcel: Parcel, policy: PolicySetup, declared_g: Mapping[str, float]) -> list[Reason]:
    found: list[Reason] = []
    weights = parcel.evidence.weights_g
    if len(set(weights)) > 1:
        found.append(reason("several-weights", ", ".join(f"{w:g} g" for w in weights)))
    low, high = policy.weight_range_g
    for weight in set(weights):
        if not (math.isfinite(weight) and low <= weight <= high):
            found.append(reason("weight-range", f"{weight:g} g, allowed {low:g} to {high:g} g"))
        for code in sorted(set(parcel.evidence.barcodes) & declared_g.keys()):
            allowed = policy.declared_tolerance_g + policy.declared_tolerance_share * declared_g[code]
            if not abs(weight - declared_g[code]) <= allowed:
                found.append(reason("weight-mismatch", f"{weight:g} g, declared {declared_g[code]:g} g"))
    return found


def _of_frame(frame: FrameEvidence, thresholds: Mapping[str, float]) -> list[Reason]:
    if frame.fault:
        return [reason("picture-unusable", frame.fault, frame.device)]
    if frame.detection is None:
        return [reason("no-detection", device=frame.device)]
    if frame.detection.fault:
        return [reason("picture-unusable", frame.detection.fault, frame.device)]
    return [
        reason("finding", f"{finding.label} {finding.score:.2f}", frame.device)
        for finding in frame.detection.findings
        # A label without a threshold is one, and so is NaN or less than 0: that is no score.
        if not 0.0 <= finding.score < thresholds.get(finding.label, 0.0)
    ]
