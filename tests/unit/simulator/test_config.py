"""Plant files: what no plant can be is told with file, line, key and what would be right, before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.config import PlantConfig, PlantConfigError, load_plant
from simulator.plant.world import Plant
from simulator.plc.signals import Outputs
from simulator.storm.storm import storm_plant
from station.resources import examples

WRONG = [
    ("belt: {speed_mm_s: 0}", "p.yaml:2: belt.speed_mm_s: Input should be greater than or equal to 1"),
    ("belt: {um_per_count: 0}", "p.yaml:2: belt.um_per_count: Input should be greater than or equal to 1"),
    ("belt: {brake_mm: 0}", "p.yaml:2: belt.brake_mm: Input should be greater than or equal to 1"),
    ("belt: {slip: 0.5}", "p.yaml:2: belt.slip: Input should be less than or equal to 0.065"),
    ("belt: fast", "p.yaml:2: belt: Input should be a valid dictionary or instance of BeltConfig"),
    ("plc: {decision_eye: 99}", "p.yaml:2: plc.decision_eye: Input should be less than or equal to 5"),
    ("plc: {decision_eye: 3}", "p.yaml:2: plc: decision_eye must be 4: behind it stand the two exit eyes"),
    ("plc: {trigger_eye: 5}", "p.yaml:2: plc: trigger_eye must be 0 to 4"),
    ("plc: {port: 99999}", "p.yaml:2: plc.port: Input should be less than or equal to 65535"),
    ("plc: {eyes_mm: [0]}", "p.yaml:2: plc.eyes_mm: Tuple should have at least 4 items"),
    ("plc: {eyes_mm: [0, 900, 800, 3000, 4100, 6200, 6200]}", "p.yaml:2: plc: eyes_mm begins with 0, the infeed eye"),
    ("plc: {diverter_mm: 4000}", "p.yaml:2: plc: diverter_mm must lie behind the decision eye (4100)"),
    ("plc: {scan_ms: [0, 0]}", "p.yaml:2: plc.scan_ms.0: Input should be greater than or equal to 1"),
    ("plc: {scan_ms: [20, 10]}", "p.yaml:2: plc.scan_ms: the least stands first, then the most: [10, 20]"),
    ("plc: {switch_ms: 0}", "p.yaml:2: plc.switch_ms: Input should be greater than or equal to 1"),
    ("feed: {shortest_mm: 700}", "p.yaml:2: feed: shortest_mm (700) must not be above longest_mm (600)"),
    ("feed: {weight_g: [9000, 200]}", "p.yaml:2: feed.weight_g: the least stands first, then the most: [200, 9000]"),
    ("feed: {threat_share: 5}", "p.yaml:2: feed.threat_share: Input should be less than or equal to 1"),
    ("feed: {gap_mm: -500}", "p.yaml:2: feed.gap_mm: Input should be greater than or equal to 0"),
    ("feed: {gap: 500}", "p.yaml:2: feed.gap: there is no such key; did you mean 'gap_mm'?"),
    ("devices: {scanner_latency_ms: [58, 22]}", "p.yaml:2: devices.scanner_latency_ms: the least stands first"),
    ("devices: {xray_mm: [2010, 1990]}", "p.yaml:2: devices.xray_mm: the least stands first"),
    ("limits: .nan", "p.yaml:2: limits: Input should be a finite number"),
    ("limits: true", "p.yaml:2: limits: 'true' is yes or no"),
    ("seed: 2", "p.yaml:2: seed: stands here a second time; keep one"),
    ("wires: {scale: wires/scanner}", "p.yaml:2: wires: two wires end at wires/scanner; give each a path of its own"),
    ("parcels:\n  - {at_s: soon}", "p.yaml:3: parcels.0.at_s: Input should be a valid number"),
]


def loaded(folder: Path, text: str) -> PlantConfig:
    (folder / "p.yaml").write_text(text)
    return load_plant(folder / "p.yaml")


@pytest.mark.parametrize(("line", "told"), WRONG, ids=[line for line, _ in WRONG])
def test_what_no_plant_can_be_is_told_with_its_place(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(PlantConfigError) as caught:
        loaded(tmp_path, f"seed: 1\n{line}\n")
    assert str(caught.value).startswith(f"{tmp_path}/{told}")


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(PlantConfigError) as caught:
        loaded(tmp_path, "belt: {speed_mm_s: 0}\nfeed: {gap_mm: -1, held_share: 2}\n")
    assert len(str(caught.value).splitlines()) == 3


def test_a_file_that_is_not_there_or_holds_no_mapping_is_told(tmp_path: Path) -> None:
    with pytest.raises(PlantConfigError, match=r"nowhere.yaml: cannot be read: .*No such file"):
        load_plant(tmp_path / "nowhere.yaml")
    with pytest.raises(PlantConfigError, match="is empty or no mapping; begin from one of the examples"):
        loaded(tmp_path, "5")


def test_the_example_and_every_plant_of_a_storm_can_be_loaded(tmp_path: Path) -> None:
    assert load_plant(examples() / "plant.yaml").feed == PlantConfig().feed
    for seed in range(12):
        plant = storm_plant(seed)
        assert loaded(tmp_path, plant.model_dump_json()) == plant


def test_a_plant_at_its_bounds_runs(tmp_path: Path) -> None:
    plant = Plant(loaded(tmp_path, "belt: {speed_mm_s: 1, brake_mm: 1}\nfeed: {threat_share: 1, gap_mm: 0}\nlimits: 1"))
    plant.outputs(Outputs())
    plant.advance(10_000)
    assert plant.belt.travel == pytest.approx(9, abs=0.1)
