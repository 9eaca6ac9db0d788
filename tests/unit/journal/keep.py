"""Makes a journal to be kept as one of its schema: `python -m tests.unit.journal.keep`, before the schema changes.

Each released schema has its file in `kept/`, and migrations are tried on all of them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from station.core.records import (
    AlarmCleared,
    AlarmRaised,
    CountInterval,
    Decided,
    DeviceChanged,
    FindingRecord,
    FrameInspected,
    ParcelCompleted,
    ParcelEntered,
    ParcelRef,
    ReadingMatched,
    Reason,
    Record,
    StationStopped,
)
from station.journal import Journal
from station.journal.schema import SCHEMA_VERSION

KEPT = Path(__file__).parent / "kept"
BEGUN = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
EPOCH = 1_790_000_000
KNIFE = FindingRecord(label="knife", score=0.9, box=(1.0, 2.0, 3.0, 4.0))
PARCELS = 6


def frame_of(number: int) -> str:
    """A picture's hash; two parcels have equal pictures."""
    return f"{max(number, 2):064x}"


def parcel(number: int) -> list[Record]:
    """What is journaled of a parcel; the third has a knife."""
    ref = ParcelRef(epoch=EPOCH, number=number)
    found = (KNIFE,) if number == 3 else ()
    reasons = (Reason(code="finding", text="knife"),) if found else ()
    route = "inspect" if found else "pass"
    matched = {
        "after_ns": 1,
        "before_ns": 2,
        "interval": CountInterval(low=1, high=2),
        "candidates": (ref,),
        "count": 9,
    }
    told = {"ordered": True, "acknowledged": True, "outcome": route, "plc_why": "released", "mode": "automatic"}
    times = {"entered_at": "e", "decided_at": "d", "completed_at": "c", "order_latency_ms": 9.0, "length_mm": 300.0}
    evidence = {"barcode": "40063", "barcodes": ("40063",), "weight_g": 1200.0, "frames": (frame_of(number),)}
    return [
        ParcelEntered(parcel=ref, count=number * 900, inspect_only=False),
        ReadingMatched(device="scanner", kind="barcode", value="40063", ambiguous=False, **matched),
        ReadingMatched(device="xray", kind="frame", value=frame_of(number), ambiguous=False, **matched),
        FrameInspected(device="xray", frame_id=frame_of(number), findings=found, model_sha256="m", inference_ms=4.0),
        Decided(parcel=ref, route=route, reasons=reasons, policy_version="p", count=4012),
        ParcelCompleted.model_validate(
            {"parcel": ref, "findings": found, "route": route, "reasons": reasons, **told, **times, **evidence}
        ),
    ]


def fill(journal: Journal) -> None:
    """Something of everything, in batches of several sizes."""
    journal.append([DeviceChanged(device="scanner", connected=True, detail="é ✓")], epoch=0, session=0)
    for number in range(1, PARCELS + 1):
        journal.append(parcel(number), epoch=EPOCH, session=7)
        journal.probe()
    alarm = {"alarm": "device-lost", "subject": "scale"}
    journal.append([AlarmRaised(text="port", priority="high", **alarm), AlarmCleared(**alarm)], epoch=EPOCH, session=7)
    journal.append([StationStopped(cause="SIGTERM")], epoch=EPOCH, session=7)


def main() -> None:
    """Write `kept/v<schema>.db`; one that is there stays."""
    path = KEPT / f"v{SCHEMA_VERSION}.db"
    if path.exists():
        raise SystemExit(f"{path} is there already: what is kept is never made again")
    ticks = count()
    journal = Journal(
        path,
        station="demo",
        now_utc=lambda: BEGUN + timedelta(milliseconds=250 * next(ticks)),
        mono_ns=lambda: next(ticks) * 1_000_000,
        make_id=lambda: "0123456789abcdef" * 2,
    )
    fill(journal)
    journal.close()
    Path(f"{path}.lock").unlink()


if __name__ == "__main__":
    main()
