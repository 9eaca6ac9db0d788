"""A scenario on virtual time: a storm whose plant and faults are the scenario's, with its promises checked."""

from __future__ import annotations

from typing import Any

from simulator.scenario.account import Account
from simulator.scenario.model import Command, Scenario
from simulator.storm.storm import Storm
from simulator.storm.world import Heard

_TYPES = frozenset(
    {"alarm-raised", "alarm-cleared", "decided", "parcel-completed", "plc-changed", "session-opened"}
)  # what `judge` looks at


def storm_of(scenario: Scenario, heard: Heard | None = None, seconds: float | None = None) -> Storm:
    """The storm that a scenario is; it goes on for so many seconds, or as long as the scenario says."""
    lasts = scenario.seconds if seconds is None else seconds
    storm = Storm(scenario.plant.seed, lasts, scenario.episodes(), heard, scenario.config())
    for part in scenario.commands:
        storm.world.after(part.at_s * 1000, lambda do=part.do: _do(storm, do))  # type: ignore[misc]
    return storm


def _do(storm: Storm, command: Command) -> None:
    world = storm.world
    world.tell("command", {"command": command})
    match command:
        case "feed on" | "feed off":
            world.wants_feed = command == "feed on"
        case "ack":
            world.plant.acknowledge()


class Watch:
    """Writes down what happens in a storm."""

    def __init__(self) -> None:
        self.account = Account()
        self._storm: Storm | None = None

    def run(self, scenario: Scenario) -> Account:
        """Run the scenario, from the first parcel to the last event at the subscriber."""
        self._storm = storm_of(scenario, self)
        result = self._storm.run()
        self.account.broken = [
            f"{broken.ms / 1000:.1f} s: {broken.promise.value}: {broken.text}" for broken in result.violations
        ]
        return self.account

    def __call__(self, ms: float, kind: str, fields: dict[str, Any]) -> None:
        """Take one thing that happened; the end of the storm itself is none."""
        if self._storm is None or not self._storm.world.supervised:
            return
        if kind == "record":
            record = fields["record"]
            if record.type in _TYPES:
                self.account.event(ms / 1000, record.type, record.model_dump())
            return
        self.account.fact(ms / 1000, kind, fields)
        if kind in {"left", "removed"}:  # what the PLC numbered it is known by then
            truth = self._storm.world.truth.of_item(fields["item"])
            body = self.account.bodies.get(fields["item"])
            if truth is not None and body is not None:
                body.key = truth.key
