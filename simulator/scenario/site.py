"""What a scenario does to a line at real wires: faults by the plant's control line, or to the processes themselves."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psutil

from simulator.demo.run import Demo
from simulator.faults import Switch, Where
from simulator.scenario.model import Scenario
from station import snapshot

RESTART_S = 0.8
_BROKER_AWAY_S = 1.0
_PRESSES_AFTER_S = 0.7
_PAUSE_S = 3.9
_PAUSE_EVERY_S = 6.0
_AT_THE_PC = frozenset({"daemon-killed", "daemon-frozen", "publisher-killed", "broker-gone", "broker-forgetting"})
"""Faults around the station that can be had by stopping a process."""


def refusal(scenario: Scenario) -> str:
    """Why a scenario cannot be run at real wires, "" if it can."""
    switches = [episode.switch for episode in scenario.episodes()]
    names = [s.fault.name for s in switches if s.fault.where is Where.STATION and s.fault.name not in _AT_THE_PC]
    if not names:
        return ""
    return f"{', '.join(dict.fromkeys(names))}: real wires cannot have that; run it on virtual time, without --wires"


@dataclass(slots=True)
class Site:
    """The running line. `later(seconds, act)` has something done so much later; `note(kind, fields)` is told of it."""

    running: Demo
    later: Callable[[float, Callable[[], None]], None]
    note: Callable[[str, dict[str, Any]], None]
    on: list[Switch] = field(default_factory=list)
    away: bool = False
    _pressed_s: float = -_PAUSE_EVERY_S
    _paused_s: float = -_PAUSE_EVERY_S

    def put(self, switch: Switch, seconds: float) -> None:
        """Put a fault in, for so long; 0 for what happens once."""
        self.on.append(switch)
        self.later(seconds, lambda: self._lift(switch))
        if switch.fault.where is Where.PLANT:
            self.tell(f"fault {switch}")
            return
        self.note("fault", {"fault": str(switch), "on": True})
        match switch.fault.name:
            case "daemon-killed":
                self._kill()
            case "daemon-frozen":
                self.running.station.send_signal(signal.SIGSTOP)
            case "publisher-killed":
                self._kill_publisher()
            case "broker-gone":
                self.running.broker.stop()
            case "broker-forgetting":
                self.running.broker.stop()
                self.later(_BROKER_AWAY_S, self.running.broker.start)

    def _lift(self, switch: Switch) -> None:
        self.on.remove(switch)
        if switch.fault.seconds is None or any(switch.is_same(other) for other in self.on):
            return
        if switch.fault.where is Where.PLANT:
            self.tell(f"mend {switch}")
            return
        self.note("fault", {"fault": str(switch), "on": False})
        if switch.fault.name == "daemon-frozen":
            self.running.station.send_signal(signal.SIGCONT)
        elif switch.fault.name == "broker-gone":
            self.running.broker.start()

    def tell(self, line: str) -> None:
        """Tell the plant something; raises RuntimeError if it refuses."""
        said = self.running.plant.tell(line).strip()
        if not said.startswith("done"):
            raise RuntimeError(f"the plant refuses {line!r}: {said}")

    def _kill(self) -> None:
        """SIGKILL, as the supervisor of a site would find it; started again a moment later."""
        self.away = True
        self.running.station.kill()
        self.running.station.wait()
        self.note("station-dead", {})
        self.later(RESTART_S, self._start)

    def _start(self) -> None:
        self.running.start_again()
        self.away = False
        self.note("station-started", {})

    def _kill_publisher(self) -> None:
        for child in psutil.Process(self.running.station.pid).children():
            with contextlib.suppress(psutil.Error):
                if "station.publisher" in child.cmdline():
                    child.kill()

    def technician(self, now_s: float) -> None:
        """Somebody who does what the alarms say, once all faults are over."""
        look = None if self.on or self.away else snapshot.read(self.running.data)
        if look is None:
            return
        stopped = look["plc"].get("stop_cause") in {"diverter", "unreleased_in_pass_lane", "encoder"}
        if stopped and now_s - self._pressed_s > _PRESSES_AFTER_S:
            self._pressed_s = now_s
            self.tell("ack")
        steps = any(alarm["alarm"] == "trigger-step" and alarm["standing"] for alarm in look["alarms"])
        if steps and now_s - self._paused_s > _PAUSE_EVERY_S:
            self._paused_s = now_s
            self.tell("feed off")
            self.later(_PAUSE_S, lambda: self.tell("feed on"))
