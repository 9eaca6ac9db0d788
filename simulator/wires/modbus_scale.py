"""The scale as Modbus registers: 0-1 grams (high word first), 2 bit 0 stable, 3 results counted, 4-5 a pattern."""

from __future__ import annotations

from simulator.wires.modbus_server import RegisterServer

PATTERN = 0x12345678


class ModbusScale:
    """Serves the last result; the counter advances with each."""

    def __init__(self) -> None:
        self._words = [0, 0, 0, 0, PATTERN >> 16, PATTERN & 0xFFFF]
        self._server = RegisterServer(self._words)

    async def start(self, port: int) -> int:
        """Listen on the loopback; returns the port."""
        return await self._server.start("127.0.0.1", port)

    async def stop(self) -> None:
        """Close."""
        await self._server.stop()

    def weigh(self, grams: int) -> None:
        """Show a new stable result."""
        self._words[0:4] = [grams >> 16 & 0xFFFF, grams & 0xFFFF, 1, (self._words[3] + 1) % 65_536]
