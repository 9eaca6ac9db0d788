"""The publisher's process, started and watched by the daemon; it ends by itself when the pipe to it closes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

from station.clock import now_ns
from station.config import StationConfig
from station.core.events import Condition

log = logging.getLogger(__name__)
_RESTART_S = (0.5, 1.0, 2.0, 5.0)
_ENDS_S = 1.4
SILENT_S = 60.0
"""A publisher says each second that it goes on; a name look-up or a disk may hold it for tens of seconds."""
STEADY_NS = 5_000_000_000
_CAUSES_TOLD = 20


def settings_of(config: StationConfig) -> dict[str, Any]:
    """What the publisher is told: `station/publisher/settings.py` as plain data, empty without a broker."""
    if config.mqtt is None:
        return {}
    names = {"site": config.site, "line": config.line_name, "station": config.station, "data": str(config.data)}
    return {**config.mqtt.model_dump(mode="json"), **names, "devices": sorted([*config.devices, "plc"])}


class Publishing:
    """Keeps one publisher running, restarted with back-off; what it says becomes alarms."""

    def __init__(self, settings: Mapping[str, Any], out: Callable[[Condition], None]) -> None:
        self._settings = json.dumps(settings)
        self._out = out
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._losses = Losses()

    async def run(self) -> None:
        """Start it, and start it again whenever it ends, until `stop`."""
        attempt = 0
        while not self._stopping:
            try:
                text = await self._live()
            except OSError as error:
                text = f"the publisher cannot be started ({error}): see what else runs on this PC; it is tried again"
            if self._ended():
                return
            log.warning("publisher: %s", text)
            self._out(Condition("publisher", "process", standing=True, text=text))
            await asyncio.sleep(_RESTART_S[min(attempt, len(_RESTART_S) - 1)])
            attempt += 1

    async def stop(self) -> None:
        """Close the pipe and give it a moment to say so to the broker: all is to have ended within two seconds."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _ENDS_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _live(self) -> str:
        """Start it and listen until it ends; how it did."""
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "station.publisher",
            "--config-json",
            self._settings,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        if self._stopping and process.stdin is not None:
            process.stdin.close()
        if await self._listen(process):
            return f"the publisher ended with code {await process.wait()}; it is started again"
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return f"the publisher stood still for {SILENT_S:g} s: it was killed, and is started again"

    def _ended(self) -> bool:
        return self._stopping

    async def _listen(self, process: asyncio.subprocess.Process) -> bool:
        """Hear it until it ends, True; or until it has said nothing for long, not even that it lives."""
        if process.stdout is None:
            return True
        heard = False
        while True:
            try:
                line = await asyncio.wait_for(process.stdout.readline(), SILENT_S)
            except TimeoutError:
                return self._stopping
            except ValueError:  # a line longer than any that it says
                continue
            if not line:
                return True
            if not heard:
                heard = True
                self._out(Condition("publisher", "process", standing=False))
            try:
                said = json.loads(line)
                condition = Condition(
                    "publisher", str(said["subject"]), standing=bool(said["standing"]), text=str(said["text"])
                )
            except (ValueError, KeyError, TypeError):
                continue
            if condition.subject == "broker":
                self._losses.take(condition, now_ns())
            self._out(condition)


class Losses:
    """The daemon's log of the broker: one line for a loss and one for its end, each cause once until it was steady."""

    def __init__(self) -> None:
        self._lost: bool | None = None
        self._since_ns = 0
        self._causes: set[str] = set()
        self._told = True

    def take(self, broker: Condition, now_ns: int) -> None:
        """What the publisher says of it."""
        if broker.standing == self._lost:
            return
        if self._lost is False and now_ns - self._since_ns >= STEADY_NS:
            self._causes.clear()
        if broker.standing:
            self._told = len(self._causes) < _CAUSES_TOLD and broker.text not in self._causes
            if self._told:
                self._causes.add(broker.text)
        first, self._lost, self._since_ns = self._lost is None, broker.standing, now_ns
        if self._told and broker.standing:
            log.warning("publisher: the broker is lost: %s", broker.text)
        elif self._told:
            log.info("publisher: the broker is there%s", "" if first else " again")
