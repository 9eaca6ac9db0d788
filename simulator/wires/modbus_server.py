"""Modbus servers of the simulated devices, TCP or RTU; the only module here that touches pymodbus."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from simulator.wires.taken import port_taken

OnWrite = Callable[[int, Sequence[int]], None]


class RegisterServer:
    """Serves a list of holding registers that its owner changes at will; `on_write(address, words)` tells of writes.

    While `mute_until` is set and not yet come it accepts requests and answers nothing; `delay_ms` makes each answer
    late; `busy` makes it answer exception 6.
    """

    def __init__(self, words: list[int], on_write: OnWrite | None = None) -> None:
        self._words = words
        self._on_write = on_write
        self._server: ModbusTcpServer | ModbusSerialServer | None = None
        self.busy = False
        self.mute_until: asyncio.Event | None = None
        self.delay_ms = 0.0

    @property
    def listening(self) -> bool:
        """True from its start to its end."""
        return self._server is not None

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port, chosen by the system if `port` is 0.

        Raises:
            TakenError: nobody can listen there.
        """
        server = ModbusTcpServer(self._device(0), address=(host, port))
        try:
            await server.serve_forever(background=True)
        except RuntimeError as error:  # pymodbus does not say why
            await server.shutdown()
            raise port_taken(host, port) from error
        self._server = server
        return int(server.transport.sockets[0].getsockname()[1])

    async def start_serial(self, port: str, unit: int) -> None:
        """Answer as that unit on a serial port."""
        self._server = ModbusSerialServer(self._device(unit), port=port, ignore_missing_devices=True)
        await self._server.serve_forever(background=True)

    def _device(self, unit: int) -> SimDevice:
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # it dumps its last packets whenever a client goes
        data = SimData(0, values=[0] * len(self._words), datatype=DataType.REGISTERS)
        return SimDevice(unit, simdata=[data], action=self._action)

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._server is not None:
            await self._server.shutdown()
            self._server = None

    async def _action(
        self,
        function: int,
        _start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if self.mute_until is not None:
            await self.mute_until.wait()
        if self.delay_ms:
            await asyncio.sleep(self.delay_ms / 1000)
        if self.busy:
            return ExcCodes.DEVICE_BUSY
        if values is not None and function == 16:
            words = [int(value) for value in values]
            self._words[address : address + count] = words
            if self._on_write is not None:
                self._on_write(address, words)
        registers[address : address + count] = self._words[address : address + count]
        return None
