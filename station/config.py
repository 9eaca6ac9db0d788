"""The station's configuration: one YAML, one frozen pydantic tree; an error names file, line, key and the mend."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator

from station.core.commands import Grams, Score
from station.core.setup import DeviceKind, DeviceSetup, Geometry, LineSetup, PolicySetup
from station.ports import Driver, Role, Settings
from station.yamltree import Fault, TreeError, did_you_mean, faults_of, parse_value, read_tree, told

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
LONGEST_DAYS = 36_500
TLS_PORT = 8883
PLC = "plc"
_KINDS: dict[Role, DeviceKind] = {Role.BARCODE: "barcode", Role.SCALE: "weight", Role.FRAMES: "frame"}


class ConfigError(Exception):
    """The configuration cannot be used; one line for each fault, with file, line, key and what would be right."""


class LineConfig(Settings):
    """The belt, as it is built: places in mm from the infeed eye."""

    mm_per_count: float = Field(gt=0)
    speed_mm_s: float = Field(ge=50)
    slip: float = Field(ge=0, lt=0.2)
    latch_ms: float = Field(gt=0)
    eyes_mm: tuple[float, ...] = Field(min_length=2)
    diverter_mm: float
    exit_mm: float
    switch_mm: float = Field(gt=0)
    longest_mm: float = Field(gt=0)
    shortest_mm: float = Field(gt=0)
    gap_mm: float = Field(gt=0)
    gap_and_shorter_mm: float = Field(default=0.0, ge=0)
    tolerance_mm: float = Field(default=10.0, ge=0)

    @field_validator("shortest_mm")
    @classmethod
    def _not_longer(cls, value: float, info: ValidationInfo) -> float:
        if value > info.data.get("longest_mm", value):
            raise ValueError(f"is more than longest_mm ({info.data['longest_mm']:g}): no parcel is both")
        return value

    def geometry(self) -> Geometry:
        """The same for the core."""
        return Geometry(**self.model_dump())


class DeviceConfig(Settings):
    """One device: what kind, where it senses, how late it may be, and how its wire is set.

    `depth` is the bits of its pictures' channels: 8, 16, or 12 in the low bits of 16.
    """

    kind: str
    zone_mm: tuple[float, float]
    latency_ms: tuple[float, float]
    measuring_ms: float = Field(default=0.0, ge=0)
    trigger_eye: int | None = Field(default=None, ge=0)
    may_be_missing: bool = False
    depth: Literal[8, 12, 16] = 8
    wire: Any


class PlcConfig(Settings):
    """The PLC and its wire."""

    kind: str
    wire: Any


class PolicyConfig(Settings):
    """What sends a parcel to inspection. Every device is required unless it `may_be_missing`."""

    weight_range_g: tuple[Grams, Grams]
    declared_tolerance_g: float = Field(default=50.0, ge=0)
    declared_tolerance_percent: float = Field(default=5.0, ge=0, le=100)
    hold_list: Path | None = None
    declared_weights: Path | None = None
    thresholds: Mapping[str, Score] = {}


class ModelConfig(Settings):
    """The image model: a folder, and the longest time from a picture's arrival to its findings."""

    folder: Path
    detect_ms: float = Field(default=150.0, gt=0)
    threads: int = Field(default=1, ge=1, le=8)


class MqttConfig(Settings):
    """The broker. Secrets stand in files, never here."""

    host: str
    port: int = Field(default=1883, ge=1, le=65535)
    client_id: str = Field(default="", max_length=64)
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    keepalive_s: int = Field(default=10, ge=2, le=120)
    max_event_bytes: int = Field(default=200_000, ge=1000)
    commands: bool = False


class RetentionConfig(Settings):
    """How long journal and pictures are kept; without it, for ever. What is not published yet always stays."""

    days: float | None = Field(default=None, gt=0, le=LONGEST_DAYS)
    finds_days: float | None = Field(default=None, gt=0, le=LONGEST_DAYS)
    max_gb: float | None = Field(default=None, gt=0)


class DiskConfig(Settings):
    """What happens as the disk under `data` fills up, by the room that is free. Events are never given up."""

    alarm_hours: float = Field(default=24.0, gt=0)
    thin_gb: float = Field(default=5.0, ge=0)
    every: int = Field(default=10, ge=2)
    none_gb: float = Field(default=2.0, ge=0)
    refuse_gb: float = Field(default=0.5, ge=0)


class TimingConfig(Settings):
    """Bounds of the station's own work, in ms; `station check` shows the room that they leave."""

    order_ms: float = Field(default=80.0, gt=0)
    settle_ms: float = Field(default=10.0, gt=0)


class StationConfig(Settings):
    """One station."""

    site: Name
    line_name: Name
    station: Name
    data: Path
    line: LineConfig
    devices: Mapping[Name, DeviceConfig] = Field(min_length=1)
    plc: PlcConfig
    policy: PolicyConfig
    model: ModelConfig | None = None
    mqtt: MqttConfig | None = None
    timing: TimingConfig = TimingConfig()
    retention: RetentionConfig | None = None
    disk: DiskConfig = DiskConfig()
    sha256: str = ""

    def setup(
        self, roles: Mapping[str, Role], thresholds: Mapping[str, float], release: str = "", floor: float = 0.0
    ) -> LineSetup:
        """The same for the core; `thresholds` and `floor` are the model's own, those of the policy go before them.

        The policy's version names the YAML, and the model by its release: a commanded policy is over both of them.
        """
        devices = tuple(
            DeviceSetup(
                name,
                _KINDS[roles[device.kind]],
                device.zone_mm,
                device.latency_ms,
                device.measuring_ms,
                device.trigger_eye,
            )
            for name, device in self.devices.items()
        )
        policy = PolicySetup(
            version=f"{self.sha256[:12]}.{release[:8]}" if release else self.sha256[:12],
            weight_range_g=self.policy.weight_range_g,
            declared_tolerance_g=self.policy.declared_tolerance_g,
            declared_tolerance_share=self.policy.declared_tolerance_percent / 100,
            thresholds={**thresholds, **self.policy.thresholds},
            may_be_missing=frozenset(name for name, device in self.devices.items() if device.may_be_missing),
        )
        detect_ms = self.model.detect_ms if self.model else 0.0
        timing = self.timing
        return LineSetup(
            self.line.geometry(), devices, policy, timing.order_ms, detect_ms, timing.settle_ms, self.hosts(), floor
        )

    def hosts(self) -> dict[str, str]:
        """By device, and `plc`, the host that its wire names: as `host`, or in an address like `rtsp://host/...`."""
        wires = {**{name: device.wire for name, device in self.devices.items()}, "plc": self.plc.wire}
        return {name: host for name, wire in wires.items() if (host := _host_of(wire))}


def _host_of(wire: object) -> str:
    """The host in a driver's settings, "" for a wire that leads to none."""
    told = wire.model_dump() if isinstance(wire, BaseModel) else {}
    if isinstance(told.get("host"), str):
        return str(told["host"])
    texts = [value for value in told.values() if isinstance(value, str) and "://" in value]
    return next((host for text in texts if (host := urlsplit(text).hostname)), "")


def load_config(path: Path, drivers: Mapping[str, Driver], overrides: Sequence[str] = ()) -> StationConfig:
    """Read, override (`key.key=value`, value in YAML) and check a station's YAML.

    Raises:
        ConfigError: with one line for each fault.
    """
    try:
        document, tree = read_tree(path)
    except TreeError as error:
        raise ConfigError(str(error)) from error
    for override in overrides:
        _override(document, override)
    document["sha256"] = hashlib.sha256(yaml.safe_dump(document).encode()).hexdigest()
    config, faults = _validate(document, drivers)
    if config is None or faults:
        raise ConfigError(told(str(path), tree, faults))
    return config


def _override(document: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals:
        raise ConfigError(f"--set {override}: write it as key.key=value")
    *folders, last = key.split(".")
    place: Any = document
    for folder in folders:
        place = place.get(folder) if isinstance(place, dict) else None
        if not isinstance(place, dict):
            raise ConfigError(f"--set {override}: there is no '{folder}' in the configuration")
    try:
        place[last] = parse_value(value)
    except TreeError as error:
        raise ConfigError(f"--set {key}: {error}") from error


def _validate(document: dict[str, Any], drivers: Mapping[str, Driver]) -> tuple[StationConfig | None, list[Fault]]:
    try:
        config = StationConfig.model_validate(document)
    except ValidationError as error:
        return None, faults_of(error, (), StationConfig, {"sha256"})
    faults: list[Fault] = []
    wires: dict[str, Any] = {}
    for name, device in config.devices.items():
        wanted = {Role.BARCODE, Role.SCALE, Role.FRAMES}
        wires[name] = _wire(device, ("devices", name), drivers, wanted, faults)
    plc = config.plc.model_copy(
        update={"wire": _wire(config.plc, ("plc",), drivers, {Role.PLC}, faults)},
    )
    faults += [*_rules(config), *_places(config), *_broker(config.mqtt), *_shared(wires)]
    faults += _triggers(config, drivers, wires)
    devices = {name: device.model_copy(update={"wire": wires[name]}) for name, device in config.devices.items()}
    return config.model_copy(update={"devices": devices, "plc": plc}), faults


def _wire(
    part: DeviceConfig | PlcConfig,
    where: tuple[str, ...],
    drivers: Mapping[str, Driver],
    roles: set[Role],
    faults: list[Fault],
) -> Any:
    known = sorted(kind for kind, driver in drivers.items() if driver.role in roles)
    if part.kind not in known:
        faults.append(((*where, "kind"), f"'{part.kind}' is no such kind{did_you_mean(part.kind, known)}"))
        return None
    model = drivers[part.kind].settings
    try:
        return model.model_validate(part.wire)
    except ValidationError as error:
        faults += faults_of(error, (*where, "wire"), model)
        return None


def _broker(mqtt: MqttConfig | None) -> list[Fault]:
    """A file that would be left aside: the password would go in plain text, or no name with it."""
    if mqtt is None:
        return []
    faults: list[Fault] = []
    if mqtt.ca_file is None:
        plain = "give ca_file, by which the broker is known: without it the connection is not encrypted"
        faults += [(("mqtt", key), plain) for key in ("cert_file", "key_file") if getattr(mqtt, key) is not None]
        if mqtt.port == TLS_PORT:
            faults.append((("mqtt", "port"), f"{TLS_PORT} is the port for TLS: {plain}"))
    elif mqtt.key_file is not None and mqtt.cert_file is None:
        faults.append((("mqtt", "key_file"), "give cert_file, the certificate that belongs to it"))
    if mqtt.password_file is not None and mqtt.username is None:
        faults.append((("mqtt", "password_file"), "give username: a password without a name is not sent"))
    return faults


def _shared(wires: Mapping[str, Any]) -> list[Fault]:
    """A port or a folder that two devices would empty, each for itself alone."""
    faults: list[Fault] = []
    for key in ("port", "folder"):
        owners: dict[str, str] = {}
        for name, wire in wires.items():
            place = getattr(wire, key, None)
            if isinstance(place, (str, Path)) and owners.setdefault(os.path.realpath(place), name) != name:
                owner = owners[os.path.realpath(place)]
                faults.append((("devices", name, "wire", key), f"is the {key} of {owner} as well"))
    return faults


def _rules(config: StationConfig) -> list[Fault]:
    """What does not go together in what the site has decided."""
    faults: list[Fault] = []
    keep = config.retention
    if keep and keep.days and keep.finds_days and keep.finds_days < keep.days:
        faults.append((("retention", "finds_days"), "must not be less than days: a find is kept longer"))
    disk = config.disk
    if not disk.refuse_gb <= disk.none_gb <= disk.thin_gb:
        faults.append((("disk", "thin_gb"), "must not be less than none_gb, nor that than refuse_gb"))
    low_g, high_g = config.policy.weight_range_g
    if not low_g < high_g:
        faults.append((("policy", "weight_range_g"), "must be least..greatest, in grams"))
    if PLC in config.devices:
        faults.append((("devices", PLC), "must have another name: this one is the PLC's"))
    if all(device.may_be_missing for device in config.devices.values()):
        faults.append((("devices",), "may not all be missing: a parcel of which nothing is known would pass"))
    return faults


def _places(config: StationConfig) -> list[Fault]:
    """What does not fit together on the belt."""
    faults: list[Fault] = []
    eyes = config.line.eyes_mm
    if list(eyes) != sorted(set(eyes)) or eyes[0] != 0:
        faults.append((("line", "eyes_mm"), "must begin with 0 (the infeed eye) and grow"))
    if not eyes[-1] < config.line.diverter_mm < config.line.exit_mm:
        faults.append((("line", "diverter_mm"), "must lie between the decision eye (the last of eyes_mm) and exit_mm"))
    for name, device in config.devices.items():
        low, high = device.zone_mm
        if not 0 <= low <= high < eyes[-1]:
            faults.append((("devices", name, "zone_mm"), "must be from..to, both between infeed and decision eye"))
        if not 0 <= device.latency_ms[0] <= device.latency_ms[1]:
            faults.append((("devices", name, "latency_ms"), "must be least..greatest, in ms"))
        if device.trigger_eye is not None and device.trigger_eye >= len(eyes):
            faults.append((("devices", name, "trigger_eye"), f"there are eyes 0 to {len(eyes) - 1}"))
        elif device.trigger_eye is not None and eyes[device.trigger_eye] > high:
            faults.append(
                (("devices", name, "trigger_eye"), "is behind zone_mm: give an eye that a parcel meets before")
            )
    return faults


def _triggers(config: StationConfig, drivers: Mapping[str, Driver], wires: Mapping[str, Any]) -> list[Fault]:
    """A trigger eye without trigger numbers, or numbers that nothing would be compared with."""
    faults: list[Fault] = []
    for name, device in config.devices.items():
        wire, triggered = wires[name], device.trigger_eye is not None
        if wire is None:
            continue
        if triggered and (drivers[device.kind].role is not Role.FRAMES or wire.trigger_numbers is False):
            text = "no trigger number comes with what it reads: leave trigger_eye out, or let its pictures bear one"
            faults.append((("devices", name, "trigger_eye"), text))
        elif wire.trigger_numbers and not triggered:
            text = "trigger numbers would be left aside: give trigger_eye, or no group `trigger` in the pattern"
            faults.append((("devices", name, "wire", "pattern"), text))
    return faults
