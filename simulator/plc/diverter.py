"""From the decision eye to the exit: releases, the diverter and its guard. It never moves under a parcel."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.plc.signals import Inputs, PlcSettings
from simulator.plc.table import Why

_STOP_DIVERTER = 3
_STOP_UNRELEASED = 4
_STOP_ENCODER = 5


@dataclass(slots=True)
class Crossing:
    """An object between decision eye and exit: number 0 for none; counts of its edges at the decision eye."""

    number: int
    lead: int
    trail: int | None = None
    why: Why | None = None
    released: bool = False
    crossing_begun: bool = False

    def refuse(self, why: Why | None) -> None:
        """Send it to inspection for this reason, unless one stands already or it is under way through the diverter."""
        if why is not None and self.why is None and not self.crossing_begun:
            self.why, self.released = why, False


@dataclass(slots=True)
class DiverterGuard:
    """The diverter's command, and all that lies between decision eye and exit eyes, first in front."""

    settings: PlcSettings
    queue: list[Crossing] = field(default_factory=list)
    to_pass: bool = False
    stop_cause: int = 0
    faults: int = 0
    _stood_since: int | None = None
    _last_ms: int = 0
    _blind: bool = False

    @property
    def newest(self) -> Crossing | None:
        """The object that the decision eye saw last."""
        return self.queue[-1] if self.queue else None

    @property
    def numbers(self) -> set[int]:
        """Numbers of the objects in it."""
        return {crossing.number for crossing in self.queue}

    def next_count(self, count: int) -> float:
        """The next count at which `scan` has something to do, if no edge comes and the belt does not stop."""
        settings = self.settings
        eye, free = settings.eye_mm[settings.decision_eye], settings.switch_mm / settings.mm_per_count
        least, most = settings.travel(eye, settings.diverter_mm)
        stop = settings.stop_mm / settings.mm_per_count
        out = settings.travel(eye, settings.eye_mm[-1])[1]
        places = []
        for crossing in self.queue:
            lead, trail = crossing.lead, crossing.trail
            places += [lead + least - stop, lead + least, lead + out]
            places.append((lead + settings.longest_mm * 3 if trail is None else trail) + most)
            if trail is not None:
                places.append(trail + free)
        return min((place for place in places if place >= count), default=float("inf"))

    def enter(self, crossing: Crossing) -> None:
        """An object breaks the decision eye; the one before it must be S ahead, for both their sakes."""
        before = self.newest
        if before is not None:
            gap = crossing.lead - (before.trail if before.trail is not None else before.lead)
            if before.trail is None or gap < self.settings.switch_mm / self.settings.mm_per_count:
                before.refuse(Why.TOO_CLOSE)
                crossing.refuse(Why.TOO_CLOSE)
        self.queue.append(crossing)

    def scan(self, inputs: Inputs, *, moving: bool) -> list[Crossing]:
        """Work the diverter for this scan; returns the objects that no exit eye saw in time."""
        self._acknowledge(inputs)
        self._stand(inputs, moving=moving)
        self._release(inputs.count)
        front = self._front(inputs.count)
        if self._blind:
            pass  # whatever is under the diverter: it does not move
        elif front is None:
            self.to_pass = False
        elif not front.crossing_begun:
            self.to_pass = front.released
            self._watch(front, inputs)
        return self._overdue(inputs.count)

    def leave(self, eye: int, count: int) -> Crossing | None:
        """An exit eye is broken: the one object whose window that is, None if there is none or more."""
        settings = self.settings
        least, most = settings.travel(settings.eye_mm[settings.decision_eye], settings.eye_mm[eye])
        hits = [c for c in self.queue if c.lead + least <= count <= c.lead + most]
        if len(hits) != 1:
            return None
        self.queue.remove(hits[0])
        return hits[0]

    def unreleased(self) -> None:
        """Something is in the pass lane that was not released: stop."""
        self.stop_cause = self.stop_cause or _STOP_UNRELEASED
        self.faults |= 4

    def encoder_failed(self) -> None:
        """The count cannot be believed: stop."""
        self.stop_cause = _STOP_ENCODER
        self.faults |= 16

    def give_up(self) -> list[Crossing]:
        """No place is known any more: all that lies here is given up; returned is what that was."""
        given_up, self.queue = self.queue, []
        self._blind = True
        return given_up

    def _release(self, count: int) -> None:
        free = self.settings.switch_mm / self.settings.mm_per_count
        for crossing in self.queue:
            if crossing.why is None and not crossing.released and crossing.trail is not None:
                crossing.released = count >= crossing.trail + free and self._alone_behind(crossing)

    def _alone_behind(self, crossing: Crossing) -> bool:
        free = self.settings.switch_mm / self.settings.mm_per_count
        behind = self.queue[self.queue.index(crossing) + 1 :]
        return not behind or (crossing.trail is not None and behind[0].lead - crossing.trail >= free)

    def _front(self, count: int) -> Crossing | None:
        """The first object that has not wholly left the diverter; marks it once it may have reached it."""
        settings = self.settings
        least, most = settings.travel(settings.eye_mm[settings.decision_eye], settings.diverter_mm)
        for crossing in self.queue:
            trail = crossing.trail if crossing.trail is not None else crossing.lead + settings.longest_mm * 3
            if count > trail + most:
                continue
            crossing.crossing_begun = crossing.crossing_begun or count >= crossing.lead + least
            return crossing
        return None

    def _watch(self, front: Crossing, inputs: Inputs) -> None:
        """At the last place where the belt can stop, the diverter must be where it is wanted."""
        settings = self.settings
        least = settings.travel(settings.eye_mm[settings.decision_eye], settings.diverter_mm)[0]
        if inputs.count < front.lead + least - settings.stop_mm / settings.mm_per_count:
            return
        wanted = inputs.at_pass if front.released else inputs.at_inspect
        if not wanted or (inputs.at_pass and inputs.at_inspect):
            self.stop_cause = self.stop_cause or _STOP_DIVERTER
            self.faults |= 1 | (2 if inputs.at_pass and inputs.at_inspect else 0)

    def _stand(self, inputs: Inputs, *, moving: bool) -> None:
        if moving:
            self._stood_since = None
            return
        if self._stood_since is None:
            self._stood_since = inputs.ms
        if inputs.ms - self._stood_since > self.settings.stand_ms:
            for crossing in self.queue:
                crossing.refuse(Why.STOOD)

    def _acknowledge(self, inputs: Inputs) -> None:
        if inputs.acknowledge:
            self.stop_cause, self.faults, self._blind = 0, 0, False

    def _overdue(self, count: int) -> list[Crossing]:
        settings = self.settings
        most = settings.travel(settings.eye_mm[settings.decision_eye], settings.eye_mm[-1])[1]
        gone = [crossing for crossing in self.queue if count > crossing.lead + most]
        self.queue = [crossing for crossing in self.queue if crossing not in gone]
        return gone
