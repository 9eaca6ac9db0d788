"""What all commands share: the configuration, names on the command line, and how a command fails."""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from station.config import ConfigError, StationConfig, load_config
from station.plugins import installed_drivers
from station.ports import Driver
from station.resources import models

_NUMBER = re.compile(r"[0-9]{1,10}")


def _depth(value: int | None) -> int | None:
    if value not in {None, 8, 12, 16}:
        raise typer.BadParameter("8, 12 or 16")
    return value


ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="The station's YAML file.")]
JournalFile = Annotated[Path, typer.Argument(metavar="JOURNAL", help="A journal.db, or the YAML of its station.")]
Depth = Annotated[
    int | None,
    typer.Option(help="Bits of the pictures' channels: 8, 16, or 12 in the low bits of 16.", callback=_depth),
]
ParcelName = Annotated[str, typer.Argument(metavar="PARCEL", help="Its number, or EPOCH/NUMBER.")]
Overrides = Annotated[list[str], typer.Option("--set", help="Override one key: --set plc.wire.port=15021")]


def configuration(path: Path, overrides: list[str]) -> tuple[StationConfig, dict[str, Driver]]:
    """The station's YAML, and the drivers that there are; exit code 2 if it cannot be used."""
    try:
        drivers = installed_drivers()
        config = load_config(path, drivers, overrides)
    except ConfigError as error:
        fail(str(error), 2)
    if config.model is not None:
        folder = model_folder(config.model.folder)
        config = config.model_copy(update={"model": config.model.model_copy(update={"folder": folder})})
    return config, drivers


def model_folder(folder: Path) -> Path:
    """A model by its path, or by the name of one that comes along."""
    packaged = models() / folder
    return packaged if not folder.exists() and packaged.exists() else folder


def journal_path(path: Path, overrides: list[str]) -> Path:
    """The journal itself, or that of a station's YAML."""
    return configuration(path, overrides)[0].data / "journal.db" if is_configuration(path) else path


def is_configuration(path: Path) -> bool:
    """Whether that is a station's YAML, not a journal; exit code 2 for a pipe or a device, on which one would wait."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        fail(f"{path} is no plain file: give a journal.db, or the YAML of its station", 2)
    return path.suffix in {".yaml", ".yml"}


def parcel_name(text: str) -> tuple[int | None, int]:
    """Epoch, if it is given, and number; exit code 2 if it is neither."""
    epoch, slash, number = text.rpartition("/")
    if not _NUMBER.fullmatch(number) or (slash and not _NUMBER.fullmatch(epoch)):
        fail(f"'{text}' is no parcel: write its number, or EPOCH/NUMBER as in `station journal tail`", 2)
    return int(epoch) if epoch else None, int(number)


def run_app(app: typer.Typer) -> NoReturn:
    """Run the command line. What the system refuses ends in a sentence, what a terminal has no sign for in a `?`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        try:
            app()  # ends by SystemExit
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _give_up_output()
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else f"output: {error.strerror or error}"
        if isinstance(error, PermissionError):
            what += ". Run this as the station's own user, or give yours access"
        _give_up_output()
        Console(stderr=True).print(what, style="red", markup=False, highlight=False)
    sys.exit(1)


def _give_up_output() -> None:
    """What still waits to be written cannot be, and must not be tried again at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(text: str, code: int) -> NoReturn:
    """End with a sentence on standard error, and an exit code."""
    Console(stderr=True).print(text, style="red", markup=False, highlight=False)
    raise typer.Exit(code)
