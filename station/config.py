"""The station's configuration: one YAML, one frozen pydantic tree; an error names file, line, key and the mend."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from station.core.setup import DeviceKind, DeviceSetup, Geometry, LineSetup, PolicySetup
from station.ports import Driver, Role

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
_KINDS: dict[Role, DeviceKind] = {Role.BARCODE: "barcode", Role.SCALE: "weight", Role.FRAMES: "frame"}


class ConfigError(Exception):
    """The configuration cannot be used; one line for each fault, with file, line, key and what would be right."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LineConfig(_Part):
    """The belt, as it is built: places in mm from the infeed eye."""

    mm_per_count: float = Field(gt=0)
    speed_mm_s: float = Field(gt=0)
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

    def geometry(self) -> Geometry:
        """The same for the core."""
        return Geometry(**self.model_dump())


class DeviceConfig(_Part):
    """One device: what kind, where it senses, how late it may be, and how its wire is set."""

    kind: str
    zone_mm: tuple[float, float]
    latency_ms: tuple[float, float]
    measuring_ms: float = Field(default=0.0, ge=0)
    trigger_eye: int | None = Field(default=None, ge=0)
    may_be_missing: bool = False
    wire: Any


class PlcConfig(_Part):
    """The PLC and its wire."""

    kind: str
    wire: Any


class PolicyConfig(_Part):
    """What sends a parcel to inspection. Every device is required unless it `may_be_missing`."""

    weight_range_g: tuple[float, float]
    declared_tolerance_g: float = Field(default=50.0, ge=0)
    declared_tolerance_percent: float = Field(default=5.0, ge=0)
    hold_list: Path | None = None
    declared_weights: Path | None = None
    thresholds: Mapping[str, float] = {}


class ModelConfig(_Part):
    """The image model: a folder, and the longest time from a picture's arrival to its findings."""

    folder: Path
    detect_ms: float = Field(default=150.0, gt=0)
    threads: int = Field(default=1, ge=1, le=8)


class MqttConfig(_Part):
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


class TimingConfig(_Part):
    """Bounds of the station's own work, in ms; `station check` shows the room that they leave."""

    order_ms: float = Field(default=80.0, gt=0)
    settle_ms: float = Field(default=10.0, gt=0)


class StationConfig(_Part):
    """One station."""

    site: Name
    line_name: Name
    station: Name
    data: Path
    line: LineConfig
    devices: Mapping[Name, DeviceConfig]
    plc: PlcConfig
    policy: PolicyConfig
    model: ModelConfig | None = None
    mqtt: MqttConfig | None = None
    timing: TimingConfig = TimingConfig()
    sha256: str = ""

    def setup(self, roles: Mapping[str, Role], thresholds: Mapping[str, float]) -> LineSetup:
        """The same for the core; `thresholds` are the model's own, those of the policy go before them."""
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
            version=self.sha256[:12],
            weight_range_g=self.policy.weight_range_g,
            declared_tolerance_g=self.policy.declared_tolerance_g,
            declared_tolerance_share=self.policy.declared_tolerance_percent / 100,
            thresholds={**thresholds, **self.policy.thresholds},
            may_be_missing=frozenset(name for name, device in self.devices.items() if device.may_be_missing),
        )
        detect_ms = self.model.detect_ms if self.model else 0.0
        timing = self.timing
        return LineSetup(self.line.geometry(), devices, policy, timing.order_ms, detect_ms, timing.settle_ms)


def load_config(path: Path, drivers: Mapping[str, Driver], overrides: Sequence[str] = ()) -> StationConfig:
    """Read, override (`key.key=value`, value in YAML) and check a station's YAML.

    Raises:
        ConfigError: with one line for each fault.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not YAML: {error}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: is empty or no mapping; begin from one of the example configurations")
    for override in overrides:
        _override(document, override)
    document["sha256"] = hashlib.sha256(yaml.safe_dump(document).encode()).hexdigest()
    config, faults = _validate(document, drivers)
    if config is None or faults:
        lines = [f"{path}:{_line_of(tree, where)}: {'.'.join(map(str, where))}: {what}" for where, what in faults]
        raise ConfigError("\n".join(lines))
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
    place[last] = yaml.safe_load(value)


_Fault = tuple[tuple[str | int, ...], str]


def _validate(document: dict[str, Any], drivers: Mapping[str, Driver]) -> tuple[StationConfig | None, list[_Fault]]:
    try:
        config = StationConfig.model_validate(document)
    except ValidationError as error:
        return None, _faults(error, (), StationConfig)
    faults: list[_Fault] = []
    wires: dict[str, Any] = {}
    for name, device in config.devices.items():
        wanted = {Role.BARCODE, Role.SCALE, Role.FRAMES}
        wires[name] = _wire(device, ("devices", name), drivers, wanted, faults)
    plc = config.plc.model_copy(
        update={"wire": _wire(config.plc, ("plc",), drivers, {Role.PLC}, faults)},
    )
    faults += _places(config)
    devices = {name: device.model_copy(update={"wire": wires[name]}) for name, device in config.devices.items()}
    return config.model_copy(update={"devices": devices, "plc": plc}), faults


def _wire(
    part: DeviceConfig | PlcConfig,
    where: tuple[str, ...],
    drivers: Mapping[str, Driver],
    roles: set[Role],
    faults: list[_Fault],
) -> Any:
    known = sorted(kind for kind, driver in drivers.items() if driver.role in roles)
    if part.kind not in known:
        faults.append(((*where, "kind"), f"'{part.kind}' is no such kind{_did_you_mean(part.kind, known)}"))
        return None
    model = drivers[part.kind].settings
    try:
        return model.model_validate(part.wire)
    except ValidationError as error:
        faults += _faults(error, (*where, "wire"), model)
        return None


def _places(config: StationConfig) -> list[_Fault]:
    faults: list[_Fault] = []
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
    return faults


def _faults(error: ValidationError, where: tuple[str | int, ...], model: type[BaseModel]) -> list[_Fault]:
    faults: list[_Fault] = []
    for entry in error.errors():
        location = (*where, *entry["loc"])
        text = entry["msg"]
        if entry["type"] == "extra_forbidden":
            known = _keys(model, entry["loc"][:-1])
            text = f"there is no such key{_did_you_mean(str(location[-1]), known)}"
        elif entry["type"] == "missing":
            text = "is missing"
        faults.append((location, text))
    return faults


def _keys(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """Names allowed at a place of the tree; none if it is not one of ours."""
    current: Any = model
    for part in location:
        fields = getattr(current, "model_fields", {})
        if part in fields:
            current = fields[part].annotation
        elif current == Mapping[Name, DeviceConfig]:
            current = DeviceConfig
        args = [arg for arg in getattr(current, "__args__", ()) if getattr(arg, "model_fields", None)]
        if args and current != Mapping[Name, DeviceConfig]:
            current = args[0]
    return sorted(set(getattr(current, "model_fields", {})) - {"sha256"})


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; there are: {', '.join(known)}" if known else ""


def _line_of(tree: yaml.Node | None, where: Sequence[str | int]) -> int:
    """Line (from 1) of the deepest part of that place that stands in the file."""
    node, line = tree, 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
