"""The simulated plant's configuration: one YAML, closed and frozen like a station's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from simulator.plc.signals import PlcSettings


class PlantConfigError(Exception):
    """The plant's YAML cannot be used; the text says where and why."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FeedConfig(_Part):
    """How parcels come: rate, lengths, gaps (mm), weights (g), and the share of each kind of trouble."""

    parcels_per_hour: int = Field(default=5400, gt=0)
    shortest_mm: int = 150
    longest_mm: int = 600
    gap_mm: int = 350
    gap_and_shorter_mm: int = 850
    weight_g: tuple[int, int] = (200, 20_000)
    threat_share: float = 0.1
    unreadable_share: float = 0.01
    held_share: float = 0.01
    declared_share: float = 0.3
    wrong_weight_share: float = 0.01
    misread_share: float = 0.0
    two_labels_share: float = 0.0


Hazard = Literal[
    "gun", "knife", "battery", "aerosol", "long_gun", "ammunition", "scissors", "axe", "hammer", "wrench", "pliers",
    "screwdriver", "lighter", "gas_cartridge", "liquid", "firework", "handcuffs", "baton",
]  # fmt: skip
HAZARDS: tuple[str, ...] = get_args(Hazard)
"""What can be in a parcel: the hazard words of `simulator.xray`, which takes long to load."""


class ParcelConfig(_Part):
    """One parcel that is fed as it stands here.

    It comes `at_s` (its leading edge at the infeed eye), or `gap_mm` behind the one before, or touches that one.
    """

    name: str = Field(default="", max_length=60)
    at_s: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    gap_mm: float | None = Field(default=None, ge=0, le=100_000, allow_inf_nan=False)
    touching: bool = False
    length_mm: float = Field(default=400, ge=20, le=2000, allow_inf_nan=False)
    weight_g: int = Field(default=2000, ge=1, le=200_000)
    barcode: str | None = None
    unreadable: bool = False
    held: bool = False
    declared_g: float | None = Field(default=None, gt=0, le=200_000, allow_inf_nan=False)
    hazards: tuple[Hazard, ...] = ()

    @field_validator("barcode")
    @classmethod
    def _is_sscc(cls, barcode: str | None) -> str | None:
        if barcode is None:
            return None
        if not re.fullmatch(r"[0-9]{18}", barcode):
            raise ValueError("must be an SSCC, 18 digits in quotes")
        if barcode[-1] != check_digit(barcode[:-1]):
            raise ValueError(f"the check digit must be {check_digit(barcode[:-1])}, not {barcode[-1]}")
        return barcode

    @model_validator(mode="after")
    def _comes_once(self) -> Self:
        if sum((self.at_s is not None, self.gap_mm is not None, self.touching)) > 1:
            raise ValueError("say one of at_s, gap_mm and touching, not several")
        if self.unreadable and self.barcode is not None:
            raise ValueError("a label is unreadable or has a barcode, not both")
        return self


def check_digit(digits: str) -> str:
    """The check digit of a GS1 key; GS1 General Specifications, 7.9.1."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


class BeltConfig(_Part):
    """The belt: speed, slip as a share, encoder, and its travel while it brakes."""

    speed_mm_s: int = 2500
    slip: float = 0.005
    um_per_count: int = 1000
    brake_mm: int = 50
    first_count: int = 4_294_947_296


STATED_LATENCY_MS = {"scanner": (20.0, 60.0), "scale": (10.0, 40.0), "xray": (220.0, 280.0)}
"""The bounds that a station is told of each device (least, most); the plant keeps within them."""


class DevicesConfig(_Part):
    """Where devices sense and how fast they answer: places in mm, times in ms as (least, most)."""

    scanner_mm: tuple[int, int] = (250, 350)
    scanner_latency_ms: tuple[float, float] = (22, 58)
    scale_mm: tuple[int, int] = (700, 1450)
    scale_measuring_ms: int = 60
    scale_latency_ms: tuple[float, float] = (12, 30)
    scale_noise_g: float = 3.0
    xray_mm: tuple[int, int] = (1990, 2010)
    xray_latency_ms: tuple[float, float] = (222, 278)

    def latency_ms(self) -> dict[str, float]:
        """The longest latency of each device."""
        bounds = {"scanner": self.scanner_latency_ms, "scale": self.scale_latency_ms, "xray": self.xray_latency_ms}
        return {device: most for device, (_, most) in bounds.items()}


class PlcConfig(_Part):
    """The PLC: scan (ms, least and most), latching, eyes (mm; exit eyes last), diverter."""

    host: str = "127.0.0.1"
    port: int = 15020
    scan_ms: tuple[int, int] = (10, 20)
    latch_ms: float = 1.0
    drift_ppm: float = 50.0
    first_ms: int = 1_000_000
    eyes_mm: tuple[int, ...] = (0, 650, 1800, 3200, 4100, 6200, 6200)
    decision_eye: int = 4
    trigger_eye: int = 2
    diverter_mm: int = 5500
    switch_mm: int = 325
    switch_ms: int = 50
    tolerance_mm: int = 10
    length_tolerance_mm: int = 15
    program_version: int = 1


class WiresConfig(_Part):
    """Where the wires end: links to the pseudo-terminals, the X-ray machine's folder, the control line's socket."""

    scanner: Path = Path("wires/scanner")
    scale: Path = Path("wires/scale")
    xray: Path = Path("wires/xray")
    modbus_scale_port: int | None = None
    modbus_rtu_scale: Path | None = None
    control: Path = Path("wires/control")


class PlantConfig(_Part):
    """One simulated plant; where there are `parcels`, those come in place of drawn ones.

    `limits` is the share of draws that lie at a bound: slip, latencies, latching, lengths, gaps, places of labels; with
    any of them parcels also rock, by as much as the PLC's tolerance allows for.
    """

    seed: int = 1
    limits: float = 0.0
    feed: FeedConfig = FeedConfig()
    belt: BeltConfig = BeltConfig()
    devices: DevicesConfig = DevicesConfig()
    plc: PlcConfig = PlcConfig()
    wires: WiresConfig = WiresConfig()
    wait_for_session: bool = True
    hold_list: Path | None = None
    declared_weights: Path | None = None
    parcels: tuple[ParcelConfig, ...] | None = None

    def empty_s(self) -> float:
        """The time that the belt takes to run empty at the start, and a little more: no parcel comes before."""
        return (self.plc.eyes_mm[-1] + self.feed.longest_mm) * 1.1 / self.belt.speed_mm_s

    def plc_settings(self) -> PlcSettings:
        """The PLC program's constants, as its settings block shows them."""
        return PlcSettings(
            um_per_count=self.belt.um_per_count,
            latch_us=round(self.plc.latch_ms * 1000),
            slip_ppm=round(self.belt.slip * 1e6),
            tolerance_mm=self.plc.tolerance_mm,
            length_tolerance_mm=self.plc.length_tolerance_mm,
            switch_mm=self.plc.switch_mm,
            stop_mm=self.belt.brake_mm + round(self.plc.scan_ms[1] * self.belt.speed_mm_s / 1000),
            eye_mm=self.plc.eyes_mm,
            decision_eye=self.plc.decision_eye,
            diverter_mm=self.plc.diverter_mm,
            longest_mm=self.feed.longest_mm,
            trigger_eye=self.plc.trigger_eye,
            speed_mm_s=self.belt.speed_mm_s,
            program_version=self.plc.program_version,
        )


def load_plant(path: Path) -> PlantConfig:
    """Read and check a plant's YAML; raises PlantConfigError."""
    try:
        return PlantConfig.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, yaml.YAMLError) as error:
        raise PlantConfigError(f"{path}: {error}") from error
    except ValidationError as error:
        lines = [f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise PlantConfigError("\n".join(lines)) from error
