"""A storm that broke a promise, made small: as few episodes and as short a time as still break that promise.

Episodes are left out by halves, then smaller parts, as in delta debugging (Zeller and Hildebrandt 2002).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from simulator.storm.storm import Result, Storm
from simulator.storm.violation import Promise, Violation
from simulator.storm.weather import Episode

_AFTER_S = 2.0
_NEAR_S = 30.0
_FIRST_S = 16.0
_MOST_RUNS = 120
_SETTLES_S = 20.0


class Tried(Protocol):
    """Told after each run: how many there were, and what is left."""

    def __call__(self, runs: int, episodes: int, seconds: float) -> None:
        """So many runs, episodes, seconds."""


@dataclass(frozen=True, slots=True)
class Small:
    """What is left of a storm, and the promise that it breaks."""

    seed: int
    seconds: float
    episodes: tuple[Episode, ...]
    violation: Violation


class Shrinking:
    """Runs storms of one seed with fewer episodes each; `run` is handed in by tests."""

    def __init__(self, small: Small, tried: Tried | None, run: Callable[[Small], Result]) -> None:
        self.small = small
        self._runs = 0
        self._tried = tried
        self._run = run

    def shrink(self) -> Small:
        """Make it as small as it gets within a bounded number of runs."""
        near = self.small.violation.ms / 1000 - _NEAR_S
        self._keeps([e for e in self.small.episodes if e.at_s + e.seconds >= near])
        self._earlier()
        self._fewer()
        self._earlier()
        self._shorter()
        self._sooner()
        return self.small

    def _keeps(self, episodes: Sequence[Episode], seconds: float | None = None) -> bool:
        """Try these only; True if the same promise is broken still."""
        if self._runs >= _MOST_RUNS or (list(episodes) == list(self.small.episodes) and seconds is None):
            return False
        self._runs += 1
        trial = replace(self.small, episodes=tuple(episodes), seconds=seconds or self.small.seconds)
        same = [v for v in self._run(trial).violations if v.promise is self.small.violation.promise]
        if same:
            ends = min(trial.seconds, same[0].ms / 1000 + _AFTER_S)
            self.small = replace(trial, violation=same[0], seconds=round(ends, 1))
        if self._tried is not None:
            self._tried(self._runs, len(self.small.episodes), self.small.seconds)
        return bool(same)

    def _earlier(self) -> None:
        """Let the first episode begin soon: other parcels are on the belt then, so it may not break it any more."""
        if not self.small.episodes:
            return
        shift = round(self.small.episodes[0].at_s - _FIRST_S, 3)
        if shift > 1:
            moved = [replace(e, at_s=round(e.at_s - shift, 3)) for e in self.small.episodes]
            self._keeps(moved, self.small.seconds - shift)

    def _fewer(self) -> None:
        parts = 2
        while len(self.small.episodes) > 1 and parts <= 2 * len(self.small.episodes):
            episodes = self.small.episodes
            size = max(1, -(-len(episodes) // parts))
            starts = range(0, len(episodes), size)
            if any(self._keeps([*episodes[:start], *episodes[start + size :]]) for start in starts):
                parts = max(2, parts - 1)
            elif size == 1:
                return
            else:
                parts *= 2

    def _sooner(self) -> None:
        """What shows at the end only needs no long way to it."""
        last = max((e.at_s + e.seconds for e in self.small.episodes), default=0.0)
        if last + _SETTLES_S < self.small.seconds:
            self._keeps(self.small.episodes, round(last + _SETTLES_S, 1))

    def _shorter(self) -> None:
        for n in range(len(self.small.episodes)):
            for share in (0.25, 0.5):
                episode = self.small.episodes[n]
                shorter = replace(episode, seconds=round(episode.seconds * share, 3))
                if episode.seconds and self._keeps([*self.small.episodes[:n], shorter, *self.small.episodes[n + 1 :]]):
                    break


def shrunk(
    seed: int, seconds: float, episodes: Sequence[Episode], violation: Violation, tried: Tried | None = None
) -> Small:
    """Shrink a storm that broke a promise; the same seed, so the same parcels unless its episodes came earlier."""
    if violation.promise is not Promise.ACCOUNTED:
        seconds = min(seconds, round(violation.ms / 1000 + _AFTER_S, 1))
    whole = Small(seed, seconds, tuple(e for e in episodes if e.at_s < seconds), violation)
    return Shrinking(whole, tried, lambda small: Storm(small.seed, small.seconds, small.episodes).run()).shrink()
