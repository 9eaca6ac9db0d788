"""What went wrong for others on belts and PLCs, tried on the core with the simulated plant (cases C11 to C76)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simulator.config import BeltConfig, FeedConfig, PlantConfig
from simulator.faults import Switch
from simulator.plant.feed import Item
from station.core.events import (
    Arrived,
    BarcodeReading,
    Detection,
    DeviceState,
    Edge,
    Event,
    Frame,
    Lane,
    ListsLoaded,
    OutcomeSeen,
    PlcSample,
    Tick,
)
from station.core.records import ParcelCompleted
from tests.unit.core.test_whole_line import ZEROS, busy
from tests.unit.core.virtual_line import MS, VirtualLine


def assert_zeros(line: VirtualLine) -> dict[str, int]:
    report = line.report()
    assert not {name: report[name] for name in ZEROS if report[name]}
    return report


def entering(line: VirtualLine) -> Item | None:
    """The item that covers the infeed eye now."""
    items = [item for item in line.plant.items if 20 < line.plant.position(item) < item.length_mm]
    return items[-1] if items else None


@pytest.mark.parametrize("gap_mm", [0.0, 5.0, 60.0])
def test_c15_touching_parcels_are_never_released(gap_mm: float) -> None:
    line = VirtualLine(busy(21, 2400))
    line.run(10)
    pairs = []
    for turn in range(8):
        while not (first := entering(line)):
            line.step()
        second = Item(10_000 + turn, 300.0, 5000.0, f"second-{turn}", (), picture=turn)
        line.plant.add(second, line.plant.belt.travel - (first.start + first.length_mm + gap_mm))
        pairs += [first.identity, second.identity]
        line.run(3)
    line.run(4)
    lanes = {fact["item"]: fact["lane"] for fact in line.truth_lines if fact["kind"] == "left"}
    assert {lanes[identity] for identity in pairs} == {"inspect"}
    assert line.report()["passed"] > 5


@pytest.mark.parametrize("shorter_mm", [0.0, 80.0])
def test_c15_two_parcels_side_by_side_are_one_body_with_two_codes(shorter_mm: float) -> None:
    line = VirtualLine(busy(29, 2400))
    line.run(10)
    pairs = []
    for turn in range(8):
        while not (first := entering(line)) or first.barcode is None:
            line.step()
        second = Item(20_000 + turn, first.length_mm - shorter_mm, 900.0, f"beside-{turn}", (), picture=turn)
        line.plant.add(second, line.plant.belt.travel - first.start - shorter_mm / 2)
        pairs.append((first, second))
        line.run(3)
    line.run(4)
    lanes = {fact["item"]: fact["lane"] for fact in line.truth_lines if fact["kind"] == "left"}
    assert {lanes[item.identity] for pair in pairs for item in pair} == {"inspect"}
    kept = [set(record.barcodes) for record in line.records if isinstance(record, ParcelCompleted)]
    both = [pair for pair in pairs if {pair[0].barcode, pair[1].barcode} in kept]
    assert len(both) == len(pairs), "both codes of each are in its parcel's record"
    assert line.report()["passed"] > 5


@pytest.mark.parametrize("late_steps", [0, 5, 15, 25, 40, 80])
def test_c19_the_last_word_counts_however_late(late_steps: int) -> None:
    """The finding comes so many polls of 20 ms late; a clean early word never stands for it."""
    waiting: list[list[object]] = []

    def late(event: Event) -> list[Event]:
        if isinstance(event, Detection):
            waiting.append([late_steps, event])
            return []
        out: list[Event] = [event]
        if isinstance(event, Tick):
            for entry in waiting:
                entry[0] = int(str(entry[0])) - 1
            out += [entry[1] for entry in waiting if int(str(entry[0])) < 0]  # type: ignore[misc]
            waiting[:] = [entry for entry in waiting if int(str(entry[0])) >= 0]
        return out

    config = PlantConfig(seed=22, feed=FeedConfig(parcels_per_hour=9000, threat_share=0.5))
    line = VirtualLine(config, filters=[late])
    line.run(60)
    report = assert_zeros(line)
    assert (report["passed"] > 20) is (late_steps <= 15)


@pytest.mark.parametrize("slip", [0.015, 0.03, 0.06])
def test_c76_a_belt_that_slips_more_than_it_says(slip: float) -> None:
    config = PlantConfig(seed=23, belt=BeltConfig(slip=slip), feed=FeedConfig(parcels_per_hour=9000))
    line = VirtualLine(config, stated_slip=0.005)
    for _ in range(6):  # a stranger in the pass lane stops the belt, and somebody sees to it
        line.run(10)
        line.plant.acknowledge()
    report = assert_zeros(line)
    assert report["inspections_by_reason"].get("tracking", 0) > 2


def test_c11_a_slow_plc_gets_no_old_orders() -> None:
    line = VirtualLine(busy(24))
    line.run(15)
    line.poll_every = 45
    line.run(20)
    line.poll_every = 1
    line.run(20)
    report = assert_zeros(line)
    assert report["passed"] > 20
    assert line.line.plc.live


def test_c76_the_encoder_stands_while_the_eyes_go_on() -> None:
    line = VirtualLine(busy(25))
    line.run(15)
    program = line.program
    frozen = program.count

    def stuck(event: Event) -> list[Event]:
        if isinstance(event, (Edge, PlcSample, OutcomeSeen)):
            return [replace(event, count=frozen % 2**32)]
        return [event]

    line.filters.append(stuck)
    line.run(5)
    line.filters.clear()
    line.run(15)
    assert_zeros(line)


def test_a_gap_closer_than_specified_is_a_cause_in_the_feed() -> None:
    config = PlantConfig(seed=26, feed=FeedConfig(parcels_per_hour=9000, gap_mm=150, gap_and_shorter_mm=300))
    line = VirtualLine(config)
    line.run(60)
    report = assert_zeros(line)
    assert report["inspected"] > 20


def test_the_plcs_clock_steps() -> None:
    line = VirtualLine(busy(27))
    line.run(15)
    for step_ms in (700, -300, 5000):

        def stepped(event: Event, by: int = step_ms) -> list[Event]:
            if isinstance(event, (Edge, PlcSample, OutcomeSeen)):
                return [replace(event, plc_ms=(event.plc_ms + by) % 2**32)]
            return [event]

        line.filters[:] = [stepped]
        line.run(8)
    report = assert_zeros(line)
    assert report["inspections_by_reason"]["tracking"] >= 3
    assert report["passed"] > 20


def test_a_picture_that_comes_again_is_no_evidence() -> None:
    """A machine that sends an older picture under a new number: only the first parcel had it taken."""
    line = VirtualLine(busy(28))
    seen: list[str] = []

    def again(event: Event) -> list[Event]:
        if isinstance(event, Frame):
            seen.append(event.frame_id)
            return [replace(event, frame_id=seen[len(seen) // 7 * 6])]
        return [event]

    line.filters.append(again)
    line.run(30)
    unusable = [r for r in line.records if r.type == "parcel-completed" and r.model_dump()["route"] == "inspect"]
    texts = [reason["text"] for r in unusable for reason in r.model_dump()["reasons"]]
    assert sum("very same picture" in text for text in texts) > 10


def test_a_session_that_the_plc_does_not_take_is_told() -> None:
    line = VirtualLine(busy(29))
    line.run(1)
    line.beating = False
    line.run(6)
    assert ("no-session", "plc") in line.line.alarms.open
    line.beating = True
    line.run(3)
    assert ("no-session", "plc") not in line.line.alarms.open


def test_nothing_passes_before_the_lists_were_read_once() -> None:
    waiting: list[Event] = []

    def unread(event: Event) -> list[Event]:
        if isinstance(event, ListsLoaded):
            waiting.append(event)
            return []
        return [event]

    line = VirtualLine(busy(30), filters=[unread])
    line.run(15)
    report = assert_zeros(line)
    assert report["passed"] == 0
    assert report["inspections_by_reason"]["no-lists"] > 5
    line.filters.clear()
    line.give(waiting[0])
    line.run(15)
    assert assert_zeros(line)["passed"] > 10


def test_a_belt_that_stands_under_a_talking_scanner_holds_no_more_and_more() -> None:
    line = VirtualLine(busy(31))
    line.run(15)
    line.plant.put(Switch.parse("operator-stop"))
    line.run(2)
    for _ in range(8000):
        line.step()
        line.give(BarcodeReading("scanner", "again", Arrived(line.ns - 20 * MS, line.ns)))
    assert len(line.line.matcher.matched) <= 5000
    assert max(len(p.evidence.barcodes) for p in line.line.tracker.parcels) <= 100
    line.plant.lift(Switch.parse("operator-stop"))
    line.run(15)
    report = line.report()
    assert not report["passed_without_own_clean_evidence"]
    assert report["passed"] > 20


def test_readings_without_a_plc_are_bounded() -> None:
    line = VirtualLine(busy(32))
    line.run(10)
    line.filters.append(lambda event: [] if isinstance(event, PlcSample) else [event])
    for number in range(3000):
        line.give(BarcodeReading("scanner", f"{number}", Arrived(line.ns, line.ns + 1)))
    assert len(line.line.matcher.waiting) <= 1000
    line.filters.clear()
    line.run(20)
    report = line.report()
    assert not report["passed_without_own_clean_evidence"]
    assert report["passed"] > 10


def test_a_code_held_while_its_parcel_is_on_the_belt_is_withdrawn() -> None:
    line = VirtualLine(busy(33))
    line.run(15)
    desk = line.line.desk
    numbers = set()
    for _ in range(400):
        line.step()
        for parcel in line.line.tracker.parcels:
            if parcel.route is Lane.PASS and parcel.accepted_lane and parcel.on_belt and 4 not in parcel.leads:
                numbers.add(parcel.key)
                held = desk.held | set(parcel.evidence.barcodes)
                line.give(ListsLoaded("held", held, tuple(desk.declared_g.items())))
    line.run(5)
    done = [r.model_dump() for r in line.records if r.type == "parcel-completed"]
    lanes = [r["outcome"] for r in done if r["parcel"]["number"] in {key.number for key in numbers if key}]
    assert len(lanes) > 5
    assert set(lanes) == {"inspect"}


def test_a_track_that_is_spoiled_after_the_decision_is_withdrawn() -> None:
    line = VirtualLine(busy(43))
    line.run(15)
    spoiled = set()
    for _ in range(400):
        line.step()
        for parcel in line.line.tracker.parcels:
            if parcel.route is Lane.PASS and parcel.accepted_lane and parcel.on_belt and 4 not in parcel.leads:
                parcel.doubts["length"] = "another length at eye 3"
                spoiled.add(parcel.key)
    line.run(5)
    done = [r.model_dump() for r in line.records if r.type == "parcel-completed"]
    lanes = [r["outcome"] for r in done if r["parcel"]["number"] in {key.number for key in spoiled if key}]
    assert len(lanes) > 5
    assert set(lanes) == {"inspect"}


def test_no_count_voids_an_order_to_inspect() -> None:
    """A withdrawal that the PLC finds void would leave the pass before it standing."""
    line = VirtualLine(busy(34))
    lanes = set()
    for _ in range(1500):
        line.step()
        for order in line._orders.values():
            lanes.add(order.lane)
            assert (order.last_count is None) is (order.lane is Lane.INSPECT)
    assert lanes == {Lane.PASS, Lane.INSPECT}


@pytest.mark.parametrize("late_ms", [200, 400, 800, 1300])
def test_pictures_that_all_come_late_by_a_parcel_are_never_believed(late_ms: int) -> None:
    """The number tells it; a machine that has fallen behind must not look like one that missed a pulse."""
    line = VirtualLine(busy(47))
    line.run(20)

    def late(event: Event) -> list[Event]:
        if isinstance(event, Frame):
            arrived = Arrived(event.arrived.after_ns + late_ms * MS, event.arrived.before_ns + late_ms * MS)
            return [replace(event, arrived=arrived)]
        return [event]

    line.filters.append(late)
    line.run(40)
    assert ("trigger-step", "xray") in line.line.alarms.open
    report = line.report()
    assert not report["passed_without_own_clean_evidence"]
    assert not report["threats_missed_by_the_detector"]
    line.filters.clear()
    line.run(20)
    assert ("trigger-step", "xray") not in line.line.alarms.open
    assert line.report()["passed"] > report["passed"] + 10


def test_a_missed_pulse_is_found_out_behind_a_pause() -> None:
    line = VirtualLine(busy(48))
    line.run(20)
    shift = [0]

    def missed(event: Event) -> list[Event]:
        if isinstance(event, Frame) and event.trigger is not None:
            return [replace(event, trigger=event.trigger - shift[0])]
        return [event]

    line.filters.append(missed)
    shift[0] = 1
    line.run(10)
    assert ("trigger-step", "xray") in line.line.alarms.open
    before = line.report()["passed"]
    for _ in range(150):
        while line.plant.remove(-10_000, -1):
            pass
        line.step()
    line.run(25)
    assert ("trigger-step", "xray") not in line.line.alarms.open
    report = line.report()
    assert not report["evidence_of_another_parcel"]
    assert report["passed"] > before + 10


def test_a_parcel_numbered_in_the_poll_that_brings_the_epoch_keeps_its_identity() -> None:
    line = VirtualLine(busy(33))
    line.plant.feeding = True
    line.run(12)
    line.restart_plc()
    line.connect(resumed=False)
    line.run(25)
    entered = [r.model_dump()["parcel"] for r in line.records if r.type == "parcel-entered"]
    assert all(parcel["epoch"] for parcel in entered)
    done = {(d["parcel"]["epoch"], d["parcel"]["number"]) for d in completed(line)}
    assert {(p["epoch"], p["number"]) for p in entered[:-12]} <= done


def completed(line: VirtualLine) -> list[dict[str, Any]]:
    return [r.model_dump() for r in line.records if r.type == "parcel-completed"]


def test_a_device_that_may_be_missing_is_an_exception_and_journaled_as_one() -> None:
    line = VirtualLine(busy(34))
    line.line.desk.rules = replace(line.line.desk.rules, may_be_missing=frozenset({"scale"}))
    line.run(12)
    line.give(DeviceState("scale", connected=False))
    line.plant.put(Switch.parse("device-silent:scale"))
    line.run(20)
    passed = [d for d in completed(line) if d["route"] == "pass"]
    assert any(d["exceptions"] == ("scale",) and d["weight_g"] is None for d in passed)
    assert all(d["exceptions"] == () for d in passed[:5])
    assert all(d["weight_g"] is not None or d["exceptions"] == ("scale",) for d in passed)


def test_a_picture_that_no_parcel_owned_is_known_again() -> None:
    """The machine freezes on a picture that was ambiguous: its repetition is no evidence of the next parcel."""
    pictures: list[Frame] = []

    def freeze(event: Event) -> list[Event]:
        if not isinstance(event, Frame):
            return [event]
        pictures.append(event)
        if len(pictures) == 10:
            return [replace(event, trigger=None)]
        return [replace(event, frame_id=pictures[9].frame_id) if len(pictures) == 11 else event]

    line = VirtualLine(busy(35), filters=[freeze])
    line.run(20)
    shown = [d for d in completed(line) if pictures[9].frame_id in d["frames"]]
    assert [(d["route"], d["reasons"][0]["code"]) for d in shown] == [("inspect", "picture-unusable")]
