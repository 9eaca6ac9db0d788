"""A parcel and what was seen of it, as records hold them."""

from __future__ import annotations

from station.core.events import Detection
from station.core.parcel import Parcel
from station.core.records import FindingRecord, ParcelRef, told


def ref(parcel: Parcel) -> ParcelRef:
    """The parcel's identity as records hold it; ValueError for an object without a number."""
    if parcel.key is None:
        raise ValueError("an object without a number has no identity")
    return ParcelRef(epoch=parcel.key.epoch, number=parcel.key.number)


def finding_records(detection: Detection) -> tuple[FindingRecord, ...]:
    """The detector's findings as records hold them."""
    return tuple(
        FindingRecord(label=f.label, score=told(f.score), box=(f.box[0], f.box[1], f.box[2], f.box[3]))
        for f in detection.findings
    )
