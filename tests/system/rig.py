"""A whole line of real processes: simulated plant at real wires, Mosquitto, the daemon; and what came of it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import apsw
import psutil
import yaml

from simulator.config import load_plant
from simulator.demo.processes import Plant, end, free_port, start_station
from simulator.demo.report import Truth, make_report
from simulator.demo.subscriber import Subscriber
from station.resources import examples

TOPIC = "inspection/v1/+/+/+/event/#"
ZEROS = (
    "passed_without_own_clean_evidence",
    "passed_without_a_number",
    "in_the_wrong_lane",
    "evidence_of_another_parcel",
)


class Rig:
    """One line. Everything is started by hand, so that everything can be killed."""

    def __init__(
        self,
        folder: Path,
        rate: int = 9000,
        seed: int = 1,
        overrides: Sequence[str] = (),
        config: str = "demo.yaml",
        wires: Mapping[str, Any] | None = None,
        program: Sequence[str | Path] = (),
    ) -> None:
        self.folder = folder
        self.config = examples() / config
        self.program: subprocess.Popen[str] | None = None
        self.seed = seed
        self._facts: list[dict[str, Any]] = []
        self._read_up_to = 0
        self.broker_port = free_port()
        self.broker: subprocess.Popen[bytes] | None = None
        self.station: subprocess.Popen[str] | None = None
        (folder / "mosquitto.conf").write_text(
            f"listener {self.broker_port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
            f"persistence true\npersistence_location {folder}/\nautosave_interval 1\nuser root\n"
        )
        self.start_broker()
        self.subscriber = Subscriber("127.0.0.1", self.broker_port, TOPIC)
        self.subscriber.start()
        base = load_plant(examples() / "plant.yaml")
        feed = base.feed.model_copy(update={"parcels_per_hour": rate})
        plc = base.plc.model_copy(update={"port": 0})
        ends = base.wires.model_copy(update=dict(wires or {}))
        plant = base.model_copy(update={"feed": feed, "seed": seed, "plc": plc, "wires": ends})
        (folder / "plant.yaml").write_text(yaml.safe_dump(plant.model_dump(mode="json")))
        seam = ["--seam", "0"] if program else []
        self.plant = Plant(folder, ["plant.yaml", "--truth", "truth.jsonl", *seam])
        self.plc_port = self.start_program(*program) if program else self.plant.plc_port
        self.overrides = [f"plc.wire.port={self.plc_port}", f"mqtt.port={self.broker_port}", *overrides]
        self.log = (folder / "station.log").open("w")

    def start_program(self, path: str | Path, *flags: str | Path) -> int:
        """Start a PLC that is not ours at the plant's signal seam: `PATH MODBUS_PORT SEAM_PORT FLAGS`; its port."""
        command = [path, "0", self.plant.wires["seam"].rpartition(":")[2], *flags]
        self.program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.program.stdout
        with self.program.stdout as said:
            word, _, port = said.readline().partition(" ")
        assert word == "serving", word
        return int(port)

    def start_broker(self) -> None:
        """Start Mosquitto and wait until it listens."""
        self.broker = subprocess.Popen(
            ["/usr/sbin/mosquitto", "-c", str(self.folder / "mosquitto.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop_broker(self) -> None:
        """End Mosquitto in order; it keeps its sessions."""
        if self.broker is not None:
            self.broker.terminate()
            self.broker.wait()

    def start(self) -> None:
        """Start the daemon and wait until the PLC holds its session."""
        begun = time.time()
        self.launch()
        self.wait(lambda: self.live_since(begun), 20.0, "no live session")

    def launch(self) -> None:
        """Start the daemon."""
        self.station = start_station(self.folder, self.config, self.overrides, self.log)

    def cpu_s(self) -> float:
        """What the daemon has taken of a core since it was started."""
        times = psutil.Process(self.station.pid).cpu_times() if self.station is not None else None
        return times.user + times.system if times else 0.0

    def live_since(self, begun: float) -> bool:
        """True if a snapshot newer than that says the session is live."""
        try:
            path = self.folder / "data" / "status.json"
            return path.stat().st_mtime > begun and json.loads(path.read_text())["plc"]["live"]
        except (OSError, ValueError):
            return False

    def kill(self) -> None:
        """SIGKILL the daemon."""
        if self.station is not None:
            self.station.kill()
            self.station.wait()

    def kill_publisher(self) -> None:
        """SIGKILL the daemon's publisher, if one lives."""
        if self.station is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.station.pid).children():
                if "station.publisher" in child.cmdline():
                    child.kill()

    def wait(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        """Wait until a condition holds; fails with what was waited for, alarms, decisions, the end of the log."""
        limit = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > limit:
                raise AssertionError(f"{what} within {seconds} s\n{self.alarms()}\n{self.tail()}")
            time.sleep(0.02)

    def alarms(self) -> str:
        """Every alarm that was raised, the last decisions, and what the plant saw last."""
        raised = [f"{a['alarm']}/{a['subject']}: {a['text']}" for a in self.events("alarm-raised")]
        decided = [f"{d['route']}: {[r['text'] for r in d['reasons']]}" for d in self.events("decided")[-5:]]
        return "\n".join([*raised, *decided, *map(str, self.facts()[-5:])])

    def tail(self) -> str:
        """The end of the daemon's log."""
        return (self.folder / "station.log").read_text()[-2000:]

    def done(self) -> int:
        """How many parcels were completed."""
        return sum(event["type"].endswith(".parcel-completed") for event in self.subscriber.snapshot())

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The data of all events of a type so far."""
        return [e["data"] for e in self.subscriber.snapshot() if e["type"].endswith(f".{kind}")]

    def let_pass(self, parcels: int, seconds: float = 30.0) -> None:
        """Wait until so many more parcels have been released and left by the pass lane."""
        have = self.released()
        self.wait(lambda: self.released() >= have + parcels, seconds, f"{parcels} more parcels released")

    def released(self) -> int:
        """Outcomes in the pass lane, as the plant saw them."""
        return sum(fact["kind"] == "left" and fact["lane"] == "pass" for fact in self.facts())

    def facts(self) -> list[dict[str, Any]]:
        """The plant's truth so far; a last line that is being written is left out."""
        with (self.folder / "truth.jsonl").open("rb") as file:
            file.seek(self._read_up_to)
            whole = file.read().rpartition(b"\n")[0]
        self._facts += map(json.loads, whole.splitlines())
        self._read_up_to += len(whole) + bool(whole)
        return self._facts + self.numbered()

    def numbered(self) -> list[dict[str, Any]]:
        """Which parcel got which number, of a PLC that tells the plant nothing: what the station published of it."""
        if self.program is None:
            return []
        facts, session = [], 0
        for event in self.subscriber.snapshot():
            data = event["data"]
            if event["type"].endswith(".session-opened"):
                session = data["new_session"]
            elif event["type"].endswith(".parcel-entered"):
                stamp = 0 if data["inspect_only"] else session
                facts.append(
                    {"kind": "numbered", **data["parcel"], "count": data["count"] % (1 << 32), "session": stamp}
                )
        return facts

    def finish(self) -> dict[str, Any]:
        """Let the belt run empty, stop in order, and compare everything that was journaled and published."""
        self.plant.tell("feed off")
        counted = self.plant.tell("mark empty")
        assert counted.startswith("done")
        self.wait(self.belt_empty, 15.0, "belt empty")
        if self.station is not None:
            end(self.station, 5.0)
            assert not (self.folder / "data" / "journal.db-wal").exists(), (
                "an end in order leaves the journal in one file"
            )
        self.plant.stop()
        self.stop_program()
        rows = self.journal()
        self.wait(lambda: len(self.subscriber.events) >= len(rows), 20.0, f"{len(rows)} events at the subscriber")
        truth = Truth()
        truth.take([json.dumps(fact) for fact in self.facts()])
        return make_report(truth, self.subscriber.snapshot(), len(rows))

    def stop_program(self) -> None:
        """End the PLC that is not ours."""
        if self.program is not None:
            self.program.kill()
            self.program.wait()

    def pause_feed(self) -> None:
        """Let the belt run empty once, as `trigger-step` asks for: the next picture can be nobody's late one."""
        self.plant.tell("feed off")
        self.wait(self.belt_empty, 15.0, "belt empty")
        self.plant.tell("feed on")

    def belt_empty(self) -> bool:
        """Everything that was fed has left or was lifted off."""
        facts = self.facts()
        fed = {f["item"] for f in facts if f["kind"] in {"fed", "added"}}
        return not fed - {f["item"] for f in facts if f["kind"] in {"left", "removed"}}

    def journal(self) -> list[tuple[int, str, bytes]]:
        """Sequence, id and payload of every event on disk."""
        db = apsw.Connection(str(self.folder / "data" / "journal.db"), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return [
                (int(s), str(i), bytes(p)) for s, i, p in db.execute("SELECT seq, id, payload FROM event ORDER BY seq")
            ]
        finally:
            db.close()

    def close(self) -> None:
        """Kill whatever is left."""
        self.kill()
        self.plant.close()
        self.stop_program()
        self.subscriber.stop()
        self.stop_broker()
        self.log.close()
