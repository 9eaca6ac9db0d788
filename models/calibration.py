"""Scores that mean what they say: of findings scored 0.7, seven in ten are right."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from station.vision.seen import overlap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from station.vision.seen import Seen

_RIGHT = 0.5
_STEPS = 50
_EDGE = 1e-6


class Curve(NamedTuple):
    """A score's logit times `slope` plus `shift` is the logit of how often it is right (Platt, 1999)."""

    slope: float = 1.0
    shift: float = 0.0


def logit(shares: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """The logarithm of the odds, finite at 0 and 1 too."""
    clipped = np.clip(shares, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _of(curve: Curve, score: float) -> float:
    return float(1 / (1 + np.exp(-curve.slope * logit(score) - curve.shift)))


class Bin(NamedTuple):
    """Findings of similar score: how many, their mean score, and which share of them is right."""

    findings: int
    score: float
    right: float


def judged(seen: Sequence[Seen]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Of every finding its score, and whether it is right: a thing of that class lies there that no surer one found."""
    scores, right = [], []
    for item in seen:
        left = list(item.truth)
        for found in sorted(item.findings, key=lambda finding: -finding.score):
            hit = next(
                (true for true in left if true[0] == found.label and overlap(true[1], found.box) >= _RIGHT), None
            )
            if hit is not None:
                left.remove(hit)
            scores.append(found.score)
            right.append(hit is not None)
    return np.array(scores, np.float64), np.array(right, np.bool_)


def fitted(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> Curve:
    """The curve of greatest likelihood, by Newton's method."""
    inputs = np.column_stack([logit(scores), np.ones(len(scores))])
    weights = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-inputs @ weights))
        steepness = (inputs * (chance * (1 - chance))[:, None]).T @ inputs + _EDGE * np.eye(2)
        step = np.linalg.solve(steepness, inputs.T @ (chance - right))
        weights -= step
        if np.abs(step).max() < _EDGE:
            break
    return Curve(round(float(weights[0]), 4), round(float(weights[1]), 4))


def on_curve(seen: Sequence[Seen], curve: Curve) -> list[Seen]:
    """The same pictures, with the scores that the same findings have on a curve."""
    return [
        replace(item, findings=tuple(replace(found, score=_of(curve, found.score)) for found in item.findings))
        for item in seen
    ]


def reliability(scores: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 10) -> list[Bin]:
    """Findings by score, in bins of equal width; those without any are left out."""
    at = np.minimum((scores * bins).astype(int), bins - 1)
    return [
        Bin(int((at == one).sum()), float(scores[at == one].mean()), float(right[at == one].mean()))
        for one in range(bins)
        if (at == one).any()
    ]


def expected_error(bins: Sequence[Bin]) -> float:
    """By how much a score is off, on average over all findings."""
    return sum(one.findings * abs(one.score - one.right) for one in bins) / max(1, sum(one.findings for one in bins))
