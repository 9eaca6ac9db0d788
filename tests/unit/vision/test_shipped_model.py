"""The model that ships does what its description says, on parcels that it was not trained on."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.evaluation import class_rates, parcel_rates
from models.held_out import try_parcels
from models.recipe import CLASSES
from station.vision import Detector, load_detector, quality_fault, read_picture

FOLDER = Path(__file__).parents[3] / "models" / "xray18"
PARCELS = 180
"""Each hazard five times, once in each turn of the tiers."""


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_detector(FOLDER)


def test_the_classes_are_the_hazard_words(detector: Detector) -> None:
    assert detector.model.words == CLASSES


def test_a_golden_picture_shows_each_class(detector: Detector) -> None:
    detector.self_test()
    expected = [item.label for golden in detector.model.spec.golden for item in golden.expect]
    assert sorted(expected) == sorted(detector.model.words)


def test_the_gate_lets_golden_pictures_through(detector: Detector) -> None:
    for data in detector.model.golden.values():
        assert quality_fault(read_picture(data), detector.model) == ""


def test_held_out_parcels(detector: Detector) -> None:
    """Of a seed that nothing was tuned on; what is asked for here leaves room for chance on so few."""
    seen = [one.seen for one in try_parcels(detector, "test", 77, PARCELS)]
    metrics = detector.model.spec.metrics
    rates = parcel_rates(seen, detector.model.thresholds)
    assert rates["threats_flagged"] >= metrics["threats_flagged"] - 0.08
    assert rates["clean_flagged"] <= metrics["clean_flagged"] + 0.05
    assert rates["gate_refused"] <= 0.03
    by_class = class_rates(seen, detector.model.thresholds)
    assert sum(by_class[label]["flagged_as_such"] > 0 for label in CLASSES) == len(CLASSES)


def test_the_model_is_small_and_has_a_card() -> None:
    assert (FOLDER / "model.onnx").stat().st_size <= 8_000_000
    assert "cannot see" in (FOLDER / "card.md").read_text("utf-8")


def test_the_metrics_in_its_description_are_of_enough_parcels(detector: Detector) -> None:
    metrics = detector.model.spec.metrics
    assert metrics["parcels"] >= 2000
    assert metrics["easy_threats_flagged"] >= 0.9
    assert metrics["clean_flagged"] <= 0.05
