"""Commands at the worst time: the daemon dies at every step around them, and obeys all the same."""

from __future__ import annotations

import pytest

from simulator.faults import Switch
from simulator.storm.obeyed import Obeyed
from simulator.storm.storm import Storm
from simulator.storm.weather import Episode
from station.core.records import CommandResult, Decided, ModeChanged, ParcelRef, ParcelResolved, Record, StationStarted

STEPS = 40
EACH_S = 7.0
FIRST = ParcelRef(epoch=1, number=1)


def test_killed_at_each_step_around_a_command() -> None:
    kills = [Episode(15 + EACH_S * n, 3.0, Switch.parse(f"killed-at-command={n}")) for n in range(1, STEPS + 1)]
    storm = Storm(5, 30 + EACH_S * STEPS, kills)
    assert storm.run().violations == []
    answers = storm.world.promises.obeyed.answered
    assert answers.keys() == {*storm.world.commander.posted}
    assert sum(answer.command_type == "dry-run" for answer in answers.values()) >= 2 * STEPS


def test_all_commands_among_each_other() -> None:
    names = ["pause", "dry-run", "hold", "policy", "resolve", "repeated", "expired", "resolve"]
    switches = [Switch.parse(f"command-{name}") for name in names]
    episodes = [Episode(15 + 2.5 * n, 2.0 if n % 8 < 4 else 0.0, switches[n % 8]) for n in range(56)]
    storm = Storm(7, 180, episodes)
    result = storm.run()
    assert result.violations == []
    told = {(answer.command_type, answer.result) for answer in storm.world.promises.obeyed.answered.values()}
    accepted = {(kind, "accepted") for kind in ("pause", "resume", "dry-run", "hold-list", "policy", "resolve")}
    assert told >= accepted | {("pause", "refused"), ("resolve", "refused")}


# --- the promise itself sees what breaks it


def mode(*, paused: bool) -> ModeChanged:
    word = "paused" if paused else "automatic"
    return ModeChanged.model_validate(
        {"mode": word, "paused": paused, "dry_run": False, "command": "c", "who": "anna", "count": 1}
    )


def answer() -> CommandResult:
    told = {"command": "c", "command_type": "pause", "result": "accepted", "reason": "", "text": "", "who": "anna"}
    return CommandResult.model_validate(told | {"source": "station"})


def decided(route: str) -> Decided:
    return Decided.model_validate({"parcel": FIRST, "route": route, "reasons": (), "policy_version": "p", "count": 1})


def started(*, paused: bool) -> StationStarted:
    return StationStarted.model_construct(paused=paused, dry_run=False, policy_version="p")


RESOLVED = ParcelResolved(parcel=FIRST, resolution="cleared", found=(), command="c", who="anna")
WRONG: dict[str, tuple[list[Record], str]] = {
    "passed in a pause": ([mode(paused=True), decided("pass")], "to pass while all"),
    "answered twice": ([answer(), answer()], "a second time"),
    "resolved twice": ([RESOLVED, RESOLVED], "a second time"),
    "started live": ([mode(paused=True), started(paused=False)], "was left"),
    "passed behind a start in a pause": (
        [mode(paused=True), started(paused=True), decided("pass")],
        "to pass while all",
    ),
}


def told(records: list[Record]) -> list[str]:
    left = next(((r.paused, r.dry_run) for r in records if isinstance(r, ModeChanged)), None)
    obeyed = Obeyed(lambda _seq: left, lambda: 0.0)
    return [text for seq, record in enumerate(records) for text, _ in obeyed.take(record, seq)]


@pytest.mark.parametrize(("records", "text"), WRONG.values(), ids=WRONG)
def test_what_breaks_it(records: list[Record], text: str) -> None:
    (found,) = told(records)
    assert text in found


def test_what_does_not() -> None:
    assert told([mode(paused=True), decided("inspect"), answer(), mode(paused=False), decided("pass"), RESOLVED]) == []
