"""Telling systemd how the station is: ready, alive, its status in one line, starting again, stopping.

Without systemd nothing is told.

Protocol: sd_notify(3): a datagram of NAME=VALUE lines to the socket that $NOTIFY_SOCKET names.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass

_EVERY_NS = 500_000_000
_START_US = 60_000_000


@dataclass(slots=True)
class Systemd:
    """One service's line to its manager. Watchdog and status go out twice a second at most.

    Attributes:
        address: of its socket, "" without one.
        watchdog_us: the time within which it is to hear of us, in microseconds; "" if it does not watch.
    """

    address: str = ""
    watchdog_us: str = ""
    _told_ns: int | None = None
    _status: str = ""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Systemd:
        """The manager that the environment names, or none."""
        return cls(environment.get("NOTIFY_SOCKET", ""), environment.get("WATCHDOG_USEC", ""))

    def ready(self) -> None:
        """The station is up; from here on its watchdog has the unit's time."""
        self._send("\n".join(["READY=1", *([f"WATCHDOG_USEC={self.watchdog_us}"] if self.watchdog_us else [])]))

    def stopping(self) -> None:
        """It ends in order."""
        self._send("STOPPING=1")

    def reloading(self) -> None:
        """It ends in order to be ready again at once, by the same process number.

        The watchdog runs on meanwhile, and a start takes its seconds: it is given more.
        """
        self._send("\n".join(["RELOADING=1", *([f"WATCHDOG_USEC={_START_US}"] if self.watchdog_us else [])]))

    def alive(self, now_ns: int, status: str) -> None:
        """The loop has turned; `status` is what `systemctl status` shows."""
        if self._told_ns is not None and now_ns - self._told_ns < _EVERY_NS and status == self._status:
            return
        self._told_ns, self._status = now_ns, status
        self._send(f"WATCHDOG=1\nSTATUS={status}")

    def _send(self, text: str) -> None:
        """A manager that does not listen is no reason to stop sorting."""
        if not self.address:
            return
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)  # noqa: FBT003
            line.sendto(text.encode(), address)
