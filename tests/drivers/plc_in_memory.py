"""The simulated PLC's program behind the driver's two requests, without a wire."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

import drivers.modbus_plc
import drivers.plc_look
from drivers.modbus_plc import ModbusPlc, PlcSettings
from simulator.config import PlantConfig
from simulator.plc.orders import Command
from simulator.plc.program import PlcProgram
from simulator.plc.registers import Image, Layout
from simulator.plc.signals import EdgeSignal, Inputs
from station.core.events import Event
from station.ports import Picture
from station.resources import plc_map

PC_MS = 10
LAYOUT = Layout(yaml.safe_load(plc_map().read_text(encoding="utf-8")))


def whole(_words: list[int]) -> None:
    """As the program wrote it."""


class ProgramInMemory:
    """One scan, and 10 ms on the PC's clock, for each read of the status block.

    Attributes:
        offset: of the encoder's count against the PLC's time: a mm a ms.
        takes: whether it takes commands.
        spoil: changes all registers before each answer.
        between: done ahead of each answer that has the status block: what another client does.
        edges: what its eyes latched since the last scan.
        asked: first registers of the blocks that were read.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.takes = True
        self.ms = 0
        self.offset = 0
        self.pc_ns = 1
        self.spoil: Callable[[list[int]], None] = whole
        self.between: Callable[[], None] | None = None
        self.edges: list[EdgeSignal] = []
        self.asked: list[int] = []
        self.image = Image(LAYOUT)
        self.settings = PlantConfig().plc_settings()
        self.begin()
        monkeypatch.setattr(drivers.plc_look, "POLL_S", 0.0)
        monkeypatch.setattr(drivers.modbus_plc, "read_registers", self._read)
        monkeypatch.setattr(drivers.modbus_plc, "write_registers", self._write)

    def begin(self) -> None:
        """Start the program, as after a power cut."""
        self.program = PlcProgram(self.settings, self.ms, self.ms)
        self.image = Image(LAYOUT)
        self.image.settings(self.settings)

    def now_ns(self) -> int:
        """The PC's clock."""
        return self.pc_ns

    def scan(self) -> None:
        """One cycle of the program."""
        self.ms += PC_MS
        self.pc_ns += PC_MS * 1_000_000
        edges, self.edges = tuple(self.edges), []
        self.program.scan(Inputs(ms=self.ms, count=self.ms + self.offset, edges=edges))
        self.image.refresh(self.program)

    def edge(self, *, broken: bool, eye: int = 0) -> None:
        """An edge at this moment, for the next scan."""
        self.edges.append(EdgeSignal(eye, broken, self.ms, self.ms))

    def _read(self, _client: object, address: int, count: int, _unit: int) -> list[int]:
        self.asked.append(address)
        if address == 0:
            between, self.between = self.between, None
            if between is not None:
                between()
            self.between = between
            self.scan()
        words = list(self.image.words)
        self.spoil(words)
        return words[address : address + count]

    def _write(self, _client: object, _address: int, words: list[int], _unit: int) -> None:
        self.image.put("command", words)
        command = self.image.command()
        if self.takes and command is not None:
            self.take(command)

    def take(self, command: Command) -> None:
        """Have the program take a command block, whoever wrote it."""
        program = self.program
        program.orders.take(command, program.rows, program.settings.decision_eye, program.count, program.ms)


class Polled:
    """The driver at that program, polled by the test; `told` is all that it said. Failures are told as it tells them.

    Attributes:
        failures: their sentences, in order.
    """

    def __init__(self, program: ProgramInMemory) -> None:
        self.program = program
        self.told: list[Event | Picture] = []
        self.failures: list[str] = []
        self.plc = ModbusPlc("plc", PlcSettings(host="127.0.0.1"), program.now_ns)

    def poll(self, times: int = 1) -> None:
        """Beat and poll, as the driver's thread does; connect where that is due."""
        for _ in range(times):
            self.plc.beat()
            self.plc._turn(self.told.append)
            if not self.plc._connected:
                self.failures.append(self.plc.health().detail)

    def live(self, session: int = 5, epoch: int = 77) -> None:
        """Connect, and have the program hold a session."""
        self.poll()
        self.plc.open_session(session, epoch)
        self.poll(4)
        assert self.program.program.orders.session == session

    def of(self, *kinds: type) -> list[Event | Picture]:
        """What was told of these kinds."""
        return [event for event in self.told if isinstance(event, kinds)]
