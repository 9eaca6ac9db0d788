"""One storm: a line, its weather, a technician who does what the alarms say, and what came of the promises."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from simulator.config import STATED_LATENCY_MS, BeltConfig, DevicesConfig, FeedConfig, PlantConfig, PlcConfig
from simulator.faults import FAULTS, Kind
from simulator.storm import hands
from simulator.storm.clock import ms_of
from simulator.storm.disk import Disk
from simulator.storm.pc import Daemon
from simulator.storm.setup import WEIGHTS_G
from simulator.storm.subscriber import event_id
from simulator.storm.truth import Body
from simulator.storm.violation import Promise, Violation
from simulator.storm.watch import DRAINED_PER_MS, RECOVER_MS, Watch
from simulator.storm.weather import Episode, needs_disk
from simulator.storm.world import Heard, World

PARCELS_PER_HOUR = 3600
POLLS_MS = (20.0, 25.0, 30.0)
"""How often a seed's station polls the PLC; `station check` proves the line with each of them."""
_LOOK_MS = 250.0
_DRAIN_MS = 12_000.0
_PUBLISH_MS = 15_000.0
_TOO_LATE_MS = 4000.0
_STOPS_MS = 1000.0
_PRESSES_AFTER_MS = 700.0
_PAUSE_MS = 3900.0
_PAUSE_EVERY_MS = 6000.0
_GO_LIVE_EVERY_MS = 1000.0
_USEFUL_SHARE = 0.95
_CAUSELESS_AT_ONCE = 0.005
_CAUSELESS_SHARE = 0.001
_ENOUGH = 1000
_LIMITS = 0.5
_WORD = 1 << 32


@dataclass(slots=True)
class Result:
    """What came of a storm: broken promises, who met what, and how useful the line was in calm stretches.

    `digest` is SHA-256 over all events as they arrived; of several storms, over theirs in order.
    """

    seed: int
    hours: float
    violations: list[Violation] = field(default_factory=list)
    coverage: Counter[tuple[str, str]] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    parcels: int = 0
    released: int = 0
    calm: int = 0
    calm_clean: int = 0
    calm_passed: int = 0
    causeless: list[str] = field(default_factory=list)
    events: int = 0
    strays: int = 0
    digest: str = ""

    def add(self, other: Result) -> None:
        """Take another storm's figures in."""
        self.hours += other.hours
        self.violations += other.violations
        self.coverage += other.coverage
        self.struck += other.struck
        self.causeless += other.causeless
        self.digest = sha256(f"{self.digest}{other.digest}".encode()).hexdigest()
        for name in ("parcels", "released", "calm", "calm_clean", "calm_passed", "events", "strays"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def useful(self) -> list[Violation]:
        """What of usefulness is broken, once there are parcels enough to say so."""
        found = []
        if self.calm_clean >= _ENOUGH and self.calm_passed < _USEFUL_SHARE * self.calm_clean:
            text = f"{self.calm_passed} of {self.calm_clean} clean parcels passed in calm stretches"
            found.append(Violation(0.0, Promise.USEFUL, text))
        if self.calm >= _ENOUGH and len(self.causeless) > _CAUSELESS_SHARE * self.calm:
            text = f"{len(self.causeless)} of {self.calm} inspections without a cause, the first: {self.causeless[0]}"
            found.append(Violation(0.0, Promise.USEFUL, text))
        return found


class Storm:
    """Runs one; `result` grows as it goes."""

    def __init__(
        self,
        seed: int,
        seconds: float,
        episodes: Sequence[Episode],
        heard: Heard | None = None,
        plant: PlantConfig | None = None,
    ) -> None:
        self.seconds = seconds
        self.episodes = list(episodes)
        self.result = Result(seed, seconds / 3600)
        self._folder = Path(tempfile.mkdtemp(prefix="storm-", dir=_fast_folder()))
        disk = Disk(self._folder.name) if needs_disk(episodes) else None
        plant = plant or storm_plant(seed)
        self.world = World(plant, self._folder, disk, heard, POLLS_MS[seed % len(POLLS_MS)], seconds)
        self.world.battery = seed % 3 != 1
        self.world.promises.too_late = self._too_late
        self.world.promises.undisturbed = self._undisturbed
        self.world.promises.exit_eye_lied = self._exit_eye_lied
        self.world.promises.calm = lambda: self._calm
        self.world.onlooker.left = self._left
        self._watch = Watch(self.world)
        self._on: list[Episode] = []
        self._over_ms = self._meddled_ms = 0.0
        self._late_ms = -_TOO_LATE_MS
        self._lied_ms: dict[str, float] = {}
        self._last_ms: dict[str, float] = {}
        self._hampered_ms = 0.0
        self._paused_ms = self._pressed_ms = -_PAUSE_EVERY_MS
        self._lived_ms = 0.0
        self._recovered = True
        self._strays = 0
        self._flow: list[bool] = []
        self._shown_new: Daemon | None = None

    def run(self) -> Result:
        """From the first parcel to the last event at the subscriber."""
        world = self.world
        try:
            for episode in self.episodes:
                world.after(episode.at_s * 1000 - world.ms(), lambda e=episode: self._begin(e))  # type: ignore[misc]
            world.after(_LOOK_MS, self._look)
            world.run_until(self.seconds * 1000)
            self._finish()
        finally:
            self._close()
        return self.result

    def _begin(self, episode: Episode) -> None:
        self.result.struck[episode.switch.fault.name] += 1
        self._cover({episode.switch.fault.name})
        hands.put(self.world, episode.switch)
        self._on.append(episode)
        self._trouble()
        self.world.after(max(1.0, episode.seconds * 1000), lambda: self._end(episode))

    def _end(self, episode: Episode) -> None:
        self._on.remove(episode)
        if episode.seconds and not any(episode.switch.is_same(other.switch) for other in self._on):
            hands.lift(self.world, episode.switch)
        fault = episode.switch.fault
        self._last_ms[fault.name] = self.world.ms()
        if lane := self._exit_eye(episode):
            self._lied_ms[lane] = self.world.ms()
        if episode.switch.fault.kind is Kind.LATE:
            self._late_ms = self.world.ms()
        self._trouble()

    def _trouble(self) -> None:
        """The line is not undisturbed now."""
        self._over_ms, self._recovered, self._flow = self.world.ms(), False, []

    @property
    def _calm(self) -> bool:
        return not self._on and self.world.ms() - self._over_ms >= RECOVER_MS

    def _undisturbed(self, body: Body, harmless: frozenset[str]) -> bool:
        """True if in its own session, and from a while before it, only faults of those groups or names were on."""
        session = self.world.cabinet.program.orders.session
        if body.entered_ns is None or body.hands or not session or body.session != session:
            return False
        if self.world.room.fuse.left is not None and "daemon" not in harmless:
            return False
        since = ms_of(body.entered_ns) - RECOVER_MS
        faults = {e.switch.fault for e in self._on} | {
            f for f in FAULTS.values() if self._last_ms.get(f.name, -1) > since
        }
        return self._meddled_ms <= since and all(harmless & {fault.name, fault.group} for fault in faults)

    def _exit_eye(self, episode: Episode) -> str:
        """The lane whose exit eye it makes tell what is not so; "" for any other fault."""
        eyes = len(self.world.cabinet.program.settings.eye_mm)
        lanes = {str(eyes - 2): "pass", str(eyes - 1): "inspect"}
        return lanes.get(episode.switch.target, "") if episode.switch.fault.group == "photo-eyes" else ""

    def _exit_eye_lied(self, body: Body, lane: str) -> bool:
        """True if the exit eye of that lane told what is not so while it was on the belt."""
        entered = 0.0 if body.entered_ns is None else ms_of(body.entered_ns)
        return self._lied_ms.get(lane, -1.0) > entered or any(self._exit_eye(episode) == lane for episode in self._on)

    def _too_late(self) -> bool:
        late = any(e.switch.fault.kind is Kind.LATE for e in self._on)
        return late or self.world.ms() - self._late_ms < _TOO_LATE_MS

    # --- looking on -----------------------------------------------------------------------------------------------

    def _look(self) -> None:
        world = self.world
        world.after(_LOOK_MS, self._look)
        if world.room.fuse.left is not None:  # the daemon is about to be killed
            self._trouble()
        self._cover({episode.switch.fault.name for episode in self._on})
        self._technician()
        if len(world.promises.strays) > self._strays:
            self._strays = len(world.promises.strays)
            began = world.ms() - _LOOK_MS
            world.after(_STOPS_MS, lambda: self._stopped(began))
        self._watch.look(-1.0 if self._on else world.ms() - self._over_ms)
        if self._calm and not self._recovered:
            self._recovered = True
            self._watch.recovered()

    def _cover(self, faults: set[str]) -> None:
        """Note which states of parcels these faults meet."""
        if not faults or self.world.daemon is None:
            return
        states = Counter(parcel.state.value for parcel in self.world.daemon.line.tracker.parcels)
        for name in faults:
            for state, parcels in states.items():
                self.result.coverage[name, state] += parcels

    def _technician(self) -> None:
        """Somebody who does what the alarms say, once the fault itself is over."""
        world, now = self.world, self.world.ms()
        if self._on:
            return
        self._end_modes()
        guard = world.cabinet.program.guard
        if guard.stop_cause and now - self._pressed_ms > _PRESSES_AFTER_MS:
            self._pressed_ms = self._meddled_ms = now
            world.plant.acknowledge()
            self._trouble()
        alarms = world.daemon.line.alarms.open if world.daemon else {}
        steps = any(alarm == "trigger-step" for alarm, _ in alarms)
        if steps and world.wants_feed and now - self._paused_ms > _PAUSE_EVERY_MS:
            self._paused_ms = now
            world.wants_feed = False
            world.after(_PAUSE_MS, self._feed_again)
            self._trouble()

    def _end_modes(self) -> None:
        """Whoever finds the station in a mode or with a policy that nobody wants any more has it go live."""
        world, now = self.world, self.world.ms()
        if world.daemon is None or now - self._lived_ms < _GO_LIVE_EVERY_MS:
            return
        desk = world.daemon.line.desk
        if desk.mode.paused:
            world.commander.pause(on=False)
        if desk.mode.dry_run:
            world.commander.dry_run(on=False)
        if desk.rules.weight_range_g != WEIGHTS_G:
            world.commander.weights(WEIGHTS_G)
        if desk.mode.word != "automatic" or desk.rules.weight_range_g != WEIGHTS_G:
            self._lived_ms = now
            self._trouble()

    def _feed_again(self) -> None:
        if self.world.ms() >= self.seconds * 1000:
            return
        self.world.wants_feed = True
        self._trouble()

    def _stopped(self, began_ms: float) -> None:
        """What was detected too late must have stopped the belt by now, and a living station says so."""
        promises = self.world.promises
        if not self.world.cabinet.program.guard.stop_cause and self._pressed_ms < began_ms:
            promises.broken(Promise.STOPS, "an unreleased parcel passed, and the belt runs on")
        elif self.world.daemon is not None and promises.stop_alarm_ms < began_ms:
            promises.broken(Promise.STOPS, "an unreleased parcel stopped the belt, and no alarm says so")

    def _left(self, body: Body | None, lane: str) -> None:
        """In a calm stretch a clean parcel passes, and others are inspected for a cause."""
        if body is None or body.entered_ns is None or self._on:
            return
        if ms_of(body.entered_ns) < self._over_ms + RECOVER_MS:
            return
        first, self._shown_new = self._shown_new is not self.world.daemon, self.world.daemon
        self.result.calm += 1
        if not body.clean or body.barcodes & self.world.promises.held() or (first and self._only_shows_new(body)):
            return
        self.result.calm_clean += 1
        self._flow.append(lane == "pass")
        if lane == "pass":
            self.result.calm_passed += 1
        else:
            self.result.causeless.append(f"seed {self.result.seed}, {self.world.ms() / 1000:.1f} s, {body.key}")
            if len(self.result.causeless) == 3 + int(_CAUSELESS_AT_ONCE * self.result.calm):
                text = f"{len(self.result.causeless)} of {self.result.calm} inspections in calm stretches have no cause"
                self.world.promises.broken(Promise.USEFUL, text, body.key)
            if len(self._flow) == 3 and not any(self._flow):
                text = "three clean parcels in a row were inspected though all faults are over"
                self.world.promises.broken(Promise.LIVENESS, text, body.key)

    def _only_shows_new(self, body: Body) -> bool:
        """Without a picture of before a daemon inspects the first one: it only shows that the next is new."""
        seen = self.world.promises.evidence.of(body.key) if body.key is not None else None
        return seen is not None and {reason.code for reason in seen.reasons} == {"picture-unusable"}

    # --- the end --------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        world = self.world
        end = world.ms()
        world.wants_feed = False
        world.run_until(end + _DRAIN_MS)
        world.broker.still()
        world.run_until(world.ms() + _PUBLISH_MS + world.owed / DRAINED_PER_MS)
        world.promises.finish(end)
        for identity in world.commander.posted:
            if world.promises.unanswered(identity):
                world.promises.broken(Promise.OBEYED, f"command {identity} is never answered")
        excused = {event_id(message.payload) for message in world.broker.forgotten}
        runs, check = world.runs, world.subscriber
        for broken in check.verdict(runs.to_be_published(check.newest), excused, runs.firsts, runs.must_tell):
            world.promises.broken(Promise.AT_SUBSCRIBER, f"{broken.name}: {broken.id} {broken.text}")
        result = self.result
        result.violations = world.promises.violations
        result.parcels, result.released = world.promises.completed, world.promises.released
        result.events, result.strays = world.subscriber.arrivals, len(world.promises.strays)
        result.digest = world.subscriber.bytes.hexdigest()

    def _close(self) -> None:
        world = self.world
        world.supervised = False
        if world.publishing is not None:
            world.publishing.kill()
        world.kill_station()
        shutil.rmtree(self._folder, ignore_errors=True)


def storm_plant(seed: int) -> PlantConfig:
    """The plant of a seed: two of three are at the edges of what their station is told.

    The encoder's count wraps within the hour, in one of four also the PLC's clock.
    """
    first_count = _WORD - (seed * 7919) % 3_000_000
    first_ms = _WORD - (seed * 104_729) % 600_000 if seed % 4 == 1 else 1_000_000
    feed = FeedConfig(parcels_per_hour=PARCELS_PER_HOUR, two_labels_share=0.02)
    if seed % 3 == 0:
        return PlantConfig(
            seed=seed, feed=feed, belt=BeltConfig(first_count=first_count), plc=PlcConfig(first_ms=first_ms)
        )
    stated = {f"{device}_latency_ms": bounds for device, bounds in STATED_LATENCY_MS.items()}
    return PlantConfig(
        seed=seed,
        limits=_LIMITS,
        feed=feed,
        belt=BeltConfig(first_count=first_count),
        devices=DevicesConfig.model_validate(stated),
        plc=PlcConfig(first_ms=first_ms, drift_ppm=50.0 if seed % 2 else -50.0),
    )


def _fast_folder() -> str | None:
    """Memory, where the system has such a folder: a storm's disk is simulated."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
