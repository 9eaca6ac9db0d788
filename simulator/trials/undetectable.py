"""What the undetectable faults let through: `python -m simulator.trials.undetectable [--parcels 2000] [--out FILE]`.

Each fault is on all the while (what happens once, every 10 s), at sizes drawn from its range; nothing else is wrong.
The rates go to docs/rates.yaml, from which docs/faults.md has its table.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import yaml
from rich.console import Console
from rich.progress import track

from simulator.faults import FAULTS, Fault, Kind, Switch
from simulator.storm.storm import PARCELS_PER_HOUR, Storm
from simulator.storm.truth import Key, key_of
from simulator.storm.violation import Promise
from simulator.storm.weather import Episode

OUT = Path("docs/rates.yaml")
_FIRST_S = 15.0
_EACH_S = 10.0
_LASTS_S = 6.0
_SEED = 900


@dataclass(frozen=True, slots=True)
class Rate:
    """Of one fault at one target: parcels in the trial, those released, and those released that should not have been.

    `stops` is how often the belt was stopped for one that passed wrongly.
    """

    fault: str
    target: str
    times: int
    parcels: int
    released: int
    wrongly: int
    stops: int


def episodes_of(fault: Fault, target: str, seconds: float, seed: int) -> list[Episode]:
    """The fault over and over: for good where it lasts and is undetectable, else every 10 s."""
    random = Random(f"{seed} {fault.name} {target}")
    switch = Switch(fault, target, random.uniform(*fault.size))
    if fault.seconds is not None and fault.kind is Kind.UNDETECTABLE and fault.size[0] == fault.size[1]:
        return [Episode(_FIRST_S, seconds - _FIRST_S, switch)]
    found, at = [], _FIRST_S
    while at + _LASTS_S < seconds:
        lasts = 0.0 if fault.seconds is None else _LASTS_S
        found.append(Episode(round(at, 3), lasts, Switch(fault, target, random.uniform(*fault.size))))
        at += _EACH_S
    return found


def tried(fault: Fault, target: str, parcels: int, seed: int = _SEED) -> Rate:
    """Run one fault's storm."""
    seconds = _FIRST_S + parcels * 3600 / PARCELS_PER_HOUR
    episodes = episodes_of(fault, target, seconds, seed)
    passed: set[Key] = set()

    def heard(_ms: float, kind: str, fields: dict[str, Any]) -> None:
        if kind == "record" and fields["record"].type == "parcel-completed" and fields["record"].outcome == "pass":
            passed.add(key_of(fields["record"].parcel))

    result = Storm(seed, seconds, episodes, heard).run()
    lied = [v.key for v in result.violations if v.promise is Promise.OWN_EVIDENCE]
    wrongly = len(passed.intersection(lied)) + lied.count(None) + result.strays  # None: it has no number of its own
    return Rate(fault.name, target, len(episodes), result.parcels, result.released, wrongly, result.strays)


def plan() -> Iterator[tuple[Fault, str]]:
    """Every fault that the station cannot detect in time, at each of its targets."""
    for fault in FAULTS.values():
        if fault.kind is not Kind.DETECTABLE:
            yield from ((fault, target) for target in fault.targets or ("",))


def main(arguments: Sequence[str] | None = None) -> int:
    """Try them all, and write the rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parcels", type=int, default=2000, help="parcels for each fault")
    parser.add_argument("--out", type=Path, default=OUT, help="where the rates go")
    options = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    errors = Console(stderr=True)
    rates = [
        tried(fault, target, options.parcels)
        for fault, target in track(list(plan()), description="faults", console=errors, transient=True)
    ]
    command = f"python -m simulator.trials.undetectable --parcels {options.parcels}"
    text = yaml.safe_dump({"command": command, "rates": [asdict(rate) for rate in rates]}, sort_keys=False)
    options.out.write_text(text, encoding="utf-8")
    for rate in rates:
        where = f":{rate.target}" if rate.target else ""
        print(f"{rate.fault + where:32} {rate.wrongly:5} of {rate.released:5} released")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
