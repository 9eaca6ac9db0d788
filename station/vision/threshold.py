"""Thresholds chosen from cost: of all that keep false alarms within a share, those that miss least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from station.vision.seen import Seen

_STEPS = 60
_ABOVE = 1e-4
_HIGHEST = 0.999


@dataclass(frozen=True, slots=True)
class Chosen:
    """Thresholds, and what they do on the pictures that they were chosen on.

    Attributes:
        thresholds: by class.
        false_alarms: share of the clean pictures that are flagged.
        detected: share of the pictures with a threat that are flagged.
        clean: how many pictures without any threat there were.
        threats: how many with one.
    """

    thresholds: Mapping[str, float]
    false_alarms: float
    detected: float
    clean: int
    threats: int


def choose(seen: Sequence[Seen], labels: Sequence[str], floor: float, false_alarms: float) -> Chosen:
    """Choose a threshold for each class, so that at most a share of the clean pictures is flagged as anything.

    Starts with all classes at their highest score on a clean picture, where nothing is flagged wrongly, and lowers, a
    step at a time, whichever class finds most threats more for each clean picture that it flags more.

    Args:
        seen: pictures, with and without threats; what has nothing in it is clean.
        labels: the classes.
        floor: below it the model reports nothing.
        false_alarms: the share of clean pictures that may be flagged, 0 to 1.

    Raises:
        ValueError: no clean picture, or none with a threat.
    """
    clean = [item for item in seen if not item.truth]
    threats = [item for item in seen if item.truth]
    if not clean or not threats:
        raise ValueError("thresholds are chosen on pictures of both kinds: with something labelled, and with nothing")
    allowed = int(false_alarms * len(clean) + 1e-9)
    ladders = {label: _ladder(clean, label, floor) for label in labels}
    steps = dict.fromkeys(labels, 0)

    def at(chosen: Mapping[str, int]) -> dict[str, float]:
        return {label: ladders[label][step] for label, step in chosen.items()}

    while True:
        now = at(steps)
        wrong, right = _flagged(clean, now), _flagged(threats, now)
        better: list[tuple[float, int, str, int]] = []
        for label in labels:
            for step in range(steps[label] + 1, len(ladders[label])):
                lower = now | {label: ladders[label][step]}
                cost, gain = _flagged(clean, lower) - wrong, _flagged(threats, lower) - right
                if wrong + cost > allowed:
                    break
                if gain > 0:
                    better.append((gain / max(cost, 0.5), gain, label, step))
        if not better:
            break
        _, _, label, step = max(better)
        steps[label] = step
    final = {label: round(value, 4) for label, value in at(steps).items()}
    shares = _flagged(clean, final) / len(clean), _flagged(threats, final) / len(threats)
    return Chosen(final, shares[0], shares[1], len(clean), len(threats))


def _ladder(clean: Sequence[Seen], label: str, floor: float) -> list[float]:
    """Thresholds to try, falling: just above each of the highest scores on clean pictures, and last the floor."""
    scores = sorted({score for item in clean if (score := item.best(label)) >= floor}, reverse=True)
    steps = [min(_HIGHEST, score + _ABOVE) for score in scores[:_STEPS]]
    return [*steps, floor] if len(scores) <= _STEPS else steps


def _flagged(seen: Sequence[Seen], thresholds: Mapping[str, float]) -> int:
    return sum(bool(item.flagged(thresholds)) for item in seen)
