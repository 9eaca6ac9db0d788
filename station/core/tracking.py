"""Which parcel an edge belongs to: one edge claims one parcel, one parcel is claimed by one edge, at every eye.

An edge that nothing explains becomes a tracked object without a number, so that no reading of it can fall to a
parcel that has one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from station.core.belt import Interval
from station.core.events import BeltParcel, Direction, ParcelKey
from station.core.parcel import Parcel
from station.core.setup import Geometry

_KEPT_BEYOND_EXIT_MM = 3000.0


@dataclass(frozen=True, slots=True)
class Seen:
    """An edge with its count unwrapped."""

    eye: int
    direction: Direction
    count: int
    number: int


@dataclass(slots=True)
class Tracker:
    """All objects on the belt, in the order in which they lie on it, newest last."""

    geometry: Geometry
    parcels: list[Parcel] = field(default_factory=list)
    _covering: dict[int, Parcel] = field(default_factory=dict)
    _numbered: ParcelKey | None = None
    _waits_until: float | None = None

    def adopt(self, rows: tuple[BeltParcel, ...], epoch: int, counts: list[tuple[int, int]]) -> list[Parcel]:
        """Begin anew with the PLC's table, all inspect-only; `counts`: each row's infeed and last count, unwrapped."""
        self.parcels.clear()
        self._covering.clear()
        self._waits_until = None
        for row, (infeed, last) in zip(rows, counts, strict=True):
            parcel = Parcel(ParcelKey(epoch, row.number), 0, {0: infeed}, inspect_only=True)
            if row.last_eye < len(self.geometry.eyes_mm):
                parcel.led(row.last_eye, last)
            if row.length_counts:
                parcel.trailed(0, infeed + row.length_counts)
            else:
                self._covering[0] = parcel
            parcel.doubts["adopted"] = "was on the belt when the station started"
            self.parcels.append(parcel)
            self._advances(ParcelKey(epoch, row.number))
        return list(self.parcels)

    def by_key(self, key: ParcelKey) -> Parcel | None:
        """The parcel on the belt with that identity."""
        return next((parcel for parcel in self.parcels if parcel.key == key), None)

    def covering(self, eye: int) -> Parcel | None:
        """Whoever breaks that eye's beam now."""
        return self._covering.get(eye)

    def see(self, edge: Seen, epoch: int, *, inspect_only: bool) -> Parcel | None:
        """Take one edge; returns a parcel or object that is new with it, else None."""
        self._waits_until = None
        if edge.direction is Direction.FREED:
            self._free(edge)
            return None
        if edge.eye == 0:
            return self._enter(edge, ParcelKey(epoch, edge.number) if edge.number else None, inspect_only=inspect_only)
        new = self._claim(edge)
        self._compare(edge, epoch)
        return new

    def _enter(self, edge: Seen, key: ParcelKey | None, *, inspect_only: bool) -> Parcel:
        """A parcel at the infeed eye; one whose number was given before has none."""
        if key is None or self._advances(key):
            return self._begin(edge, key, inspect_only=inspect_only)
        known = self.by_key(key)
        if known is not None:
            known.doubts["twice"] = "its number came in a second time"
        parcel = self._begin(edge, None, inspect_only=True)
        parcel.doubts["number"] = f"the PLC gave it the number {key.number}, and had given that before"
        return parcel

    def _advances(self, key: ParcelKey) -> bool:
        """Whether a number is a new one; numbers rise within an epoch."""
        before = self._numbered
        if before is not None and before.epoch == key.epoch and key.number <= before.number:
            return False
        self._numbered = key
        return True

    def _compare(self, edge: Seen, epoch: int) -> None:
        """The PLC claims by the same windows as we do. Where it names another parcel, its orders go to a wrong one."""
        owner = self._covering[edge.eye]
        if not edge.number or owner.key == ParcelKey(epoch, edge.number):
            return
        text = f"the PLC takes what is at eye {edge.eye} for parcel {edge.number}"
        for parcel in (owner, self.by_key(ParcelKey(epoch, edge.number))):
            if parcel is not None:
                parcel.doubts["number"] = text

    def _claim(self, edge: Seen) -> Parcel | None:
        """One edge behind the infeed eye; returns the object that is new with it, else None."""
        hits = [parcel for parcel in self._due(edge.eye) if edge.count in self._window(parcel, edge.eye)]
        free = [parcel for parcel in hits if edge.eye not in parcel.leads]
        if len(hits) == 1 and free:
            free[0].led(edge.eye, edge.count)
            self._covering[edge.eye] = free[0]
            return None
        for parcel in hits:
            parcel.doubts["claim"] = f"two edges or two parcels at eye {edge.eye}"
        if free:
            for parcel in free:
                parcel.led(edge.eye, edge.count)
            self._covering[edge.eye] = free[0]
            return None
        return self._begin(edge, None, inspect_only=True)

    def pass_by(self, count: int) -> None:
        """The belt is at `count`: whoever should have been seen by now and was not has lost its track.

        So has whoever still covers an eye that it should have freed by now: it is not what it was at the first.
        """
        for parcel in self.parcels:
            for eye in self._unseen(parcel):
                if self._window(parcel, eye).high < count:
                    parcel.doubts["missed"] = f"not seen at eye {eye}"
        for eye, parcel in self._covering.items():
            if self._frees(parcel, eye) < count:
                parcel.doubts["covers"] = f"covers eye {eye} for longer than it is"

    def waits_for(self, count: int) -> bool:
        """True if at `count` somebody has missed an eye, covers one for too long, or has left the belt."""
        if self._waits_until is None:
            frees = [self._frees(parcel, eye) for eye, parcel in self._covering.items()]
            self._waits_until = min([*frees, *map(self._due_at, self.parcels)], default=float("inf"))
        return self._waits_until < count

    def _unseen(self, parcel: Parcel) -> list[int]:
        eyes = range(parcel.origin_eye + 1, len(self.geometry.eyes_mm))
        return [eye for eye in eyes if eye not in parcel.leads]

    def _due_at(self, parcel: Parcel) -> float:
        """The count beyond which it has missed an eye, or left the belt."""
        return min([self._end(parcel), *(self._window(parcel, eye).high for eye in self._unseen(parcel))])

    def retire(self, count: int) -> list[Parcel]:
        """Take out all that must have left the belt; those still without an outcome are returned."""
        gone = [parcel for parcel in self.parcels if self._end(parcel) < count]
        for parcel in gone:
            self.parcels.remove(parcel)
        self._waits_until = None
        return [parcel for parcel in gone if parcel.on_belt]

    def _frees(self, parcel: Parcel, eye: int) -> float:
        """The count by which an eye that it covers is free again for certain; without end once that is past."""
        if "covers" in parcel.doubts:
            return float("inf")
        longest = parcel.length_mm(self.geometry) or self.geometry.longest_mm
        return parcel.leads[eye] + (longest + self._allowed(longest)) / self.geometry.mm_per_count

    def _allowed(self, length_mm: float) -> float:
        """By how many mm two measurements of one length may differ."""
        geometry = self.geometry
        return 2 * (geometry.latch_counts * geometry.mm_per_count + geometry.tolerance_mm) + length_mm * geometry.slip

    def _end(self, parcel: Parcel) -> float:
        """The count beyond which it has left the belt for certain."""
        end_mm = self.geometry.exit_mm + _KEPT_BEYOND_EXIT_MM
        latest = parcel.trail_at(end_mm, self.geometry).high
        if latest == float("inf"):
            longest = 3 * self.geometry.longest_mm / self.geometry.mm_per_count
            latest = parcel.lead_at(end_mm, self.geometry).high + longest
        return latest

    def _due(self, eye: int) -> list[Parcel]:
        return [parcel for parcel in self.parcels if parcel.origin_eye < eye]

    def _window(self, parcel: Parcel, eye: int) -> Interval:
        return parcel.lead_at(self.geometry.eyes_mm[eye], self.geometry, before_eye=eye)

    def _begin(self, edge: Seen, key: ParcelKey | None, *, inspect_only: bool) -> Parcel:
        parcel = Parcel(key, edge.eye, {edge.eye: edge.count}, inspect_only=inspect_only or key is None)
        if key is None:
            parcel.doubts["unknown"] = f"an edge at eye {edge.eye} that no parcel explains"
        self._covering[edge.eye] = parcel
        self.parcels.append(parcel)
        return parcel

    def _free(self, edge: Seen) -> None:
        parcel = self._covering.pop(edge.eye, None)
        if parcel is None:
            return
        parcel.trailed(edge.eye, edge.count)
        geometry = self.geometry
        length = (edge.count - parcel.leads[edge.eye]) * geometry.mm_per_count
        own = parcel.length_mm(geometry)
        allowed = self._allowed(length)
        if length > geometry.longest_mm + allowed:
            parcel.doubts["too-long"] = f"{length:.0f} mm long: more than one parcel, touching?"
        elif own is not None and abs(length - own) > allowed:
            parcel.doubts["length"] = f"{length:.0f} mm long at eye {edge.eye}, {own:.0f} mm at the first"
