"""The control line: one line of text, one thing that happens to the plant.

`simulator run` reads lines from its input and from a socket beside its wires, to which `simulator tell` writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import IO

from simulator.faults import FAULTS, FaultError, Switch, Where
from simulator.plant.mishaps import put_down
from simulator.runner import Runner, cut
from simulator.wires.taken import TakenError
from station.yamltree import did_you_mean

HELP = """\
fault NAME[:TARGET][=SIZE] [SECONDS]   put a fault in, for so long or until it is mended;  faults lists them all
mend NAME[:TARGET]                     take it away
stop                end the simulation
unplug DEVICE       pull the cable of scanner, scale, xray or plc;  plug DEVICE puts it back
mute MS             the PLC's network is cut for that long
restart-plc         the PLC's program begins anew
stick               the diverter does not move any more;  free lets it go
full / empty        the inspection lane is full / empty
mode N              1 automatic, 2 hand, 3 bypass
ack                 press the acknowledge button at the panel
halt / go           an operator stops the belt / lets it run
spoil               the next picture is cut in half
remove              lift off the next parcel between infeed and decision eye
add                 put a parcel down between infeed and decision eye
feed on|off         let parcels come, or not
mark TEXT           write a mark with the time into the truth
help                list these commands"""

_ADD_AT_MM = 2600.0
_HAND = (1500.0, 3000.0)
_LINE_BYTES = 1000
_LONGEST_S = 36_000.0
_DEVICES = ("scanner", "scale", "xray", "plc")
_FAULTS = {
    "restart-plc": ("plc-restart", True),
    "stick": ("diverter-stuck", True),
    "free": ("diverter-stuck", False),
    "full": ("lane-full", True),
    "empty": ("lane-full", False),
    "halt": ("operator-stop", True),
    "go": ("operator-stop", False),
}
"""Words that are shorter than the fault they name: put in, or taken away."""


_ARGUMENTS = {
    "fault": (1, 2, "NAME[:TARGET][=SIZE] [SECONDS]"),
    "mend": (1, 1, "NAME[:TARGET]"),
    "unplug": (1, 1, "|".join(_DEVICES)),
    "plug": (1, 1, "|".join(_DEVICES)),
    "mute": (1, 1, "MS"),
    "mode": (1, 1, "1|2|3"),
    "feed": (1, 1, "on|off"),
    "mark": (1, _LINE_BYTES, "TEXT"),
}
"""How many words stand behind a word, least and most, and which; behind any other none."""
_WORDS = (*_ARGUMENTS, *_FAULTS, "stop", "ack", "spoil", "remove", "add", "faults", "help")


class ControlError(Exception):
    """A line that means nothing here; the text says what would."""


async def obey(runner: Runner, line: str) -> str:
    """Do what the line says; returns a word of what was done.

    Raises:
        ControlError: there is no such command, or what stands behind it is none of what it takes.
        FaultError: there is no such fault, or a plant cannot have it.
        TakenError: the PLC's port cannot be listened at again.
    """
    word, *rest = line.split()
    _check(word, rest)
    plant = runner.plant
    simple: dict[str, Callable[[], object]] = {
        "stop": runner.stop,
        "ack": plant.acknowledge,
        "spoil": lambda: setattr(runner.xray, "spoil_next", cut),
        "remove": lambda: plant.remove(*_HAND),
        "add": lambda: put_down(plant, _ADD_AT_MM),
        "fault": lambda: _fault(runner, *rest),
        "mend": lambda: _mend(runner, *rest),
        "mute": lambda: _mute(runner, *rest),
        "mode": lambda: setattr(plant, "mode", int(_one_of(("1", "2", "3"), word, *rest))),
        "mark": lambda: runner.truth("mark", {"text": " ".join(rest), "ms": round(plant.ms, 1)}),
        "feed": lambda: runner.feed(on=_one_of(("on", "off"), word, *rest) == "on"),
    }
    if word in {"faults", "help"}:
        return f"{word}\n{HELP if word == 'help' else chr(10).join(list_faults())}"
    if word in simple:
        simple[word]()
    elif word in _FAULTS:
        name, on = _FAULTS[word]
        (runner.put if on else runner.lift)(Switch.parse(name))
    else:
        await _plug(runner, _one_of(_DEVICES, word, *rest), plug=word == "plug")
    return line.strip()


def _check(word: str, rest: Sequence[str]) -> None:
    """Whether there is such a command, and as many words behind it as it takes."""
    if word not in _WORDS:
        raise ControlError(f"no such command: {word}{did_you_mean(word, _WORDS)}; `help` tells what they do")
    least, most, what = _ARGUMENTS.get(word, (0, 0, ""))
    if not least <= len(rest) <= most:
        raise ControlError(f"{word} is written `{f'{word} {what}'.strip()}`, not `{' '.join([word, *rest])}`")


def _one_of(words: Sequence[str], command: str, said: str) -> str:
    if said not in words:
        raise ControlError(f"{command} takes {' or '.join(words)}, not {said!r}")
    return said


def _number(text: str, unit: str, most: float) -> float:
    """A length of time.

    Raises:
        ControlError: it is no number, or none that can be waited for.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= most:
        raise ControlError(f"{unit} must be a number above 0, and {most:.0f} at most, not {text!r}")
    return number


def list_faults() -> list[str]:
    """Every fault that a running plant can have, one line each."""
    lines = []
    for fault in FAULTS.values():
        if fault.where is Where.PLANT:
            target = f":{'|'.join(fault.targets)}" if fault.targets else ""
            size = f"={fault.size[0]:g}..{fault.size[1]:g} {fault.unit}" if fault.unit else ""
            lines.append(f"{fault.name}{target}{size}  {fault.text} ({fault.kind.value})")
    return lines


def _fault(runner: Runner, text: str, for_s: str | None = None) -> None:
    switch = Switch.parse(text)
    seconds = None if for_s is None else _number(for_s, "SECONDS", _LONGEST_S)
    if seconds is not None and switch.fault.seconds is None:
        raise ControlError(f"{switch.fault.name} happens once: leave SECONDS out")
    runner.put(switch, seconds)


def _mend(runner: Runner, text: str) -> None:
    switch = Switch.parse(text)
    if switch.fault.seconds is None:
        raise ControlError(f"{switch.fault.name} happens once: there is nothing to mend")
    runner.lift(switch)


def _mute(runner: Runner, for_ms: str) -> None:
    seconds = _number(for_ms, "MS", _LONGEST_S * 1000) / 1000
    _fault(runner, "plc-mute", f"{seconds}")


async def _plug(runner: Runner, device: str, *, plug: bool) -> None:
    if device != "plc":
        (runner.lift if plug else runner.put)(Switch.parse(f"device-unplugged:{device}"))
    elif not runner.own_plc:
        raise ControlError("the PLC at the seam is not ours: pull its own cable")
    elif not plug:
        await runner.server.stop()
    elif not runner.server.listening:
        await runner.server.start(runner.config.plc.host, runner.port)


def listen(loop: asyncio.AbstractEventLoop, lines: IO[str], heard: asyncio.Queue[str]) -> None:
    """Read lines in a thread of their own (any kind of input will do) until they end."""

    def read() -> None:
        for line in lines:
            try:
                loop.call_soon_threadsafe(heard.put_nowait, line)
            except RuntimeError:  # the loop has ended
                return

    threading.Thread(target=read, name="control", daemon=True).start()


async def obey_all(runner: Runner, heard: asyncio.Queue[str], say: Callable[[str], None]) -> None:
    """Obey every line that is heard."""
    while True:
        text = (await heard.get()).strip()
        if text:
            say(await answer(runner, text))


async def answer(runner: Runner, text: str) -> str:
    """Obey a line; `done` or `no`, and more."""
    try:
        return f"done {await obey(runner, text)}"
    except (ControlError, FaultError, TakenError, ValueError, OSError) as error:
        return f"no: {error}"


@contextlib.asynccontextmanager
async def served(runner: Runner, path: Path) -> AsyncIterator[None]:
    """Obey whoever connects to the socket at `path`, a line each; the socket is gone at the end."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError):  # a caller that goes away, or sends no end of line
            while text := (await reader.readline()).decode(errors="replace").strip():
                writer.write(f"{await answer(runner, text)}\n\n".encode())
                await writer.drain()
        writer.close()

    _clear(path)
    server = await asyncio.start_unix_server(client, path, limit=_LINE_BYTES)
    try:
        yield
    finally:
        server.close()
        _clear(path)


def _clear(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)


async def tell(path: Path, line: str) -> str:
    """Send one line to the plant that listens at `path`, and return its answer.

    Raises:
        ControlError: it is no line, or the plant ended ahead of its answer.
        OSError: nothing listens there.
    """
    said = f"{line.strip()}\n".encode()
    if not 1 < len(said) < _LINE_BYTES or said.count(b"\n") > 1:
        raise ControlError(f"a command is one line of 1 to {_LINE_BYTES - 2} bytes; `help` lists them all")
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(said)
        return (await reader.readuntil(b"\n\n")).decode().strip()
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise ControlError(f"the plant at {path} ended ahead of its answer") from error
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
