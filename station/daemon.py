"""The daemon: the one place where drivers, core, journal, eye and publisher meet."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import station
from station.beginning import begin
from station.clock import Clock, ClockQuality, QualityWatch, now_ns, now_utc
from station.config import StationConfig
from station.core.events import Condition, Event, Stopping, Tick, Watermark
from station.core.line import Line
from station.disk import PICTURES, DiskWatch
from station.eye import Eye
from station.heartbeat import DETECTOR_MS, Proof
from station.holding import HoldListError, in_force
from station.intake import Intake
from station.journal import (
    IdFile,
    Journal,
    JournalError,
    PictureStore,
    Reader,
    model_left,
    starting,
)
from station.keeping import HeldLog, Keeping
from station.lists import ListError, Lists
from station.lists_watch import ListsWatch
from station.ports import Device, Driver, Picture, Plc
from station.publishing import Publishing, settings_of
from station.releases import Releases, check_thresholds, release_of, take_up
from station.snapshot import Snapshot
from station.systemd import Systemd
from station.turn import Turn
from station.vision import Detector
from station.watch import DiedError, Watch

log = logging.getLogger(__name__)
INBOX = 20_000
_IDLE_S = 0.05
_LEAST_S = 0.005
_SNAPSHOT_NS = 200_000_000
_LISTS_S = 1.0
_PC_S = 2.0
_MODEL_CHANGED = "model-changed"


STOPS = signal.SIGTERM, signal.SIGINT, signal.SIGHUP
"""The signals that end it in order."""


class OverrunError(Exception):
    """Events came faster than they could be handled; the station ends, and the PLC inspects."""


class Daemon:
    """One station. `run` returns after SIGTERM, SIGINT or `stop`."""

    def __init__(self, config: StationConfig, drivers: Mapping[str, Driver]) -> None:
        self.config = config
        self._inbox: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._stop_cause = self._spoilt = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        name = f"{config.site}/{config.line_name}/{config.station}"
        config.data.mkdir(parents=True, exist_ok=True)
        self._quality = QualityWatch()
        path = config.data / "journal.db"
        opened = partial(Journal, path, station=name, now_utc=now_utc, mono_ns=now_ns, quality=self._quality)
        self._begun = begin(path, now_utc(), opened)
        self._journal = self._begun.journal
        if self._begun.text:
            log.error("%s", self._begun.text)
        detector, self._model_fault = self._take_up()
        self._model = detector.model if detector else None
        thresholds = detector.model.thresholds if detector else {}
        release = detector.model.release if detector else ""
        roles = {kind: driver.role for kind, driver in drivers.items()}
        floor = detector.model.spec.decode.floor if detector else 0.0
        self.line = Line(config.setup(roles, thresholds, release, floor))
        self.devices: dict[str, Device] = {
            name: drivers[device.kind].create(name, device.wire, now_ns) for name, device in config.devices.items()
        }
        self._plc = _as_plc(drivers[config.plc.kind].create("plc", config.plc.wire, now_ns))
        pictures = PictureStore(config.data / PICTURES)
        self._disk = DiskWatch(config.data, config.disk, self._put)
        self._disk.look(now_ns())
        depths = {name: device.depth for name, device in config.devices.items()}
        self._eye = Eye(detector, pictures, self._put, lambda: self._disk.refuses, depths)
        mend = "see whether the alarm `detector` stands too; else it hangs: restart the station"
        proofs = [Proof("detector", DETECTOR_MS, lambda: self._eye.tested_ns, mend)] if detector is not None else []
        ids = IdFile(config.data / "ids.json", now_utc, self._journal.numbers())
        self._turn = Turn(self.line, self._journal, ids, self._plc, proofs=proofs, drop=pictures.drop)
        self._systemd = Systemd.of(os.environ)
        self._snapshot = Snapshot(config, self.line, self._turn, {**self.devices, "plc": self._plc})
        lists = Lists(config.policy.hold_list, config.policy.declared_weights, config.data, told=self._hold_list_told)
        self._lists = ListsWatch(lists, self._put)
        self._publishing = Publishing(settings_of(config), self._put) if config.mqtt else None
        self._held_log = HeldLog(self._journal, Clock())
        self._keeping = (
            Keeping(config.retention, self._journal, pictures, publishes=config.mqtt is not None, clock=Clock())
            if config.retention is not None
            else None
        )
        self._intake = Intake(config.data, self._journal.path, self._put, self._releases(release))

    def stop(self, cause: str) -> None:
        """End in order; a signal that comes while it ends to start again ends it for good."""
        if not self._stop_cause or self.starts_again:
            self._stop_cause = cause
        self._wake.set()

    @property
    def starts_again(self) -> bool:
        """It ended only to start again, with another model."""
        return self._stop_cause == _MODEL_CHANGED

    async def run(self) -> None:
        """Run until stopped.

        Raises:
            JournalError: the journal or its log was damaged or taken away.
            OverrunError: the core could not keep up.
            DiedError: a thread or a task failed.
        """
        self._loop = asyncio.get_running_loop()
        with Watch(self._end_for) as watch:
            await self._run(watch)
        if watch.died:
            raise DiedError(watch.died)
        if self._spoilt:
            raise JournalError(self._spoilt)

    def _give_up(self, what: str) -> None:
        """What this journal should keep from here on would be lost: end, and let the supervisor start again."""
        if not self._spoilt:
            self._spoilt = f"{what}: the station ends, and its next start goes on with what is whole there"
            self._end_for(what)

    def _end_for(self, _died: str) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.stop, "error")

    async def _run(self, watch: Watch) -> None:
        if self._loop is None:
            return
        for sign in STOPS:
            self._loop.add_signal_handler(sign, self.stop, sign.name)
        sha256 = self._model.sha256 if self._model else ""
        policy = self.line.setup.policy.version
        self._put(starting(self._journal, policy, station.__version__, self.config.sha256, sha256))
        for event in self._begun.events:
            self._put(event)
        self._intake.recover()
        self._put(Condition("detector", "commanded", standing=bool(self._model_fault), text=self._model_fault))
        self._compare_lists()
        self._lists.start()
        self._intake.start()
        self._eye.start()
        self._systemd.ready()
        for device in (*self.devices.values(), self._plc):
            device.start(self._put)
        tasks = [
            watch.task("the watch over the lists", self._watch_lists()),
            watch.task("the watch over disk and clock", self._watch_pc()),
        ]
        if self._keeping is not None:
            self._keeping.start()
        if self._publishing is not None:
            tasks.append(watch.task("the watch over the publisher", self._publishing.run()))
        with ThreadPoolExecutor(1, thread_name_prefix="core") as core:
            try:
                await self._turns(core)
            finally:
                await self._end(core, tasks)

    async def _turns(self, core: ThreadPoolExecutor) -> None:
        if self._loop is None:
            return
        while not self._stop_cause:
            await self._sleep()
            await self._loop.run_in_executor(core, self._one_turn)

    async def _sleep(self) -> None:
        """Until something came, a deadline of the core's, or a while."""
        deadline = self.line.next_deadline()
        seconds = _IDLE_S if deadline is None else min(_IDLE_S, max(_LEAST_S, (deadline - now_ns()) / 1e9))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)
        self._wake.clear()

    def _one_turn(self) -> None:
        # The ports' marks are taken before the inbox is emptied, so nothing that came before a mark is still in it.
        marks: list[Event] = []
        for name, device in self.devices.items():
            seen = device.health().seen_empty_ns
            if seen is not None:
                marks.append(Watermark(name, self._eye.seen_empty(name, seen)))
        if len(self._inbox) > INBOX:
            raise OverrunError(f"{len(self._inbox)} events wait: this machine is too slow for the line")
        events: list[Event] = []
        while self._inbox:
            events.append(self._inbox.popleft())
        self._eye.watch(now_ns(), self.line.setup.detect_ms)
        self._turn.take([*events, *marks, Tick()])
        if self._turn.damaged:
            self._give_up(self._turn.damaged)
        self._snapshot.write_every(_SNAPSHOT_NS)
        if not self._inbox:
            self._held_log.step(self._put)
            if self._keeping is not None:
                self._keeping.step(self.line, self._put)
        self._systemd.alive(now_ns(), self._status())

    def _status(self) -> str:
        """The station in one line, as `systemctl status` shows it."""
        plc, missing = self.line.plc, self._turn.heartbeat.missing
        if missing:
            return f"all is inspected: no heartbeat, {', '.join(missing)} not proved"
        if self.line.desk.mode.word != "automatic":
            return f"all is inspected: {self.line.desk.mode.word}"
        return f"running, session {plc.session}" if plc.live else "all is inspected: the PLC holds no session of ours"

    async def _end(self, core: ThreadPoolExecutor, tasks: list[asyncio.Task[None]]) -> None:
        if self.starts_again:
            self._systemd.reloading()
        else:
            self._systemd.stopping()
        for task in tasks:
            task.cancel()
        for device in (*self.devices.values(), self._plc):
            await asyncio.to_thread(device.stop)
        self._eye.stop()
        self._intake.stop()
        self._lists.stop()
        if self._keeping is not None:
            self._keeping.stop()
        self._put(Stopping(self._stop_cause or "error"))
        if self._loop is not None:
            await self._loop.run_in_executor(core, self._one_turn)
            await self._loop.run_in_executor(core, self._turn.end)
        self._snapshot.close()
        if self._publishing is not None:
            await self._publishing.stop()
        try:
            self._journal.close()  # behind its last reader, so that all of it is folded into the one file
        except JournalError as error:
            log.error("journal: %s", error)  # noqa: TRY400 - one line is enough for a technician

    def _take_up(self) -> tuple[Detector | None, str]:
        """The model to start with, tried; of one that was commanded and cannot be used, why."""
        if self.config.model is None:
            return None, ""
        folder = self.config.model.folder
        left = model_left(self._journal, release_of(folder))
        detector, fault = take_up(folder, self.config.data, left, self.config.model.threads)
        check_thresholds(self.config.policy.thresholds, detector.model)
        return detector, fault

    def _releases(self, running: str) -> Releases | None:
        if self.config.model is None:
            return None
        return Releases(
            self.config.data,
            configured=release_of(self.config.model.folder),
            running=running,
            thresholds=self.config.policy.thresholds,
            start_again=self._start_again,
        )

    def _start_again(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.stop, _MODEL_CHANGED)

    def _put(self, event: Event | Picture) -> None:
        """Take what drivers, eye and publisher have; from any thread."""
        if isinstance(event, Picture):
            self._eye.put(event)
            return
        self._inbox.append(event)
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    async def _watch_lists(self) -> None:
        while True:
            await asyncio.sleep(_LISTS_S)
            self._lists.look()

    def _hold_list_told(self) -> str:
        """The hold list that was commanded last, as the journal has it; from the thread that reads the lists."""
        try:
            with contextlib.closing(Reader(self._journal.path)) as reader:
                return reader.hold_list_told()
        except JournalError as error:
            raise ListError(f"the hold list that was commanded last is not known: {error}") from error

    def _compare_lists(self) -> None:
        """The hold list that lies there is the one that the journal says was commanded last."""
        with contextlib.suppress(HoldListError, ListError):
            told = self._hold_list_told()
            found = in_force(self.config.data)
            if told and told != found:
                text = f"the journal says that {told[:16]} was commanded last, there is {found[:16] or 'none'}"
                self._put(Condition("lists", "commanded", standing=True, text=f"{text}: give the hold list again"))

    async def _watch_pc(self) -> None:
        while True:
            await asyncio.sleep(_PC_S)
            await asyncio.to_thread(self._disk.look, now_ns())
            if not await asyncio.to_thread(self._journal.in_place):
                self._give_up(f"journal {self._journal.path}, or its log, was taken away while it was written")
            self._put(clock_condition(self._quality()))


def clock_condition(quality: ClockQuality) -> Condition:
    """Whether the clock is one that nothing keeps right; not to know is no alarm."""
    text = f"not synchronised; it may be off by {quality.error_us / 1e6:.1f} s and more"
    return Condition("clock", "sync", standing=quality.state == "unsynchronised", text=text)


def _as_plc(device: Device) -> Plc:
    if not isinstance(device, Plc):
        raise TypeError("the driver of the PLC has role PLC, but is none")
    return device
