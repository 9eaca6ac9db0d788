"""What every driver with a wire has in common: its thread, back-off, one word per loss and recovery, its health."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections import Counter

from station.core.events import DeviceState, Event
from station.ports import Health, NowNs, Picture, Sink

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 2.0
STOP_S = 1.0
HANGS_NS = 3_000_000_000
STEADY_NS = 5_000_000_000
_CAUSES_TOLD = 20

log = logging.getLogger("drivers")


class WireError(Exception):
    """The device cannot be reached or no longer speaks; the sentence says what to do where that is known."""


class Wire(ABC):
    """A device read in a thread of its own.

    A subclass opens, takes short turns (200 ms at most) and closes. It counts as connected after its first good turn,
    not after opening, so a port that opens and fails at once is one loss and not a flood. One that comes and goes is
    opened less and less often, and the log has each cause once, until it has stayed for some seconds.
    """

    opens_within_ns = HANGS_NS
    """An opening that takes longer hangs."""
    proved = "it answers"

    def __init__(self, name: str, now_ns: NowNs) -> None:
        self.name = name
        self._now_ns = now_ns
        self._sink: Sink = _nobody
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"device {name}", daemon=True)
        self._changing = threading.Lock()
        self._connected: bool | None = None
        self._began_ns = 0
        self._within_ns = HANGS_NS
        self._steady_from_ns: int | None = None
        self._causes: set[str] = set()
        self._untold = 0
        self._detail = "not started"
        self._last_message_ns: int | None = None
        self._seen_empty_ns: int | None = None
        self._counters: Counter[str] = Counter()

    def start(self, sink: Sink) -> None:
        """Begin to read, in a thread of its own."""
        self._sink = sink
        self._thread.start()

    def stop(self) -> None:
        """End within a second and close the wire."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def health(self) -> Health:
        """How it is now; a thread that hangs (a share that went away) is found here."""
        began_ns = self._began_ns
        if began_ns and self._now_ns() - began_ns > self._within_ns:
            self._state(connected=False, detail="hangs: a call to the operating system does not return")
        counters = dict(self._counters)
        return Health(self._connected is True, self._detail, self._last_message_ns, counters, self._seen_empty_ns)

    @abstractmethod
    def probe(self) -> str:
        """For `station check`: "" if it finds no fault, else what is wrong and what to do."""

    @abstractmethod
    def _open(self) -> None:
        """Reach the device, and drain what it said before; WireError if it cannot be."""

    @abstractmethod
    def _turn(self) -> None:
        """Read what there is, waiting for it 200 ms at most; WireError if the device is lost."""

    @abstractmethod
    def _close(self) -> None:
        """Let go of the wire, in whatever state."""

    def _deliver(self, event: Event | Picture) -> None:
        self._last_message_ns = self._now_ns()
        self._counters["delivered"] += 1
        self._sink(event)

    def _state(self, *, connected: bool, detail: str = "") -> None:
        """Say a change of the connection once; a new detail without a change shows in the health only."""
        with self._changing:
            self._detail = detail or ("connected" if connected else "lost")
            if not connected:
                self._steady_from_ns = None
            if connected == self._connected:
                return
            first, self._connected = self._connected is None, connected
            self._log(connected=connected, first=first)
        self._sink(DeviceState(self.name, connected, detail))

    def _log(self, *, connected: bool, first: bool) -> None:
        """One line for a loss and one for its end, unless the same cause was told since it was last steady."""
        if connected and not self._untold:
            log.info("%s: %s", self.name, "connected" if first else "connected again")
        elif not connected and self._new_cause(self._detail):
            log.warning("%s: %s", self.name, self._detail)
        elif not connected:
            self._untold += 1

    def _new_cause(self, cause: str) -> bool:
        if cause in self._causes or len(self._causes) >= _CAUSES_TOLD:
            return False
        self._causes.add(cause)
        return True

    def _steady(self) -> bool:
        """Whether it has been good for long enough to begin anew with what is told and how long is waited."""
        if self._connected is not True:
            return False
        if self._steady_from_ns is None:
            self._steady_from_ns = self._now_ns()
        if self._now_ns() - self._steady_from_ns < STEADY_NS:
            return False
        if self._untold:
            log.info("%s: connected again, after %d more losses", self.name, self._untold)
        self._causes.clear()
        self._untold = 0
        return True

    def _wait(self, seconds: float) -> None:
        self._stopping.wait(seconds)

    def _run(self) -> None:
        wait_s = FIRST_WAIT_S
        while not self._stopping.is_set():
            try:
                self._begin(self.opens_within_ns)
                self._open()
                while not self._stopping.is_set():
                    self._begin(HANGS_NS)
                    self._turn()
                    if self._connected is not True and self._sound():
                        self._state(connected=True)
                    if self._steady():
                        wait_s = FIRST_WAIT_S
            except WireError as error:
                self._state(connected=False, detail=str(error))
            except Exception as error:
                if self._new_cause(repr(error)):
                    log.exception("%s: driver failed, begins anew", self.name)
                self._state(connected=False, detail=f"driver failed: {error!r}")
            finally:
                self._began_ns = 0
                self._close()
            self._counters["losses"] += not self._stopping.is_set()
            self._wait(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _begin(self, within_ns: int) -> None:
        """From now on what is called must return in time; see `health`."""
        self._within_ns, self._began_ns = within_ns, self._now_ns()

    def _sound(self) -> bool:
        """Whether a good turn means that the right device is there; a driver that hears another's text says no."""
        return True


def _nobody(_event: Event | Picture) -> None:
    """Where events go before `start`."""
