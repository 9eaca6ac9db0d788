"""What must hold whenever all has been well for a while: sizes, session, alarms, how far the subscriber is behind."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from simulator.storm.promises import Promises
from simulator.storm.violation import Promise
from simulator.storm.world import World

RECOVER_MS = 5000.0
_STANDS_MS = 10_000.0
_PUBLISHER_MS = 45_000.0
"""A publisher waits for half a minute at most before it tries again to live with a broker that hung up each time."""
_CALLS_MS = 35_000.0
_CALLS_LOOKS = 8
_SETTLED_MS = 15_000.0
_BEHIND_MS = 25_000.0
"""After a sudden end a window of 100 events goes one at a time, and a storm's publisher turns five times a second."""
DRAINED_PER_MS = 0.4
"""What an outage has left comes on top: a window of 100 events a turn, and some to spare."""
_OPEN_MS = 40_000.0
_WALK_EVERY = 40
_ALWAYS = {"waiting": 1000, "matched": 5000, "parcels": 120, "backlog": 50_000}
"""A belt of parcels that touch holds about 40; a slipping encoder keeps each of them for longer."""
_SETTLED = {"parcels": 40, "waiting": 60, "matched": 400, "backlog": 100, "open": 40, "triggers": 60}
_SAMPLES = 6100
_LARGE = {"_times": _SAMPLES, "_counts": _SAMPLES, "held": 1 << 30, "declared_g": 1 << 30}
_ANY = 250
_NOTICES = {("publisher", "journal"), ("journal", "aside"), ("journal", "put-back")}
"""That the journal is another one than before is told until the next start."""
_NEXT_PARCEL_ENDS = {"parcel-lost", "order-late"}
_CONTAINERS = (list, dict, set, frozenset, deque, tuple)


@dataclass(slots=True)
class Watch:
    """Looks on every 250 ms; `calm_ms` is how long ago the last trouble was over, below zero while there is some."""

    world: World
    _published: deque[tuple[float, str, int]] = field(default_factory=deque)
    _looks: int = 0
    _told: set[object] = field(default_factory=set)
    _uncalled: int = 0
    _owed_ms: float = 0.0
    _calm_ms: float = -1.0
    _came_out: int = 0
    _missed: int = 0
    _flows_ms: float | None = None
    """Since when parcels come out again, with all faults over and all that they cost told."""

    @property
    def _promises(self) -> Promises:
        return self.world.promises

    def look(self, calm_ms: float) -> None:
        """Look once."""
        self._looks += 1
        self._flow(calm_ms)
        self._sizes(calm_ms)
        self._calls()
        if calm_ms >= _STANDS_MS:
            self._alarms(calm_ms)
            self._subscriber()
        else:
            self._published.clear()
        if calm_ms >= _SETTLED_MS:
            self._open()

    def recovered(self) -> None:
        """The time to recover is over."""
        world = self.world
        session = world.cabinet.program.orders.session
        if world.daemon is None or not session or session != world.daemon.line.plc.session:
            self._promises.broken(Promise.RECOVERY, f"no live session {RECOVER_MS / 1000:g} s after the last fault")

    def _once(self, promise: Promise, what: object, text: str) -> None:
        if what not in self._told:
            self._told.add(what)
            self._promises.broken(promise, text)

    def _sizes(self, calm_ms: float) -> None:
        daemon = self.world.daemon
        if daemon is None:
            return
        line = daemon.line
        sizes = {
            "parcels": len(line.tracker.parcels),
            "waiting": len(line.matcher.waiting),
            "matched": len(line.matcher.matched),
            "backlog": len(daemon.turn.backlog),
        }
        for name, size in sizes.items():
            if size > _ALWAYS[name]:
                self._once(Promise.BOUNDED, name, f"{size} {name}")
        if calm_ms >= _SETTLED_MS and self.world.wants_feed and self._looks % _WALK_EVERY == 0:
            for name, size in containers(daemon.turn):
                if size > _SETTLED.get(name, _LARGE.get(name, _ANY)):
                    self._once(Promise.BOUNDED, name, f"{size} {name}")

    def _flow(self, calm_ms: float) -> None:
        came_out = self._promises.came_out
        missed = self._promises.completed - came_out
        trouble = calm_ms < 0 or calm_ms < self._calm_ms
        if trouble or (missed > self._missed and calm_ms < _STANDS_MS):
            self._came_out, self._flows_ms = came_out, None
        elif self._flows_ms is None and came_out > self._came_out:
            self._flows_ms = self._promises.now_ms()
        self._calm_ms, self._missed = calm_ms, missed

    def _alarms(self, calm_ms: float) -> None:
        """What stands is over in time, and then for as long as its delay is."""
        now = self._promises.now_ms()
        flows_ms = 0.0 if self._flows_ms is None else now - self._flows_ms
        for (alarm, subject), since in self._promises.alarms.items():
            if (alarm, subject) in _NOTICES or not self.world.wants_feed or self.world.daemon is None:
                continue
            listed = self.world.daemon.line.alarms.listed.get((alarm, subject))
            bound_ms = _PUBLISHER_MS if alarm == "publisher" else _STANDS_MS
            bound_ms += listed.kind.off_s * 1000 if listed is not None else 0.0
            if min(flows_ms if alarm in _NEXT_PARCEL_ENDS else calm_ms, now - since) >= bound_ms:
                self._once(Promise.RECOVERY, (alarm, subject, since), f"{alarm} {subject} stands long after all faults")

    def _subscriber(self) -> None:
        """All that is on disk reaches it soon."""
        world, now = self.world, self._promises.now_ms()
        journal, seq = world.newest
        if any(alarm == "publisher" for alarm, _ in self._promises.alarms):
            self._published.clear()
            return
        if not self._published:
            self._owed_ms = world.owed / DRAINED_PER_MS
        self._published.append((now, journal, seq))
        while self._published and self._published[0][0] <= now - _BEHIND_MS - self._owed_ms:
            at, before, wanted = self._published.popleft()
            if before == journal and world.subscriber.newest(journal) < wanted:
                text = f"event {wanted} has not reached the subscriber, {(now - at) / 1000:.0f} s after it was on disk"
                self._once(Promise.RECOVERY, (journal, "behind"), text)

    def _calls(self) -> None:
        """A publisher that lives calls a broker that is back, also one that it took for one that hangs up each time."""
        world = self.world
        lives = world.daemon is not None and world.publishing is not None and world.publishing.alive
        self._uncalled = self._uncalled + 1 if lives and world.broker.uncalled_ms > _CALLS_MS else 0
        if self._uncalled == _CALLS_LOOKS:
            text = f"the broker has been back for {world.broker.uncalled_ms / 1000:.0f} s, and no publisher has called"
            self._promises.broken(Promise.RECOVERY, text)

    def _open(self) -> None:
        """Whoever entered has left by now, and its record says how."""
        if self.world.daemon is None:
            return
        now = self._promises.now_ms()
        for key, entered in list(self._promises.open.items()):
            if now - entered > _OPEN_MS and not self._promises.completed_on_disk(key):
                text = f"it entered {(now - entered) / 1000:.0f} s ago, and is not completed"
                self._once(Promise.ACCOUNTED, key, text)


def containers(root: object) -> Iterator[tuple[str, int]]:
    """All containers that a part of the station holds, by the name of their field, with their sizes."""
    seen: set[int] = set()
    left: list[tuple[str, Any]] = [("", root)]
    while left:
        name, one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, _CONTAINERS):
            yield name, len(one)
            inner = one.values() if isinstance(one, dict) else one
            left += [(name, part) for part in inner if _is_ours(part) or isinstance(part, _CONTAINERS)]
        elif is_dataclass(one):
            left += [(f.name, getattr(one, f.name)) for f in fields(one)]
        elif _is_ours(one) and hasattr(one, "__dict__"):
            left += list(vars(one).items())


def _is_ours(one: object) -> bool:
    return type(one).__module__.startswith("station.core")
