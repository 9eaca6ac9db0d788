"""The control line: one line of text, one thing that happens to the plant.

`simulator run` reads lines from its input and from a socket beside its wires, to which `simulator tell` writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import IO

from simulator.faults import FAULTS, FaultError, Switch, Where
from simulator.plant.mishaps import put_down
from simulator.runner import Runner, cut

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
mark TEXT           write a mark with the time into the truth"""

_ADD_AT_MM = 2600.0
_HAND = (1500.0, 3000.0)
_LINE_BYTES = 1000
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


class ControlError(Exception):
    """A line that means nothing here."""


async def obey(runner: Runner, line: str) -> str:
    """Do what the line says; returns a word of what was done.

    Raises:
        ControlError: there is no such command.
        FaultError: there is no such fault, or a plant cannot have it.
    """
    word, *rest = line.split()
    argument = rest[0] if rest else ""
    plant = runner.plant
    simple: dict[str, Callable[[], object]] = {
        "stop": runner.stop,
        "ack": plant.acknowledge,
        "spoil": lambda: setattr(runner.xray, "spoil_next", cut),
        "remove": lambda: plant.remove(*_HAND),
        "add": lambda: put_down(plant, _ADD_AT_MM),
    }
    if word in simple:
        simple[word]()
    elif word in _FAULTS:
        name, on = _FAULTS[word]
        _fault(runner, name, None, on=on)
    elif word in {"fault", "mend"}:
        _fault(runner, argument, float(rest[1]) if len(rest) > 1 else None, on=word == "fault")
    elif word == "faults":
        return "\n".join(list_faults())
    elif word in {"unplug", "plug"}:
        await _plug(runner, argument, plug=word == "plug")
    elif word == "mute":
        _fault(runner, "plc-mute", float(argument) / 1000, on=True)
    elif word == "mode":
        plant.mode = int(argument)
    elif word == "mark":
        runner.truth("mark", {"text": argument, "ms": round(plant.ms, 1)})
    elif word == "feed":
        runner.feed(on=argument == "on")
    else:
        raise ControlError(f"no such command: {word}\n{HELP}")
    return line.strip()


def list_faults() -> list[str]:
    """Every fault that a running plant can have, one line each."""
    lines = []
    for fault in FAULTS.values():
        if fault.where is Where.PLANT:
            target = f":{'|'.join(fault.targets)}" if fault.targets else ""
            size = f"={fault.size[0]:g}..{fault.size[1]:g} {fault.unit}" if fault.unit else ""
            lines.append(f"{fault.name}{target}{size}  {fault.text} ({fault.kind.value})")
    return lines


def _fault(runner: Runner, text: str, seconds: float | None, *, on: bool) -> None:
    switch = Switch.parse(text)
    if not on:
        runner.lift(switch)
        return
    runner.put(switch)
    if seconds is not None and switch.fault.seconds is not None:
        asyncio.get_running_loop().call_later(seconds, runner.lift, switch)


async def _plug(runner: Runner, device: str, *, plug: bool) -> None:
    if device != "plc":
        _fault(runner, f"device-unplugged:{device}", None, on=not plug)
    elif plug:
        await runner.server.start(runner.config.plc.host, runner.port)
    else:
        await runner.server.stop()


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
    except (ControlError, FaultError, ValueError, OSError) as error:
        return f"no {error}"


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
        OSError: nothing listens there.
    """
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(f"{line}\n".encode())
    said = (await reader.readuntil(b"\n\n")).decode().strip()
    writer.close()
    await writer.wait_closed()
    return said
