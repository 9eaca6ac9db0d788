"""A scale on Modbus RTU registers, on a serial line: kind `modbus-rtu-scale`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from drivers.modbus import BadReplyError, NoReplyError, RefusedError
from drivers.register_scale import MAP_EXAMPLE, MS, POLL, REPLY, RegisterScale, RegisterScaleSettings, RegisterWire
from drivers.rtu_codec import AnswerFinder, Refusal, asked_by_another, read_request
from drivers.serial_line import PortSettings, SerialLine
from drivers.wire import WireError
from station.ports import Driver, NowNs, Role

EXAMPLE = f"""\
kind: modbus-rtu-scale
port: /dev/serial/by-id/usb-Example_RS485-if00
baud: 19200
parity: even             # what the standard asks for; many scales come with `none`
unit_id: 1
{MAP_EXAMPLE}"""
HEARD_BYTES = 600
"""Two of the longest frames."""
_SILENT_CHARACTERS = 3.5
_BITS = 11
"""Of a character on the line: start, eight, parity, stop."""


class ModbusRtuSettings(RegisterScaleSettings, PortSettings):
    """The scale's line, how often it is asked, and its registers."""

    data_bits: Literal[8] = Field(default=8, description="Modbus RTU has no other")
    unit_id: int = Field(default=1, ge=1, le=247, description="the unit that the scale is set to")
    poll_ms: int = Field(default=40, ge=5, le=5000, description=POLL)
    reply_ms: int = Field(default=150, ge=10, le=1000, description=REPLY)


class RtuRegisters:
    """Registers over a serial line; noise around an answer costs nothing, noise within it one poll."""

    in_step = False

    def __init__(self, settings: ModbusRtuSettings, now_ns: NowNs) -> None:
        self.name = settings.port
        self._settings = settings
        self._now_ns = now_ns
        self._line: SerialLine | None = None
        self._silent_ns = int(_SILENT_CHARACTERS * _BITS / settings.baud * 1e9)

    def open(self) -> None:
        """Open and lock the port.

        Raises:
            WireError: it is absent, held, or may not be opened.
        """
        if self._line is None:
            self._line = SerialLine(self._settings, self._now_ns)

    def read(self, address: int, count: int) -> list[int]:
        """Registers of one moment; at most twice the time of an answer.

        Raises:
            ModbusError: none came in time, none with the right CRC, or the device refused.
            WireError: the port is gone.
        """
        if self._line is None:
            raise WireError(f"port {self.name} is not open")
        settings, patience_ns = self._settings, self._settings.reply_ms * MS
        own = read_request(settings.unit_id, settings.function, address, count)
        heard = self._listen(self._line, self._now_ns() + patience_ns)
        self._line.write(own)
        limit_ns = self._now_ns() + patience_ns
        finder = AnswerFinder(settings.unit_id, settings.function, count)
        while self._now_ns() < limit_ns:
            data = self._line.read()[0]
            heard = (heard + data)[-HEARD_BYTES:]
            answer = finder.receive(data)
            if answer is not None and asked_by_another(heard, own):
                raise BadReplyError("another master asks on this line: let one only speak on it")
            if isinstance(answer, Refusal):
                raise RefusedError(answer.code)
            if answer is not None:
                return list(answer.words)
        if finder.came:
            raise BadReplyError(f"{finder.came} bytes came, but no whole answer of unit {settings.unit_id}")
        raise NoReplyError(f"unit {settings.unit_id} did not answer within {settings.reply_ms} ms")

    def _listen(self, line: SerialLine, limit_ns: int) -> bytes:
        """Until the line is silent, as a frame needs ahead of it; the end of what came so late, which is nobody's."""
        heard_ns, heard = self._now_ns(), b""
        while self._now_ns() < limit_ns:
            data, arrived = line.read()
            if data:
                heard_ns, heard = arrived.before_ns, (heard + data)[-HEARD_BYTES:]
            elif arrived.before_ns - heard_ns >= self._silent_ns:
                return heard
        raise BadReplyError("the line is never silent: is something else speaking on it?")

    def close(self) -> None:
        """Let go of the port."""
        if self._line is not None:
            self._line.close()
            self._line = None


class ModbusRtuScale(RegisterScale):
    """A scale that answers on a serial line."""

    check = "check `unit_id`, `baud`, `parity`, `stop_bits`, and that A and B of the line are not exchanged"
    _settings: ModbusRtuSettings

    def _wire(self) -> RegisterWire:
        return RtuRegisters(self._settings, self._now_ns)


DRIVER = Driver(Role.SCALE, ModbusRtuSettings, ModbusRtuScale, EXAMPLE)
