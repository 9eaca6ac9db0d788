"""The plant as a whole: items on the belt, what eyes and devices make of them. Pure; the same for the same seed."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from simulator.config import PlantConfig
from simulator.plant.belt import Belt, draw_slips, travel_at
from simulator.plant.feed import Feed, Item
from simulator.plc.signals import EdgeSignal, Inputs, Outputs

_STEP_MS = 5.0
_AHEAD_MM = 300.0
_TRIGGERS = 65_535


@dataclass(frozen=True, slots=True)
class Emission:
    """A device says something: when it is due at the wire (plant ms), which device, about which item, and what."""

    due_ms: float
    device: str
    item: Item
    text: str = ""
    trigger: int = 0


@dataclass(slots=True)
class Plant:
    """All physical state. Time is ms since the start; nothing here reads a clock.

    `on_truth(kind, fields)` is told what really happened, for reports and nobody else.
    """

    config: PlantConfig
    on_truth: Callable[[str, dict[str, Any]], None] = lambda _kind, _fields: None
    ms: float = 0.0
    feeding: bool = True
    belt: Belt = field(init=False)
    items: list[Item] = field(default_factory=list)
    emissions: list[tuple[float, int, Emission]] = field(default_factory=list)
    diverter: float = 0.0
    stuck: bool = False
    lane_full: bool = False
    mode: int = 1
    operator_stop: bool = False
    silent: set[str] = field(default_factory=set)
    _random: Random = field(init=False)
    _feed: Feed = field(init=False)
    _edges: list[EdgeSignal] = field(default_factory=list)
    _happenings: list[tuple[float, int, str, Item, int]] = field(default_factory=list)
    _serial: int = 0
    _cover: dict[int, int] = field(default_factory=dict)
    _next: tuple[Item, float] = field(init=False)
    _tail: float = 0.0
    _armed: deque[int] = field(default_factory=deque)
    _triggers: int = 0
    _pulses: int = 0
    _to_pass: bool = False
    _acknowledge: bool = False

    def __post_init__(self) -> None:
        config = self.config
        self._random = Random(config.seed * 7919 + 1)
        self._feed = Feed(config.feed, config.seed, config.belt.speed_mm_s)
        self.belt = Belt(config.belt.speed_mm_s, config.belt.brake_mm)
        self._next = self._feed.next()

    # --- towards the PLC ----------------------------------------------------------------------------------------

    def inputs(self) -> Inputs:
        """The PLC's inputs now; edges latched since the last call."""
        edges, self._edges = tuple(self._edges), []
        acknowledge, self._acknowledge = self._acknowledge, False
        return Inputs(
            ms=int(self.plc_ms(self.ms)),
            count=self.count(self.belt.travel),
            edges=edges,
            at_pass=self.diverter >= 1.0,
            at_inspect=self.diverter <= 0.0,
            lane_full=self.lane_full,
            operator_stop=self.operator_stop,
            acknowledge=acknowledge,
            mode=self.mode,
        )

    def outputs(self, outputs: Outputs) -> None:
        """Take the PLC's outputs."""
        self.belt.running = outputs.belt
        self._to_pass = outputs.to_pass
        pulses = (outputs.triggers - self._pulses) % _TRIGGERS
        self._pulses = outputs.triggers
        if pulses > _TRIGGERS // 2:  # the PLC's program began anew; the X-ray machine counts on
            pulses = outputs.triggers
        for _ in range(pulses):
            self._triggers = self._triggers % _TRIGGERS + 1
            self._armed.append(self._triggers)

    def plc_ms(self, ms: float) -> float:
        """The PLC's own clock: it drifts."""
        return 1_000_000 + ms * (1 + self.config.plc.drift_ppm * 1e-6)

    def count(self, travel_mm: float) -> int:
        """Encoder count at that travel (not wrapped)."""
        return self.config.belt.first_count + int(travel_mm * 1000 / self.config.belt.um_per_count)

    # --- physics --------------------------------------------------------------------------------------------------

    def advance(self, to_ms: float) -> None:
        """Let the plant's time run to `to_ms`."""
        while self.ms < to_ms:
            step = min(_STEP_MS, to_ms - self.ms)
            before, after = self.belt.step(step / 1000)
            self._turn_diverter(step)
            self._feed_up_to(after)
            while self._happenings and self._happenings[0][0] <= after:
                travel, _, kind, item, where = heapq.heappop(self._happenings)
                share = (travel - before) / (after - before) if after > before else 1.0
                self._happen(kind, item, where, travel, self.ms + step * max(0.0, min(1.0, share)))
            self.ms += step

    def acknowledge(self) -> None:
        """Somebody presses the acknowledge button at the panel."""
        self._acknowledge = True

    def due(self, ms: float) -> list[Emission]:
        """Take out what devices say up to that time."""
        found = []
        while self.emissions and self.emissions[0][0] <= ms:
            found.append(heapq.heappop(self.emissions)[2])
        return found

    def remove(self, from_mm: float, to_mm: float) -> Item | None:
        """Lift off the first item whose leading edge lies in that stretch."""
        for item in self.items:
            if item.on_belt and from_mm <= self.position(item) <= to_mm:
                item.on_belt = False
                self.on_truth("removed", {"item": item.identity})
                return item
        return None

    def add(self, item: Item, at_mm: float) -> None:
        """Put an item down with its leading edge at that place."""
        item.start = self.belt.travel - at_mm
        item.slips = self._slips()
        item.faults.add("added by hand")
        self.on_truth("added", {**item.facts(), "at_mm": round(at_mm)})
        self._plan(item, at_mm)

    def position(self, item: Item) -> float:
        """Place of an item's leading edge in mm, to the accuracy of slip."""
        return self.belt.travel - item.start + item.offset

    def _slips(self) -> tuple[float, ...]:
        return draw_slips(self._random, len(self._stretches()) + 1, self.config.belt.slip)

    def _stretches(self) -> tuple[float, ...]:
        places = {place for place in self.config.plc.eyes_mm if place > 0} | {self.config.plc.diverter_mm}
        return tuple(float(place) for place in sorted(places))

    def _turn_diverter(self, step_ms: float) -> None:
        if not self.stuck:
            change = step_ms / self.config.plc.switch_ms
            self.diverter = min(1.0, max(0.0, self.diverter + (change if self._to_pass else -change)))

    def _feed_up_to(self, travel: float) -> None:
        while self.feeding:
            item, gap = self._next
            start = max(self._tail + gap, travel + _AHEAD_MM / 2)
            if start > travel + _AHEAD_MM:
                return
            item.start = start
            item.slips = self._slips()
            self._tail = start + item.length_mm
            self.on_truth("fed", item.facts())
            self._plan(item, -1.0)
            self._next = self._feed.next()

    def _plan(self, item: Item, from_mm: float) -> None:
        """Enter all that will happen to the item beyond `from_mm`."""
        self.items.append(item)
        plc, devices = self.config.plc, self.config.devices
        for eye, place in enumerate(plc.eyes_mm[:-2]):
            self._at(item, place, from_mm, "break", eye)
            self._at(item, place + item.length_mm, from_mm, "free", eye)
        scan = sum(devices.scanner_mm) / 2 + item.label_at * item.length_mm
        self._at(item, scan, from_mm, "scan", 0)
        middle = sum(devices.scale_mm) / 2 + item.length_mm / 2
        half = devices.scale_measuring_ms / 2000 * self.config.belt.speed_mm_s
        self._at(item, middle + half, from_mm, "weigh", 0)
        self._at(item, devices.xray_mm[1] + item.length_mm, from_mm, "expose", 0)
        self._at(item, plc.diverter_mm, from_mm, "divert", 0)
        self._at(item, plc.eyes_mm[-1], from_mm, "exit", 1)
        self._at(item, plc.eyes_mm[-1] + item.length_mm, from_mm, "exit", 0)

    def _at(self, item: Item, place_mm: float, from_mm: float, kind: str, where: int) -> None:
        if place_mm > from_mm:
            self._serial += 1
            travel = travel_at(item, place_mm, self._stretches())
            heapq.heappush(self._happenings, (travel, self._serial, kind, item, where))

    def _happen(self, kind: str, item: Item, where: int, travel: float, ms: float) -> None:
        if not item.on_belt:
            return
        match kind:
            case "break":
                self._beam(where, 1, travel, ms, item)
            case "free":
                self._beam(where, -1, travel, ms, item)
            case "exit":
                lane = len(self.config.plc.eyes_mm) - (2 if item.lane == "pass" else 1)
                self._beam(lane, 1 if where else -1, travel, ms, item)
                if where:
                    self.on_truth("left", {"item": item.identity, "lane": item.lane, "ms": round(ms, 1)})
                else:
                    item.on_belt = False
                    self.items.remove(item)
            case "divert":
                item.lane = "pass" if self.diverter >= 0.5 else "inspect"
            case "scan":
                self._scan(item, ms)
            case "weigh":
                self._weigh(item, travel, ms)
            case "expose":
                self._expose(item, ms)

    def _beam(self, eye: int, change: int, travel: float, ms: float, item: Item) -> None:
        before = self._cover.get(eye, 0)
        self._cover[eye] = before + change
        if (before == 0) == (self._cover[eye] == 0):
            return
        late = self._random.uniform(0, self.config.plc.latch_ms)
        count = self.count(travel + late / 1000 * self.belt.speed_mm_s)
        self._edges.append(EdgeSignal(eye, change > 0, count, int(self.plc_ms(ms + late))))
        if eye == 0 and change > 0:
            self.on_truth("infeed", {"item": item.identity, "count": count % (1 << 32), "ms": round(ms, 1)})

    def _say(self, emission: Emission) -> None:
        if emission.device in self.silent:
            return
        self._serial += 1
        heapq.heappush(self.emissions, (emission.due_ms, self._serial, emission))

    def _scan(self, item: Item, ms: float) -> None:
        latency = self._random.uniform(*self.config.devices.scanner_latency_ms)
        misread = self._random.random() < self.config.feed.misread_share
        if misread:
            item.faults.add("misread")
        code = "NOREAD" if item.barcode is None or misread else item.barcode
        self._say(Emission(ms + latency, "scanner", item, code))

    def _weigh(self, item: Item, travel: float, ms: float) -> None:
        """The scale weighs whatever lies on it at the middle of measuring: all of it, if there is more than one."""
        devices = self.config.devices
        then = travel - devices.scale_measuring_ms / 2000 * self.belt.speed_mm_s
        low, high = devices.scale_mm
        on_scale = [
            other
            for other in self.items
            if other.on_belt
            and travel_at(other, low, self._stretches()) <= then
            and then <= travel_at(other, high + other.length_mm, self._stretches())
        ]
        weight = sum(other.weight_g for other in on_scale) + self._random.uniform(-1, 1) * devices.scale_noise_g
        latency = self._random.uniform(*devices.scale_latency_ms)
        self._say(Emission(ms + latency, "scale", item, f"{weight / 1000:.3f}"))

    def _expose(self, item: Item, ms: float) -> None:
        if not self._armed:
            return
        trigger = self._armed.popleft()
        latency = self._random.uniform(*self.config.devices.xray_latency_ms)
        self._say(Emission(ms + latency, "xray", item, trigger=trigger))
