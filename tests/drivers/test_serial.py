"""Scanner and MT-SICS scale on pseudo-terminals. Field cases C27, C33, C35."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from drivers import mt_sics_scale, serial_scanner
from drivers.mt_sics_scale import MtSicsScale, MtSicsSettings
from drivers.serial_line import SerialLine
from drivers.serial_scanner import ScannerSettings, SerialScanner
from drivers.unread import AT_ONCE
from station.core.events import BarcodeReading, DeviceState, WeightReading
from station.ports import Device
from tests.drivers.conftest import Caught, eventually
from tests.needs import need

EAN = "4006381333931"
Start = Callable[[Device], Device]


class Pty:
    """A serial line whose far end a test speaks on; `path` is a link, as under /dev/serial/by-id/."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.master = -1
        self.plug()

    def plug(self) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.path.symlink_to(os.ttyname(slave))
        os.close(slave)

    def unplug(self) -> None:
        self.path.unlink()
        os.close(self.master)
        self.master = -1

    def say(self, data: bytes) -> None:
        os.write(self.master, data)


@pytest.fixture
def pty(tmp_path: Path) -> Iterator[Pty]:
    made = Pty(tmp_path / "port")
    yield made
    if made.master >= 0:
        os.close(made.master)


def scanner(pty: Pty, **more: str) -> SerialScanner:
    return SerialScanner("scanner-1", ScannerSettings(port=str(pty.path), idle_ms=30, **more), time.monotonic_ns)


def scale(pty: Pty, **more: str) -> MtSicsScale:
    return MtSicsScale("scale-1", MtSicsSettings(port=str(pty.path), idle_ms=30, **more), time.monotonic_ns)


@contextmanager
def other_process(pty: Pty, *, lock: bool) -> Iterator[subprocess.Popen[bytes]]:
    code = "import fcntl, os, sys; fd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)"
    code += f"; fcntl.flock(fd, {2 if lock else 8}); print(flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code, str(pty.path)], stdin=pipe, stdout=pipe) as other:
        assert other.stdout
        other.stdout.readline()
        yield other
        assert other.stdin
        other.stdin.close()
        other.wait(5)


def test_a_code_is_read_with_tight_bounds_of_when(pty: Pty, caught: Caught, started: Start) -> None:
    device = started(scanner(pty))
    caught.wait_for(DeviceState)
    widths = []
    for n in range(1, 21):
        sent_ns = time.monotonic_ns()
        pty.say(f"{EAN}\r\n".encode())
        reading = caught.wait_for(BarcodeReading, n)[-1]
        assert isinstance(reading, BarcodeReading)
        assert reading.code == EAN
        assert reading.arrived.after_ns <= reading.arrived.before_ns
        assert reading.arrived.before_ns >= sent_ns
        assert reading.arrived.after_ns <= time.monotonic_ns()
        widths.append(reading.arrived.before_ns - reading.arrived.after_ns)
    assert sorted(widths)[10] < 12_000_000
    assert device.health().connected
    assert device.health().counters["codes"] == 20
    assert device.health().last_message_ns is not None


def test_a_port_is_not_seen_empty_while_a_frame_has_begun(pty: Pty, caught: Caught, started: Start) -> None:
    device = started(scanner(pty, prefix="\x02"))
    caught.wait_for(DeviceState)

    def seen() -> int:
        return device.health().seen_empty_ns or 0

    before = seen()
    eventually(lambda: seen() > before)
    said_ns = time.monotonic_ns()
    pty.say(b"\x02400")
    eventually(lambda: device.health().counters.get("incomplete", 0) == 1 or seen() <= said_ns)
    stood = seen()
    assert stood <= said_ns or device.health().counters["incomplete"] == 1
    eventually(lambda: seen() > said_ns + 30_000_000)
    assert device.health().counters["incomplete"] == 1


def test_what_was_said_before_it_opened_is_not_read(pty: Pty, caught: Caught, started: Start) -> None:
    held = os.open(pty.path, os.O_RDWR | os.O_NOCTTY)
    pty.say(f"{EAN}\r\n".encode())
    started(scanner(pty))
    caught.wait_for(DeviceState)
    pty.say(b"00012\r\n")
    assert [r.code for r in caught.wait_for(BarcodeReading)] == ["00012"]  # type: ignore[attr-defined]
    os.close(held)


def test_half_a_code_with_a_pause_is_dropped_and_the_next_is_read(pty: Pty, caught: Caught, started: Start) -> None:
    device = started(scanner(pty, prefix="\x02"))
    caught.wait_for(DeviceState)
    pty.say(b"\x02400638")
    eventually(lambda: device.health().counters.get("incomplete", 0) == 1)
    pty.say(b"1333931\r\n\x02" + EAN.encode() + b"\r\n")
    readings = [(r.code, r.symbology) for r in caught.wait_for(BarcodeReading, 3)]  # type: ignore[attr-defined]
    assert readings == [(None, "incomplete: b'400638'"), (None, "without prefix: b'1333931'"), (EAN, "")]


def test_each_label_that_cannot_be_read_is_told_however_close_behind_the_last(
    pty: Pty, caught: Caught, started: Start
) -> None:
    """The second of two parcels passed on the rest of a code, since the first had used up what was told in a second."""
    started(scanner(pty, prefix="\x02"))
    caught.wait_for(DeviceState)
    pty.say(b"\x024006381\x02333931\r\n" * 2)
    readings = [(r.code, r.symbology) for r in caught.wait_for(BarcodeReading, 4)]  # type: ignore[attr-defined]
    assert readings == [(None, "incomplete: b'4006381'"), ("333931", "")] * 2


def test_a_flood_of_what_cannot_be_read_is_told_in_parts_that_cover_all_of_it(
    pty: Pty, caught: Caught, started: Start
) -> None:
    device = started(scanner(pty, prefix="\x02"))
    caught.wait_for(DeviceState)
    pty.say(b"".join(b"n%d\xff\r\n" % n for n in range(50)))
    pty.say(b"\x02" + EAN.encode() + b"\r\n")
    caught.wait(lambda items: any("more" in getattr(item, "symbology", "") for item in items))
    readings = [r for r in caught.of(BarcodeReading) if r.code is None]  # type: ignore[attr-defined]
    told = [r.symbology for r in readings]  # type: ignore[attr-defined]
    assert told[:AT_ONCE] == [f"without prefix: b'n{n}\\xff'" for n in range(AT_ONCE)]
    merged = [int(text.rpartition(", and ")[2].split()[0]) if "more" in text else 0 for text in told[AT_ONCE:]]
    assert len(told) + sum(merged) == device.health().counters["without prefix"] == 50
    assert len(merged) < 5
    after = [r.arrived.after_ns for r in readings]  # type: ignore[attr-defined]
    assert after == sorted(after)
    eventually(lambda: (device.health().seen_empty_ns or 0) > readings[-1].arrived.before_ns)  # type: ignore[attr-defined]


def test_what_a_scanner_says_again_and_again_between_good_codes_is_told_once(
    pty: Pty, caught: Caught, started: Start
) -> None:
    started(scanner(pty, prefix="\x02"))
    caught.wait_for(DeviceState)
    pty.say(b"READY\r\n\x0200012\r\n" * 3 + b"ERROR\r\n\x0200012\r\n")
    readings = [r.symbology for r in caught.wait_for(BarcodeReading, 6)]  # type: ignore[attr-defined]
    assert readings == ["without prefix: b'READY'", "", "", "", "without prefix: b'ERROR'", ""]


def test_of_a_long_text_that_cannot_be_read_sixty_bytes_are_told(pty: Pty, caught: Caught, started: Start) -> None:
    started(scale(pty))
    caught.wait_for(DeviceState)
    pty.say(b"x" * 500)
    [reading] = caught.wait_for(WeightReading)
    assert (reading.weight_g, reading.fault) == (None, f"too long: {b'x' * 60!r}")  # type: ignore[attr-defined]


def test_bad_bytes_and_an_unplug_end_nothing(
    pty: Pty, caught: Caught, started: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    device = started(scanner(pty))
    caught.wait_for(DeviceState)
    pty.say(b"\xe6\xff\x00\r\n" + EAN.encode() + b"\r\n")
    caught.wait_for(BarcodeReading, 2)
    pty.unplug()
    caught.wait_for(DeviceState, 2)
    used_s = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - used_s < 0.2
    pty.plug()
    eventually(lambda: len(caught.of(DeviceState)) > 2, why=lambda: device.health().detail)
    states = caught.of(DeviceState)
    pty.say(b"00012\r\n")
    assert [r.code for r in caught.wait_for(BarcodeReading, 3)] == [None, EAN, "00012"]  # type: ignore[attr-defined]
    assert [s.connected for s in states] == [True, False, True]  # type: ignore[attr-defined]
    assert len(caplog.records) == 3, caplog.messages


def test_a_port_absent_at_the_start_is_said_once_and_found_later(pty: Pty, caught: Caught, started: Start) -> None:
    pty.unplug()
    started(scanner(pty))
    [lost] = caught.wait_for(DeviceState)
    assert isinstance(lost, DeviceState)
    assert "does not exist; ports that do" in lost.detail
    pty.plug()
    assert [s.connected for s in caught.wait_for(DeviceState, 2)] == [False, True]  # type: ignore[attr-defined]


def test_a_port_held_by_another_process_is_refused_and_its_holder_named(
    pty: Pty, caught: Caught, started: Start
) -> None:
    with other_process(pty, lock=True) as other:
        assert f"held by process {other.pid} (python" in scanner(pty).probe()
        started(scanner(pty))
        [lost] = caught.wait_for(DeviceState)
        assert f"process {other.pid}" in lost.detail  # type: ignore[attr-defined]
    assert caught.wait_for(DeviceState, 2)[-1].connected  # type: ignore[attr-defined]


def test_a_second_reader_during_the_run_is_found_and_named(
    pty: Pty, caught: Caught, started: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.serial_line.WATCH_NS", 50_000_000)
    started(scanner(pty))
    caught.wait_for(DeviceState)
    with other_process(pty, lock=False) as other:
        lost = caught.wait_for(DeviceState, 2)[-1]
        assert f"also read by process {other.pid} (python" in lost.detail  # type: ignore[attr-defined]


def test_beside_a_second_reader_it_is_never_connected_again_and_half_a_code_is_none(
    pty: Pty, caught: Caught, started: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.serial_line.WATCH_NS", 50_000_000)
    device = started(scanner(pty))
    caught.wait_for(DeviceState)
    with other_process(pty, lock=False) as other:
        caught.wait_for(DeviceState, 2)
        eventually(lambda: device.health().counters.get("losses", 0) >= 4)
        assert f"also read by process {other.pid} (python" in device.health().detail
        assert f"also read by process {other.pid} (python" in scanner(pty).probe()
        assert [s.connected for s in caught.of(DeviceState)] == [True, False]  # type: ignore[attr-defined]
    assert caught.wait_for(DeviceState, 3)[-1].connected  # type: ignore[attr-defined]
    pty.say(b"0011\r\nCODE0012\r\n")  # of the first code the other one took `CODE`
    assert [r.code for r in caught.wait_for(BarcodeReading)] == ["CODE0012"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", [["sane"], ["115200"]])
def test_a_port_that_another_program_set_otherwise_is_lost_and_set_anew(
    pty: Pty, caught: Caught, started: Start, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setattr("drivers.serial_line.WATCH_NS", 50_000_000)
    started(scanner(pty, prefix="\x02"))
    caught.wait_for(DeviceState)
    subprocess.run([need("stty"), "-F", str(pty.path), *command], check=True)
    lost = caught.wait_for(DeviceState, 2)[1]
    assert "was set otherwise by another program" in lost.detail  # type: ignore[attr-defined]
    assert caught.wait_for(DeviceState, 3)[-1].connected  # type: ignore[attr-defined]
    pty.say(b"\x0200012\r\n")
    assert [r.code for r in caught.wait_for(BarcodeReading)] == ["00012"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("parity", "checked"), [("none", False), ("even", True), ("odd", True)])
def test_parity_is_checked_where_there_is_one(pty: Pty, parity: str, *, checked: bool) -> None:
    with closing(SerialLine(ScannerSettings(port=str(pty.path), parity=parity), time.monotonic_ns)):  # type: ignore[arg-type]
        fd = os.open(pty.path, os.O_RDWR | os.O_NOCTTY)
        flags = termios.tcgetattr(fd)[0]
        os.close(fd)
    assert bool(flags & termios.INPCK) is checked
    assert not flags & (termios.IGNPAR | termios.PARMRK)  # a byte that fails comes as NUL, alone


def test_bytes_that_somebody_else_took_are_not_called_an_unplug(
    pty: Pty, caught: Caught, started: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(scanner(pty))
    caught.wait_for(DeviceState)
    with other_process(pty, lock=False) as other:
        real = os.read

        def too_late(fd: int, count: int) -> bytes:
            return b"" if os.path.realpath(pty.path) == os.ttyname(fd) else real(fd, count)

        with monkeypatch.context() as patched:
            patched.setattr("drivers.serial_line.os.read", too_late)
            pty.say(b"CODE0011\r\n")
            lost = caught.wait_for(DeviceState, 2)[-1]
        assert f"also read by process {other.pid} (python" in lost.detail  # type: ignore[attr-defined]


def test_the_process_at_the_far_end_of_a_pseudo_terminal_is_no_second_reader() -> None:
    code = "import os, sys; _, slave = os.openpty(); print(os.ttyname(slave), flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe) as device:
        assert device.stdout
        port = device.stdout.readline().decode().strip()
        assert SerialScanner("s", ScannerSettings(port=port), time.monotonic_ns).probe() == ""
        assert device.stdin
        device.stdin.close()


def test_a_scale_at_the_scanners_port_is_named_until_a_code_comes(pty: Pty, caught: Caught, started: Start) -> None:
    device = started(scanner(pty))
    caught.wait_for(DeviceState)
    pty.say(b"S S      1.23 kg\r\n" * 2)
    lost = caught.wait_for(DeviceState, 2)[-1]
    assert "text of an MT-SICS scale" in lost.detail  # type: ignore[attr-defined]
    assert "S S      1.23 kg" in lost.detail  # type: ignore[attr-defined]
    pty.say(b"00012\r\n")
    assert caught.wait_for(DeviceState, 3)[-1].connected  # type: ignore[attr-defined]
    assert device.health().counters["foreign"] == 2
    assert [r.code for r in caught.of(BarcodeReading)] == [None, None, "00012"]  # type: ignore[attr-defined]


def test_one_text_of_another_device_is_no_code_and_no_loss(pty: Pty, caught: Caught, started: Start) -> None:
    device = started(scanner(pty))
    caught.wait_for(DeviceState)
    pty.say(b"ET\r\n00012\r\nET\r\n00013\r\nATE4711\r\n")
    readings = [(r.code, r.symbology) for r in caught.wait_for(BarcodeReading, 5)]  # type: ignore[attr-defined]
    foreign = (None, "text of an MT-SICS scale: b'ET'")
    assert readings == [foreign, ("00012", ""), foreign, ("00013", ""), ("ATE4711", "")]
    assert device.health().connected
    assert len(caught.of(DeviceState)) == 1


def test_probe_says_what_is_wrong_and_what_to_do(pty: Pty, tmp_path: Path) -> None:
    assert scanner(pty).probe() == ""
    plain = tmp_path / "plain"
    plain.write_text("")
    settings = ScannerSettings(port=str(plain))
    assert "is it a serial port?" in SerialScanner("s", settings, time.monotonic_ns).probe()


def test_the_scale_delivers_stable_results_and_faults_and_counts_the_rest(
    pty: Pty, caught: Caught, started: Start
) -> None:
    device = started(scale(pty))
    caught.wait_for(DeviceState)
    pty.say(b"S D      1.200 kg\r\nS S      1.234 kg\r\nS +\r\nS S      2.500 lb\r\n")
    readings = caught.wait_for(WeightReading, 3)
    assert [(r.weight_g, r.fault) for r in readings] == [  # type: ignore[attr-defined]
        (1234.0, ""), (None, "overload"), (None, "unit lb, expected kg"),
    ]  # fmt: skip
    assert device.health().counters["dynamic"] == 1


def test_a_scale_that_repeats_itself_is_asked_and_gives_one_result_a_parcel(
    pty: Pty, caught: Caught, started: Start
) -> None:
    device = started(scale(pty, results="continuous", ask="SIR"))
    caught.wait_for(DeviceState)
    assert os.read(pty.master, 100) == b"SIR\r\n"
    pty.say(b"S S      0.000 kg\r\n" + b"S S      1.234 kg\r\n" * 3 + b"S D      0.900 kg\r\nS S      2.000 kg\r\n")
    assert [r.weight_g for r in caught.wait_for(WeightReading, 2)] == [1234.0, 2000.0]  # type: ignore[attr-defined]
    assert device.health().counters["repeated"] == 3


def test_a_scale_that_was_switched_on_again_or_says_nothing_is_asked_again(
    pty: Pty, caught: Caught, started: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stayed silent for ever, and was called connected."""
    monkeypatch.setattr(mt_sics_scale, "ASK_AGAIN_NS", 0)
    started(scale(pty, results="continuous", ask="SIR"))
    caught.wait_for(DeviceState)
    assert os.read(pty.master, 100) == b"SIR\r\n"
    pty.say(b'S D      1.000 kg\r\nI4 A "B021002593"\r\n')
    assert os.read(pty.master, 100) == b"SIR\r\n"
    pty.say(b"S S      1.234 kg\r\nET\r\n")
    assert os.read(pty.master, 100) == b"SIR\r\n"
    assert [r.fault for r in caught.wait_for(WeightReading)] == ["transmission error"]  # type: ignore[attr-defined]
    monkeypatch.setattr(mt_sics_scale, "SILENT_NS", 100_000_000)
    assert os.read(pty.master, 100) == b"SIR\r\n"


def test_a_scale_that_is_asked_repeats_itself() -> None:
    with pytest.raises(ValidationError, match="set `results: continuous`"):
        MtSicsSettings(port="/dev/null", ask="SIR")


def test_a_toledo_stream_is_refused_and_named(pty: Pty, caught: Caught, started: Start) -> None:
    started(scale(pty))
    caught.wait_for(DeviceState)
    pty.say(bytes.fromhex("022D30203030323530303030303030300D2D") * 10)
    lost = caught.wait_for(DeviceState, 2)[-1]
    assert "text of a Toledo continuous scale" in lost.detail  # type: ignore[attr-defined]
    assert [reading.weight_g for reading in caught.of(WeightReading)] == [None]  # type: ignore[attr-defined]


@pytest.mark.parametrize("driver", [serial_scanner.DRIVER, mt_sics_scale.DRIVER])
def test_the_example_is_valid(driver: object) -> None:
    keys = yaml.safe_load(driver.example)  # type: ignore[attr-defined]
    keys.pop("kind")
    made = driver.create("d", driver.settings(**keys), time.monotonic_ns)  # type: ignore[attr-defined]
    assert isinstance(made, Device)


def test_the_lock_is_freed_by_stop(pty: Pty, caught: Caught) -> None:
    device = scanner(pty)
    device.start(caught)
    caught.wait_for(DeviceState)
    device.stop()
    fd = os.open(pty.path, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(fd)
