"""The simulated plant's configuration: one YAML, closed and frozen like a station's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar, get_args

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from simulator.plc.signals import PlcSettings
from station.ports import Settings
from station.yamltree import TreeError, faults_of, read_tree, told

MOST_PER_HOUR = 100_000
LAST_PORT = 65_535
_WORD = 65_535
_LONG_WORD = 1 << 32
"""What the PLC's registers hold: of these constants most are shown there (docs/plc-map.yaml), the longer ones wrap."""
_Pair = TypeVar("_Pair", tuple[int, int], tuple[float, float])


def _least_first(pair: _Pair) -> _Pair:
    if pair[0] > pair[1]:
        raise ValueError(f"the least stands first, then the most: [{pair[1]}, {pair[0]}]")
    return pair


Share = Annotated[float, Field(ge=0, le=1)]
Grams = Annotated[int, Field(ge=1, le=200_000)]
LengthMm = Annotated[int, Field(ge=20, le=2000)]
GapMm = Annotated[int, Field(ge=0, le=100_000)]
PlaceMm = Annotated[int, Field(ge=0, le=_WORD)]
Zone = Annotated[tuple[PlaceMm, PlaceMm], AfterValidator(_least_first)]
_LatencyMs = Annotated[float, Field(ge=0, le=60_000)]
Latency = Annotated[tuple[_LatencyMs, _LatencyMs], AfterValidator(_least_first)]
_ScanMs = Annotated[int, Field(ge=1, le=1000)]
Port = Annotated[int, Field(ge=0, le=LAST_PORT)]


class PlantConfigError(Exception):
    """The plant's YAML cannot be used; one line for each fault, with file, line, key and what would be right."""


class FeedConfig(Settings):
    """How parcels come: rate, lengths, gaps (mm), weights (g), and the share of each kind of trouble."""

    parcels_per_hour: int = Field(default=5400, ge=1, le=MOST_PER_HOUR)
    shortest_mm: LengthMm = 150
    longest_mm: LengthMm = 600
    gap_mm: GapMm = 350
    gap_and_shorter_mm: GapMm = 850
    weight_g: Annotated[tuple[Grams, Grams], AfterValidator(_least_first)] = (200, 20_000)
    threat_share: Share = 0.1
    unreadable_share: Share = 0.01
    held_share: Share = 0.01
    declared_share: Share = 0.3
    wrong_weight_share: Share = 0.01
    misread_share: Share = 0.0
    two_labels_share: Share = 0.0

    @model_validator(mode="after")
    def _shortest_is_shorter(self) -> Self:
        if self.shortest_mm > self.longest_mm:
            raise ValueError(f"shortest_mm ({self.shortest_mm}) must not be above longest_mm ({self.longest_mm})")
        return self


Hazard = Literal[
    "gun", "knife", "battery", "aerosol", "long_gun", "ammunition", "scissors", "axe", "hammer", "wrench", "pliers",
    "screwdriver", "lighter", "gas_cartridge", "liquid", "firework", "handcuffs", "baton",
]  # fmt: skip
HAZARDS: tuple[str, ...] = get_args(Hazard)
"""What can be in a parcel: the hazard words of `simulator.xray`, which takes long to load."""


class ParcelConfig(Settings):
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


class BeltConfig(Settings):
    """The belt: speed, slip as a share, encoder, and its travel while it brakes."""

    speed_mm_s: int = Field(default=2500, ge=1, le=10_000)
    slip: float = Field(default=0.005, ge=0, le=0.065)
    um_per_count: int = Field(default=1000, ge=1, le=_WORD)
    brake_mm: int = Field(default=50, ge=1, le=5000)
    first_count: int = Field(default=4_294_947_296, ge=0, le=_LONG_WORD)


STATED_LATENCY_MS = {"scanner": (20.0, 60.0), "scale": (10.0, 40.0), "xray": (220.0, 280.0)}
"""The bounds that a station is told of each device (least, most); the plant keeps within them."""


class DevicesConfig(Settings):
    """Where devices sense and how fast they answer: places in mm, times in ms as (least, most)."""

    scanner_mm: Zone = (250, 350)
    scanner_latency_ms: Latency = (22, 58)
    scale_mm: Zone = (700, 1450)
    scale_measuring_ms: int = Field(default=60, ge=0, le=10_000)
    scale_latency_ms: Latency = (12, 30)
    scale_noise_g: float = Field(default=3.0, ge=0, le=10_000)
    xray_mm: Zone = (1990, 2010)
    xray_latency_ms: Latency = (222, 278)

    def latency_ms(self) -> dict[str, float]:
        """The longest latency of each device."""
        bounds = {"scanner": self.scanner_latency_ms, "scale": self.scale_latency_ms, "xray": self.xray_latency_ms}
        return {device: most for device, (_, most) in bounds.items()}


_EXIT_EYES = 2


class PlcConfig(Settings):
    """The PLC: scan (ms, least and most), latching, eyes (mm; exit eyes last), diverter."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: Port = 15020
    scan_ms: Annotated[tuple[_ScanMs, _ScanMs], AfterValidator(_least_first)] = (10, 20)
    latch_ms: float = Field(default=1.0, ge=0, le=65)
    drift_ppm: float = Field(default=50.0, ge=-10_000, le=10_000)
    first_ms: int = Field(default=1_000_000, ge=0, le=_LONG_WORD)
    eyes_mm: tuple[PlaceMm, ...] = Field(default=(0, 650, 1800, 3200, 4100, 6200, 6200), min_length=4, max_length=8)
    decision_eye: int = Field(default=4, ge=1, le=5)
    trigger_eye: int = Field(default=2, ge=0, le=5)
    diverter_mm: PlaceMm = 5500
    switch_mm: PlaceMm = 325
    switch_ms: int = Field(default=50, ge=1, le=60_000)
    tolerance_mm: PlaceMm = 10
    length_tolerance_mm: PlaceMm = 15
    program_version: int = Field(default=1, ge=0, le=_WORD)

    @model_validator(mode="after")
    def _stands_in_order(self) -> Self:
        eyes, decides = self.eyes_mm, len(self.eyes_mm) - _EXIT_EYES - 1
        if eyes[0] or list(eyes) != sorted(eyes):
            raise ValueError("eyes_mm begins with 0, the infeed eye, and no eye stands ahead of the one before")
        if self.decision_eye != decides:
            raise ValueError(f"decision_eye must be {decides}: behind it stand the two exit eyes, and no other")
        if self.trigger_eye > decides:
            raise ValueError(f"trigger_eye must be 0 to {decides}: no parcel is diverted before its picture")
        if not eyes[decides] < self.diverter_mm <= min(eyes[-_EXIT_EYES:]):
            least, most = eyes[decides], min(eyes[-_EXIT_EYES:])
            raise ValueError(
                f"diverter_mm must lie behind the decision eye ({least}) and not behind an exit eye ({most})"
            )
        return self


class WiresConfig(Settings):
    """Where the wires end: links to the pseudo-terminals, the X-ray machine's folder, the control line's socket."""

    scanner: Path = Path("wires/scanner")
    scale: Path = Path("wires/scale")
    xray: Path = Path("wires/xray")
    modbus_scale_port: int | None = Field(default=None, ge=1, le=LAST_PORT)
    modbus_rtu_scale: Path | None = None
    control: Path = Path("wires/control")

    @model_validator(mode="after")
    def _ends_apart(self) -> Self:
        ends = [path for path in (self.scanner, self.scale, self.xray, self.modbus_rtu_scale, self.control) if path]
        twice = next((path for n, path in enumerate(ends) if path in ends[:n]), None)
        if twice is not None:
            raise ValueError(f"two wires end at {twice}; give each a path of its own")
        return self


class PlantConfig(Settings):
    """One simulated plant; where there are `parcels`, those come in place of drawn ones.

    `limits` is the share of draws that lie at a bound: slip, latencies, latching, lengths, gaps, places of labels; with
    any of them parcels also rock, by as much as the PLC's tolerance allows for.
    """

    seed: int = 1
    limits: Share = 0.0
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
    """Read and check a plant's YAML.

    Raises:
        PlantConfigError: with one line for each fault.
    """
    try:
        document, tree = read_tree(path)
        return PlantConfig.model_validate(document)
    except TreeError as error:
        raise PlantConfigError(str(error)) from error
    except ValidationError as error:
        raise PlantConfigError(told(str(path), tree, faults_of(error, (), PlantConfig))) from error
