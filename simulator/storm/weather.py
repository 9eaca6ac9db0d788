"""When which fault strikes: episodes of trouble between calm stretches, drawn from a seed.

Each seed has some of the faults only: what never meets the others hides less (swarm testing, Groce et al. 2012).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from simulator.faults import FAULTS, Fault, Kind, Switch

_HANDS = 4
_SMALL = 0.5
_FIRST_S = 15.0
_CALM_S = (6.0, 22.0)
_LONG_CALM_S = 60.0
_LONG_CALM_SHARE = 0.08
_TOGETHER = (1, 2, 2, 3)
_WITHIN_S = 5.0
DISK = frozenset({"disk-full", "disk-fsync", "power-cut"})
_RARE = {"page-corrupted": 0.6, "power-cut": 0.5}
_LONG = {"plc-mute": (90.0, 0.15), "broker-gone": (55.0, 0.5)}
"""So long (s), in such a share: more parcels leave than the PLC's ring of outcomes holds; a publisher waits longest."""
_WITH = {"disk-full": "plc-mute", "disk-fsync": "plc-mute", "ids-refused": "plc-mute"}
"""What strikes in the midst of another at times: a session is wanted while the disk takes none."""
_WITH_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Episode:
    """One fault: when it begins (s since the start), how long it stays (0 for what happens once), and which."""

    at_s: float
    seconds: float
    switch: Switch


def detectable() -> list[Fault]:
    """All faults that must end in inspection, or in the belt's stop."""
    return [fault for fault in FAULTS.values() if fault.kind is not Kind.UNDETECTABLE]


def forecast(seed: int, seconds: float, faults: Sequence[Fault], *, all_of_them: bool = False) -> list[Episode]:
    """Draw the episodes of a storm; the last stretch is calm."""
    random = Random(seed * 6_700_417 + 11)
    deck = Deck(random, list(faults) if all_of_them else hand_of(seed, faults))
    episodes: list[Episode] = []
    at = _FIRST_S + random.uniform(0, 5)
    while at < seconds - _CALM_S[0]:
        end = at
        for _ in range(random.choice(_TOGETHER)):
            episode = _draw(random, deck.next(), at)
            if episode is not None:
                episodes += _company(random, episode)
                end = max(end, *(e.at_s + e.seconds for e in episodes))
        calm = _LONG_CALM_S if random.random() < _LONG_CALM_SHARE else random.uniform(*_CALM_S)
        at = end + (_LONG_CALM_S if end - at > _LONG_CALM_S else calm)  # what is not mended behind it shows late
    return sorted((_over_by(seconds, episode) for episode in episodes), key=lambda e: e.at_s)


def _over_by(end_s: float, episode: Episode) -> Episode:
    """It, or as much of it as there is time for: what lasts beyond the end leaves no time to recover."""
    return replace(episode, seconds=round(min(episode.seconds, max(0.5, end_s - episode.at_s)), 3))


@dataclass(slots=True)
class Deck:
    """Deals all of them, then all of them again, each time in another order."""

    random: Random
    faults: Sequence[Fault]
    _left: list[Fault] = field(default_factory=list)

    def next(self) -> Fault:
        """The next one."""
        if not self._left:
            self._left = self.random.sample(self.faults, len(self.faults))
        return self._left.pop()


def hand_of(seed: int, faults: Sequence[Fault]) -> list[Fault]:
    """The faults of a seed: of four seeds that follow each other from a multiple of four on, each is in one."""
    dealt = Random(seed // _HANDS).sample(faults, len(faults))
    return dealt[seed % _HANDS :: _HANDS] or dealt


def _draw(random: Random, fault: Fault, at: float) -> Episode | None:
    target = random.choice(fault.targets) if fault.targets else ""
    seconds = 0.0 if fault.seconds is None else round(_within(random, *fault.seconds), 3)
    long_s, share = _LONG.get(fault.name, (0.0, 0.0))
    if random.random() < share:
        seconds = long_s
    size = float(f"{_within(random, *fault.size):.4g}")
    begins = round(at + random.uniform(0, _WITHIN_S), 3)
    if random.random() > _RARE.get(fault.name, 1.0):
        return None
    return Episode(begins, seconds, Switch(fault, target, size))


def _company(random: Random, episode: Episode) -> list[Episode]:
    """It, and at times another that ends in the midst of it."""
    other = _WITH.get(episode.switch.fault.name)
    if other is None or random.random() > _WITH_SHARE:
        return [episode]
    seconds = round(random.uniform(0.6, 1.5), 3)
    begins = round(episode.at_s + random.uniform(0.3, 0.7) * episode.seconds - seconds, 3)
    return [episode, Episode(begins, seconds, Switch(FAULTS[other]))]


def _within(random: Random, least: float, most: float) -> float:
    """Between the two: evenly, or where what is short or small shows more, evenly by its logarithm."""
    if least > 0 and random.random() < _SMALL:
        return math.exp(random.uniform(math.log(least), math.log(most)))
    return random.uniform(least, most)


def needs_disk(episodes: Collection[Episode]) -> bool:
    """True if the disk itself must be simulated."""
    return any(episode.switch.fault.name in DISK for episode in episodes)
