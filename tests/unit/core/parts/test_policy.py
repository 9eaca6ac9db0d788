"""The rules of the site: whatever is missing, spoiled or found is a reason, and only clean evidence gives none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station.core.events import Detection, Finding, ParcelKey
from station.core.parcel import Evidence, FrameEvidence, Parcel
from station.core.policy import REASONS, reasons_to_inspect
from station.core.records import Reason
from station.core.setup import PolicySetup
from tests.unit.core.parts.bench import POLICY, SCALE, SCANNER, SETUP, XRAY, codes


def seen(*findings: Finding, fault: str = "") -> FrameEvidence:
    return FrameEvidence("xray", "f", Detection("xray", "f", findings, "model", 20.0, fault))


def clean() -> Evidence:
    return Evidence(["A"], [5000.0], [seen()])


def judged(
    evidence: Evidence,
    policy: PolicySetup = POLICY,
    lost: tuple[str, ...] = (),
    held: frozenset[str] = frozenset(),
    declared_g: dict[str, float] | None = None,
) -> list[Reason]:
    parcel = Parcel(ParcelKey(5, 1), 0, {0: 0}, evidence=evidence)
    return reasons_to_inspect(parcel, policy, SETUP.devices, lost, held, declared_g or {})


def found(label: str, score: float) -> Finding:
    return Finding(label, score, (0.0, 0.0, 1.0, 1.0))


def test_clean_evidence_gives_no_reason() -> None:
    assert judged(clean()) == []


def test_no_evidence_gives_a_reason_a_device() -> None:
    assert judged(Evidence()) == [
        Reason(code="no-barcode", text="no barcode was read", device="scanner"),
        Reason(code="no-weight", text="no valid weight", device="scale"),
        Reason(code="no-picture", text="no picture", device="xray"),
    ]


def test_what_the_device_said_itself_stands_beside_the_reason() -> None:
    reasons = judged(Evidence(weights_g=[5000.0], frames=[seen()], faults={"scanner": "NOREAD"}))
    assert reasons == [Reason(code="no-barcode", text="no barcode was read: NOREAD", device="scanner")]


def test_a_picture_of_another_device_is_none_of_this_one() -> None:
    other = replace(seen(), device="camera")
    assert codes(judged(Evidence(["A"], [5000.0], [other]))) == [("no-picture", "xray")]
    assert judged(Evidence(["A"], [5000.0], [other, seen()])) == []


def test_every_doubt_of_the_track_is_told() -> None:
    parcel = Parcel(ParcelKey(5, 1), 0, {0: 0}, inspect_only=True, evidence=clean())
    parcel.doubts = {"missed": "not seen at eye 2", "length": "another length"}
    assert reasons_to_inspect(parcel, POLICY, SETUP.devices, (), frozenset(), {}) == [
        Reason(code="tracking", text="not seen at eye 2"),
        Reason(code="tracking", text="another length"),
        Reason(code="inspect-only", text=REASONS["inspect-only"]),
    ]


@pytest.mark.parametrize("device", [SCANNER, SCALE, XRAY])
def test_an_ambiguous_reading_spoils_clean_evidence(device: object) -> None:
    name = str(getattr(device, "name", ""))
    evidence = clean()
    evidence.ambiguous.add(name)
    assert judged(evidence) == [Reason(code="ambiguous", text=REASONS["ambiguous"], device=name)]


def test_a_lost_device_is_a_reason_beside_its_evidence() -> None:
    assert judged(clean(), lost=("scale",)) == [
        Reason(code="device-lost", text=f"{REASONS['device-lost']}: scale", device="scale")
    ]


def test_a_device_that_may_be_missing_is_excused_only_while_it_is_lost() -> None:
    lenient = replace(POLICY, may_be_missing=frozenset({"scale"}))
    without = Evidence(["A"], [], [seen()])
    assert judged(without, lenient, lost=("scale",)) == []
    assert codes(judged(without, lenient)) == [("no-weight", "scale")]
    assert codes(judged(without, lenient, lost=("scale", "scanner"))) == [("device-lost", "scanner")]
    assert codes(judged(without, lost=("scale",))) == [("device-lost", "scale"), ("no-weight", "scale")]


def test_one_code_read_twice_is_one_code() -> None:
    evidence = clean()
    evidence.barcodes.append("A")
    assert judged(evidence) == []


def test_two_codes_are_told_both_and_each_is_looked_up() -> None:
    evidence = clean()
    evidence.barcodes[:] = ["B", "A"]
    assert judged(evidence, held=frozenset({"B", "C"})) == [
        Reason(code="several-barcodes", text=f"{REASONS['several-barcodes']}: A, B"),
        Reason(code="held", text=f"{REASONS['held']}: B"),
    ]


def test_two_weights_are_told_both() -> None:
    evidence = clean()
    evidence.weights_g[:] = [5000.0, 5000.5]
    assert judged(evidence) == [
        Reason(code="several-weights", text=f"{REASONS['several-weights']}: 5000 g, 5000.5 g"),
    ]
    evidence.weights_g[:] = [5000.0, 5000.0]
    assert judged(evidence) == []


@pytest.mark.parametrize(
    ("grams", "fits"),
    [
        (100.0, True),
        (99.9, False),
        (30_000.0, True),
        (30_000.1, False),
        (-1.0, False),
        (float("nan"), False),
        (float("inf"), False),
        (float("-inf"), False),
    ],
)
def test_the_range_of_weights_has_both_its_ends_and_no_number_is_outside(grams: float, *, fits: bool) -> None:
    evidence = clean()
    evidence.weights_g[:] = [grams]
    text = f"{REASONS['weight-range']}: {grams:g} g, allowed 100 to 30000 g"
    assert judged(evidence) == ([] if fits else [Reason(code="weight-range", text=text)])


def test_an_endless_range_still_wants_a_number() -> None:
    evidence = clean()
    evidence.weights_g[:] = [float("inf")]
    endless = replace(POLICY, weight_range_g=(0.0, float("inf")))
    assert codes(judged(evidence, endless)) == [("weight-range", "")]


@pytest.mark.parametrize(("grams", "fits"), [(550.0, True), (550.1, False), (250.0, True), (249.9, False)])
def test_the_declared_weight_has_a_tolerance_and_a_share(grams: float, *, fits: bool) -> None:
    """50 g and a quarter of 400 g are 150 g either way."""
    evidence = clean()
    evidence.weights_g[:] = [grams]
    policy = replace(POLICY, declared_tolerance_share=0.25)
    text = f"{REASONS['weight-mismatch']}: {grams:g} g, declared 400 g"
    reasons = judged(evidence, policy, declared_g={"A": 400.0, "B": 9000.0})
    assert reasons == ([] if fits else [Reason(code="weight-mismatch", text=text)])


def test_no_number_never_fits_the_declared_weight() -> None:
    evidence = clean()
    evidence.weights_g[:] = [float("nan")]
    assert [r.code for r in judged(evidence, declared_g={"A": 400.0})] == ["weight-range", "weight-mismatch"]
    assert [r.code for r in judged(clean(), declared_g={"A": float("nan")})] == ["weight-mismatch"]


@pytest.mark.parametrize(
    ("label", "score", "hazard"),
    [
        ("knife", 0.5, True),
        ("knife", 0.49, False),
        ("knife", float("nan"), True),
        ("unheard-of", 0.01, True),
        ("unheard-of", 0.0, True),
        ("unheard-of", -0.5, True),
        ("unheard-of", float("nan"), True),
        ("unheard-of", float("-inf"), True),
        ("", 1.0, True),
        ("knife", 0.0, False),
        ("knife", -0.01, True),
        ("knife", float("-inf"), True),
        ("knife", float("inf"), True),
    ],
)
def test_a_finding_counts_at_its_threshold_and_where_there_is_no_score_or_no_threshold(
    label: str, score: float, *, hazard: bool
) -> None:
    evidence = clean()
    evidence.frames[:] = [seen(found(label, score))]
    text = f"{REASONS['finding']}: {label} {score:.2f}"
    assert judged(evidence) == ([Reason(code="finding", text=text, device="xray")] if hazard else [])


def test_a_finding_below_its_threshold_hides_none_behind_it() -> None:
    evidence = clean()
    evidence.frames[:] = [seen(found("knife", 0.1), found("knife", 0.9), found("knife", 0.6))]
    assert [r.text for r in judged(evidence)] == [f"{REASONS['finding']}: knife {score}" for score in ("0.90", "0.60")]


def test_a_picture_without_a_usable_answer_is_never_clean() -> None:
    evidence = clean()
    unanswered = FrameEvidence("xray", "f")
    dark = FrameEvidence("xray", "f", unanswered.detection, "too dark")
    evidence.frames[:] = [unanswered, dark, seen(fault="the model gave NaN"), seen()]
    assert judged(evidence) == [
        Reason(code="no-detection", text=REASONS["no-detection"], device="xray"),
        Reason(code="picture-unusable", text=f"{REASONS['picture-unusable']}: too dark", device="xray"),
        Reason(code="picture-unusable", text=f"{REASONS['picture-unusable']}: the model gave NaN", device="xray"),
    ]
