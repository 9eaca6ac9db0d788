"""`station pause|resume|dry-run|...`: a person's wishes to the inbox, and the station's answer to them."""

from __future__ import annotations

import getpass
import json
import os
import uuid
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from time import sleep
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from station.cli_parts import ConfigFile, Overrides, ParcelName, configuration, fail, model_folder, parcel_name
from station.clock import now_ns, now_utc, utc_text
from station.config import StationConfig
from station.core.commands import (
    AcknowledgeAlarm,
    ChangeModel,
    ChangePolicy,
    Command,
    DryRun,
    HoldList,
    Pause,
    Resolve,
    Resume,
    ShelveAlarm,
)
from station.holding import HoldListError, stage
from station.journal import Inbox, InboxError, JournalError, Reader
from station.lists import ListError, read_hold_list
from station.releases import stage_model
from station.vision import ModelError

commands_app = typer.Typer(add_completion=False)
console = Console()
_LOOK_S = 0.05

Who = Annotated[str, typer.Option(help="Who wishes it; by default the user of this PC.")]
Expires = Annotated[float, typer.Option(help="Seconds after which it is not carried out any more.", min=1, max=86400)]
Wait = Annotated[float, typer.Option(help="Seconds to wait for the answer.", min=0, max=86400)]
AlarmAndSubject = Annotated[str, typer.Argument(metavar="ALARM/SUBJECT", help="As `station status` names it.")]
Identity = Annotated[str, typer.Option("--id", help="Its id, to send the same one again; by default a new one.")]


@commands_app.command(epilog="Example: station pause config/demo.yaml")
def pause(
    config: ConfigFile,
    who: Who = "",
    expires: Expires = 60,
    wait: Wait = 10,
    identity: Identity = "",
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Inspect every parcel from now on, until `station resume`; a restart does not end it."""
    tree, _ = configuration(config, overrides)
    _wish(tree, Pause, _sign(who, expires, identity), wait)


@commands_app.command(epilog="Example: station resume config/demo.yaml")
def resume(
    config: ConfigFile,
    who: Who = "",
    expires: Expires = 60,
    wait: Wait = 10,
    identity: Identity = "",
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """End a pause. A dry run that is on goes on."""
    tree, _ = configuration(config, overrides)
    _wish(tree, Resume, _sign(who, expires, identity), wait)


@commands_app.command("dry-run", epilog="Example: station dry-run config/demo.yaml; and --end to go live")
def dry_run(
    config: ConfigFile,
    end: Annotated[bool, typer.Option("--end", help="Go live.")] = False,
    who: Who = "",
    expires: Expires = 60,
    wait: Wait = 10,
    identity: Identity = "",
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Decide and log, and inspect every parcel: how a site tries a new station before it goes live."""
    tree, _ = configuration(config, overrides)
    _wish(tree, DryRun, _sign(who, expires, identity) | {"on": not end}, wait)


@commands_app.command(epilog="Example: station resolve config/demo.yaml 17 confirmed --found knife --found lighter")
def resolve(
    config: ConfigFile,
    parcel: ParcelName,
    resolution: Annotated[str, typer.Argument(help="cleared, or confirmed.")],
    found: Annotated[list[str], typer.Option(help="What was found; once for each thing.")] = [],  # noqa: B006
    who: Who = "",
    expires: Expires = 60,
    wait: Wait = 10,
    identity: Identity = "",
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Tell what opening a parcel came to, once it has left the belt."""
    tree, _ = configuration(config, overrides)
    fields = {"parcel": _named(tree, parcel), "resolution": resolution, "found": found}
    _wish(tree, Resolve, _sign(who, expires, identity) | fields, wait)


@commands_app.command(epilog="Example: station ack config/demo.yaml device-lost/scanner")
def ack(
    config: ConfigFile,
    alarm: AlarmAndSubject,
    who: Who = "",
    expires: Expires = 60,
    wait: Wait = 10,
    identity: Identity = "",
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Acknowledge an alarm: somebody has seen it."""
    tree, _ = configuration(config, overrides)
    _wish(tree, AcknowledgeAlarm, _sign(who, expires, identity) | _alarm(alarm), wait)


@commands_app.command(epilog="Example: station shelve config/demo.yaml trigger-step/xray --hours 2")
def shelve(
    config: ConfigFile,
    alarm: AlarmAndSubject,
    hours: Annotated[float, typer.Option(help="For so long; 0 to be told of it again.", min=0, max=8)] = 1,
    who: Who = "",
    expires: Expires = 60,
    wait: Wait = 10,
    identity: Identity = "",
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Do not tell of an alarm for a while. Those of priority top cannot be shelved."""
    tree, _ = configuration(config, overrides)
    _wish(tree, ShelveAlarm, _sign(who, expires, identity) | _alarm(alarm) | {"for_s": hours * 3600}, wait)


@commands_app.command(epilog="Example: station hold config/demo.yaml held.csv")
def hold(
    config: ConfigFile,
    file: Annotated[Path | None, typer.Argument(metavar="[CSV]", help="One code a line, as policy.hold_list.")] = None,
    none: Annotated[bool, typer.Option("--none", help="Hold nothing but what the site's own file names.")] = False,
    who: Who = "",
    expires: Expires = 60,
    wait: Wait = 10,
    identity: Identity = "",
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Replace the commanded hold list, as a whole. What policy.hold_list names is held as well."""
    tree, _ = configuration(config, overrides)
    if (file is None) != none:
        fail("name a file, or say --none", 2)
    try:
        _where_it_runs(tree)
        sha256, codes = stage(tree.data, read_hold_list(file) if file is not None else [])
    except (ListError, HoldListError, OSError) as error:
        fail(str(error), 2)
    _wish(tree, HoldList, _sign(who, expires, identity) | {"sha256": sha256, "codes": codes}, wait)


@commands_app.command(epilog="Example: station policy config/demo.yaml --threshold knife=0.4 --weight-range 100:30000")
def policy(
    config: ConfigFile,
    threshold: Annotated[list[str], typer.Option(help="LABEL=SCORE, 0 to 1; once for each.")] = [],  # noqa: B006
    weight_range: Annotated[str, typer.Option(help="LEAST:GREATEST in grams.")] = "",
    tolerance_g: Annotated[float | None, typer.Option(help="Of a declared weight, in grams.")] = None,
    tolerance_percent: Annotated[float | None, typer.Option(help="And in percent of it.")] = None,
    may_be_missing: Annotated[str, typer.Option(help="All such devices, with commas; - for none.")] = "",
    who: Who = "",
    expires: Expires = 60,
    wait: Wait = 10,
    identity: Identity = "",
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Change the site's rules; they hold until they are changed again, or the YAML is."""
    tree, _ = configuration(config, overrides)
    labels = [text.rpartition("=")[0] for text in threshold]
    if twice := [label for label in labels if labels.count(label) > 1]:
        fail(f"--threshold {twice[0]}= stands twice: give each label once", 2)
    try:
        changes = {
            "thresholds": dict(_score(text) for text in threshold),
            "weight_range_g": [float(grams) for grams in weight_range.split(":")] if weight_range else None,
            "declared_tolerance_g": tolerance_g,
            "declared_tolerance_percent": tolerance_percent,
            "may_be_missing": [name for name in may_be_missing.split(",") if name != "-"] if may_be_missing else None,
        }
    except ValueError as error:
        fail(f"{error}: write --threshold LABEL=SCORE and --weight-range LEAST:GREATEST", 2)
    named = {name: value for name, value in changes.items() if value not in (None, {})}
    _wish(tree, ChangePolicy, _sign(who, expires, identity) | named, wait)


def use(
    config: ConfigFile,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A model folder, or one that comes along.")],
    who: Who = "",
    expires: Expires = 60,
    wait: Wait = 30,
    identity: Identity = "",
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Go on with another image model: the station tries it, starts again with it, and inspects what is on the belt."""
    tree, _ = configuration(config, overrides)
    try:
        release = stage_model(tree.data, model_folder(folder))
    except (ModelError, OSError) as error:
        fail(str(error), 2)
    _wish(tree, ChangeModel, _sign(who, expires, identity) | {"release": release}, wait)


def _alarm(text: str) -> dict[str, str]:
    alarm, _, subject = text.partition("/")
    return {"alarm": alarm, "subject": subject}


def _score(text: str) -> tuple[str, float]:
    label, _, score = text.rpartition("=")
    return label, float(score)


def _named(tree: StationConfig, parcel: str) -> dict[str, int]:
    """A parcel as a command names it: of those with a number alone, the newest."""
    epoch, number = parcel_name(parcel)
    try:
        if epoch is None:
            with closing(Reader(tree.data / "journal.db")) as reader:
                epoch = reader.newest_epoch(number)
    except JournalError as error:
        fail(str(error), 1)
    if epoch is None:
        fail(f"the journal knows no parcel {number}", 1)
    return {"epoch": epoch, "number": number}


def _sign(who: str, expires_s: float, identity: str) -> dict[str, Any]:
    now = now_utc()
    until = now + timedelta(seconds=expires_s)
    return {
        "id": identity or uuid.uuid4().hex,
        "who": who or _user(),
        "issued_at": utc_text(now),
        "expires_at": utc_text(until),
    }


def _user() -> str:
    """Who is at the terminal; a user without a name is known by number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _where_it_runs(tree: StationConfig) -> None:
    """Make the folder of a station that is still to be started; say where, for another one may be meant."""
    if not tree.data.is_dir():
        tree.data.mkdir(parents=True)
        where = f"no station has run in {tree.data.absolute()} yet: start it from {Path.cwd()}, or give this from there"
        console.print(where, markup=False, highlight=False)


def _wish(tree: StationConfig, model: type[Command], fields: dict[str, Any], wait_s: float) -> None:
    """Post it and tell the answer: exit code 0 accepted, 1 refused, 2 not a command, 4 no answer."""
    _where_it_runs(tree)
    try:
        command = model.model_validate_json(json.dumps(fields))
        with closing(Inbox(tree.data)) as inbox:
            inbox.post(command.id, command.type, "station", command.model_dump_json().encode())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        said = (*map(str, first["loc"]), first["msg"].removeprefix("Value error, "))
        fail(f"this is no command: {': '.join(said)}", 2)
    except (InboxError, OSError) as error:
        fail(str(error), 1)
    try:
        answer = _answer(tree, command.id, wait_s)
    except KeyboardInterrupt:
        text = f"It waits in the inbox, and is carried out if the station comes to it before {command.expires_at}"
        fail(f"{text}. Its id: {command.id}", 130)
    if answer is not None and answer["digest"] and not command.repeats(answer["digest"], stands=answer["stands"]):
        told = f"a command {answer['command_type']} had the id {command.id}, and was {answer['result']}"
        fail(f"not carried out: {told}: give each its own", 1)
    if answer is None:
        text = f"No answer yet. If the station comes to it before {command.expires_at}, it is carried out"
        fail(f"{text}; `station status` shows whether it runs. Its id: {command.id}", 4)
    console.print(f"{answer['result']}: {answer['text']}", markup=False, highlight=False)
    raise typer.Exit(0 if answer["result"] == "accepted" else 1)


def _answer(tree: StationConfig, identity: str, wait_s: float) -> dict[str, Any] | None:
    until = now_ns() + int(wait_s * 1e9)
    while True:
        found = _look(tree, identity)
        if found is not None or now_ns() > until:
            return found
        sleep(_LOOK_S)


def _look(tree: StationConfig, identity: str) -> dict[str, Any] | None:
    try:
        with closing(Reader(tree.data / "journal.db")) as reader:
            event = reader.answer_to(identity)
            stands = event is not None and reader.stands(identity)
    except JournalError:
        return None
    told: dict[str, Any] | None = json.loads(event.payload) | {"stands": stands} if event is not None else None
    return told
