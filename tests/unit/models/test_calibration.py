"""Scores mean what they say: the curve that is fitted is the one that made them, and what is off is told."""

from __future__ import annotations

import numpy as np
import pytest

from models.calibration import Curve, expected_error, fitted, judged, on_curve, reliability
from station.core.events import Finding
from station.vision.seen import Seen


def logistic(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


@pytest.mark.parametrize("curve", [Curve(), Curve(0.5, 0.8), Curve(2.0, -1.5)])
def test_the_curve_that_made_them_is_found_again(curve: Curve) -> None:
    rng = np.random.default_rng(4)
    logits = rng.normal(0, 2, 40_000)
    right = rng.random(logits.size) < logistic(curve.slope * logits + curve.shift)
    found = fitted(logistic(logits), right)
    assert found.slope == pytest.approx(curve.slope, rel=0.05)
    assert found.shift == pytest.approx(curve.shift, abs=0.06)


def test_scores_at_the_very_ends_have_a_curve_too() -> None:
    found = fitted(np.array([0.0, 1.0, 0.0, 1.0, 0.5]), np.array([False, True, False, True, True]))
    assert np.isfinite(found).all()


def test_a_thing_is_found_once_and_by_the_surest() -> None:
    box, beside = (0.0, 0.0, 10.0, 10.0), (1.0, 0.0, 11.0, 10.0)
    seen = Seen(
        (("gun", box), ("gun", (50.0, 50.0, 60.0, 60.0))),
        (Finding("gun", 0.6, beside), Finding("gun", 0.9, box), Finding("knife", 0.8, box)),
    )
    scores, right = judged([seen])
    assert list(zip(scores, right, strict=True)) == [(0.9, True), (0.8, False), (0.6, False)]


def test_what_is_off_is_told_bin_by_bin() -> None:
    scores = np.array([0.05, 0.05, 0.72, 0.78, 1.0, 1.0])
    right = np.array([False, False, True, False, True, True])
    bins = reliability(scores, right)
    assert [(one.findings, round(one.score, 3), one.right) for one in bins] == [
        (2, 0.05, 0.0),
        (2, 0.75, 0.5),
        (2, 1.0, 1.0),
    ]
    assert expected_error(bins) == pytest.approx((2 * 0.05 + 2 * 0.25) / 6)
    assert expected_error([]) == 0.0


def test_findings_on_a_curve_are_the_same_but_for_their_scores() -> None:
    box = (0.0, 0.0, 10.0, 10.0)
    seen = Seen((("gun", box),), (Finding("gun", 0.5, box), Finding("knife", 0.9, box)), group="amber")
    (moved,) = on_curve([seen], Curve(2.0, -1.0))
    assert (moved.truth, moved.group) == (seen.truth, seen.group)
    assert [(one.label, one.box) for one in moved.findings] == [("gun", box), ("knife", box)]
    wanted = [logistic(np.array(2.0 * np.log(score / (1 - score)) - 1.0)) for score in (0.5, 0.9)]
    assert [one.score for one in moved.findings] == pytest.approx(wanted)
    assert on_curve([seen], Curve())[0].findings[1].score == pytest.approx(0.9)
