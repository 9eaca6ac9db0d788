"""The scale as Modbus registers: 0-1 grams (high word first), 2 bit 0 stable, 3 results counted, 4-5 a pattern."""

from __future__ import annotations

from pathlib import Path

from simulator.wires.modbus_server import RegisterServer
from simulator.wires.pty_line import PtyLine

PATTERN = 0x12345678
UNIT = 1


class ModbusScale:
    """Serves the last result, over TCP and on a serial line; the counter advances with each."""

    def __init__(self) -> None:
        self._words = [0, 0, 0, 0, PATTERN >> 16, PATTERN & 0xFFFF]
        self._server = RegisterServer(self._words)
        self._serial = RegisterServer(self._words)
        self._line: tuple[PtyLine, PtyLine] | None = None

    async def start(self, port: int) -> int:
        """Listen on the loopback; returns the port."""
        return await self._server.start("127.0.0.1", port)

    async def start_serial(self, link: Path) -> None:
        """Answer as unit 1 on a serial line (Modbus RTU) that ends at the link, as long as `carry` is called."""
        self._line = PtyLine(link), PtyLine(link.with_name(f".{link.name}"))
        for end in self._line:
            end.plug()
        await self._serial.start_serial(str(self._line[1].link), UNIT)

    def carry(self) -> None:
        """Take bytes from either end of the serial line to the other."""
        if self._line is not None:
            near, far = self._line
            far.write(near.read())
            near.write(far.read())

    async def stop(self) -> None:
        """Close."""
        await self._server.stop()
        await self._serial.stop()
        for end in self._line or ():
            end.unplug()

    def weigh(self, grams: int) -> None:
        """Show a new stable result."""
        self._words[0:4] = [grams >> 16 & 0xFFFF, grams & 0xFFFF, 1, (self._words[3] + 1) % 65_536]
