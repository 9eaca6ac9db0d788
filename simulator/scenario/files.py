"""Scenario files: read and checked, the ones that ship found by name, and one written from a storm's episodes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml
from pydantic import ValidationError

from simulator.faults import FaultError, Switch
from simulator.plant.listed import behind_s, too_early
from simulator.scenario.model import ParcelPart, Scenario
from simulator.storm.weather import Episode
from station.core.policy import REASONS
from station.resources import examples
from station.yamltree import Fault, TreeError, did_you_mean, faults_of, parse_tree, printable, read_tree, told

_MOST_PARCELS = 20_000


class ScenarioError(Exception):
    """The scenario cannot be used; one line for each fault, with file, line, key and what would be right."""


def shipped() -> dict[str, Path]:
    """The scenarios that come with the package, by name."""
    return {path.stem: path for path in sorted((examples() / "scenarios").glob("*.yaml"))}


def found(text: str) -> Path:
    """The file of that path, or the shipped one of that name.

    Raises:
        ScenarioError: there is neither.
    """
    path, ours = Path(text), shipped()
    if path.exists() or text not in ours:
        if not path.exists():
            near = did_you_mean(text, list(ours))
            raise ScenarioError(printable(f"{text}: no such file, and no scenario of that name comes with us{near}"))
        return path
    return ours[text]


def load(path: Path) -> Scenario:
    """Read and check a scenario.

    Raises:
        ScenarioError: with one line for each fault.
    """
    try:
        document, tree = read_tree(path)
    except TreeError as error:
        raise ScenarioError(str(error)) from error
    return _checked(document, tree, str(path))


def parse(text: str, name: str = "scenario") -> Scenario:
    """The same of a text; `name` stands for it in an error.

    Raises:
        ScenarioError: with one line for each fault.
    """
    try:
        document, tree = parse_tree(text, name)
    except TreeError as error:
        raise ScenarioError(str(error)) from error
    return _checked(document, tree, name)


def _checked(document: dict[object, object], tree: yaml.Node | None, name: str) -> Scenario:
    try:
        scenario = Scenario.model_validate(document)
    except ValidationError as error:
        raise ScenarioError(told(name, tree, faults_of(error, (), Scenario))) from error
    wrong = [*_wrong_faults(scenario), *_wrong_parcels(scenario), *_wrong_expectations(scenario)]
    if wrong:
        raise ScenarioError(told(name, tree, wrong))
    return scenario


def _wrong_faults(scenario: Scenario) -> list[Fault]:
    wrong: list[Fault] = []
    for n, part in enumerate(scenario.faults):
        try:
            switch = Switch.parse(part.fault)
        except FaultError as error:
            wrong.append((("faults", n, "fault"), str(error)))
            continue
        if switch.fault.seconds is None and part.for_s is not None:
            wrong.append((("faults", n, "for_s"), f"{switch.fault.name} happens once: leave for_s out"))
    timed = [("faults", n, part.at_s) for n, part in enumerate(scenario.faults)]
    timed += [("commands", n, part.at_s) for n, part in enumerate(scenario.commands)]
    late = [((where, n, "at_s"), at_s) for where, n, at_s in timed if at_s > scenario.seconds]
    return wrong + [(where, f"the scenario ends at {scenario.seconds:g} s") for where, _ in late]


def _wrong_parcels(scenario: Scenario) -> list[Fault]:
    wrong: list[Fault] = []
    first_s = scenario.config().empty_s()
    for n, part in enumerate(scenario.parcels or ()):
        where = ("parcels", n)
        if n == 0 and part.at_s is None:
            wrong.append((where, "the first parcel needs at_s, the time at which it comes to the infeed eye"))
        if part.at_s is not None and part.at_s < first_s:
            wrong.append(((*where, "at_s"), f"the belt first runs empty: the first parcel can come at {first_s:.1f} s"))
        if part.at_s is not None and _last_s(part) > scenario.seconds:
            wrong.append(((*where, "at_s"), f"the scenario ends at {scenario.seconds:g} s"))
        if part.every_s is not None and (part.at_s is None or part.times == 1):
            wrong.append(((*where, "every_s"), "goes with at_s and with times of 2 and more"))
    if sum(part.times for part in scenario.parcels or ()) > _MOST_PARCELS:
        return [*wrong, (("parcels",), f"more than {_MOST_PARCELS} parcels")]
    return [*wrong, *_named_twice(scenario), *_come_late(scenario)]


def _named_twice(scenario: Scenario) -> Iterator[Fault]:
    """An entry one of whose parcels has the name of another's, given or counted."""
    owners: dict[str, int] = {}
    told: set[int] = set()
    for place, parcel in scenario.numbered():
        if parcel.name in owners and place not in told:
            told.add(place)
            named = (scenario.parcels or ())[place].name
            what = f"there is a parcel {parcel.name!r} already" + ("" if named else "; give this one a name")
            yield (("parcels", place, "name"), what)
        owners[parcel.name] = place


def _come_late(scenario: Scenario) -> Iterator[Fault]:
    """An entry one of whose parcels cannot come at its time, behind those that are listed ahead of it."""
    numbered, config = scenario.numbered(), scenario.config()
    parcels = [parcel for _, parcel in numbered]
    told: set[int] = set()
    for at, came_s in too_early(parcels, config):
        place = numbered[at][0]
        if place in told:
            continue
        told.add(place)
        if numbered[at - 1][0] == place:
            yield (
                ("parcels", place, "every_s"),
                f"they can follow each other every {_up(behind_s(parcels, at, config))} s",
            )
        else:
            text = f"behind the parcel that is listed ahead of it, it can come at {_up(came_s)} s"
            yield ("parcels", place, "at_s"), f"{text}; list them as they come, or leave at_s out"


def _up(seconds: float) -> str:
    return f"{math.ceil(seconds * 100 - 1e-6) / 100:.2f}"


def _last_s(part: ParcelPart) -> float:
    return (part.at_s or 0.0) + (part.times - 1) * (part.every_s or 0.0)


def _wrong_expectations(scenario: Scenario) -> list[Fault]:
    wrong: list[Fault] = []
    names = [parcel.name for parcel in scenario.listed() or ()]
    for n, parcel in enumerate(scenario.expect.parcels):
        where = ("expect", "parcels", n)
        if parcel.parcel not in names:
            wrong.append(
                ((*where, "parcel"), f"no parcel is called {parcel.parcel!r}{did_you_mean(parcel.parcel, names)}")
            )
        wrong += [
            ((*where, "reasons", k), _no_reason(code)) for k, code in enumerate(parcel.reasons) if code not in REASONS
        ]
    windows = [("inspected", n, part.from_s) for n, part in enumerate(scenario.expect.inspected)]
    windows += [("clean_passed", n, part.from_s) for n, part in enumerate(scenario.expect.clean_passed)]
    windows += [("alarms", n, part.from_s) for n, part in enumerate(scenario.expect.alarms)]
    for name, n, from_s in windows:
        if from_s >= scenario.seconds:
            wrong.append((("expect", name, n, "from_s"), f"the scenario ends at {scenario.seconds:g} s"))
    for n, inspected in enumerate(scenario.expect.inspected):
        if inspected.reason is not None and inspected.reason not in REASONS:
            wrong.append((("expect", "inspected", n, "reason"), _no_reason(inspected.reason)))
    return wrong


def _no_reason(code: str) -> str:
    return f"{code!r} is no reason of docs/mqtt.md{did_you_mean(code, list(REASONS))}"


def written(seed: int, seconds: float, episodes: Sequence[Episode], teaches: str = "what a storm found") -> str:
    """A scenario that is that very storm: `Storm(seed, seconds, episodes)` and this break the same promises."""
    faults = []
    for episode in episodes:
        entry: dict[str, object] = {"at_s": float(episode.at_s), "fault": _exactly(episode.switch)}
        if episode.switch.fault.seconds is not None:
            entry["for_s"] = float(episode.seconds)
        faults.append(entry)
    tree = {"teaches": teaches, "seconds": float(seconds), "plant": {"seed": seed}, "faults": faults}
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=120)


def _exactly(switch: Switch) -> str:
    text = str(switch)
    return text if Switch.parse(text) == switch else f"{text.partition('=')[0]}={switch.size!r}"
