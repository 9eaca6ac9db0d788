"""The signal seam: the plant's inputs and outputs for a PLC that is not ours, a line each way at each of its scans."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from simulator.plc.signals import Inputs, Outputs
from simulator.wires.taken import port_taken

_LINE = 200
_SAFE = Outputs(belt=False, to_pass=False, triggers=0)


class SeamError(ValueError):
    """A line that is not of the seam."""


def parse_outputs(line: bytes) -> Outputs:
    """`OUT belt to_pass triggers` as outputs.

    Raises:
        SeamError: anything else.
    """
    fields = line.split()
    if len(fields) != 4 or fields[0] != b"OUT" or not all(field.isdigit() and len(field) < 11 for field in fields[1:]):
        raise SeamError(f"'OUT belt to_pass triggers' wanted, not {line[:_LINE]!r}")
    return Outputs(belt=fields[1] == b"1", to_pass=fields[2] == b"1", triggers=int(fields[3]))


def format_inputs(inputs: Inputs) -> bytes:
    """Inputs as the line `IN ...` of docs/plc-interface.md."""
    head = [inputs.ms % (1 << 32), inputs.count % (1 << 32), inputs.at_pass, inputs.at_inspect, inputs.lane_full]
    head += [inputs.operator_stop, inputs.acknowledge, inputs.mode, len(inputs.edges)]
    edges = [(e.eye, e.broken, e.count % (1 << 32), e.ms % (1 << 32)) for e in inputs.edges]
    numbers = [int(value) for value in head] + [int(value) for edge in edges for value in edge]
    return ("IN " + " ".join(map(str, numbers)) + "\n").encode()


class SignalSeam:
    """Listens for one PLC; `exchange(outputs)` is called for each of its scans and returns its inputs."""

    def __init__(self, exchange: Callable[[Outputs], Inputs]) -> None:
        self._exchange = exchange
        self._server: asyncio.Server | None = None
        self._taken = False
        self._serving: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def start(self, port: int) -> int:
        """Listen on the loopback; returns the port.

        Raises:
            TakenError: nobody can listen there.
        """
        try:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=_LINE)
        except OSError as error:
            raise port_taken("127.0.0.1", port, os.strerror(error.errno or 0)) from error
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close; whoever is connected is served to the end of its scan."""
        if self._server is not None:
            self._server.close()
        if self._serving is not None and self._writer is not None:
            self._writer.close()
            await asyncio.wait({self._serving})

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._taken:
            writer.close()
            return
        self._taken = True
        self._serving, self._writer = asyncio.current_task(), writer
        try:
            while line := await reader.readline():
                writer.write(format_inputs(self._exchange(parse_outputs(line))))
                await writer.drain()
        except (SeamError, ValueError, ConnectionError) as error:
            writer.write(f"ERROR {error}\n".encode())
        finally:
            self._taken = False
            self._exchange(_SAFE)
            writer.close()
