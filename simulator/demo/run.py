"""`simulator demo`: starts plant, broker, daemon and view, waits, stops them, and compares with the plant's truth."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import psutil

from simulator.config import PlantConfig, load_plant
from simulator.demo.broker import EmbeddedBroker
from simulator.demo.processes import Plant, end, free_port, start_station
from simulator.demo.report import Truth, make_report
from simulator.demo.subscriber import Subscriber
from station import snapshot
from station.resources import examples

TOPIC = "inspection/v1/demo/line-1/inspection-1/event/#"
_DRAIN_S = 6.0
_EVENTS_S = 10.0
_STATION_STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What `simulator demo` was asked for; a whole `plant`, and `overrides` of the station, are a scenario's."""

    seconds: float | None = None
    parcels_per_hour: int = 5400
    seed: int = 1
    pictures: Path | None = None
    keep: Path | None = None
    plant: PlantConfig | None = None
    overrides: tuple[str, ...] = ()


@dataclass(slots=True)
class Demo:
    """One run of the demo in a folder of its own."""

    options: DemoOptions
    folder: Path
    config: Path
    stopping: threading.Event
    plant: Plant
    broker: EmbeddedBroker
    subscriber: Subscriber
    station: subprocess.Popen[str]
    overrides: list[str]
    cpu_percent: float = 0.0
    rss_mb: float = 0.0
    died: str = ""
    interrupted: bool = False

    @property
    def data(self) -> Path:
        """The station's data folder."""
        return self.folder / "data"

    def start_again(self) -> None:
        """Start the station again, once it has ended."""
        with (self.folder / "station.log").open("a", encoding="utf-8") as log:
            self.station = start_station(self.folder, self.config, self.overrides, log)

    def watch(self) -> Iterator[None]:
        """Yield about five times a second until the time is over, a part died, or `stopping` is set.

        The time begins when the station has: how long that takes is the machine's.
        """
        begin: float | None = None
        process = psutil.Process(self.station.pid)
        process.cpu_percent()
        while not (interrupted := self.stopping.wait(0.2)):
            if self.station.poll() is not None or self.plant.process.poll() is not None:
                self.died = "the station" if self.station.poll() is not None else "the plant"
                return
            yield
            if begin is None and (snapshot.read(self.data) or {}).get("pid") == self.station.pid:
                begin = time.monotonic()
            if self.options.seconds and begin is not None and time.monotonic() - begin >= self.options.seconds:
                break
        self.interrupted = interrupted
        with contextlib.suppress(psutil.Error):
            self.cpu_percent = process.cpu_percent()
            self.rss_mb = process.memory_info().rss / 1e6

    def finish(self) -> dict[str, Any]:
        """Let the belt run empty, stop the station, wait for the last event, and compare."""
        if not self.died and not self.interrupted:
            self.plant.tell("feed off")
            self.interrupted = self.stopping.wait(_DRAIN_S)
        code = end(self.station, _STATION_STOP_S)
        self.plant.stop()
        journaled = self._wait_for_events(0.2 if self.interrupted else _EVENTS_S)
        again = journaled - len(self.subscriber.events)
        report = make_report(Truth.load(self.folder / "truth.jsonl"), self._events(journaled), journaled, again)
        report |= {
            "duplicates": self.subscriber.duplicates,
            "out_of_order": self.subscriber.out_of_order,
            "station_exit_code": code,
            "cpu_percent": round(self.cpu_percent, 1),
            "rss_mb": round(self.rss_mb, 1),
            "simulator_late_ms": self.plant.last.get("late_ms"),
        }
        still_began = self.interrupted and code == -signal.SIGTERM
        if self.died or (code and not still_began):
            report["broken"].append(f"{self.died or 'the station'} died")
        return report

    def _wait_for_events(self, seconds: float) -> int:
        if not (self.data / "journal.db").exists():  # the station was stopped as it began
            return 0
        journaled = self._journal("SELECT max(seq) FROM event")[0][0] or 0
        limit = time.monotonic() + seconds
        while len(self.subscriber.events) < journaled and time.monotonic() < limit:
            time.sleep(0.05)
        return int(journaled)

    def _events(self, journaled: int) -> list[dict[str, Any]]:
        """Events received; a range that the embedded broker lost is read again, as docs/mqtt.md tells a subscriber."""
        events = {int(event["sequence"]): event for event in self.subscriber.snapshot()}
        for sequence in range(1, journaled + 1):
            if sequence not in events:
                kind, payload = self._journal("SELECT type, payload FROM event WHERE seq = ?", sequence)[0]
                events[sequence] = {"type": f"inspection.v1.{kind}", "data": json.loads(payload), "sequence": sequence}
        return [events[sequence] for sequence in sorted(events)]

    def _journal(self, sql: str, *values: int) -> list[tuple[Any, ...]]:
        db = apsw.Connection(str(self.data / "journal.db"), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return list(db.execute(sql, values))
        finally:
            db.close()


@contextlib.contextmanager
def demo(options: DemoOptions) -> Iterator[Demo]:
    """Start everything; leaves nothing behind."""
    folder = options.keep or Path(tempfile.mkdtemp(prefix="inspection-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    stopping = threading.Event()
    with contextlib.ExitStack() as stack:
        for sign in (signal.SIGINT, signal.SIGTERM):
            stack.callback(signal.signal, sign, signal.signal(sign, lambda *_: stopping.set()))
        if options.keep is None:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        broker = EmbeddedBroker(free_port())
        broker.start()
        stack.callback(broker.stop)
        subscriber = Subscriber("127.0.0.1", broker.port, TOPIC)
        subscriber.start()
        stack.callback(subscriber.stop)
        plant = Plant(folder, _plant_arguments(options, folder))
        stack.callback(plant.close)
        overrides = [f"plc.wire.port={plant.plc_port}", f"mqtt.port={broker.port}", *options.overrides]
        config = examples() / "demo.yaml"
        log = stack.enter_context((folder / "station.log").open("w", encoding="utf-8"))
        station = start_station(folder, config, overrides, log)
        running = Demo(options, folder, config, stopping, plant, broker, subscriber, station, overrides)
        stack.callback(lambda: end(running.station, 2.0))
        yield running


def _plant_arguments(options: DemoOptions, folder: Path) -> list[str]:
    """The plant's configuration in the folder, with the lists that a central system would have sent."""
    config = options.plant or load_plant(examples() / "plant.yaml")
    feed = config.feed.model_copy(update={"parcels_per_hour": options.parcels_per_hour})
    plc = config.plc.model_copy(update={"port": 0})
    chosen = config.model_copy(update={"feed": feed, "plc": plc, "seed": options.seed})
    path = folder / "plant.yaml"
    path.write_text(chosen.model_dump_json(indent=2), encoding="utf-8")  # JSON is YAML, and a name `1e5` stays a text
    pictures = ["--pictures", str(options.pictures.resolve())] if options.pictures else []
    return [str(path), "--truth", "truth.jsonl", *pictures]
