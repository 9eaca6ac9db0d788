"""The station's configuration that fits a simulated plant: what a technician would have measured of it."""

from __future__ import annotations

from simulator.config import HAZARDS, STATED_LATENCY_MS, PlantConfig
from station.core.setup import DeviceSetup, Geometry, LineSetup, PolicySetup
from station.room import order_way_ms

DEVICES = (
    DeviceSetup("scanner", "barcode", (250, 350), STATED_LATENCY_MS["scanner"]),
    DeviceSetup("scale", "weight", (700, 1450), STATED_LATENCY_MS["scale"], measuring_ms=60),
    DeviceSetup("xray", "frame", (1990, 2010), STATED_LATENCY_MS["xray"], trigger_eye=2),
)
HOSTS = {"scanner": "10.0.0.21", "scale": "10.0.0.22", "xray": "10.0.0.23", "plc": "10.0.0.5"}
"""All behind one switch, so what is lost within a second is one alarm."""
THRESHOLD = 0.5
WEIGHTS_G = (100.0, 30_000.0)


def setup_of(config: PlantConfig, policy: str = "storm", poll_ms: float = 20.0) -> LineSetup:
    """Geometry, devices and policy; every bound of the plant is stated as it is, or wider."""
    plc = config.plc
    geometry = Geometry(
        mm_per_count=config.belt.um_per_count / 1000,
        speed_mm_s=config.belt.speed_mm_s,
        slip=config.belt.slip,
        latch_ms=plc.latch_ms,
        eyes_mm=tuple(float(mm) for mm in plc.eyes_mm[:-2]),
        diverter_mm=plc.diverter_mm,
        exit_mm=plc.eyes_mm[-1],
        switch_mm=plc.switch_mm,
        longest_mm=config.feed.longest_mm,
        shortest_mm=config.feed.shortest_mm,
        gap_mm=config.feed.gap_mm,
        tolerance_mm=plc.tolerance_mm,
        gap_and_shorter_mm=config.feed.gap_and_shorter_mm,
    )
    thresholds = dict.fromkeys(HAZARDS[:-1], THRESHOLD)  # for the last the site has none: whatever is seen counts
    rules = PolicySetup(policy, WEIGHTS_G, 50, 0.05, thresholds)
    return LineSetup(geometry, DEVICES, rules, order_way_ms(poll_ms, plc.scan_ms[1]), hosts=HOSTS)
