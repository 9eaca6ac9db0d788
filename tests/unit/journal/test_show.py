from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from rich.console import Console, RenderableType

from station.core.records import Decided, FindingRecord, FrameInspected, ParcelCompleted, ParcelRef, Reason, Record
from station.journal import Journal, Reader
from station.journal.show import parcel_story, tail_table
from tests.unit.journal.conftest import changed
from tests.unit.journal.test_journal import _matched

REF = ParcelRef(epoch=3, number=12)
REASON = Reason(code="no-weight", text="no weight from scale-1", device="scale-1")
FINDING = FindingRecord(label="knife", score=0.91, box=(1, 2, 3, 4))
COMPLETED = ParcelCompleted(
    parcel=REF, barcode="0123", barcodes=("0123",), weight_g=None, frames=("aa",), findings=(FINDING,),
    route="inspect", reasons=(REASON,), ordered=True, acknowledged=True, outcome="inspect", plc_why="inspect-order",
    mode="automatic", length_mm=300.0, entered_at="t", decided_at="t", completed_at="t", order_latency_ms=12.0,
)  # fmt: skip


def _text(what: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=140)
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_story_of_a_parcel_tells_route_reasons_and_evidence(path: Path, opened: Callable[..., Journal]) -> None:
    records: list[Record] = [
        _matched(12, "barcode", "0123"),
        FrameInspected(device="x", frame_id="aa", findings=(FINDING,), model_sha256="m", inference_ms=4.0),
        Decided(parcel=REF, route="inspect", reasons=(REASON,), policy_version="1", count=3),
        COMPLETED,
    ]
    opened().append(records, epoch=3, session=1)
    text = _text(parcel_story(Reader(path).tail(10)))
    for word in ("parcel 3/12", "went inspect", "no-weight: no weight from scale-1", "knife 0.91", "barcode 0123"):
        assert word in text


def test_an_unknown_and_an_unfinished_parcel_are_said_to_be_so(path: Path, opened: Callable[..., Journal]) -> None:
    assert "no such parcel" in _text(parcel_story([]))
    opened().append([_matched(12, "weight", "1200")], epoch=3, session=1)
    assert "not completed" in _text(parcel_story(Reader(path).tail(10)))


def test_the_tail_shows_number_time_and_type(path: Path, opened: Callable[..., Journal]) -> None:
    opened().append([changed(1), changed(2)], epoch=3, session=1)
    text = _text(tail_table(Reader(path).tail(10)))
    assert "12:00:00.250" in text
    assert "device-changed" in text
    assert "device scanner-2" in text


def test_a_damaged_payload_is_shown_as_that(path: Path, opened: Callable[..., Journal]) -> None:
    opened().append([COMPLETED], epoch=3, session=1)
    whole, *_ = Reader(path).tail(1)
    for payload in (b"\xff{", b"[1]"):
        assert "damaged" in _text(tail_table([whole._replace(payload=payload)]))
