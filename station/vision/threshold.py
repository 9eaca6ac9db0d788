"""Thresholds chosen from cost: of those that keep false alarms within a share, such as miss little."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from station.vision.seen import Seen

_ABOVE = 1e-4
_HIGHEST = 0.9999
"""A threshold must stay below 1."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Thresholds, and what they do on the pictures that they were chosen on.

    Attributes:
        thresholds: by class, of all classes.
        kept: the classes that these pictures tell nothing about, so that theirs stay as they were.
        false_alarms: share of the clean pictures that are flagged, as whatever class.
        detected: share of the pictures with a threat that are flagged, as whatever class.
        clean: how many pictures without any threat there were.
        threats: how many with one.
        unanswered: how many were left out, since they could not be looked at.
    """

    thresholds: Mapping[str, float]
    kept: tuple[str, ...]
    false_alarms: float
    detected: float
    clean: int
    threats: int
    unanswered: int


def choose(
    seen: Sequence[Seen], labelled: Collection[str], present: Mapping[str, float], floor: float, false_alarms: float
) -> Chosen:
    """Choose a threshold for each class that the pictures tell about, so that few clean ones are flagged as anything.

    Starts with these classes at their highest score on a clean picture, where nothing is flagged wrongly, and lowers, a
    step at a time, whichever class finds most threats more for each clean picture that it flags more; then raises one
    class and lowers others, while that gains. What comes out is near the best, not proved to be it.

    Args:
        seen: pictures, with and without threats; what has nothing in it is clean.
        labelled: the classes that are labelled throughout; of these the ones that occur are chosen for.
        present: the model's thresholds, by class; all other classes keep theirs, and count as they are.
        floor: below it the model reports nothing.
        false_alarms: the share of clean pictures that may be flagged, 0 to 1.

    Raises:
        ValueError: no clean picture, none with a threat, no class to choose for, or more false alarms than are allowed
            whatever is chosen: one sentence that says what to do.
    """
    answered = [item for item in seen if not item.unanswered]
    clean = [item for item in answered if not item.truth]
    threats = [item for item in answered if item.truth]
    if not clean or not threats:
        raise ValueError("thresholds are chosen on pictures of both kinds: with something labelled, and with nothing")
    occurring = {label for item in threats for label, _ in item.truth}
    labels = [label for label in present if label in labelled and label in occurring]
    if not labels:
        raise ValueError(
            "no class of the model is both labelled throughout and found in these labels: add such pictures"
        )
    kept = {label: value for label, value in present.items() if label not in labels}
    unflagged = [item for item in clean if not item.flagged(kept)]
    allowed = int(false_alarms * len(clean) + 1e-9)
    left = allowed - (len(clean) - len(unflagged))
    if left < 0:
        raise ValueError(
            f"{-left + allowed} of {len(clean)} clean pictures are flagged as {', '.join(kept)}, which keep their "
            f"thresholds since nothing here tells about them, and {allowed} may be: allow more with --false-alarms, or "
            "label these classes"
        )
    search = _Search(
        _scores(unflagged, labels), _scores([item for item in threats if not item.flagged(kept)], labels), left, floor
    )
    if (least := search.wrong(search.start)) > left:
        raise ValueError(
            f"{least + allowed - left} of {len(clean)} clean pictures are flagged even with the highest thresholds "
            f"({_HIGHEST}), and {allowed} may be: look whether something is in them, or allow more with --false-alarms"
        )
    found = search.thresholds(search.best())
    final = {label: found[labels.index(label)] if label in labels else value for label, value in present.items()}
    shares = _flagged(clean, final) / len(clean), _flagged(threats, final) / len(threats)
    return Chosen(final, tuple(kept), *shares, len(clean), len(threats), len(seen) - len(answered))


class _Search:
    """Steps on a ladder of falling thresholds for each class.

    Args:
        clean: the best score by clean picture and class.
        threats: the same of the pictures with a threat.
        allowed: how many clean ones may be flagged.
        floor: the lowest threshold.
    """

    def __init__(self, clean: NDArray[Any], threats: NDArray[Any], allowed: int, floor: float) -> None:
        self._clean, self._threats, self._allowed = clean, threats, allowed
        self._ladders = [_ladder(scores, floor, allowed + 1) for scores in clean.T]
        self.start = (0,) * len(self._ladders)

    def thresholds(self, steps: Sequence[int]) -> list[float]:
        return [float(ladder[step]) for ladder, step in zip(self._ladders, steps, strict=True)]

    def wrong(self, steps: Sequence[int]) -> int:
        return _reached(self._clean, self.thresholds(steps))

    def best(self) -> tuple[int, ...]:
        """The steps that are come to by lowering, and by exchange."""
        steps = self._lowered(self.start)
        while (exchanged := self._exchanged(steps)) is not None:
            steps = exchanged
        return steps

    def _worth(self, steps: Sequence[int]) -> tuple[int, int]:
        return _reached(self._threats, self.thresholds(steps)), -self.wrong(steps)

    def _exchanged(self, steps: tuple[int, ...]) -> tuple[int, ...] | None:
        """Better steps with one class raised, by one step or two, four, and so on, and others lowered instead."""
        now = self._worth(steps)
        for at, step in enumerate(steps):
            for up in (2**power for power in range(step.bit_length())):
                raised = (*steps[:at], step - up, *steps[at + 1 :])
                other = self._lowered(self._lowered(raised, at))
                if self._worth(other) > now:
                    return other
        return None

    def _lowered(self, steps: tuple[int, ...], fixed: int | None = None) -> tuple[int, ...]:
        """Lower whichever class but the fixed one gains most for what it costs, while one gains."""
        while True:
            options = [self._lower(steps, at) for at in range(len(steps)) if at != fixed]
            better = max((option for option in options if option is not None), default=None)
            if better is None:
                return steps
            _, _, at, step = better
            steps = (*steps[:at], step, *steps[at + 1 :])

    def _lower(self, steps: tuple[int, ...], at: int) -> tuple[float, int, int, int] | None:
        """The best lower step of one class: gain for cost, gain, the class, the step; None if none gains."""
        lower = self._ladders[at][steps[at] :]
        others = self.thresholds(steps)
        others[at] = np.inf
        wrong, right = (_reached_by(scores, others, at, lower) for scores in (self._clean, self._threats))
        cost, gain = wrong - wrong[0], right - right[0]
        within = np.flatnonzero((gain > 0) & (cost + self.wrong(steps) <= self._allowed))
        if not within.size:
            return None
        rate = gain[within] / np.maximum(cost[within], 0.5)
        best = within[np.lexsort((within, gain[within], rate))[-1]]
        return float(gain[best] / max(cost[best], 0.5)), int(gain[best]), at, steps[at] + int(best)


def _scores(seen: Sequence[Seen], labels: Sequence[str]) -> NDArray[Any]:
    return np.array([[item.best(label) for label in labels] for item in seen], float).reshape(len(seen), len(labels))


def _ladder(scores: NDArray[Any], floor: float, most: int) -> NDArray[Any]:
    """Thresholds to try, falling: just above each of the highest scores on clean pictures, and last the floor.

    One lower than just above the n-th of these scores flags n clean pictures, so no more steps than may be flagged, and
    one, can be of use.
    """
    found = np.unique(scores[scores >= floor])[::-1]
    steps = np.minimum(_HIGHEST, np.round(found[:most] + _ABOVE, 4))
    return np.array(list(dict.fromkeys([*steps, floor] if len(found) < most else steps)))


def _reached(scores: NDArray[Any], thresholds: Sequence[float]) -> int:
    return int((scores >= np.array(thresholds)).any(axis=1).sum())


def _reached_by(scores: NDArray[Any], others: Sequence[float], at: int, lower: NDArray[Any]) -> NDArray[Any]:
    """How many pictures one class flags, at each of its thresholds, that the others do not."""
    alone = np.sort(scores[~(scores >= np.array(others)).any(axis=1), at])
    return np.asarray(len(alone) - np.searchsorted(alone, lower, side="left"))


def _flagged(seen: Sequence[Seen], thresholds: Mapping[str, float]) -> int:
    return sum(bool(item.flagged(thresholds)) for item in seen)
