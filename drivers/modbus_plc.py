"""The PLC over Modbus TCP, as docs/plc-interface.md says: one connection, one write and one read a poll."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

import yaml
from pydantic import Field

from drivers.modbus import ModbusClient, ModbusError, RefusedError, read_registers, write_registers
from drivers.plc_blocks import MissedEdgesError, PlcBlocks
from drivers.plc_codec import Command, ForeignMapError, PlcMap, check_map, is_torn
from drivers.plc_look import TORN, FirstLook
from drivers.plc_orders import PendingOrders
from drivers.plc_reader import TORN_S, PlcReader
from drivers.plc_writes import ANOTHER_WRITES, Writes
from station.core.actions import Order
from station.core.events import Constants, DeviceState, OutcomeSeen, PlcConnected, PlcLost
from station.ports import Driver, Health, NowNs, Role, Settings, Sink
from station.resources import plc_map

log = logging.getLogger(__name__)
EXAMPLE = """\
kind: modbus-plc
host: 192.168.10.5
port: 502
poll_ms: 20
"""
NS = 1_000_000_000
SILENCE_S = 0.3
STEADY_POLLS = 10
BACKOFF_S = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0)
_CAUSES_TOLD = 20


class PlcSettings(Settings):
    """Where the PLC listens, and how often it is polled."""

    host: str = Field(description="address or name of the PLC")
    port: int = Field(default=502, ge=1, le=65_535)
    unit: int = Field(default=1, ge=0, le=255, description="the unit that it answers as; most PLCs answer as any")
    poll_ms: int = Field(default=20, ge=5, le=1000, description="it is asked so often; slower takes room on the belt")


class ModbusPlc:
    """One PLC. All requests come from one thread; orders, beats and sessions are handed to it under a lock."""

    proved = "its map is as expected, and its program runs"

    def __init__(self, name: str, settings: PlcSettings, now_ns: NowNs) -> None:
        self.name = name
        self.constants: Constants | None = None
        self._settings = settings
        self._now_ns = now_ns
        self._map = PlcMap(yaml.safe_load(plc_map().read_text(encoding="utf-8")))
        self._client = ModbusClient(settings.host, settings.port, SILENCE_S)
        self._reader = PlcReader(self._map, self._read)
        self._lock = threading.Lock()
        self._pending = PendingOrders()
        self._beats = 0
        self._session = 0
        self._grant = 0
        self._writes = Writes(now_ns)
        self._stopping = threading.Event()
        self._look = FirstLook(
            PlcBlocks(self._map, self._read), self._map.version, self._writes, now_ns, self._stopping
        )
        self._thread: threading.Thread | None = None
        self._connected = False
        self._failures = 0
        self._good_polls = 0
        self._told: set[str] = set()
        self._noted: list[str] = []
        self._again = False
        self._detail = "not started"
        self._last_message_ns: int | None = None
        self._counters = {"polls": 0, "failures": 0, "torn": 0, "reconnects": 0}

    # --- station.ports.Plc ------------------------------------------------------------------------------------------

    def start(self, sink: Sink) -> None:
        """Begin to poll."""
        self._thread = threading.Thread(target=self._run, args=(sink,), name=self.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the poll and close the connection."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)

    def health(self) -> Health:
        """How the connection is now."""
        detail = "; ".join(self._noted) if self._connected else self._detail
        return Health(self._connected, detail, self._last_message_ns, dict(self._counters))

    def probe(self) -> str:
        """Connect once, compare the map, see that the program runs, and read its settings."""
        try:
            self._look.running()
            self.constants = self._look.constants()
        except (ForeignMapError, MissedEdgesError) as error:
            return str(error)
        except ModbusError as error:
            return f"{error}; is the PLC on, the cable in, and host and port right?"
        finally:
            self._client.close()
        return ""

    def beat(self) -> None:
        """Let the heartbeat advance once with the next write."""
        with self._lock:
            self._beats = (self._beats + 1) % 65_536

    def send(self, orders: Sequence[Order]) -> None:
        """Queue orders for the next write."""
        self._pending.put(orders)

    def open_session(self, session: int, epoch: int | None) -> None:
        """Offer a session; orders of the one before are void."""
        with self._lock:
            self._session, self._grant = session, epoch or 0
            self._pending.clear()

    # --- the poll ---------------------------------------------------------------------------------------------------

    def _run(self, sink: Sink) -> None:
        while not self._stopping.is_set():
            self._stopping.wait(self._turn(sink))
        self._client.close()

    def _turn(self, sink: Sink) -> float:
        """Connect where that is due, and poll once; returned is after how many seconds the next is due."""
        begun = self._now_ns()
        try:
            if not self._connected:
                self._connect(sink)
            self._poll(sink)
        except (ModbusError, ForeignMapError, MissedEdgesError) as error:
            if self._stopping.is_set():
                return 0.0
            self._good_polls = 0
            if self._lost(error):
                self._failures += 1
                self._fail(error, sink)
                return BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)]
        return max(0.0, self._settings.poll_ms / 1000 - (self._now_ns() - begun) / NS)

    def _connect(self, sink: Sink) -> None:
        status = self._look.alone(first=not self._reader.known)
        self._writes.begin(status["poll_echo"])
        self._write()  # one that is refused is no connection
        event = self._reader.connect(status, self._now_ns())
        self._connected, self._detail = True, ""
        self._noted.clear()
        self._counters["reconnects"] += 1
        if not self._again:
            log.info("%s: connected to %s, program version %d", self.name, self._client.address, event.program_version)
        sink(DeviceState(self.name, connected=True))
        sink(event)

    def _steady(self) -> None:
        """After some polls in which all went well, what goes wrong next is told, and tried again, as the first time."""
        self._good_polls += 1
        if self._good_polls >= STEADY_POLLS:
            if self._again:
                log.info("%s: connected again", self.name)
            self._failures, self._again = 0, False
            self._told.clear()

    def _poll(self, sink: Sink) -> None:
        self._write()
        words = self._read(*self._block("status"))
        answered = self._now_ns()
        status = self._map.blocks["status"].decode(words)
        self._counters["polls"] += 1
        if is_torn(status):
            self._counters["torn"] += 1
            if self._reader.silent(answered, TORN_S):
                raise MissedEdgesError(TORN)
            return
        check_map(status, self._map.version)
        self._last_message_ns = answered
        asked = self._writes.asked(status["poll_echo"])
        if self._writes.another:
            raise MissedEdgesError(ANOTHER_WRITES)
        with self._lock:
            if status["epoch"] == self._grant:
                self._grant = 0  # taken: a PLC that begins anew must not find it again
        gone = []
        for event in self._reader.take(status, asked, answered):
            if isinstance(event, PlcConnected):  # the PLC's program was restarted
                self._pending.clear()
            elif isinstance(event, OutcomeSeen):
                gone.append(event.number)
            sink(event)
        answers, unknown = self._pending.echoed(status["newest_acks"])
        for answer in answers:
            sink(answer)
        for sentence in [*self._reader.notes, *unknown]:
            self._note(sentence, sink)
        self._reader.notes.clear()
        self._pending.pass_by(status["count"], gone, answered)
        self._steady()

    def _note(self, sentence: str, sink: Sink) -> None:
        """Name what is wrong with a PLC that works on all the same: once, until it is connected anew."""
        if sentence not in self._noted and len(self._noted) < _CAUSES_TOLD:
            self._noted.append(sentence)
            log.warning("%s: %s", self.name, sentence)
            sink(DeviceState(self.name, connected=True, detail=sentence))

    def _write(self) -> None:
        with self._lock:
            if not self._session:
                return
            command = Command(self._writes.next(), self._session, self._beats, self._grant, self._pending.all())
        write_registers(self._client, self._map.blocks["command"].address, command.encode(), self._settings.unit)

    def _lost(self, error: Exception) -> bool:
        """False if it was busy for a moment: nothing was read, nothing is lost."""
        self._counters["failures"] += 1
        busy = isinstance(error, RefusedError) and self._connected
        return not busy or self._reader.silent(self._now_ns(), SILENCE_S)

    def _fail(self, error: Exception, sink: Sink) -> None:
        """Tell a loss; the log has each cause once until the PLC was heard for a while."""
        self._client.close()
        self._detail = str(error)
        if isinstance(error, MissedEdgesError):
            self._reader.forget()
        was, self._connected = self._connected, False
        new = self._detail not in self._told and len(self._told) < _CAUSES_TOLD
        if new:
            self._told.add(self._detail)
            log.warning("%s: %s: %s", self.name, "lost" if was else "not connected", error)
        self._again = not new and (was or self._again)
        if was or new:
            sink(DeviceState(self.name, connected=False, detail=self._detail))
            sink(PlcLost(self._detail))

    def _block(self, name: str) -> tuple[int, int]:
        block = self._map.blocks[name]
        return block.address, block.count

    def _read(self, address: int, count: int) -> list[int]:
        return read_registers(self._client, address, count, self._settings.unit)


def _create(name: str, settings: Any, now_ns: NowNs) -> ModbusPlc:
    return ModbusPlc(name, settings, now_ns)


DRIVER = Driver(Role.PLC, PlcSettings, _create, EXAMPLE)
