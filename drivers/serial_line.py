"""A serial port for one reader: locked, drained, read with tight bounds of when; only here is pyserial known."""

from __future__ import annotations

import fcntl
import os
import select
import termios
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import serial
from pydantic import Field
from serial.tools import list_ports

from drivers.holders import holders
from drivers.wire import WireError
from station.core.events import Arrived
from station.ports import NowNs, Settings

READ_S = 0.005
DRAIN_S = 0.5
LOOK_S = 0.1
WATCH_NS = 2_000_000_000
PARITY = {"none": serial.PARITY_NONE, "even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD}


class PortSettings(Settings):
    """How a serial line is set; as the device's manual says."""

    port: str = Field(description="path of the port; one under /dev/serial/by-id/ stays the same when replugged")
    baud: int = Field(default=9600, ge=300, le=921_600, description="this and the next three as the device is set")
    data_bits: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd"] = Field(
        default="none",
        description="where there is one it is checked: a byte with a wrong bit is part of no code or weight",
    )
    stop_bits: Literal[1, 2] = 1


class TakenError(WireError):
    """Another program meddles with the port: what was read last may be half of what was sent."""


class SerialLine:
    """An open, locked port that nobody else has open.

    Raises:
        WireError: it is absent, held or read by another process, or may not be opened; the sentence says which.
    """

    def __init__(self, settings: PortSettings, now_ns: NowNs) -> None:
        self._path = settings.port
        self._now_ns = now_ns
        try:
            self._serial = serial.Serial(
                settings.port, settings.baud, settings.data_bits, PARITY[settings.parity], settings.stop_bits,
                timeout=0, exclusive=True,
            )  # fmt: skip
        except (serial.SerialException, OSError, ValueError) as error:
            raise WireError(_why_not(settings.port, error)) from error
        self._fd = self._serial.fileno()
        if not os.path.realpath(self._path).startswith("/dev/pts/"):
            # On a pseudo-terminal, which its other end keeps open, this would outlive a killed daemon.
            fcntl.ioctl(self._fd, termios.TIOCEXCL)
        self._set = _checked(self._fd) if settings.parity != "none" else termios.tcgetattr(self._fd)
        self._empty_ns = self._watched_ns = now_ns()
        self._suspects: set[int] = set()
        self._alone()

    def read(self) -> tuple[bytes, Arrived]:
        """What has come, waiting for it 5 ms; b"" with the moment at which the port was last seen empty.

        Raises:
            WireError: the port is gone, or another program reads from it or has set it otherwise.
        """
        self._watch()
        try:
            asked_ns = self._now_ns()
            if not self._serial.in_waiting:
                self._empty_ns = asked_ns
            ready = select.select([self._fd], [], [], READ_S)[0]
            data = os.read(self._fd, 4096) if ready else b""
        except BlockingIOError:
            ready, data = [], b""
        except (OSError, TypeError, ValueError) as error:
            raise WireError(f"port {self._path} is gone ({error}); is the plug in?") from error
        if ready and not data:
            raise self._emptied()
        return data, Arrived(self._empty_ns, self._now_ns())

    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            WireError: the port is gone.
        """
        try:
            self._serial.write(data)
        except (serial.SerialException, OSError) as error:
            raise WireError(f"port {self._path} is gone ({error}); is the plug in?") from error

    def drain(self, quiet_s: float) -> bool:
        """Throw away what was said before; False if it went on speaking, so reading begins inside a frame."""
        begun_ns = quiet_ns = self._now_ns()
        while self._now_ns() - begun_ns < DRAIN_S * 1e9:
            data, arrived = self.read()
            if data:
                quiet_ns = arrived.before_ns
            elif arrived.before_ns - quiet_ns > quiet_s * 1e9:
                return True
        return False

    def close(self) -> None:
        """Let go of it."""
        self._serial.close()

    def _alone(self) -> None:
        """Refuse a port that another process has open as well; it asked for no lock, so none stops it."""
        try:
            self._look()
            if self._suspects:
                select.select([], [], [], LOOK_S)
                self._look()
        except WireError:
            self.close()
            raise

    def _watch(self) -> None:
        """Find a second reader, that would get a part of each frame, and what another program did to the port."""
        if self._now_ns() - self._watched_ns < (WATCH_NS // 10 if self._suspects else WATCH_NS):
            return
        self._watched_ns = self._now_ns()
        try:
            if termios.tcgetattr(self._fd) != self._set:
                raise TakenError(f"port {self._path} was set otherwise by another program; stop that program")
        except termios.error as error:
            raise WireError(f"port {self._path} is gone ({error}); is the plug in?") from error
        self._look()

    def _look(self) -> None:
        """One look is no proof: a child of this process holds all its files for the moment between fork and exec."""
        found = holders(self._path)
        if both := {pid: comm for pid, comm in found.items() if pid in self._suspects}:
            raise self._shared(both)
        self._suspects = set(found)

    def _emptied(self) -> WireError:
        """Why there was nothing to read where something had come."""
        if others := holders(self._path):
            return self._shared(others)
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        if any(state & (select.POLLHUP | select.POLLERR) for _, state in poll.poll(0)):
            return WireError(f"port {self._path} is gone; is the plug in?")
        return TakenError(f"port {self._path}: somebody else read what had come; stop that program")

    def _shared(self, others: Mapping[int, str]) -> TakenError:
        return TakenError(f"port {self._path} is also read by {_named(others)}; stop that program")


def _checked(fd: int) -> list[int | list[bytes | int]]:
    """Have parity checked, which pyserial does not: a byte that fails comes as NUL, which no device sends."""
    attributes = termios.tcgetattr(fd)
    attributes[0] = attributes[0] & ~(termios.IGNPAR | termios.PARMRK) | termios.INPCK
    termios.tcsetattr(fd, termios.TCSANOW, attributes)
    return termios.tcgetattr(fd)


def _named(processes: Mapping[int, str]) -> str:
    return ", ".join(f"process {pid} ({comm})" for pid, comm in processes.items()) or "another process"


def _why_not(port: str, error: Exception) -> str:
    if not Path(port).exists():
        present = ", ".join(sorted(one.device for one in list_ports.comports())) or "none"
        return f"port {port} does not exist; ports that do: {present}; plug it in or correct `port`"
    if not os.access(port, os.R_OK | os.W_OK):
        return f"port {port} may not be opened; add this user to the group {Path(port).group()} and log in again"
    if "lock" in str(error) or "busy" in str(error):
        return f"port {port} is held by {_named(holders(port))}; a port has one reader: stop that program"
    return f"port {port} cannot be used ({error}); is it a serial port?"
