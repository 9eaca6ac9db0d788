"""Modbus TCP requests whose replies are checked word by word; the only module that knows pymodbus (3.16.1).

pymodbus hands over a reply of another function, address or count as if it were the answer, and keeps a connection
whose answers run one step late. Here each reply must fit its request, and a connection that once failed to is closed.
Source: Modbus Application Protocol V1.1b3; Modbus Messaging on TCP/IP V1.0b.
"""

from __future__ import annotations

import logging
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException
from pymodbus.framer import FramerType

CONNECT_TIMEOUT_S = 0.2
WRITE_FUNCTION = 16
_HEADER_BYTES = 7
_WRITTEN_BYTES = 5
_USED_UP = ": its connections may be used up (a device takes 2 to 8, and keeps those of dead clients for a while)"
EXCEPTIONS = {1: "illegal function", 2: "illegal address", 3: "illegal value", 4: "device failure", 5: "acknowledge",
              6: "busy", 10: "gateway has no path", 11: "gateway target does not answer"}  # fmt: skip


class ModbusError(Exception):
    """A request brought nothing that may be used."""


class NoConnectionError(ModbusError):
    """Nobody accepts a connection at that address."""


class ClosedError(ModbusError):
    """The far end closed the connection in place of an answer."""


class NoReplyError(ModbusError):
    """No answer in time; the connection was closed, since the answer may still come."""


class BadReplyError(ModbusError):
    """An answer that does not fit the request; the connection was closed."""


class RefusedError(ModbusError):
    """A well-formed refusal. The connection stays.

    Attributes:
        code: the Modbus exception code.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"refused with exception {code} ({EXCEPTIONS.get(code, 'unknown')})")
        self.code = code


class _Client(ModbusTcpClient):  # type: ignore[misc]
    """pymodbus's, which tells why it could not connect."""

    failure: OSError | None = None
    socket: Any

    def connect(self) -> bool:
        """Connect now, if not connected; False if that failed."""
        if self.socket:
            return True
        try:
            self.socket = socket.create_connection(
                (self.comm_params.host, self.comm_params.port), self.comm_params.timeout_connect
            )
        except OSError as error:
            self.failure = error
        return self.socket is not None


class ModbusClient:
    """One connection at a time, opened by the first request and after every failure by the next.

    Opening takes at most 200 ms, a request at most twice `reply_timeout_s`. For one thread.
    """

    def __init__(self, host: str, port: int, reply_timeout_s: float) -> None:
        self.address = f"{host}:{port}"
        self._reply_timeout_s = reply_timeout_s
        self._asked = self._seen = b""
        self._answered = False
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # each driver says a loss once, in its own words
        self._client = _Client(
            host,
            port=port,
            framer=FramerType.SOCKET,
            timeout=CONNECT_TIMEOUT_S,
            retries=0,
            trace_packet=self._trace,
        )

    @property
    def connected(self) -> bool:
        """Whether a connection is open; it may be dead all the same."""
        return bool(self._client.connected)

    def open(self) -> None:
        """Connect now, if not connected.

        Raises:
            ClosedError: it was accepted, and ended at once.
            NoConnectionError: nobody accepted within 200 ms.
        """
        if self.connected:
            return
        self._client.comm_params.timeout_connect = CONNECT_TIMEOUT_S
        if not self._client.connect():
            if isinstance(self._client.failure, ConnectionResetError):
                raise ClosedError(f"{self.address} closed the connection{_USED_UP}")
            raise NoConnectionError(f"no connection to {self.address}")
        self._client.comm_params.timeout_connect = self._reply_timeout_s
        self._answered = False

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._client.close()

    def ask(self, function: int, request: Callable[[ModbusTcpClient], Any]) -> Any:
        """Send one request; its reply has the right transaction, unit and function, or an error is raised.

        Raises:
            ModbusError: one of its kinds above.
        """
        self.open()
        self._seen = b""
        try:
            reply = request(self._client)
        except (ModbusException, OSError, struct.error, ValueError, IndexError) as error:
            self.close()
            raise self._meaning(error) from error
        self._answered = True
        if reply.function_code == function | 0x80:
            raise RefusedError(reply.exception_code)
        if reply.function_code != function:
            self.close()
            raise BadReplyError(f"function {reply.function_code} answered function {function}")
        return reply

    def check(self, begins: bytes, length: int) -> None:
        """The last reply, as it came, begins so and is so long: pymodbus overlooks what stands behind its words.

        Raises:
            BadReplyError: it does not; the connection was closed.
        """
        rest = self._seen
        while rest and rest[:2] != self._asked[:2]:
            rest = rest[_HEADER_BYTES - 1 + int.from_bytes(rest[4:6], "big") :]
        size = int.from_bytes(rest[4:6], "big") - 1
        if size != length or not rest[_HEADER_BYTES:].startswith(begins):
            self.close()
            raise BadReplyError(f"{self.address}: garbled answer {rest[:12].hex(' ')} ({length} bytes were to come)")

    def _meaning(self, error: Exception) -> ModbusError:
        if not self._seen and isinstance(error, (ConnectionException, ConnectionError)):  # its end, or its reset
            return ClosedError(f"{self.address} closed the connection{'' if self._answered else _USED_UP}")
        if not self._seen:
            return NoReplyError(f"{self.address} did not answer within {self._reply_timeout_s * 1000:.0f} ms")
        asked, came = self._asked[:2].hex(), self._seen[:2].hex()
        if any(self._seen[2:4]):
            said = f"{self.address}: {self._seen[:12].hex(' ')} is no Modbus TCP"
            return BadReplyError(f"{said}: is it a gateway that passes on RTU? Set it to Modbus TCP")
        if came == asked and self._seen[6:7] not in {b"", self._asked[6:7]}:
            told = f"unit {self._seen[6]} answered, asked was {self._asked[6]}"
            return BadReplyError(f"{self.address}: {told}: set `unit_id`")
        if came != asked:
            return BadReplyError(f"{self.address}: answers out of step: transaction {came} answered {asked}")
        return BadReplyError(f"{self.address}: garbled answer {self._seen[:12].hex(' ')} ({error})")

    def _trace(self, sending: bool, data: bytes) -> bytes:  # noqa: FBT001
        if sending:
            self._asked = data
        else:
            self._seen = data
        return data


def read_registers(client: ModbusClient, address: int, count: int, unit: int, *, function: int = 3) -> list[int]:
    """Read `count` registers (function 3, or 4 for input registers), each 0 to 65,535.

    Raises:
        ModbusError: nothing was read.
    """

    def request(modbus: ModbusTcpClient) -> Any:
        read = modbus.read_holding_registers if function == 3 else modbus.read_input_registers
        return read(address, count=count, device_id=unit)

    registers = list(client.ask(function, request).registers)
    if len(registers) != count:
        client.close()
        raise BadReplyError(f"{len(registers)} registers came, {count} were asked for")
    client.check(struct.pack(">BB", function, 2 * count), 2 + 2 * count)
    return registers


def write_registers(client: ModbusClient, address: int, values: Sequence[int], unit: int) -> None:
    """Write registers (function 16); returning means that the reply named this address and count.

    Raises:
        ModbusError: it may or may not have been written.
    """
    words = list(values)
    reply = client.ask(WRITE_FUNCTION, lambda modbus: modbus.write_registers(address, words, device_id=unit))
    if (reply.address, reply.count) != (address, len(words)):
        client.close()
        raise BadReplyError(f"wrote {reply.count} at {reply.address}, asked was {len(words)} at {address}")
    client.check(struct.pack(">BHH", WRITE_FUNCTION, address, len(words)), _WRITTEN_BYTES)
