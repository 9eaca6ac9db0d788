"""A configuration error names file, line, key, what is wrong and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from station.check import room
from station.config import ConfigError, load_config
from station.plugins import installed_drivers
from station.ports import _repeats_repeats
from station.resources import examples
from station.room import margins

DRIVERS = installed_drivers()
SCALE_MAP = "{weight: {address: 0}, unit: g, status: {address: 2, stable_bit: 0}, counter: 3}"
DEMO = (examples() / "demo.yaml").read_text()


@pytest.mark.parametrize("name", ["demo.yaml", "camera.yaml"])
def test_examples_are_right_and_have_room(name: str) -> None:
    found = list(room(load_config(examples() / name, DRIVERS), DRIVERS))
    assert len(found) > 4
    assert [finding.subject for finding in found if not finding.right] == []


@pytest.mark.parametrize(
    ("kind", "key"), [("modbus-scale", "poll_ms"), ("xray-folder", "poll_ms"), ("xray-folder", "listing_delay_ms")]
)
def test_how_often_a_device_is_looked_at_is_part_of_the_room(kind: str, key: str) -> None:
    """`check` called a line with a poll of half a second well, and nearly all of its parcels were ambiguous."""
    wire = f"devices.scale.wire={{host: 10.0.0.7, map: {SCALE_MAP}}}"
    overrides = [f"devices.scale.kind={kind}", wire] if kind == "modbus-scale" else []
    name = "scale" if overrides else "xray"

    def margin_mm(more: str) -> float:
        config = load_config(examples() / "demo.yaml", DRIVERS, [*overrides, *([more] if more else [])])
        (found,) = [f for f in room(config, DRIVERS) if f.subject == f"room: {name}: neighbours told apart"]
        return float(found.text.split()[0])

    slower = margin_mm(f"devices.{name}.wire.{key}=200")
    assert margin_mm("") - slower == pytest.approx(2.5 * (200 - (0 if key == "listing_delay_ms" else 20)), abs=1)


def test_an_order_needs_two_polls_and_two_scans() -> None:
    config = load_config(examples() / "demo.yaml", DRIVERS)
    setup = config.setup({kind: driver.role for kind, driver in DRIVERS.items()}, {})
    assert setup.order_room_ms == 80
    short = [margin for margin in margins(setup, poll_ms=21, scan_ms=20, lies_ms={}) if not margin.fits]
    assert [(margin.what, margin.ms) for margin in short] == [("the order's way: two polls and two scans", -2.0)]


CASES = [
    ("speed_mm_s: 2500", "speed_mms: 2500", "line.speed_mms: there is no such key; did you mean 'speed_mm_s'?"),
    ("kind: serial-scanner", "kind: serial-scaner", "did you mean 'serial-scanner'?"),
    ("port: wires/scanner, baud", "prot: wires/scanner, baud", "did you mean 'port'?"),
    ("slip: 0.005", "slip: 5", "line.slip: Input should be less than 0.2"),
    ("site: demo\n", "", "site: is missing"),
    ("eyes_mm: [0, 650,", "eyes_mm: [0, 1650, 650,", "must begin with 0"),
    ("zone_mm: [250, 350]", "zone_mm: [350, 250]", "devices.scanner.zone_mm"),
    ("latency_ms: [20, 60]", "latency_ms: [60, 20]", "devices.scanner.latency_ms"),
    ("trigger_eye: 2", "trigger_eye: 9", "there are eyes 0 to 4"),
    ("trigger_eye: 2", "trigger_eye: 3", "devices.xray.trigger_eye: is behind zone_mm"),
    ("trigger_eye: 2", "may_be_missing: false", "devices.xray.wire.pattern: trigger numbers would be left aside"),
    ("(?P<trigger>", "(", "devices.xray.trigger_eye: no trigger number comes with what it reads"),
    ("measuring_ms: 60", "trigger_eye: 1", "devices.scale.trigger_eye: no trigger number comes with what it reads"),
    ("diverter_mm: 5500", "diverter_mm: 900", "between the decision eye"),
    ("slip: 0.005", "slip: no", "line.slip: Input should be a valid number"),
    ("slip: 0.005", "slip: true", "line.slip: 'true' is yes or no"),
    ("slip: 0.005", "slip: .nan", "line.slip: Input should be a finite number"),
    ("speed_mm_s: 2500", "speed_mm_s: 8:20:00", "line.speed_mm_s: Input should be a valid number"),
    ("policy:\n", "policy:\n  thresholds: {knife: 40}\n", "policy.thresholds.knife: Input should be less"),
    ("policy:\n", "policy:\n  thresholds: {knife: .nan}\n", "policy.thresholds.knife"),
    ("declared_tolerance_g: ", "declared_tolerance_g: .inf  # ", "policy.declared_tolerance_g"),
    ("declared_tolerance_percent: ", "declared_tolerance_percent: 500  # ", "policy.declared_tolerance_percent"),
    ("site: demo\n", "site: demo\nretention: {days: 999999}\n", "retention.days: Input should be less than or equal"),
    ('suffix: "\\r\\n"', "suffix: '\\r\\n'", "devices.scanner.wire.suffix: holds a backslash"),
    ("noread: NOREAD", "noread: NOREAD, codes: '('", "devices.scanner.wire.codes: is no regular expression"),
    ("noread: NOREAD", "noread: NOREAD, codes: '([0-9A-Z]+-?)+#'", "wire.codes: repeats a group that repeats"),
    ("kind: modbus-plc", "kind: mt-sics-scale", "plc.kind: 'mt-sics-scale' is no such kind"),
]


def with_parts(tmp_path: Path, **parts: object) -> Path:
    """The demo's configuration with other parts; None takes one out."""
    path = tmp_path / "line.yaml"
    tree = {**yaml.safe_load(DEMO), **parts}
    path.write_text(yaml.safe_dump(tree))
    return path


def test_without_a_device_that_must_be_there_a_parcel_of_which_nothing_is_known_would_pass(tmp_path: Path) -> None:
    devices = yaml.safe_load(DEMO)["devices"]
    for few, said in (
        ({}, "devices: Dictionary should have at least 1 item"),
        ({name: {**device, "may_be_missing": True} for name, device in devices.items()}, "may not all be missing"),
    ):
        with pytest.raises(ConfigError, match=said):
            load_config(with_parts(tmp_path, devices=few), DRIVERS)


def test_two_devices_at_one_port(tmp_path: Path) -> None:
    devices = yaml.safe_load(DEMO)["devices"]
    devices["scale"]["wire"]["port"] = devices["scanner"]["wire"]["port"]
    with pytest.raises(ConfigError, match=r"wire\.port: is the port of (scanner|scale) as well"):
        load_config(with_parts(tmp_path, devices=devices), DRIVERS)


def test_one_port_under_two_names(tmp_path: Path) -> None:
    devices = yaml.safe_load(DEMO)["devices"]
    port = tmp_path / "tty"
    port.touch()
    (tmp_path / "by-id").symlink_to(port)
    devices["scale"]["wire"]["port"], devices["scanner"]["wire"]["port"] = str(port), str(tmp_path / "by-id")
    with pytest.raises(ConfigError, match=r"wire\.port: is the port of (scanner|scale) as well"):
        load_config(with_parts(tmp_path, devices=devices), DRIVERS)


def test_no_device_bears_the_name_of_the_plc(tmp_path: Path) -> None:
    devices = yaml.safe_load(DEMO)["devices"]
    with pytest.raises(ConfigError, match=r"devices\.plc: must have another name"):
        load_config(with_parts(tmp_path, devices={**devices, "plc": devices.pop("scanner")}), DRIVERS)


@pytest.mark.parametrize(
    ("expression", "refused"),
    [
        ("([0-9A-Z]+-?)+#", True),
        ("((a{2,})b)*", True),
        ("(x[)+]*y)+", True),
        ("(?:a+)*", True),
        ("([0-9]{13}|[0-9]{18})+", False),
        ("(a+)(b+)?", False),
        (r"(?i).*?(?P<trigger>\d+)\.(png|jpg|jpeg)", False),
        (r"(x[+]\+)+", False),
        ("([)]+)", False),
    ],
)
def test_an_expression_that_some_texts_take_for_ever_is_refused(expression: str, *, refused: bool) -> None:
    """The interpreter stands still while it matches: one label of 27 signs held up the whole station for seconds."""
    assert _repeats_repeats(expression) == refused


def test_a_weight_range_that_is_turned_round(tmp_path: Path) -> None:
    policy = {**yaml.safe_load(DEMO)["policy"], "weight_range_g": [30000, 100]}
    with pytest.raises(ConfigError, match=r"weight_range_g: must be least\.\.greatest"):
        load_config(with_parts(tmp_path, policy=policy), DRIVERS)


@pytest.mark.parametrize(("written", "meant"), [("0100", 100.0), ("1e3", 1000.0), ("612.5", 612.5), ("+70", 70.0)])
def test_a_number_is_what_a_person_reads(tmp_path: Path, written: str, meant: float) -> None:
    """YAML 1.1 reads 0100 as 64."""
    path = tmp_path / "line.yaml"
    path.write_text(DEMO.replace("speed_mm_s: 2500", f"speed_mm_s: {written}", 1))
    assert load_config(path, DRIVERS).line.speed_mm_s == meant


@pytest.mark.parametrize("value", ["{", "[1, 2", "'", "*a", "!!python/object:os.system x"])
def test_a_value_given_at_the_command_line_that_is_no_yaml(value: str) -> None:
    with pytest.raises(ConfigError, match=r"--set mqtt\.port: "):
        load_config(examples() / "demo.yaml", DRIVERS, [f"mqtt.port={value}"])


@pytest.mark.parametrize(("old", "new", "said"), CASES)
def test_error_says_what_to_do(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in DEMO
    path = tmp_path / "line.yaml"
    path.write_text(DEMO.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        load_config(path, DRIVERS)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_a_folder_without_a_pattern_of_its_own_may_have_a_trigger_eye_or_not(tmp_path: Path) -> None:
    devices = yaml.safe_load(DEMO)["devices"]
    del devices["xray"]["wire"]["pattern"]
    for eye in (2, None):
        devices["xray"]["trigger_eye"] = eye
        config = load_config(with_parts(tmp_path, devices=devices), DRIVERS)
        assert config.devices["xray"].trigger_eye == eye


def test_a_camera_has_no_trigger_eye() -> None:
    with pytest.raises(ConfigError, match=r"devices\.camera\.trigger_eye: no trigger number comes"):
        load_config(examples() / "camera.yaml", DRIVERS, ["devices.camera.trigger_eye=2"])


def test_error_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "line.yaml"
    path.write_text(DEMO.replace("slip: 0.005", "slip: much"))
    line = next(n for n, text in enumerate(DEMO.splitlines(), start=1) if "slip: 0.005" in text)
    with pytest.raises(ConfigError) as caught:
        load_config(path, DRIVERS)
    assert f"line.yaml:{line}: line.slip: " in str(caught.value)


def test_who_stands_behind_which_host_is_read_from_the_wires() -> None:
    rtsp = 'devices.camera.wire.source="rtsp://10.0.0.31:554/belt"'
    config = load_config(examples() / "camera.yaml", DRIVERS, [rtsp])
    assert config.hosts() == {"scale": "127.0.0.1", "plc": "127.0.0.1", "camera": "10.0.0.31"}
    roles = {kind: driver.role for kind, driver in DRIVERS.items()}
    assert config.setup(roles, {}).hosts == config.hosts()
    assert load_config(examples() / "demo.yaml", DRIVERS).hosts() == {"plc": "127.0.0.1"}


@pytest.mark.parametrize("address", ["http://10.0.0.31/mjpg/video.mjpg", "https://h/a", "tcp://10.0.0.31:8888"])
def test_a_stream_whose_frames_age_cannot_be_proven_is_refused_with_what_to_do(address: str) -> None:
    with pytest.raises(
        ConfigError, match=r"devices\.camera\.wire\.source: must begin with rtsp://.* set the camera to RTSP"
    ):
        load_config(examples() / "camera.yaml", DRIVERS, [f"devices.camera.wire.source={address}"])


def test_the_stages_of_a_disk_that_fills_up_are_in_order() -> None:
    for wrong in ("{thin_gb: 1, none_gb: 2}", "{none_gb: 0.4}"):
        with pytest.raises(ConfigError, match=r"disk\.thin_gb: must not be less than none_gb, nor that than refuse_gb"):
            load_config(examples() / "demo.yaml", DRIVERS, [f"disk={wrong}"])


def test_override_and_its_mistakes() -> None:
    config = load_config(examples() / "demo.yaml", DRIVERS, ["plc.wire.port=15777", "mqtt=null"])
    assert config.plc.wire.port == 15777
    assert config.mqtt is None
    with pytest.raises(ConfigError, match="write it as key"):
        load_config(examples() / "demo.yaml", DRIVERS, ["plc"])
    with pytest.raises(ConfigError, match="there is no 'plcs'"):
        load_config(examples() / "demo.yaml", DRIVERS, ["plcs.wire.port=1"])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("cert_file: c, key_file: k", r"mqtt\.cert_file: give ca_file"),
        ("key_file: k", r"mqtt\.key_file: give ca_file"),
        ("key_file: k, ca_file: c", r"mqtt\.key_file: give cert_file"),
        ("port: 8883", r"mqtt\.port: 8883 is the port for TLS: give ca_file"),
        ("password_file: p", r"mqtt\.password_file: give username"),
    ],
)
def test_no_password_or_certificate_is_left_aside_in_silence(more: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_config(examples() / "demo.yaml", DRIVERS, [f"mqtt={{host: broker, {more}}}"])
    whole = "ca_file: c, cert_file: e, key_file: k, username: u, password_file: p, port: 8883"
    assert load_config(examples() / "demo.yaml", DRIVERS, [f"mqtt={{host: broker, {whole}}}"]).mqtt


@given(st.text(max_size=200))
def test_any_text_is_a_clear_error_or_a_configuration(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / "line.yaml"
    path.write_text(text, encoding="utf-8", errors="replace")
    with pytest.raises(ConfigError):
        load_config(path, DRIVERS)
