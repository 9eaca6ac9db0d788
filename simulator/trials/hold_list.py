"""How long the loop is held up while a hold list is replaced: `python -m simulator.trials.hold_list --codes 100000`.

The real turn, journal, inbox and intake, as the daemon has them: a turn every 5 ms, the intake in its thread, and each
list posted by a process of its own. A turn is late by how much later it ends than it was due.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from simulator.config import PlantConfig
from simulator.storm.setup import setup_of
from station.clock import now_ns, now_utc, utc_text
from station.core.actions import Order
from station.core.commands import HoldList
from station.core.events import Event, ListsLoaded, Starting, Tick
from station.core.line import Line
from station.holding import stage
from station.intake import Intake
from station.journal import IdFile, Inbox, Journal, Reader
from station.ports import Health, Sink
from station.turn import Turn

_EVERY_NS = 5_000_000
_ANSWERED_WITHIN_S = 60.0
_POST = "import sys; from simulator.trials.hold_list import post; post(sys.argv[1], sys.argv[2], int(sys.argv[3]))"


class NoPlc:
    """A PLC that takes everything."""

    name = "plc"
    proved = "it answers"

    def start(self, sink: Sink) -> None:
        """Nothing to start."""

    def stop(self) -> None:
        """Nothing to stop."""

    def health(self) -> Health:
        """Well."""
        return Health(connected=True, detail="", last_message_ns=None, counters={})

    def probe(self) -> str:
        """Well."""
        return ""

    def beat(self) -> None:
        """Taken."""

    def send(self, orders: Sequence[Order]) -> None:
        """Taken."""

    def open_session(self, session: int, epoch: int | None) -> None:
        """Taken."""


@dataclass(slots=True)
class Loop:
    """Turns in a thread of its own; `late_ms` is how late each ended."""

    turn: Turn
    inbox: deque[Event]
    late_ms: list[float] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until `ending`."""
        due = now_ns()
        while not self.ending.wait(max(0.0, (due - now_ns()) / 1e9)):
            events: list[Event] = []
            while self.inbox:
                events.append(self.inbox.popleft())
            self.turn.take([*events, Tick()])
            self.late_ms.append((now_ns() - due) / 1e6)
            due = max(due + _EVERY_NS, now_ns())


def post(folder: str, identity: str, codes: int) -> None:
    """As `station hold` does, in another process."""
    data, now = Path(folder), now_utc()
    sha256, number = stage(data, (f"{identity}-{code:012}" for code in range(codes)))
    times = {"issued_at": utc_text(now), "expires_at": utc_text(now + timedelta(seconds=60))}
    command = HoldList.model_validate({"id": identity, "who": "trial", "sha256": sha256, "codes": number, **times})
    with closing(Inbox(data)) as inbox:
        inbox.post(command.id, command.type, "station", command.model_dump_json().encode())


def main(
    codes: Annotated[int, typer.Option(help="Codes in each list.")] = 100_000,
    times: Annotated[int, typer.Option(help="Lists, one behind the other.")] = 10,
) -> None:
    """Measure it, beside as long a time without."""
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        journal = Journal(data / "journal.db", station="trial", now_utc=now_utc, mono_ns=now_ns)
        turn = Turn(Line(setup_of(PlantConfig())), journal, IdFile(data / "ids.json", now_utc), NoPlc())
        loop = Loop(turn, deque([Starting("trial", "", ""), ListsLoaded("", frozenset(), ())]))
        intake = Intake(data, journal.path, loop.inbox.append)
        thread = threading.Thread(target=loop.run)
        thread.start()
        intake.start()
        try:
            begun = time.monotonic()
            for number in range(times):
                subprocess.run([sys.executable, "-c", _POST, name, f"t{number}", str(codes)], check=True)
                _answered(journal.path, f"t{number}")
            lasted, swapped = time.monotonic() - begun, len(loop.late_ms)
            time.sleep(lasted)
        finally:
            loop.ending.set()
            thread.join()
            intake.stop()
            journal.close()
        _tell(f"{times} lists of {codes} codes in {lasted:.1f} s", loop.late_ms[:swapped])
        _tell(f"none, for {lasted:.1f} s", loop.late_ms[swapped:])


def _answered(journal: Path, identity: str) -> None:
    until = time.monotonic() + _ANSWERED_WITHIN_S
    with closing(Reader(journal)) as reader:
        while reader.answer_to(identity) is None:
            if time.monotonic() > until:
                raise TimeoutError(f"no answer to {identity}")
            time.sleep(0.01)


def _tell(what: str, late_ms: list[float]) -> None:
    ordered = sorted(late_ms)
    median, high = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    print(  # noqa: T201
        f"{what}: {len(ordered)} turns, late by {median:.1f} ms at the median, {high:.1f} ms at the 99th percentile,"
        f" {ordered[-1]:.1f} ms at most"
    )


if __name__ == "__main__":
    typer.run(main)
