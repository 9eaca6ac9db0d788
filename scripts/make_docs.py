"""Fills the generated parts of the documents: registers, reasons, refusals, alarms, faults ...: scripts/docs."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from simulator.faults import FAULTS, Kind
from simulator.scenario.files import load, shipped
from simulator.scenario.site import refusal
from station.core.clerk import REFUSALS
from station.core.handbook import HANDBOOK, AlarmKind
from station.core.parcel import TRANSITIONS
from station.core.policy import REASONS
from station.kinds import about, example_of, keys_of
from station.plugins import installed_drivers
from station.ports import Driver

DOCS = Path(__file__).parent.parent / "docs"
WORDS = {"u16": 1, "u32": 2}


def registers() -> str:
    """One table a block, then one a record, then the reasons."""
    plc_map = yaml.safe_load((DOCS / "plc-map.yaml").read_text(encoding="utf-8"))
    records = {name: _size(fields) for name, fields in plc_map["records"].items()}
    parts = []
    for name, block in plc_map["blocks"].items():
        count = sum(_field_size(field, records) for field in block["fields"])
        first = block["address"]
        parts.append(f"### Block `{name}`: registers {first} to {first + count - 1} ({count})\n")
        parts.append(_table(block["fields"], first, records))
    for name, fields in plc_map["records"].items():
        parts.append(f"### Record `{name}`: {records[name]} registers\n")
        parts.append(_table(fields, 0, records, heading="offset"))
    parts.append("### Reasons (`why`)\n")
    rows = [f"| {code} | {text} |" for code, text in plc_map["why"].items()]
    parts.append("\n".join(["| code | meaning |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def _table(fields: list[Mapping[str, Any]], first: int, records: Mapping[str, int], heading: str = "register") -> str:
    rows = [f"| {heading} | name | type | what |", "|---|---|---|---|"]
    for field in fields:
        kind = field.get("record") or field["type"]
        repeat = field.get("repeat", 1)
        shown = f"{repeat} x {kind}" if repeat > 1 else kind
        rows.append(f"| {first} | `{field['name']}` | {shown} | {field['what']} |")
        first += _field_size(field, records)
    return "\n".join(rows) + "\n"


def _field_size(field: Mapping[str, Any], records: Mapping[str, int]) -> int:
    one = records[field["record"]] if "record" in field else WORDS[field["type"]]
    return int(one * field.get("repeat", 1))


def _size(fields: list[Mapping[str, Any]]) -> int:
    return sum(WORDS[field["type"]] for field in fields)


def states() -> str:
    """The life of a parcel as a Mermaid state diagram, drawn from the table."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> entered"]
    lines += [f"    {before.value} --> {after.value}: {step.value}" for (before, step), after in TRANSITIONS.items()]
    return "\n".join([*lines, "```"]) + "\n"


def reasons() -> str:
    """Every reason code of a decision."""
    rows = [f"| `{code}` | {text} |" for code, text in REASONS.items()]
    return "\n".join(["| code | meaning |", "|---|---|", *rows]) + "\n"


def refusals() -> str:
    """Every reason for which a command is refused."""
    rows = [f"| `{code}` | {text} |" for code, text in REFUSALS.items()]
    return "\n".join(["| reason | meaning |", "|---|---|", *rows]) + "\n"


def alarms() -> str:
    """A page for each alarm."""
    return "\n".join(_alarm(name, kind) for name, kind in HANDBOOK.items())


def _alarm(name: str, kind: AlarmKind) -> str:
    delays = []
    if kind.on_s:
        delays.append(f"raised when its cause has stood for {kind.on_s:g} s")
    if kind.off_s:
        delays.append(f"cleared when it has been gone for {kind.off_s:g} s")
    follows = [f"not raised while {' or '.join(f'`{root}`' for root in kind.follows)} stands"] if kind.follows else []
    shelved = "cannot be shelved" if kind.priority == "top" else "can be shelved"
    rows = {
        "cause": kind.cause,
        "consequence": kind.consequence,
        "what to do": kind.action,
        "priority": f"{kind.priority}; {shelved}",
        "delays": "; ".join([*(delays or ["none"]), *follows]),
    }
    lines = [f"### Alarm `{name}`", "", "| | |", "|---|---|", *(f"| {head} | {text} |" for head, text in rows.items())]
    return "\n".join(lines) + "\n"


def faults() -> str:
    """One table a class: what happens, where, to what, how much, and why it is of that class."""
    titles = {Kind.DETECTABLE: "Detectable", Kind.LATE: "Detectable too late", Kind.UNDETECTABLE: "Undetectable"}
    return "\n".join(f"## {title}\n\n{_faults(kind)}" for kind, title in titles.items())


def _faults(kind: Kind) -> str:
    rows = ["| fault | where | befalls | how much | what happens | why |", "|---|---|---|---|---|---|"]
    for fault in FAULTS.values():
        if fault.kind is kind:
            size = f"{fault.size[0]:g} to {fault.size[1]:g} {fault.unit}" if fault.unit else ""
            shown = (f"`{fault.name}`", fault.where.value, ", ".join(fault.targets), size, fault.text, fault.why)
            rows.append(f"| {' | '.join(shown)} |")
    return "\n".join(rows) + "\n"


def rates() -> str:
    """One row a fault that is not detected in time: how many parcels it let through, as measured."""
    measured = yaml.safe_load((DOCS / "rates.yaml").read_text(encoding="utf-8"))
    heads = ["fault", "at", "times", "parcels", "released", "of these wrongly", "belt stopped for"]
    rows = [f"| {' | '.join(heads)} |", "|---|---|--:|--:|--:|--:|--:|"]
    for rate in measured["rates"]:
        share = f"{rate['wrongly']} ({100 * rate['wrongly'] / max(1, rate['released']):.1f} %)"
        cells = (rate["times"], rate["parcels"], rate["released"], share, rate["stops"])
        rows.append(f"| `{rate['fault']}` | {rate['target']} | {' | '.join(map(str, cells))} |")
    return "\n".join([f"Measured by `{measured['command']}`.", "", *rows]) + "\n"


def scenarios() -> str:
    """One row a scenario that ships: what it teaches, how long it lasts, where it runs."""
    rows = ["| scenario | what it teaches | lasts | runs on |", "|---|---|---|---|"]
    for name, path in shipped().items():
        scenario = load(path)
        runs = "virtual time" if refusal(scenario) else "virtual time, real wires"
        rows.append(f"| `{name}` | {scenario.teaches} | {scenario.seconds:g} s | {runs} |")
    return "\n".join(rows) + "\n"


def devices() -> str:
    """Every kind of device that comes along, with its keys."""
    ours = {k: d for k, d in installed_drivers().items() if d.settings.__module__.startswith("drivers.")}
    return "\n".join(_device(kind, driver) for kind, driver in sorted(ours.items()))


def _device(kind: str, driver: Driver) -> str:
    """An example, and a table of its keys."""
    table = ["| key of `wire` | takes | if left out | what it is |", "|---|---|---|---|"]
    for key in keys_of(driver.settings):
        default = f"`{key.default}`" if key.default else "must be given"
        table.append(f"| `{key.name}` | {key.takes} | {default} | {key.text} |")
    shown = ["```yaml", example_of(kind, driver), "```"]
    return "\n".join([f"### `{kind}`", "", f"{about(driver)}.", "", *shown, "", *table, ""])


PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "registers": ("plc-interface.md", registers),
    "states": ("architecture.md", states),
    "reasons": ("mqtt.md", reasons),
    "refusals": ("mqtt.md", refusals),
    "alarms": ("operations.md", alarms),
    "faults": ("faults.md", faults),
    "rates": ("faults.md", rates),
    "scenarios": ("scenarios.md", scenarios),
    "devices": ("devices.md", devices),
}


def filled(name: str) -> tuple[Path, str, str]:
    """The document of a part: where it is, what it holds, and what it would hold."""
    file, make = PARTS[name]
    path = DOCS / file
    text = path.read_text(encoding="utf-8")
    begin, end = f"<!-- generated: {name} -->", f"<!-- end of {name} -->"
    if begin not in text or end not in text:
        raise ValueError(f"{path} has no place for {name}: put {begin} and {end} there")
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    return path, text, pattern.sub(lambda _: f"{begin}\n{make()}{end}", text)


def main() -> int:
    """Fill all parts; with --check only tell which are old."""
    old = []
    for name in PARTS:
        path, text, wanted = filled(name)
        if text != wanted:
            old.append(name)
            if "--check" not in sys.argv:
                path.write_text(wanted, encoding="utf-8")
    print(f"{'old' if '--check' in sys.argv else 'made anew'}: {', '.join(old) or 'nothing'}")
    return 1 if old and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
