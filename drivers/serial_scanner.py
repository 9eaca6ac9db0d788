"""A barcode scanner on a serial line (or USB in its serial mode): kind `serial-scanner`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from drivers.scanner_codec import Refused, Scanned, ScannerCodec
from drivers.serial_device import SerialDevice, SerialSettings
from station.core.events import Arrived, BarcodeReading
from station.ports import Driver, Expression, NowNs, Role

EXAMPLE = """\
kind: serial-scanner
port: /dev/serial/by-id/usb-Example_Scanner-if00   # `station check` lists the ports that exist
baud: 115200
prefix: "\\x02"      # what the scanner sends before a code; "" if nothing. A control character is safest
suffix: "\\r\\n"      # and after it
noread: NOREAD       # its text for "triggered, but no code seen"
codes: '[0-9]{13}|[0-9]{18}'   # what a code of this site looks like; no other text is one
"""


class ScannerSettings(SerialSettings):
    """A scanner's line, its frame, and how its codes are understood."""

    prefix: str = Field(default="", max_length=8, description="what it sends ahead of a code")
    suffix: str = Field(default="\r\n", min_length=1, max_length=8, description="what it sends behind a code")
    noread: str = Field(default="NOREAD", max_length=32, description='its word for "no code seen"; "" if it says none')
    codes: Expression = Field(
        default="",
        max_length=200,
        description="a regular expression that the whole of a code fits, without its symbology identifier; all other "
        "text is none. Without it a code has a digit, and no `,` `;` `|`: words and answers of a scanner are none",
    )
    separator: str = Field(
        default="", max_length=4, description="what it sends between the codes, if it sends several in one text"
    )
    max_length: int = Field(default=128, ge=1, le=4096, description="the longest code, in characters")
    gs1: Literal["auto", "off"] = Field(
        default="auto",
        description="auto: numbers over 14 digits and marked GS1 texts count only with a certain SSCC or GTIN; "
        "off: each text is its own identity, for sites with long numbers of their own",
    )

    @field_validator("prefix", "suffix")
    @classmethod
    def _is_text(cls, value: str) -> str:
        """In single quotes YAML keeps the backslash, and latin-1 is all that a line carries."""
        if "\\" in value:
            raise ValueError('holds a backslash: write it in double quotes, like "\\r\\n"')
        if any(ord(char) > 255 for char in value):
            raise ValueError("holds a character that no serial line carries")
        return value


class SerialScanner(SerialDevice):
    """Delivers `BarcodeReading`; text of another family makes it count as lost, until a frame of its own comes."""

    def __init__(self, name: str, settings: ScannerSettings, now_ns: NowNs) -> None:
        codec = ScannerCodec(
            prefix=settings.prefix.encode("latin-1", "replace"),
            suffix=settings.suffix.encode("latin-1", "replace"),
            noread=settings.noread,
            max_length=settings.max_length,
            idle_ns=settings.idle_ms * 1_000_000,
            gs1=settings.gs1,
            separator=settings.separator,
            codes=settings.codes,
        )
        super().__init__(name, settings, codec, now_ns)

    def _handle(self, event: object) -> None:
        match event:
            case Scanned(code=code, symbology=symbology, arrived=arrived):
                self._right_family()
                self._counters["codes" if code is not None else "noread" if symbology == "" else "unsure"] += 1
                self._deliver(BarcodeReading(self.name, code, arrived, symbology))
            case Refused(family="", why=why, data=data, arrived=arrived):
                self._counters[why] += 1
                self._no_reading(why, data, arrived)
            case Refused(family=family, why=why, data=data, arrived=arrived):
                self._wrong_family(family, why, data, arrived)

    def _deliver_unread(self, text: str, arrived: Arrived) -> None:
        self._deliver(BarcodeReading(self.name, None, arrived, text))


DRIVER = Driver(Role.BARCODE, ScannerSettings, SerialScanner, EXAMPLE)
