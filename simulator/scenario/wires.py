"""A scenario on real wires: plant, broker and the real daemon as processes, faults put in at their times."""

from __future__ import annotations

import heapq
import json
import queue
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import apsw

from simulator.config import PlantConfig, load_plant
from simulator.demo.report import Truth
from simulator.demo.run import Demo, DemoOptions, demo
from simulator.faults import Kind
from simulator.scenario.account import Account, Body, Key
from simulator.scenario.model import Scenario
from simulator.scenario.site import Site
from station.resources import examples

_READY_S = 60.0
_LOOK_S = 0.25
_TURN_S = 0.02
_BROKEN = {
    "passed_without_own_clean_evidence": "a parcel passed without clean evidence of its own",
    "passed_without_a_number": "a parcel passed without a number",
    "in_the_wrong_lane": "a parcel left by another lane than the station says",
}
"""Figures of the demo's report that must be zero whatever the fault, but for parcels whose fault is found too late."""
_TOO_LATE_S = 4.0
"""So long behind a fault that is found too late what it did may still show, as in a storm."""


class WiresError(Exception):
    """The line does not come up, or a part of it died; the text says which."""


class StoppedError(Exception):
    """Somebody pressed Ctrl-C."""


@dataclass(order=True, slots=True)
class _Due:
    at_s: float
    serial: int
    act: Callable[[], None] = field(compare=False)


@dataclass(slots=True)
class Line:
    """A running line with a scenario's clock; `begin_s` is that clock's zero on the system's monotonic one."""

    scenario: Scenario
    running: Demo
    begin_s: float = 0.0
    notes: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    site: Site = field(init=False)
    _agenda: list[_Due] = field(default_factory=list)
    _serial: int = 0

    def __post_init__(self) -> None:
        self.site = Site(self.running, self._later, self._note)

    def now_s(self) -> float:
        """The scenario's time."""
        return time.monotonic() - self.begin_s

    def begin(self) -> None:
        """Wait until parcels may come, and set the clock by it; raises WiresError, StoppedError."""
        limit = time.monotonic() + _READY_S
        while (feeding_ms := self._ms_of("feeding")) is None:
            self._pause()
            if time.monotonic() > limit:
                raise WiresError(f"no session within {_READY_S:g} s\n{self._log()}")
        self.site.tell("mark zero")
        marked_s = time.monotonic()
        marked_ms = self._ms_of("mark") or feeding_ms
        zero_ms = feeding_ms - self.scenario.config().empty_s() * 1000
        self.begin_s = marked_s - (marked_ms - zero_ms) / 1000

    def run(self, tick: Callable[[float], None]) -> None:
        """Put faults in and take them away until the time is over; raises WiresError, StoppedError."""
        for episode in self.scenario.episodes():
            self._at(episode.at_s, lambda e=episode: self.site.put(e.switch, e.seconds))  # type: ignore[misc]
        for part in self.scenario.commands:
            self._at(part.at_s, lambda do=part.do: self._do(do))  # type: ignore[misc]
        look_s = 0.0
        while (now_s := self.now_s()) < self.scenario.seconds:
            self._act(now_s)
            self._pause()
            if now_s >= look_s:
                look_s = now_s + _LOOK_S
                self.site.technician(now_s)
                tick(now_s)
        self._act(float("inf"))

    def _act(self, up_to_s: float) -> None:
        while self._agenda and self._agenda[0].at_s <= up_to_s:
            heapq.heappop(self._agenda).act()

    def _at(self, at_s: float, act: Callable[[], None]) -> None:
        self._serial += 1
        heapq.heappush(self._agenda, _Due(at_s, self._serial, act))

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self._at(self.now_s() + seconds, act)

    def _note(self, kind: str, fields: dict[str, Any]) -> None:
        self.notes.append((self.now_s(), kind, fields))

    def _do(self, command: str) -> None:
        self._note("command", {"command": command})
        self.site.tell(command)

    def _pause(self) -> None:
        """A moment, in which Ctrl-C or a death is noticed."""
        if self.running.stopping.wait(_TURN_S):
            raise StoppedError
        if self.running.plant.process.poll() is not None:
            raise WiresError("the plant died")
        if self.running.station.poll() is not None and not self.site.away:
            raise WiresError(f"the station died\n{self._log()}")

    def _log(self) -> str:
        return (self.running.folder / "station.log").read_text(encoding="utf-8", errors="replace")[-1500:]

    def _ms_of(self, kind: str) -> float | None:
        found = [fact["ms"] for fact in self.facts() if fact["kind"] == kind]
        return found[-1] if found else None

    def facts(self) -> Iterator[dict[str, Any]]:
        """The plant's truth so far; a last line that is being written is left out."""
        path = self.running.folder / "truth.jsonl"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return (json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n"))


def run(scenario: Scenario, tick: Callable[[float], None]) -> Account:
    """Run a scenario; `tick` is told of the time now and then.

    Raises:
        WiresError: the line does not come up, or a part died.
        StoppedError: somebody pressed Ctrl-C.
    """
    plant = plant_of(scenario)
    overrides = (f"line.speed_mm_s={plant.belt.speed_mm_s}",)
    options = DemoOptions(scenario.seconds, plant.feed.parcels_per_hour, plant.seed, plant=plant, overrides=overrides)
    try:
        with demo(options) as running:
            line = Line(scenario, running)
            line.begin()
            line.run(tick)
            report = running.finish()
            if running.interrupted:
                raise StoppedError
            return account_of(line, report)
    except (RuntimeError, OSError, queue.Empty) as error:
        raise WiresError(str(error) or "the plant does not answer") from error


def plant_of(scenario: Scenario) -> PlantConfig:
    """The demo's plant with the scenario's seed, feed, belt and parcels."""
    config, base = scenario.config(), load_plant(examples() / "plant.yaml")
    update = {"seed": config.seed, "feed": config.feed, "belt": config.belt, "parcels": config.parcels}
    return base.model_copy(update=update)


def account_of(line: Line, report: Mapping[str, Any]) -> Account:
    """What happened, out of the plant's truth and the station's journal."""
    account = Account()
    facts = list(line.facts())
    for seconds, kind, fields in sorted([*_timed(line, facts), *line.notes], key=lambda entry: entry[0]):
        account.fact(seconds, kind, fields)
    truth = Truth()
    truth.take(json.dumps(fact) for fact in facts)
    for key, item in truth.numbers.items():
        if item in account.bodies:
            account.bodies[item].key = key
    for event in _events(line):
        account.event(*event)
    account.broken = [*_broken(line.scenario, report, account), *_unaccounted(account, truth.numbers)]
    return account


def _timed(line: Line, facts: Iterable[dict[str, Any]]) -> Iterator[tuple[float, str, dict[str, Any]]]:
    """Facts with the scenario's time; one that has none is of the time of the one before."""
    facts = list(facts)
    feeding_ms = next(fact["ms"] for fact in facts if fact["kind"] == "feeding")
    zero_ms = feeding_ms - line.scenario.config().empty_s() * 1000
    ms = zero_ms
    for fact in facts:
        ms = fact.get("ms", ms)
        yield (ms - zero_ms) / 1000, fact["kind"], fact


def _events(line: Line) -> Iterator[tuple[float, str, dict[str, Any]]]:
    db = apsw.Connection(str(line.running.data / "journal.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        for mono_ns, kind, payload in db.execute("SELECT mono_ns, type, payload FROM event ORDER BY seq"):
            yield mono_ns / 1e9 - line.begin_s, kind, json.loads(payload)
    finally:
        db.close()


def _broken(scenario: Scenario, report: Mapping[str, Any], account: Account) -> Iterator[str]:
    switches = [episode.switch for episode in scenario.episodes()]
    for name, text in _BROKEN.items():
        items = [
            item for item in report["items"].get(name, ()) if not _found_too_late(scenario, account.bodies.get(item))
        ]
        if items:
            yield f"{text}: {len(items)}, the first is item {items[0]}"
    broker_lost = any(switch.fault.name.startswith("broker-") for switch in switches)  # ours keeps nothing on disk
    if report["events_read_again"] > report["events_journaled"] / 10 and not broker_lost:
        yield f"{report['events_read_again']} events did not reach the subscriber"
    if report["out_of_order"]:
        yield f"{report['out_of_order']} events reached the subscriber out of order"
    if report["station_exit_code"]:
        yield f"the station ended with code {report['station_exit_code']}"


def _found_too_late(scenario: Scenario, body: Body | None) -> bool:
    """Whether it was on the belt while a fault was on, or just over, that is found too late for what it meets."""
    if body is None or body.entered_s is None:
        return False
    belt = scenario.config()
    rides_s = 2 * belt.plc.eyes_mm[-1] / belt.belt.speed_mm_s  # it may stand meanwhile
    late = [episode for episode in scenario.episodes() if episode.switch.fault.kind is Kind.LATE]
    return any(e.at_s - rides_s <= body.entered_s <= e.at_s + e.seconds + _TOO_LATE_S for e in late)


def _unaccounted(account: Account, numbers: Mapping[Key, int]) -> Iterator[str]:
    done = Counter((d["parcel"]["epoch"], d["parcel"]["number"]) for _, d in account.of("parcel-completed"))
    for key in numbers:
        if done[key] != 1:
            yield f"parcel {key[0]}/{key[1]} was completed {done[key]} times"
