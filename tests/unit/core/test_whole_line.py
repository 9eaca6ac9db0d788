"""The promises on the plant's truth, over whole lines on virtual time."""

from __future__ import annotations

import pytest

from simulator.config import FeedConfig, PlantConfig
from simulator.plant.mishaps import put_down
from station.core.events import BarcodeReading, Detection, Event, Frame
from tests.unit.core.virtual_line import VirtualLine

ZEROS = (
    "passed_without_own_clean_evidence",
    "passed_without_a_number",
    "in_the_wrong_lane",
    "evidence_of_another_parcel",
    "threats_missed_by_the_detector",
)


def busy(seed: int, rate: int = 9000) -> PlantConfig:
    return PlantConfig(seed=seed, feed=FeedConfig(parcels_per_hour=rate))


@pytest.mark.parametrize(("seed", "rate"), [(1, 5400), (2, 9000), (3, 9000)])
def test_a_healthy_line_passes_the_clean_and_nothing_else(seed: int, rate: int) -> None:
    line = VirtualLine(busy(seed, rate))
    line.run(120)
    report = line.report()
    assert report["parcels"] > rate / 3600 * 100
    assert not {name: report[name] for name in (*ZEROS, "orders_late_or_never_sent") if report[name]}
    assert report["inspections_without_a_cause"] == 0
    assert report["clean_share_passed"] >= 0.95
    assert report["threats"] > 5


def test_same_seed_same_records() -> None:
    lines = [VirtualLine(busy(7)) for _ in range(2)]
    for line in lines:
        line.run(30)
    assert lines[0].records == lines[1].records
    assert len(lines[0].records) > 500


def drop_every_third(kind: type) -> object:
    seen = 0

    def change(event: Event) -> list[Event]:
        nonlocal seen
        if isinstance(event, kind):
            seen += 1
            return [] if seen % 3 == 0 else [event]
        return [event]

    return change


@pytest.mark.parametrize(
    ("kind", "code"), [(BarcodeReading, "no-barcode"), (Frame, "no-picture"), (Detection, "no-detection")]
)
def test_lost_evidence_means_inspection(kind: type, code: str) -> None:
    line = VirtualLine(busy(4), filters=[drop_every_third(kind)])
    line.run(60)
    report = line.report()
    assert not {name: report[name] for name in ZEROS if report[name]}
    assert report["inspections_by_reason"][code] > 20


def test_station_killed_and_started_again_costs_one_belt_load() -> None:
    line = VirtualLine(busy(5))
    line.run(20)
    line.start_station()
    line.run(40)
    report = line.report()
    assert not {name: report[name] for name in ZEROS if report[name]}
    assert 3 <= report["inspections_by_cause"]["none"] <= 12
    assert report["passed"] > 60


def test_a_stale_heartbeat_ends_the_session_and_a_new_one_flows_again() -> None:
    line = VirtualLine(busy(6))
    line.run(20)
    line.beating = False
    line.run(1)
    assert line.program.orders.session == 0
    line.beating = True
    line.run(20)
    assert line.line.plc.live
    report = line.report()
    assert not {name: report[name] for name in ZEROS if report[name]}


def test_plc_restarted_with_parcels_on_the_belt() -> None:
    line = VirtualLine(busy(8))
    line.run(20)
    before = line.program.orders.epoch
    line.restart_plc()
    line.connect(resumed=False)
    line.run(30)
    assert line.program.orders.epoch > before
    report = line.report()
    assert not {name: report[name] for name in ZEROS if report[name]}
    assert line.program.guard.stop_cause == 0


def test_item_removed_and_item_added_by_hand() -> None:
    line = VirtualLine(busy(9))
    line.run(20)
    for _ in range(6):
        line.plant.remove(1500, 3000)
        line.run(3.1)
        put_down(line.plant)  # beside the others: one that is put on top of another breaks no beam of its own
        line.run(3.3)
    report = line.report()
    assert not {name: report[name] for name in ZEROS if report[name]}
    outcomes = [r for r in line.records if r.type == "parcel-completed" and r.outcome == "lost"]
    assert len(outcomes) >= 5


def test_a_connection_that_begins_anew_completes_no_parcel_twice() -> None:
    line = VirtualLine(busy(10))
    line.run(20)
    line.connect(resumed=False)
    line.run(20)
    completed = [r.parcel for r in line.records if r.type == "parcel-completed"]
    assert len(completed) == len(set(completed)) > 40
