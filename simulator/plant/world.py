"""The plant as a whole: items on the belt, what eyes and devices make of them. Pure; the same for the same seed."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from simulator.config import STATED_LATENCY_MS, PlantConfig
from simulator.faults import Switch
from simulator.plant import mishaps
from simulator.plant.belt import Belt, draw_slips, travel_at
from simulator.plant.draw import drawn
from simulator.plant.eyes import Eyes
from simulator.plant.feed import Feed, Item
from simulator.plant.listed import ListedFeed, feed_of
from simulator.plant.trouble import Emission, Sensed, Trouble
from simulator.plc.signals import EdgeSignal, Inputs, Outputs

_STEP_MS = 5.0
_TREMBLE_MS = 30.0
_AHEAD_MM = 300.0
_UNSURE_MM = 60.0
_TRIGGERS = 65_535


@dataclass(slots=True)
class Plant:
    """All physical state. Time is ms since the start; nothing here reads a clock.

    `on_truth(kind, fields)` is told what really happened, for reports and nobody else; `zero_ms` is the time from which
    listed parcels reckon theirs.
    """

    config: PlantConfig
    on_truth: Callable[[str, dict[str, Any]], None] = lambda _kind, _fields: None
    ms: float = 0.0
    feeding: bool = True
    belt: Belt = field(init=False)
    items: list[Item] = field(default_factory=list)
    emissions: list[tuple[float, int, Emission]] = field(default_factory=list)
    diverter: float = 0.0
    mode: int = 1
    trouble: Trouble = field(init=False)
    eyes: Eyes = field(init=False)
    encoder_mm: float = 0.0
    clock_ms: float = 0.0
    by_hand: int = 0
    zero_ms: float = 0.0
    _random: Random = field(init=False)
    _feed: Feed | ListedFeed = field(init=False)
    _happenings: list[tuple[float, int, str, Item, int]] = field(default_factory=list)
    _serial: int = 0
    _next: tuple[Item, float] = field(init=False)
    _last_fed: Item | None = None
    _tail: float = 0.0
    _armed: deque[int] = field(default_factory=deque)
    _triggers: int = 0
    _exposed: int | None = None
    _pulses: int = 0
    _true_from: float = float("-inf")
    _to_pass: bool = False
    _acknowledge: bool = False
    _stretches: tuple[float, ...] = field(init=False)
    _ahead_ms: float = field(init=False)
    _encoder_faults: frozenset[str] = frozenset({"encoder-slip", "encoder-dead", "encoder-reversal"})

    def __post_init__(self) -> None:
        config = self.config
        self._random = Random(config.seed * 7919 + 1)
        self._feed = feed_of(config)
        self.belt = Belt(config.belt.speed_mm_s, config.belt.brake_mm)
        most = config.devices.latency_ms()
        slack = {device: STATED_LATENCY_MS[device][1] - most[device] for device in most}
        self.trouble = Trouble(Random(config.seed * 104_729 + 3), slack)
        eyes = len(config.plc.eyes_mm)
        self.eyes = Eyes(eyes, config.plc.latch_ms, self.trouble, self._random, config.limits)
        places = {place for place in config.plc.eyes_mm if place > 0} | {config.plc.diverter_mm}
        self._stretches = tuple(float(place) for place in sorted(places))
        self._ahead_ms = _AHEAD_MM / 2 / config.belt.speed_mm_s * 1000
        self._next = self._feed.next()

    # --- towards the PLC ----------------------------------------------------------------------------------------

    def inputs(self) -> Inputs:
        """The PLC's inputs now; edges latched since the last call."""
        edges: tuple[EdgeSignal, ...] = ()
        if self.eyes.edges:
            edges, self.eyes.edges = tuple(self.eyes.edges), []
        acknowledge, self._acknowledge = self._acknowledge, False
        at_pass, at_inspect = self.diverter >= 1.0, self.diverter <= 0.0
        if "diverter-input" in self.trouble.on:
            at_pass = at_inspect = self.trouble.size("diverter-input", "both") is not None
        on = self.trouble.on
        return Inputs(
            ms=int(self.plc_ms(self.ms)),
            count=self.count(self.belt.travel - self._sprung_mm()),
            edges=edges,
            at_pass=at_pass,
            at_inspect=at_inspect,
            lane_full="lane-full" in on,
            operator_stop="operator-stop" in on,
            acknowledge=acknowledge,
            mode=2 if "hand-mode" in on else self.mode,
        )

    def outputs(self, outputs: Outputs) -> None:
        """Take the PLC's outputs."""
        self.belt.running = outputs.belt
        self._to_pass = outputs.to_pass
        if outputs.triggers == self._pulses:
            return
        pulses = (outputs.triggers - self._pulses) % _TRIGGERS
        self._pulses = outputs.triggers
        if pulses > _TRIGGERS // 2:  # the PLC's program began anew; the X-ray machine counts on
            pulses = outputs.triggers
        for _ in range(pulses):
            if self.trouble.strikes("trigger-missed"):
                continue
            self._triggers = self._triggers % _TRIGGERS + 1
            self._armed.append(self._triggers)

    def plc_ms(self, ms: float) -> float:
        """The PLC's own clock: it drifts."""
        return self.config.plc.first_ms + ms * (1 + self.config.plc.drift_ppm * 1e-6) + self.clock_ms

    def count(self, travel_mm: float) -> int:
        """Encoder count at that travel (not wrapped)."""
        turned_mm = travel_mm + self.encoder_mm
        return self.config.belt.first_count + int(turned_mm * 1000 / self.config.belt.um_per_count)

    # --- physics --------------------------------------------------------------------------------------------------

    def advance(self, to_ms: float) -> None:
        """Let the plant's time run to `to_ms`, in one step where nothing but the parcels changes."""
        while self.ms < to_ms:
            step = to_ms - self.ms
            if not self.steady:
                step = min(_STEP_MS, step)
            before, after = self.belt.step(step / 1000)
            self._turn_diverter(step)
            if self.trouble.on:
                self._drift(step, after - before)
            if self.feeding:
                self._feed_up_to(after)
            while self._happenings and self._happenings[0][0] <= after:
                travel, _, kind, item, where = heapq.heappop(self._happenings)
                share = (travel - before) / (after - before) if after > before else 1.0
                self._happen(kind, item, where, travel, self.ms + step * max(0.0, min(1.0, share)))
            self.ms += step

    @property
    def steady(self) -> bool:
        """True while belt and diverter keep what they do, and no fault is on."""
        belt = self.belt
        even = belt.speed_mm_s == (belt.full_mm_s if belt.running else 0.0)
        return even and self.diverter == (1.0 if self._to_pass else 0.0) and not self.trouble.on

    def put(self, switch: Switch) -> None:
        """Put a fault in."""
        once = mishaps.ONCE.get(switch.fault.name)
        if once is not None:
            once(self, switch.size)
            return
        self.trouble.put(switch)
        if switch.fault.group == "photo-eyes":
            self._look(int(switch.target))

    def lift(self, switch: Switch) -> None:
        """Take a fault away."""
        self.trouble.lift(switch)
        if switch.fault.group == "photo-eyes":
            self._look(int(switch.target))
        if (switch.fault.name, switch.target) == ("device-rebooting", "xray"):
            self._triggers = 0
            self._armed.clear()

    def _look(self, eye: int) -> None:
        """What the eye says may change by itself: it sees again what lies under it, or not any more."""
        count = self.eyes.look(eye, self._latched(self.belt.travel, self.ms))
        seen = self.eyes.under(eye)
        if count is None or seen is None:
            return
        if eye == 0:
            self._entered(seen, count, self.ms)
        else:
            self.on_truth("seen-late", {"item": seen, "eye": eye})

    def _entered(self, item: int, count: int, ms: float) -> None:
        self.on_truth("infeed", {"item": item, "count": count % (1 << 32), "ms": round(ms, 1)})

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
                self.lift_off(item)
                return item
        return None

    def lift_off(self, item: Item) -> None:
        """Take that item off the belt by hand."""
        item.on_belt = False
        self.items.remove(item)
        self.eyes.lifted(item, self._latched(self.belt.travel, self.ms))
        self.on_truth("removed", {"item": item.identity})

    def add(self, item: Item, at_mm: float) -> None:
        """Put an item down with its leading edge at that place; it must not lie under an eye."""
        item.start = self.belt.travel - at_mm
        item.slips = self._slips()
        item.faults.add("added by hand")
        self._plan(item, at_mm)
        self.on_truth("added", {**item.facts(), "at_mm": round(at_mm)})

    def swap(self, item: Item, other: Item) -> None:
        """Put another item of the same length where that one lies."""
        place = self.position(item)
        other.start, other.slips, other.offset = item.start, item.slips, item.offset
        other.faults.add("added by hand")
        self._happenings = [(t, n, k, other if i is item else i, w) for t, n, k, i, w in self._happenings]
        self.items[self.items.index(item)] = other
        self.eyes.swapped(item, other)
        item.on_belt = False
        self.on_truth("swapped", {**other.facts(), "for": item.identity})
        self.on_truth("removed", {"item": item.identity, "at_mm": round(place)})

    def position(self, item: Item) -> float:
        """Place of an item's leading edge in mm, to the accuracy of slip."""
        return self.belt.travel - item.start + item.offset

    def left_mm(self, item: Item, place_mm: float) -> float:
        """How far the belt moves until the item's leading edge is there."""
        return travel_at(item, place_mm, self._stretches) - self.belt.travel

    def _slips(self) -> tuple[float, ...]:
        return draw_slips(self._random, len(self._stretches) + 1, self.config.belt.slip, self.config.limits)

    def _drift(self, step_ms: float, moved_mm: float) -> None:
        """What faults make of the encoder's count and of the PLC's clock in a step."""
        trouble = self.trouble
        lag = trouble.size("encoder-slip") or 0.0
        if trouble.size("encoder-dead") is not None:
            lag = 1.0
        if trouble.size("encoder-reversal") is not None:
            lag = 2.0
        if lag:
            self.turn_encoder(-lag * moved_mm)
        self.clock_ms += step_ms * (trouble.size("plc-clock-drift") or 0.0) * 1e-6

    def _sprung_mm(self) -> float:
        """How far the wheel of a standing belt has sprung back: it trembles."""
        size = self.trouble.size("encoder-tremble")
        if size is None or self.belt.speed_mm_s:
            return 0.0
        return size * (int(self.ms / _TREMBLE_MS) % 2)

    def turn_encoder(self, mm: float) -> None:
        """The encoder's wheel turns so far beside what the belt moves."""
        self.encoder_mm += mm
        self._true_from = self.belt.travel

    def _turn_diverter(self, step_ms: float) -> None:
        wanted = 1.0 if self._to_pass else 0.0
        if self.diverter != wanted and "diverter-stuck" not in self.trouble.on:
            change = step_ms / self.config.plc.switch_ms / (self.trouble.size("diverter-slow") or 1.0)
            self.diverter = min(1.0, max(0.0, self.diverter + (change if self._to_pass else -change)))

    def _feed_up_to(self, travel: float) -> None:
        while self.feeding:
            item, gap = self._next
            if self._tail + gap > travel + _AHEAD_MM or item.due_ms > self.ms - self.zero_ms + self._ahead_ms:
                return
            start = max(self._tail + gap, travel + _AHEAD_MM / 2)
            item.start = start
            item.slips = self._slips()
            self._trip(item)
            self._tail = start + item.length_mm
            self._plan(item, -1.0)
            self.on_truth("fed", item.facts())
            self._last_fed = item
            self._next = self._crowd(*self._feed.next())

    def _crowd(self, item: Item, gap: float) -> tuple[Item, float]:
        """Parcels that come too close, or touch."""
        before, close = self._last_fed, self.trouble.size("parcels-close")
        touching = self.trouble.size("parcels-touching") is not None
        if before is None or (close is None and not touching):
            return item, gap
        for one in (before, item):
            one.faults.add("too close")
        if touching:
            item.body = before.body
            return item, 0.0
        return item, close or 0.0

    def _trip(self, item: Item) -> None:
        """Parcels that will turn on their way."""
        turn = self.trouble.size("parcel-turned")
        if turn is not None:
            eye = self._random.randrange(1, self.config.plc.decision_eye + 1)
            item.turned = eye, self._random.choice((-0.5, 1.0)) * turn
            item.faults.add("turned")

    def _plan(self, item: Item, from_mm: float) -> None:
        """Enter all that will happen to the item beyond `from_mm`."""
        self.items.append(item)
        plc, devices = self.config.plc, self.config.devices
        for eye, place in enumerate(plc.eyes_mm[:-2]):
            length = item.length_mm
            if item.turned is not None and eye >= item.turned[0]:
                length = max(20.0, length + item.turned[1])
            rocks = self._rocks() if eye else 0.0
            self._at(item, place + rocks, from_mm, "break", eye)
            self._at(item, place + rocks + length, from_mm, "free", eye)
        labels = [item.label_at] if item.second is None else [item.label_at, (item.label_at + 0.5) % 1]
        for label, at in enumerate(labels):
            self._at(item, self._senses(devices.scanner_mm) + at * item.length_mm, from_mm, "scan", label)
        middle = sum(devices.scale_mm) / 2 + item.length_mm / 2
        half = devices.scale_measuring_ms / 2000 * self.config.belt.speed_mm_s
        self._at(item, middle + half, from_mm, "weigh", 0)
        self._at(item, devices.xray_mm[1] + item.length_mm, from_mm, "expose", 0)
        self._at(item, plc.diverter_mm, from_mm, "divert", 0)
        self._at(item, plc.eyes_mm[-1], from_mm, "exit", 1)
        self._at(item, plc.eyes_mm[-1] + item.length_mm, from_mm, "exit", 0)

    def _rocks(self) -> float:
        """How far an item has moved on the belt by itself where an eye sees it; half of what is allowed for, each."""
        limits, most = self.config.limits, self.config.plc.tolerance_mm / 2
        return drawn(self._random, -most, most, limits) if limits else 0.0

    def _senses(self, zone_mm: tuple[int, int]) -> float:
        """Where in its zone a device senses: in the middle, or anywhere."""
        limits = self.config.limits
        return drawn(self._random, *zone_mm, limits) if limits else sum(zone_mm) / 2

    def _at(self, item: Item, place_mm: float, from_mm: float, kind: str, where: int) -> None:
        if place_mm > from_mm:
            self._serial += 1
            travel = travel_at(item, place_mm, self._stretches)
            heapq.heappush(self._happenings, (travel, self._serial, kind, item, where))

    def _happen(self, kind: str, item: Item, where: int, travel: float, ms: float) -> None:
        if not item.on_belt:
            return
        match kind:
            case "break" | "free":
                self._beam(where, item, travel, ms, breaks=kind == "break")
            case "exit":
                lane = len(self.config.plc.eyes_mm) - (2 if item.lane == "pass" else 1)
                self._beam(lane, item, travel, ms, breaks=bool(where))
                if where:
                    self.on_truth("left", {"item": item.identity, "lane": item.lane, "ms": round(ms, 1)})
                else:
                    item.on_belt = False
                    self.items.remove(item)
            case "divert":
                item.lane = "pass" if self.diverter >= 0.5 else "inspect"
            case "scan":
                self._scan(item, item.second if where else item.barcode, travel, ms)
            case "weigh":
                self._weigh(item, travel, ms)
            case "expose":
                self._expose(item, travel, ms)

    def _latched(self, travel: float, ms: float) -> Callable[[float], tuple[int, int]]:
        """Make count and PLC ms of the ms by which an edge at that travel and time is latched too late."""
        speed = self.belt.speed_mm_s / 1000
        return lambda late: (self.count(travel + late * speed), int(self.plc_ms(ms + late)))

    def _beam(self, eye: int, item: Item, travel: float, ms: float, *, breaks: bool) -> None:
        alone, latched = not self.eyes.covered(eye), len(self.eyes.edges)
        count = self.eyes.pass_by(eye, item, self._latched(travel, ms), breaks=breaks)
        if breaks and alone and len(self.eyes.edges) != latched + 1:
            self.on_truth("misseen", {"item": item.identity, "eye": eye, "edges": len(self.eyes.edges) - latched})
        if eye == 0 and breaks and count is not None:
            self._entered(item.identity, count, ms)
        if eye == self.config.plc.decision_eye and breaks:
            self.on_truth("decision-eye", {"item": item.identity, "ms": round(ms, 1)})

    def under(self, zone_mm: tuple[float, float]) -> list[Item]:
        """Items of which some part lies in that zone for certain."""
        low, high = zone_mm
        return [
            item
            for item in self.items
            if item.on_belt
            and low + _UNSURE_MM < self.position(item)
            and self.position(item) - item.length_mm < high - _UNSURE_MM
        ]

    def _say(self, emission: Emission) -> None:
        for said in self.trouble.said(emission):
            self._serial += 1
            heapq.heappush(self.emissions, (said.due_ms, self._serial, said))

    def _latency(self, least_and_most: tuple[float, float]) -> float:
        return drawn(self._random, *least_and_most, self.config.limits)

    def _sensed(self, travel: float, lasts_ms: float = 0.0) -> Sensed | None:
        """What the encoder showed from so long before that travel up to it; None unless belt and encoder went well."""
        belt = self.belt
        began = travel - lasts_ms / 1000 * belt.full_mm_s
        if began < max(belt.steady_from, self._true_from) or not self._encoder_faults.isdisjoint(self.trouble.on):
            return None
        return Sensed(self.count(began), self.count(travel), self.encoder_mm)

    def _scan(self, item: Item, label: str | None, travel: float, ms: float) -> None:
        latency = self._latency(self.config.devices.scanner_latency_ms)
        misread = self._random.random() < self.config.feed.misread_share
        if misread:
            item.faults.add("misread")
        code = "NOREAD" if label is None or misread else label
        self._say(Emission(ms + latency, "scanner", item, code, shows=item.body, sensed=self._sensed(travel)))

    def _weigh(self, item: Item, travel: float, ms: float) -> None:
        """The scale weighs whatever lies on it at the middle of measuring: all of it, if there is more than one."""
        devices = self.config.devices
        then = travel - devices.scale_measuring_ms / 2000 * self.belt.speed_mm_s
        low, high = devices.scale_mm
        on_scale = [
            other
            for other in self.items
            if other.on_belt
            and travel_at(other, low, self._stretches) <= then
            and then <= travel_at(other, high + other.length_mm, self._stretches)
        ]
        weight = sum(other.weight_g for other in on_scale) + self._random.uniform(-1, 1) * devices.scale_noise_g
        latency = self._latency(devices.scale_latency_ms)
        shows = item.body if {other.body for other in on_scale} == {item.body} else None
        sensed = self._sensed(travel, devices.scale_measuring_ms)
        self._say(Emission(ms + latency, "scale", item, f"{weight / 1000:.3f}", shows=shows, sensed=sensed))

    def _expose(self, item: Item, travel: float, ms: float) -> None:
        if not self._armed or item.body == self._exposed:
            return
        self._exposed = item.body
        trigger = self._armed.popleft()
        latency = self._latency(self.config.devices.xray_latency_ms)
        touching = [part for part in self.items if part.on_belt and part.body == item.body]
        hazards = tuple(hazard for part in touching for hazard in part.hazards)
        told = Emission(ms + latency, "xray", item, trigger=trigger, shows=item.body, hazards=hazards)
        self._say(replace(told, sensed=self._sensed(travel)))
