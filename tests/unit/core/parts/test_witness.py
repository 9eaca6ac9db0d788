"""What a reading is as evidence, and what spoils it: frozen pictures, floods, strangers, words instead of numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station.core.actions import Keep
from station.core.alarm_kinds import kind_of
from station.core.belt import Interval
from station.core.events import (
    BarcodeReading,
    Detection,
    Finding,
    Frame,
    Lane,
    ListsLoaded,
    Place,
    WeightReading,
)
from station.core.matching import Match
from station.core.parcel import Parcel
from station.core.records import AlarmCleared, AlarmRaised, Decided, FrameInspected, ParcelRef, ReadingMatched
from station.core.setup import DeviceSetup
from station.core.witness import FLOOD, matched_record, united
from tests.unit.core.parts.bench import BEHIND, MS, SCALE, SCANNER, SETUP, TRIGGER, XRAY, Bench, arrived, codes

KNIFE = Finding("knife", 0.9, (1.0, 2.0, 3.0, 4.0))


def test_a_reading_is_kept_with_its_interval_its_owner_and_what_the_lists_say(bench: Bench) -> None:
    bench.give(ListsLoaded("lists", frozenset({"A"}), (("A", 4000.0),)))
    bench.clean(1, 2000)
    bench.go(2440)
    matched = bench.last(ReadingMatched)
    assert matched.model_dump() == {
        "device": "scanner",
        "kind": "barcode",
        "value": "A",
        "fault": "",
        "trigger": None,
        "plc_trigger": None,
        "after_ns": 2420 * MS,
        "before_ns": 2425 * MS,
        "interval": {"low": 2398, "high": 2417},
        "candidates": ({"epoch": 5, "number": 1},),
        "ambiguous": False,
        "note": "",
        "count": 2440,
        "held": True,
        "declared_g": 4000.0,
        "kept": True,
    }
    bench.go(3640)
    assert [r.code for r in bench.last(Decided).reasons] == ["held", "weight-mismatch"]


def kept(reading: BarcodeReading | WeightReading | Frame, device: DeviceSetup) -> dict[str, object]:
    match = Match(reading, device, Interval(float("-inf"), 1e30), [Parcel(None, 1, {1: 0})], "a note")
    record = matched_record(match, 17, None)
    assert isinstance(record, Keep)
    return record.record.model_dump()


def test_records_tell_each_kind_of_reading() -> None:
    common = {
        "after_ns": MS,
        "before_ns": 2 * MS,
        "interval": {"low": -(2**53), "high": 2**53},
        "candidates": (),
        "ambiguous": True,
        "note": "a note",
        "count": 17,
        "held": False,
        "declared_g": None,
        "kept": True,
        "plc_trigger": None,
    }
    at = arrived(1, 2)
    barcode = common | {"device": "scanner", "kind": "barcode", "trigger": None}
    assert kept(BarcodeReading("scanner", "A", at, "EAN13"), SCANNER) == barcode | {"value": "A", "fault": ""}
    assert kept(BarcodeReading("scanner", None, at, "NOREAD"), SCANNER) == barcode | {"value": None, "fault": "NOREAD"}
    weight = common | {"device": "scale", "kind": "weight", "trigger": None}
    assert kept(WeightReading("scale", 5.5, at), SCALE) == weight | {"value": 5.5, "fault": ""}
    assert kept(WeightReading("scale", None, at, "moving"), SCALE) == weight | {"value": None, "fault": "moving"}
    assert kept(WeightReading("scale", float("nan"), at), SCALE) == weight | {"value": "nan", "fault": ""}
    frame = common | {"device": "xray", "kind": "frame"}
    expected = frame | {"value": "f", "fault": "dark", "trigger": 3}
    assert kept(Frame("xray", "f", at, 3, "dark"), XRAY) == expected


def test_a_lookup_is_of_barcodes_with_a_code_only(bench: Bench) -> None:
    bench.give(ListsLoaded("lists", frozenset({"A"}), ()))
    bench.ride(1, 2000)
    bench.scan(2000, None)
    bench.weigh(2000)
    bench.go(2800)
    told = [(r.kind, r.held) for r in bench.kept(ReadingMatched)]
    assert told == [("frame", False), ("barcode", False), ("weight", False)]  # the first is the forerunner


def test_a_noread_is_no_barcode_and_told(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.scan(2000, None)
    bench.go(2500)
    evidence = bench.parcel(1).evidence
    assert (evidence.barcodes, evidence.faults) == (["A"], {"scanner": "NOREAD"})


@pytest.mark.parametrize("order", ["fault first", "fault last"])
def test_beside_a_good_reading_one_that_is_none_is_a_reason(bench: Bench, order: str) -> None:
    """Of an overload and a weight, or a label that does not check and one that does, which is the parcel's own?"""
    for number, count in ((1, 2000), (2, 4000)):
        bench.ride(number, count)
        bench.picture(count, number)
    faulty = order == "fault first"
    for first in (faulty, not faulty):
        if first:
            bench.weigh(2000, None, "overload")
            bench.scan(4000, None, "unsure: its check digit is wrong")
        else:
            bench.weigh(2000)
            bench.scan(4000, "B")
    bench.scan(2000, "A")
    bench.scan(2000, None)
    bench.scan(4000, None)
    bench.weigh(4000)
    bench.go(7660)
    found = [[(r.code, r.device, r.text.partition(": ")[2]) for r in d.reasons] for d in bench.kept(Decided)]
    assert found == [
        [("faulty-reading", "scale", "overload")],
        [("faulty-reading", "scanner", "unsure: its check digit is wrong")],
    ]


@pytest.mark.parametrize("blank", ["", " ", "\r\n", "\t \u00a0", "\x1d"])
def test_a_blank_code_is_no_barcode(bench: Bench, blank: str) -> None:
    """Not of the evidence, not in the lists, not in the record; beside a code that was read it is no second one."""
    bench.give(ListsLoaded("lists", frozenset({blank}), ((blank, 1.0),)))
    for number, count in ((1, 2000), (2, 4000)):
        bench.ride(number, count)
        bench.scan(count, blank, "]C1")
        bench.weigh(count)
        bench.picture(count, number)
    bench.scan(4000, "A")
    bench.leaves(1, 4500, Place.INSPECT)
    bench.go(5660)
    first, second = bench.kept(Decided)
    assert [(r.code, r.text) for r in first.reasons] == [("no-barcode", "no barcode was read: blank code")]
    assert second.route == "pass"
    matched = next(r for r in bench.kept(ReadingMatched) if r.kind == "barcode")
    assert (matched.value, matched.fault, matched.held, matched.declared_g) == (None, "blank code", False, None)
    assert (bench.completed(1).barcode, bench.completed(1).barcodes) == (None, ())


def test_a_code_with_blanks_around_it_stays_as_it_was_read(bench: Bench) -> None:
    bench.ride(1, 2000)
    bench.scan(2000, " A ")
    bench.go(2500)
    assert bench.parcel(1).evidence.barcodes == [" A "]


def test_a_weight_in_whole_grams_is_one(bench: Bench) -> None:
    bench.ride(1, 2000)
    bench.scan(2000)
    bench.weigh(2000, 5000)
    bench.picture(2000, 1)
    bench.go(3660)
    assert bench.orders[-1].lane is Lane.PASS
    assert bench.parcel(1).evidence.weights_g == [5000.0]
    (weight,) = [r.value for r in bench.kept(ReadingMatched) if r.kind == "weight"]
    assert isinstance(weight, float)


def test_a_scanner_that_says_why_it_read_nothing_is_quoted(bench: Bench) -> None:
    bench.ride(1, 2000)
    bench.scan(2000, None, "GLARE")
    bench.weigh(2000, None, "unstable")
    bench.picture(2000, 1)
    bench.go(3640)
    assert [(r.code, r.text) for r in bench.last(Decided).reasons] == [
        ("no-barcode", "no barcode was read: GLARE"),
        ("no-weight", "no valid weight: unstable"),
    ]


def test_the_detectors_answer_is_kept_and_decides(bench: Bench) -> None:
    bench.ride(1, 2000)
    bench.scan(2000)
    bench.weigh(2000)
    bench.picture(2000, 1, "f", replace(KNIFE, score=float("nan")))
    bench.go(3640)
    assert bench.last(FrameInspected).model_dump() == {
        "device": "xray",
        "frame_id": "f",
        "findings": ({"label": "knife", "score": "nan", "box": (1.0, 2.0, 3.0, 4.0)},),
        "model_sha256": "model",
        "inference_ms": 20.0,
        "fault": "",
        "kept": True,
    }
    assert codes(bench.last(Decided).reasons) == [("finding", "xray")]


def test_an_inference_time_is_told_to_the_microsecond_and_a_fault_as_it_is(bench: Bench) -> None:
    bench.give(Detection("xray", "f", (), "model", 1.23456, "crashed"))
    assert (bench.last(FrameInspected).inference_ms, bench.last(FrameInspected).fault) == (1.235, "crashed")


def test_an_answer_that_comes_before_its_picture_is_matched_counts(bench: Bench) -> None:
    bench.ride(1, 2000)
    bench.scan(2000)
    bench.weigh(2000)
    bench.picture(2000, 1, "f")
    bench._coming = [entry for entry in bench._coming if not isinstance(entry[2], Detection)]
    bench.go(3260)
    bench.give(Detection("xray", "f", (KNIFE,), "model", 20.0))
    bench.go(3640)
    assert codes(bench.last(Decided).reasons) == [("finding", "xray")]


def test_no_more_than_200_answers_are_kept_the_latest(bench: Bench) -> None:
    bench.ride(1, 2000)
    bench.scan(2000)
    bench.weigh(2000)
    bench.picture(2000, 1, "f")
    bench._coming = [entry for entry in bench._coming if not isinstance(entry[2], Detection)]
    bench.go(3260)
    bench.give(Detection("xray", "f", (), "model", 20.0))
    for number in range(199):
        bench.give(Detection("xray", f"other {number}", (), "model", 20.0))
    assert len(bench.line.witness._detections) == 200
    bench.go(3320)
    assert bench.parcel(1).evidence.frames[0].detection is not None
    bench.give(Detection("xray", "one more", (), "model", 20.0))
    assert "f" not in bench.line.witness._detections
    assert len(bench.line.witness._detections) == 200


CLEAN = Detection("xray", "f", (), "model", 20.0)
FOUND = replace(CLEAN, findings=(KNIFE,))
FAILED = replace(CLEAN, fault="crashed")
NO_NUMBER = replace(CLEAN, findings=(replace(KNIFE, score=float("nan")),))


@pytest.mark.parametrize("matched", [3260, 3400], ids=["ahead of the match", "behind it"])
@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ((FOUND, CLEAN), "finding"),
        ((CLEAN, FOUND), "finding"),
        ((CLEAN, FAILED), "picture-unusable"),
        ((FAILED, CLEAN), "picture-unusable"),
        ((CLEAN, NO_NUMBER), "finding"),
        ((NO_NUMBER, CLEAN), "finding"),
    ],
)
def test_no_answer_for_a_picture_washes_away_what_another_said(
    bench: Bench, answers: tuple[Detection, ...], code: str, matched: int
) -> None:
    """A picture that came twice is looked at twice (seed 2026113148)."""
    bench.ride(1, 2000)
    bench.scan(2000)
    bench.weigh(2000)
    bench.picture(2000, 1, "f")
    bench._coming = [entry for entry in bench._coming if not isinstance(entry[2], Detection)]
    bench.go(matched)
    for answer in answers:
        bench.give(answer)
    bench.go(3640)
    assert codes(bench.last(Decided).reasons) == [(code, "xray")]


def test_a_worse_answer_takes_a_pass_back(bench: Bench) -> None:
    bench.ride(1, 2000)
    bench.scan(2000)
    bench.weigh(2000)
    bench.picture(2000, 1, "f")
    bench.go(3640)
    assert bench.last(Decided).route == "pass"
    ready_ns = bench.parcel(1).ready_ns
    bench.give(CLEAN)
    assert (bench.last(Decided).route, bench.parcel(1).ready_ns) == ("pass", ready_ns)
    bench.give(FOUND)
    assert (bench.last(Decided).route, bench.last(Decided).after) == ("inspect", "pass")


def test_answers_without_end_for_one_picture_are_bounded() -> None:
    answer: Detection | None = None
    for number in range(150):
        answer = united(answer, replace(CLEAN, findings=(replace(KNIFE, score=number / 200),)))
    assert answer is not None
    assert (len(answer.findings), bool(answer.fault)) == (100, True)
    assert united(FOUND, FOUND) == FOUND


def test_the_parcel_was_ready_when_its_last_answer_came(bench: Bench) -> None:
    bench.ride(1, 2000)
    bench.scan(2000)
    bench.weigh(2000)
    bench.at(3305, Frame("xray", "f", arrived(3300, 3305), 1))
    bench.at(3900, Detection("xray", "f", (), "model", 20.0))
    bench.go(3900)
    assert bench.parcel(1).ready_ns == 3900 * MS
    assert bench.orders[-1].lane is Lane.PASS


def test_an_unowned_reading_spoils_all_that_it_could_belong_to(bench: Bench) -> None:
    for number, count in ((1, 2000), (2, 2320)):
        bench.ride(number, count, 280)
    bench.at(2640, BarcodeReading("scanner", "A", arrived(2630, 2635)))
    bench.go(2660)
    assert bench.last(ReadingMatched).ambiguous
    for number in (1, 2):
        assert bench.parcel(number).evidence.ambiguous == {"scanner"}
        assert bench.parcel(number).evidence.barcodes == []


def test_a_late_ambiguity_takes_back_a_pass(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.go(3660)
    assert bench.orders[-1].lane is Lane.PASS
    bench.give(Frame("xray", "late", arrived(3300, 3305), 9))
    bench.go(3680)
    assert bench.orders[-1].lane is Lane.INSPECT
    decided = bench.last(Decided)
    assert (codes(decided.reasons), decided.after, decided.count) == ([("ambiguous", "xray")], "pass", 3680)


def test_late_evidence_of_its_own_takes_back_a_pass(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.go(3660)
    bench.give(BarcodeReading("scanner", "B", arrived(2420, 2425)))
    bench.go(3680)
    assert bench.orders[-1].lane is Lane.INSPECT
    assert codes(bench.last(Decided).reasons) == [("several-barcodes", "")]
    assert bench.last(Decided).count == 3680


def test_a_late_finding_takes_back_a_pass() -> None:
    """A source without trigger numbers says nothing of which picture is whose: a second one, with a finding, counts."""
    bench = Bench(replace(SETUP, devices=(SCANNER, SCALE, replace(XRAY, trigger_eye=None)))).started()
    bench.ride(1, 2000)
    bench.scan(2000)
    bench.weigh(2000)
    bench.picture(2000, None, "first")
    bench.go(3660)
    assert bench.orders[-1].lane is Lane.PASS
    bench.at(3661, Frame("xray", "second", arrived(3300, 3305)))
    bench.at(3662, Detection("xray", "second", (KNIFE,), "model", 20.0))
    bench.go(3680)
    assert codes(bench.last(Decided).reasons) == [("finding", "xray")]


def test_a_stranger_makes_ambiguous_what_could_have_been_its_own(bench: Bench) -> None:
    """An edge at 1500 mm that nothing explains, 50 counts ahead of the parcel's own: the X-ray may have taken it."""
    bench.clean(1, 2000)
    bench.ride(0, 1950, 30, eyes=(BEHIND,))
    bench.go(3440)
    assert not bench.parcel(1).evidence.ambiguous
    bench.go(3460)
    assert bench.parcel(1).evidence.ambiguous == {"xray"}
    again = bench.last(ReadingMatched)
    assert (again.device, again.ambiguous, again.note, again.count) == ("xray", True, "", 3440)
    assert again.candidates == (ParcelRef(epoch=5, number=1),)
    bench.go(3640)
    assert codes(bench.last(Decided).reasons) == [("ambiguous", "xray")]


def test_a_stranger_makes_every_reading_ambiguous_that_could_have_been_its_own(bench: Bench) -> None:
    """Found at 1000 mm 50 counts ahead of the parcel, it came after the infeed eye, past scanner and scale."""
    bench.clean(1, 2000)
    bench.ride(0, 1950, 30, eyes=(TRIGGER,), trigger=0)
    bench.go(2940)
    before = len(bench.records)
    bench.go(2960)
    told = [(r.device, r.ambiguous) for r in bench.records[before:] if isinstance(r, ReadingMatched)]
    assert told == [("scanner", True), ("scale", True)]
    assert bench.parcel(1).evidence.ambiguous == {"scanner", "scale"}


def test_a_stranger_that_comes_after_the_decision_takes_it_back() -> None:
    """Slip of a tenth lets an object that is at 1500 mm at 3610 have been at 1190 mm from 3256 on."""
    bench = Bench(replace(SETUP, geometry=replace(SETUP.geometry, slip=0.1)))
    bench.constants = replace(bench.constants, slip=0.1)
    bench.started()
    bench.clean(1, 2000, 100)
    bench.go(3600)
    assert bench.orders[-1].lane is Lane.PASS
    bench.ride(0, 2110, 50, eyes=(BEHIND,))
    bench.go(3620)
    assert bench.orders[-1].lane is Lane.INSPECT
    assert codes(bench.last(Decided).reasons) == [("ambiguous", "xray")]
    assert bench.last(Decided).count == 3600


def test_a_hundred_readings_are_one_parcels_at_most(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.go(2700)
    for _ in range(98):
        bench.give(BarcodeReading("scanner", "A", arrived(2420, 2425)))
    bench.go(3320)  # with the weight and the picture that follow: 101
    parcel = bench.parcel(1)
    evidence = parcel.evidence
    assert len(evidence.barcodes) + len(evidence.weights_g) + len(evidence.frames) == 100
    assert parcel.doubts == {"flood": FLOOD}
    bench.go(3640)
    assert [reason.code for reason in bench.last(Decided).reasons] == ["tracking", "no-picture"]


def test_a_hundred_pictures_are_one_parcels_at_most() -> None:
    bench = Bench(replace(SETUP, devices=(SCANNER, SCALE, replace(XRAY, trigger_eye=None)))).started()
    bench.ride(1, 2000)
    bench.scan(2000)
    bench.weigh(2000)
    bench.go(3320)
    for number in range(99):
        bench.give(Frame("xray", f"{number}", arrived(3300, 3305)))
    bench.go(3340)
    parcel = bench.parcel(1)
    assert len(parcel.evidence.frames) == 98
    assert set(parcel.doubts) == {"flood"}


def test_trigger_numbers_that_disagree_are_an_alarm_until_they_agree(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.ride(2, 3000)
    bench.picture(3000, 9)
    bench.go(4400)
    text = "its trigger numbers and times disagree: its pictures are not trusted; if it stays, pause the feed for 2 s"
    assert bench.last(AlarmRaised) == AlarmRaised(alarm="trigger-step", subject="xray", text=text, priority="high")
    bench.clean(3, 7000)
    bench.go(8400).wait(kind_of("trigger-step", "xray").off_s)
    assert bench.last(AlarmCleared) == AlarmCleared(alarm="trigger-step", subject="xray")


def test_the_parcel_that_covers_the_trigger_eye_is_the_one_that_fired(bench: Bench) -> None:
    bench.ride(1, 2000)
    bench.go(3020)
    assert bench.line.matcher.triggers == {("xray", 1): bench.parcel(1)}
    bench.ride(0, 2600, 100, eyes=(TRIGGER,), trigger=2)
    bench.go(3620)
    stranger = bench.line.tracker.parcels[-1]
    assert stranger.key is None
    assert bench.line.matcher.triggers["xray", 2] is stranger


def test_more_readings_than_can_be_held_doubt_whom_the_oldest_could_concern() -> None:
    bench = Bench(replace(SETUP, devices=(SCANNER,))).started()
    bench.ride(1, 2000)
    bench.go(2440)
    for _ in range(6):
        for _ in range(900):
            bench.give(BarcodeReading("scanner", "A", arrived(2420, 2425)))
        bench.go(bench.ms + 20)
    assert bench.parcel(1).doubts["flood"] == FLOOD
    assert len(bench.line.matcher.matched) == 5000
