"""Faults by hand: one line of text, one thing that happens to the plant. `simulator run` reads them from its input."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import IO

from simulator.runner import Runner, hand_item

HELP = """\
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
feed on|off         let parcels come, or not"""

_ADD_AT_MM = 2600.0
_HAND = (1500.0, 3000.0)


class ControlError(Exception):
    """A line that means nothing here."""


async def obey(runner: Runner, line: str) -> str:
    """Do what the line says; returns a word of what was done.

    Raises:
        ControlError: there is no such command.
    """
    word, *rest = line.split()
    argument = rest[0] if rest else ""
    plant = runner.plant
    simple: dict[str, Callable[[], object]] = {
        "stop": runner.stop,
        "restart-plc": runner.restart_plc,
        "stick": lambda: setattr(plant, "stuck", True),
        "free": lambda: setattr(plant, "stuck", False),
        "full": lambda: setattr(plant, "lane_full", True),
        "empty": lambda: setattr(plant, "lane_full", False),
        "ack": plant.acknowledge,
        "halt": lambda: setattr(plant, "operator_stop", True),
        "go": lambda: setattr(plant, "operator_stop", False),
        "spoil": lambda: setattr(runner.xray, "spoil_next", _half),
        "remove": lambda: plant.remove(*_HAND),
        "add": lambda: _add(runner),
    }
    if word in simple:
        simple[word]()
    elif word in {"unplug", "plug"}:
        await _plug(runner, argument, plug=word == "plug")
    elif word == "mute":
        await runner.mute(float(argument))
    elif word == "mode":
        plant.mode = int(argument)
    elif word == "feed":
        plant.feeding = argument == "on"
    else:
        raise ControlError(f"no such command: {word}\n{HELP}")
    return line.strip()


async def _plug(runner: Runner, device: str, *, plug: bool) -> None:
    lines = {"scanner": runner.scanner, "scale": runner.scale}
    if device in lines:
        lines[device].plug() if plug else lines[device].unplug()
    elif device == "xray":
        runner.plant.silent.discard("xray") if plug else runner.plant.silent.add("xray")
    elif device == "plc":
        if plug:
            await runner.server.start(runner.config.plc.host, runner.port)
        else:
            await runner.server.stop()
    else:
        raise ControlError(f"no such device: {device}")


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _add(runner: Runner) -> None:
    like = next(iter(runner.plant.items), None)
    if like is not None:
        item = hand_item(1_000_000 + runner.truth.counts.get("added", 0), like)
        runner.plant.add(item, _ADD_AT_MM)


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
        if not text:
            continue
        try:
            say(f"done {await obey(runner, text)}")
        except (ControlError, ValueError, OSError) as error:
            say(f"no {error}")
