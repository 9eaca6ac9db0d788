"""The plant in real time at its real wires: physics, PLC scans, serial bytes, picture files, Modbus registers."""

from __future__ import annotations

import asyncio
import heapq
import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import IO, Any

from simulator.config import PlantConfig
from simulator.faults import FaultError, Switch, Where
from simulator.plant.listed import feed_of
from simulator.plant.trouble import CUT, UNSTABLE, Emission
from simulator.plant.world import Plant
from simulator.plc.orders import Command
from simulator.plc.program import PlcProgram
from simulator.plc.registers import Image, Layout
from simulator.plc.signals import Inputs, Outputs
from simulator.wires.modbus_scale import ModbusScale
from simulator.wires.modbus_server import RegisterServer
from simulator.wires.pty_line import PtyLine
from simulator.wires.seam import SignalSeam
from simulator.wires.xray_folder import PictureLibrary, XrayFolder
from station.resources import plc_map

_TICK_S = 0.003
_LISTED = 20_000
_FEED_AFTER_MS = 2500.0
"""Two seconds of known belt, without which a trigger number is not believed at once (docs/decisions/0043), and more
for a busy PC."""


@dataclass(slots=True)
class Truth:
    """What really happened, one JSON line each; for the report and nobody else."""

    file: IO[str] | None = None
    counts: dict[str, int] = field(default_factory=dict)

    def __call__(self, kind: str, fields: dict[str, Any]) -> None:
        """Write one line."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.file is not None:
            self.file.write(json.dumps({"kind": kind, **fields}) + "\n")
            self.file.flush()


class Runner:
    """One plant, one PLC, all wires. `run` goes on until `stop` is called."""

    def __init__(
        self, config: PlantConfig, truth: Truth, library: PictureLibrary | None = None, seam: int | None = None
    ) -> None:
        self.config = config
        self.truth = truth
        self.plant = Plant(config, self._on_truth)
        self.settings = config.plc_settings()
        self.program = PlcProgram(self.settings, int(self.plant.plc_ms(0)), self.plant.count(0))
        self.image = Image(Layout.load(plc_map()))
        self.image.settings(self.settings)
        self.server = RegisterServer(self.image.words, self._written)
        self._commands: deque[tuple[float, Command]] = deque(maxlen=16)
        self._begin_s = time.monotonic()
        self.scanner = PtyLine(config.wires.scanner)
        self.scale = PtyLine(config.wires.scale)
        self.modbus_scale = ModbusScale()
        self.xray = XrayFolder(config.wires.xray, library)
        self.port = 0
        self._seam_port = seam
        self._seam = SignalSeam(self._exchange)
        self.late_ms = 0.0
        self._live_since_ms: float | None = None
        self._random = Random(config.seed)
        self._ends: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._begun: set[int] = set()
        self._pictures: list[tuple[float, int, Emission]] = []
        self._stopping = asyncio.Event()
        self._next_scan = 0.0
        self._waiting = False
        self._fed = False
        self._outcomes = 0
        self._numbers = 0

    @property
    def own_plc(self) -> bool:
        """True unless a PLC that is not ours works at the seam."""
        return self._seam_port is None

    async def open(self) -> None:
        """Open all wires; `port` is then the PLC's.

        Raises:
            TakenError: another has one of the ports.
        """
        write_lists(self.config)
        if self.config.wires.modbus_scale_port is not None:
            await self.modbus_scale.start(self.config.wires.modbus_scale_port)
        if self.config.wires.modbus_rtu_scale is not None:
            await self.modbus_scale.start_serial(self.config.wires.modbus_rtu_scale)
        self.scanner.plug()
        self.scale.plug()
        if self._seam_port is not None:
            self.port = await self._seam.start(self._seam_port)
            return
        self.image.refresh(self.program)
        self.port = await self.server.start(self.config.plc.host, self.config.plc.port)

    def stop(self) -> None:
        """End `run`."""
        self._stopping.set()

    async def run(self) -> None:
        """Let the plant's time follow the clock."""
        self._waiting = self.config.wait_for_session
        self._fed = self.plant.feeding = not self._waiting
        self._begin_s = time.monotonic()
        while not self._stopping.is_set():
            self.tick(self._now_ms())
            await asyncio.sleep(_TICK_S)
        await self.close()

    async def close(self) -> None:
        """Close all wires."""
        await self.server.stop()
        await self._seam.stop()
        await self.modbus_scale.stop()
        self.scanner.unplug()
        self.scale.unplug()
        self.xray.close()

    def tick(self, ms: float) -> None:
        """Advance to that time, scan whenever a scan is due (in plant time, however late we are), let devices speak."""
        while self._seam_port is None and self._next_scan <= ms:
            self.plant.advance(self._next_scan)
            self._scan()
            self._next_scan += self._random.uniform(*self.config.plc.scan_ms)
        self.plant.advance(ms)
        for item in self.plant.items:
            if item.identity not in self._begun:
                self._begun.add(item.identity)
                self.xray.begin(item)
        for emission in self.plant.due(ms):
            self._speak(emission, ms)
        self.modbus_scale.carry()
        self._deliver(ms)

    def put(self, switch: Switch, seconds: float | None = None) -> None:
        """Put a fault in, for so long if that is said; what was said of the same one before counts no more.

        Raises:
            FaultError: it befalls the station's own PC, which is not simulated here, or an eye that there is not.
        """
        self._check(switch)
        self._end_unsaid(switch)
        if seconds is not None:
            end = asyncio.get_running_loop().call_later(seconds, self.lift, switch)
            self._ends[switch.fault.name, switch.target] = end
        self.truth("fault", {"fault": str(switch), "on": True, "ms": round(self.plant.ms, 1)})
        if switch.fault.name == "plc-restart":
            self.restart_plc()
        else:
            self.plant.put(switch)
        self._wire(switch, on=True)

    def lift(self, switch: Switch) -> None:
        """Take a fault away.

        Raises:
            FaultError: as for `put`.
        """
        self._check(switch)
        self._end_unsaid(switch)
        self.truth("fault", {"fault": str(switch), "on": False, "ms": round(self.plant.ms, 1)})
        self.plant.lift(switch)
        self._wire(switch, on=False)

    def _end_unsaid(self, switch: Switch) -> None:
        end = self._ends.pop((switch.fault.name, switch.target), None)
        if end is not None:
            end.cancel()

    def _check(self, switch: Switch) -> None:
        if switch.fault.where is not Where.PLANT:
            raise FaultError(f"{switch.fault.name} befalls the station; a running plant has no say in that")
        eyes = len(self.config.plc.eyes_mm)
        if switch.fault.group == "photo-eyes" and int(switch.target) >= eyes:
            raise FaultError(f"{switch.fault.name}: this plant has the eyes 0 to {eyes - 1}, not {switch.target}")

    def _wire(self, switch: Switch, *, on: bool) -> None:
        """What of a fault is in the wires themselves."""
        match switch.fault.name:
            case "plc-mute":
                if self.server.mute_until is not None:
                    self.server.mute_until.set()
                self.server.mute_until = asyncio.Event() if on else None
            case "plc-slow":
                self.server.delay_ms = switch.size if on else 0.0
            case "device-unplugged" | "device-rebooting":
                line = {"scanner": self.scanner, "scale": self.scale}.get(switch.target)
                if line is not None:
                    line.unplug() if on else line.plug()

    def restart_plc(self) -> None:
        """The PLC's program begins anew with parcels on the belt: tables empty, epoch 0."""
        self.program = PlcProgram(self.settings, int(self.plant.plc_ms(self.plant.ms)), self.plant.inputs().count)
        self._outcomes = self._numbers = 0
        self.image = self._fresh_image()
        self.truth("plc-restarted", {})

    def _fresh_image(self) -> Image:
        self.image.words[:] = [0] * len(self.image.words)
        image = Image(self.image.layout)
        image.words = self.image.words
        image.settings(self.settings)
        return image

    def _exchange(self, outputs: Outputs) -> Inputs:
        """One scan of a PLC that is not ours; parcels come once it lets the belt run.

        Time and count are those of this very moment, not of the last tick: the station reckons with them.
        """
        self.plant.advance(self._now_ms())
        self.plant.outputs(outputs)
        if self._waiting and outputs.belt and self.plant.belt.travel > self.config.plc.eyes_mm[-1] * 2:
            self._feed()
        return self.plant.inputs()

    def _now_ms(self) -> float:
        return (time.monotonic() - self._begin_s) * 1000

    def _written(self, _address: int, _words: Sequence[int]) -> None:
        """Somebody wrote registers: a whole command block is kept with its time, since scans may be caught up later."""
        command = self.image.command()
        if command is not None:
            self._commands.append((self._now_ms(), command))

    def _scan(self) -> None:
        program = self.program
        while self._commands and self._commands[0][0] <= self.plant.ms:
            command = self._commands.popleft()[1]
            program.orders.take(command, program.rows, self.settings.decision_eye, program.count, program.ms)
        outputs: Outputs = program.scan(self.plant.inputs())
        self.plant.outputs(outputs)
        if self.plant.trouble.strikes("ack-lost"):
            program.orders.acks.clear()
        if self.plant.trouble.size("plc-stale") is None:
            self.image.refresh(program)
        if self.plant.trouble.strikes("plc-torn"):
            self.image.tear()
        if self._waiting and program.run_empty and self._lives(program):
            self._feed()
        self._tell(program)

    def _lives(self, program: PlcProgram) -> bool:
        """The session has lived for a while: a station believes trigger numbers at once where none ran close ahead."""
        if not program.orders.session:
            self._live_since_ms = None
            return False
        if self._live_since_ms is None:
            self._live_since_ms = self.plant.ms
        return self.plant.ms - self._live_since_ms >= _FEED_AFTER_MS

    def feed(self, *, on: bool) -> None:
        """Parcels come from now on, or none; a wait for the station is over either way."""
        if on and not self._fed:
            self._feed()
        self._waiting, self.plant.feeding = False, on

    def _feed(self) -> None:
        """Parcels come from now on; listed ones reckon as if the line had begun to run empty only now."""
        self._waiting, self._fed, self.plant.feeding = False, True, True
        self.plant.zero_ms = self.plant.ms - self.config.empty_s() * 1000
        self.truth("feeding", {"ms": round(self.plant.ms, 1)})

    def _tell(self, program: PlcProgram) -> None:
        for number in range(self._numbers + 1, program.number + 1):
            row = program.rows.get(number)
            if row is not None:
                count = row.infeed_count % (1 << 32)
                fields = {"epoch": program.orders.epoch, "number": number, "count": count, "session": row.session}
                self.truth("numbered", fields)
        self._numbers = program.number
        rings = program.rings
        for outcome in list(rings.outcomes)[-(rings.outcome_total - self._outcomes) :]:
            if rings.outcome_total == self._outcomes:
                break
            said: dict[str, Any] = {"epoch": program.orders.epoch, "number": outcome.number}
            self.truth("outcome", said | {"place": outcome.place.name.lower(), "why": outcome.why.name.lower()})
        self._outcomes = rings.outcome_total

    def _speak(self, emission: Emission, ms: float) -> None:
        self.late_ms = max(self.late_ms, ms - emission.due_ms)
        match emission.device:
            case "scanner":
                mark = "" if emission.text == "NOREAD" else "]C100"  # GS1-128, application identifier 00: an SSCC
                self.scanner.write(f"\x02{mark}{emission.text}\r\n".encode())
            case "scale":
                if emission.fault == UNSTABLE:
                    self.scale.write(b"S I\r\n")
                    return
                self.scale.write(f"S S {emission.text:>10} kg\r\n".encode())
                self.modbus_scale.weigh(round(float(emission.text) * 1000))
            case "xray":
                heapq.heappush(self._pictures, (emission.due_ms, emission.item.identity, emission))

    def _deliver(self, ms: float) -> None:
        while self._pictures:
            due, _, emission = self._pictures[0]
            if emission.fault == CUT:
                self.xray.spoil_next = cut
            sha256 = self.xray.deliver(emission.item, emission.trigger)
            if sha256 is None:
                return
            heapq.heappop(self._pictures)
            fields = {"item": emission.item.identity, "trigger": emission.trigger, "late_ms": round(ms - due, 1)}
            self.truth("picture", fields | {"hazards": list(emission.hazards), "sha256": sha256})

    def _on_truth(self, kind: str, fields: dict[str, Any]) -> None:
        self.truth(kind, fields)


def cut(data: bytes) -> bytes:
    """The first half of a picture."""
    return data[: len(data) // 2]


def write_lists(config: PlantConfig) -> None:
    """Write the hold list and the declared weights of what will be fed, as a central system would have sent them."""
    feed = feed_of(config)
    items = [feed.next()[0] for _ in range(_LISTED)]
    held = [f"{item.barcode}\n" for item in items if item.held]
    declared = [f"{item.barcode},{item.declared_g}\n" for item in items if item.barcode and item.declared_g is not None]
    for path, lines in (
        (config.hold_list, ["barcode\n", *held]),
        (config.declared_weights, ["barcode,grams\n", *declared]),
    ):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".part")
            partial.write_text("".join(lines), encoding="utf-8")
            partial.rename(path)
