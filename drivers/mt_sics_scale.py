"""A scale that speaks MT-SICS on a serial line: kind `mt-sics-scale`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from drivers.mt_sics_codec import SWITCHED_ON, MtSicsCodec, Refused
from drivers.serial_device import SerialDevice, SerialSettings
from drivers.serial_line import SerialLine
from drivers.weighing import Dynamic, NewResults, Weighed
from station.core.events import Arrived, WeightReading
from station.ports import Driver, NowNs, Role

EXAMPLE = """\
kind: mt-sics-scale
port: /dev/serial/by-id/usb-Example_Scale-if00
baud: 9600
unit: kg                  # as the scale shows it; a result in another unit is a fault
results: one-per-parcel   # an in-motion scale sends one result a parcel; `continuous`: it repeats itself
"""


class MtSicsSettings(SerialSettings):
    """A scale's line, its unit, and when it sends."""

    unit: Literal["g", "kg", "t", "lb", "oz"] = Field(default="kg", description="as it shows; another is a fault")
    results: Literal["one-per-parcel", "continuous"] = Field(
        default="one-per-parcel",
        description="continuous: only the first stable result after a moving or empty platform counts",
    )
    ask: Literal["", "SIR", "SR"] = Field(default="", description="sent when connected, to a scale that waits for it")
    empty_g: float = Field(default=20.0, ge=0, description="continuous: at or below this the platform is empty")


class MtSicsScale(SerialDevice):
    """Delivers `WeightReading`; a dynamic result is none, and is counted."""

    def __init__(self, name: str, settings: MtSicsSettings, now_ns: NowNs) -> None:
        super().__init__(name, settings, MtSicsCodec(settings.unit, settings.idle_ms * 1_000_000), now_ns)
        self._ask = settings.ask
        self._new = NewResults(settings.empty_g) if settings.results == "continuous" else None

    def _greet(self, line: SerialLine) -> None:
        if self._ask:
            line.write(f"{self._ask}\r\n".encode())

    def _handle(self, event: object) -> None:
        match event:
            case Refused(why=why, family="", data=data, arrived=arrived):
                self._counters[why] += 1
                if why != SWITCHED_ON:
                    self._unread(why, data, arrived)
            case Refused(family=family, why=why, data=data, arrived=arrived):
                self._wrong_family(family, why, data, arrived)
            case Weighed() | Dynamic():
                self._right_family()
                self._weigh(event)

    def _deliver_unread(self, text: str, arrived: Arrived) -> None:
        self._deliver(WeightReading(self.name, None, arrived, text))

    def _weigh(self, event: Weighed | Dynamic) -> None:
        fresh = self._new is None or self._new.new(event)
        if isinstance(event, Dynamic):
            self._counters["dynamic"] += 1
        elif not fresh:
            self._counters["repeated"] += 1
        else:
            self._counters["faults"] += event.weight_g is None
            self._deliver(WeightReading(self.name, event.weight_g, event.arrived, event.fault))


DRIVER = Driver(Role.SCALE, MtSicsSettings, MtSicsScale, EXAMPLE)
