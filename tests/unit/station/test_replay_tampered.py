"""A journal that was tampered with is found out, and the parcel named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest

from station.core.events import Detection
from station.core.records import (
    CountInterval,
    Decided,
    EdgesRead,
    FrameInspected,
    ParcelRef,
    ReadingMatched,
    Record,
)
from tests.unit.station.journaled import VirtualLine, busy, differences, lists_changing

WORD = 1 << 32

Tampered = tuple[list[Record], ParcelRef]


def first(records: Sequence[Record], wanted: Callable[[Any], bool], model: type[Record], skip: int = 10) -> int:
    """The index of a record in the midst of the run."""
    found = [index for index, record in enumerate(records) if isinstance(record, model) and wanted(record)]
    return found[skip]


def passed(records: Sequence[Record]) -> set[ParcelRef]:
    return {record.parcel for record in records if isinstance(record, Decided) and record.route == "pass"}


def with_update(records: Sequence[Record], index: int, **fields: object) -> list[Record]:
    changed = list(records)
    changed[index] = changed[index].model_copy(update=fields)
    return changed


def tamper_reading(records: Sequence[Record], kind: str, value: object, **more: object) -> Tampered:
    good = passed(records)
    index = first(records, lambda r: r.kind == kind and not r.ambiguous and r.candidates[0] in good, ReadingMatched)
    record = records[index]
    assert isinstance(record, ReadingMatched)
    return with_update(records, index, **({"value": value} | more)), record.candidates[0]


def other_barcode(records: Sequence[Record]) -> Tampered:
    return tamper_reading(records, "barcode", "340000000000000000")


def held_barcode(records: Sequence[Record]) -> Tampered:
    index = first(records, lambda r: r.kind == "barcode" and r.candidates and r.candidates[0] in passed(records),
                  ReadingMatched)  # fmt: skip
    record = records[index]
    assert isinstance(record, ReadingMatched)
    return with_update(records, index, held=True), record.candidates[0]


def other_weight(records: Sequence[Record]) -> Tampered:
    return tamper_reading(records, "weight", 31_000.0)


def other_candidate(records: Sequence[Record]) -> Tampered:
    changed, parcel = tamper_reading(records, "barcode", "x")
    index = next(i for i, (old, new) in enumerate(zip(records, changed, strict=True)) if old is not new)
    stranger = ParcelRef(epoch=parcel.epoch, number=parcel.number + 1)
    return with_update(records, index, candidates=(stranger,)), parcel


def other_interval(records: Sequence[Record]) -> Tampered:
    record = next(r for r in records if isinstance(r, ReadingMatched))
    far = CountInterval(low=record.interval.low - 9000, high=record.interval.high - 9000)
    good = passed(records)
    index = first(records, lambda r: r.kind == "weight" and r.candidates and r.candidates[0] in good, ReadingMatched)
    matched = records[index]
    assert isinstance(matched, ReadingMatched)
    return with_update(records, index, interval=far), matched.candidates[0]


def other_edge(records: Sequence[Record]) -> Tampered:
    """The trailing edge at the infeed eye, a metre late."""
    index = first(records, lambda r: any(edge[1:3] == (0, 0) for edge in r.edges), EdgesRead)
    record = records[index]
    assert isinstance(record, EdgesRead)
    at, edge = next((i, edge) for i, edge in enumerate(record.edges) if edge[1:3] == (0, 0))
    moved = (*edge[:3], (edge[3] + 1000) % WORD, *edge[4:])
    epoch = next(r.parcel.epoch for r in records if isinstance(r, Decided))
    edges = (*record.edges[:at], moved, *record.edges[at + 1 :])
    return with_update(records, index, edges=edges), ParcelRef(epoch=epoch, number=edge[5])


def lower_score(records: Sequence[Record]) -> Tampered:
    index = first(records, lambda r: len(r.findings) == 1, FrameInspected, skip=1)
    record = records[index]
    assert isinstance(record, FrameInspected)
    low = record.findings[0].model_copy(update={"score": 0.49})
    owner = next(r.candidates[0] for r in records if isinstance(r, ReadingMatched) and r.value == record.frame_id)
    return with_update(records, index, findings=(low,)), owner


def other_route(records: Sequence[Record]) -> Tampered:
    index = first(records, lambda r: r.route == "inspect" and r.reasons, Decided, skip=1)
    record = records[index]
    assert isinstance(record, Decided)
    return with_update(records, index, route="pass", reasons=()), record.parcel


def missing_reason(records: Sequence[Record]) -> Tampered:
    index = first(records, lambda r: r.reasons, Decided, skip=2)
    record = records[index]
    assert isinstance(record, Decided)
    return with_update(records, index, reasons=record.reasons[1:]), record.parcel


def early_decision(records: Sequence[Record]) -> Tampered:
    """A pass that was given before the evidence was closed."""
    index = first(records, lambda r: r.route == "pass", Decided)
    record = records[index]
    assert isinstance(record, Decided)
    entered = next(i for i, r in enumerate(records) if r.type == "parcel-entered" and r.parcel == record.parcel)
    early = record.model_copy(update={"count": records[entered].count + 10})
    return [*records[: entered + 1], early, *records[entered + 1 : index], *records[index + 1 :]], record.parcel


TAMPERINGS = (
    other_barcode, held_barcode, other_weight, other_candidate, other_interval, other_edge, lower_score, other_route,
    missing_reason, early_decision,
)  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_tampering_is_named_with_its_parcel(healthy: VirtualLine, tamper: Callable[..., Tampered]) -> None:
    records, parcel = tamper(healthy.records)
    found = differences(records)
    assert parcel in {difference.parcel for difference in found}
    verdicts = [d for d in found if d.parcel == parcel and d.journaled is not None]
    if tamper is not other_candidate:
        assert verdicts


def test_a_withdrawal_that_is_missing_is_named() -> None:
    line = lists_changing()
    index = first(line.records, lambda record: record.after == "pass", Decided, skip=0)
    taken = line.records[index]
    assert isinstance(taken, Decided)
    found = differences([*line.records[:index], *line.records[index + 1 :]])
    assert found[0].parcel == taken.parcel
    assert found[0].replayed is not None
    assert found[0].replayed.route == "inspect"


def test_a_deadline_that_was_left_out_of_the_reasons_is_named() -> None:
    line = VirtualLine(busy(4), filters=[lambda event: [] if isinstance(event, Detection) else [event]])
    line.run(6)
    index = first(line.records, lambda record: record.reasons[-1].code == "deadline", Decided, skip=2)
    late = line.records[index]
    assert isinstance(late, Decided)
    found = differences(with_update(line.records, index, reasons=late.reasons[:-1]))
    assert {difference.parcel for difference in found} == {late.parcel}
    assert "not closed" in found[0].what


@pytest.mark.parametrize("model", ["reading-matched", "edges-read", "decided"])
def test_records_taken_out_at_random_are_missed(healthy: VirtualLine, model: str) -> None:
    random = Random(1)
    kept = [record for record in healthy.records if record.type != model or random.random() < 0.5]
    assert differences(kept)
