"""A scale on Modbus TCP registers: kind `modbus-scale`."""

from __future__ import annotations

from pydantic import Field

from drivers.modbus import ModbusClient, read_registers
from drivers.register_scale import MAP_EXAMPLE, RegisterScale, RegisterScaleSettings, RegisterWire
from station.ports import Driver, Role

EXAMPLE = f"""\
kind: modbus-scale
host: 192.168.10.21
unit_id: 1
{MAP_EXAMPLE}"""


class ModbusScaleSettings(RegisterScaleSettings):
    """Where the scale answers, how often it is asked, and its registers."""

    host: str = Field(description="address or name of the scale")
    port: int = Field(default=502, ge=1, le=65535)


class TcpRegisters:
    """Registers over a connection, which is closed whenever an answer does not come or does not fit."""

    in_step = True

    def __init__(self, settings: ModbusScaleSettings) -> None:
        self.name = settings.host
        self._settings = settings
        self._client = ModbusClient(settings.host, settings.port, settings.reply_ms / 1000)

    def open(self) -> None:
        """Connect."""
        self._client.open()

    def read(self, address: int, count: int) -> list[int]:
        """Registers of one moment."""
        return read_registers(self._client, address, count, self._settings.unit_id, function=self._settings.function)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


class ModbusScale(RegisterScale):
    """A scale that answers at an address in the network."""

    check = "check `host`, `port`, `unit_id` and that no other client holds the scale's connections"
    _settings: ModbusScaleSettings

    def _wire(self) -> RegisterWire:
        return TcpRegisters(self._settings)


DRIVER = Driver(Role.SCALE, ModbusScaleSettings, ModbusScale, EXAMPLE)
