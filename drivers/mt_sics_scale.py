"""A scale that speaks MT-SICS on a serial line: kind `mt-sics-scale`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from drivers.mt_sics_codec import NOT_UNDERSTOOD, SWITCHED_ON, MtSicsCodec, Refused
from drivers.serial_device import SerialDevice, SerialSettings
from drivers.serial_line import SerialLine
from drivers.weighing import Dynamic, NewResults, Weighed, not_negative
from station.core.events import Arrived, WeightReading
from station.ports import Driver, NowNs, Role

EXAMPLE = """\
kind: mt-sics-scale
port: /dev/serial/by-id/usb-Example_Scale-if00
baud: 9600
unit: kg                  # as the scale shows it; a result in another unit is a fault
results: one-per-parcel   # an in-motion scale sends one result a parcel; `continuous`: it repeats itself
"""


SILENT_NS = 5_000_000_000
ASK_AGAIN_NS = 1_000_000_000


class MtSicsSettings(SerialSettings):
    """A scale's line, its unit, and when it sends."""

    unit: Literal["g", "kg", "t", "lb", "oz"] = Field(default="kg", description="as it shows; another is a fault")
    results: Literal["one-per-parcel", "continuous"] = Field(
        default="one-per-parcel",
        description="continuous: only the first stable result after a moving or empty platform counts",
    )
    ask: Literal["", "SIR", "SR"] = Field(
        default="",
        description="sent to a scale that waits for it: when connected, when it was switched on, has not understood, or"
        " is silent for five seconds. It repeats itself then, so `results` must be `continuous`",
    )
    empty_g: float = Field(default=20.0, ge=0, description="continuous: as near to 0 as this the platform is empty")

    @model_validator(mode="after")
    def _repeats_itself(self) -> Self:
        if self.ask and self.results != "continuous":
            raise ValueError(f"a scale that is asked by {self.ask} repeats its results: set `results: continuous`")
        return self


class MtSicsScale(SerialDevice):
    """Delivers `WeightReading`; a dynamic result is none, and is counted."""

    def __init__(self, name: str, settings: MtSicsSettings, now_ns: NowNs) -> None:
        super().__init__(name, settings, MtSicsCodec(settings.unit, settings.idle_ms * 1_000_000), now_ns)
        self._ask = settings.ask
        self._asked_ns = self._heard_ns = 0
        self._unasked = False
        self._empty_g = settings.empty_g if settings.results == "continuous" else None
        self._restart()

    def _restart(self) -> None:
        """What it shows now may be an old parcel's."""
        self._new = None if self._empty_g is None else NewResults(self._empty_g)

    def _greet(self, line: SerialLine) -> None:
        if self._ask:
            self._asked_ns, self._unasked = self._now_ns(), False
            line.write(f"{self._ask}\r\n".encode())

    def _turn(self) -> None:
        super()._turn()
        silent = self._now_ns() - max(self._heard_ns, self._asked_ns) > SILENT_NS
        if (silent or self._unasked) and self._line is not None and self._now_ns() - self._asked_ns > ASK_AGAIN_NS:
            self._greet(self._line)

    def _handle(self, event: object) -> None:
        self._heard_ns = self._now_ns()
        match event:
            case Refused(why=why) if why == SWITCHED_ON:
                self._counters[why] += 1
                self._unasked = True
                self._restart()
            case Refused(why=why, family="", data=data, arrived=arrived):
                self._counters[why] += 1
                self._no_reading(why, data, arrived)
            case Refused(family=family, why=why, data=data, arrived=arrived):
                self._wrong_family(family, why, data, arrived)
            case Weighed() | Dynamic():
                self._right_family()
                self._weigh(event)

    def _deliver_unread(self, text: str, arrived: Arrived) -> None:
        self._deliver(WeightReading(self.name, None, arrived, text))

    def _weigh(self, event: Weighed | Dynamic) -> None:
        if isinstance(event, Dynamic):
            self._counters["dynamic"] += 1
            told = None if self._new is None else self._new.new(event)
        else:
            self._unasked |= event.fault in NOT_UNDERSTOOD
            told = not_negative(event) if self._new is None else self._new.new(event)
            self._counters["repeated"] += told is None
        if told is not None:
            self._counters["faults"] += told.weight_g is None
            self._deliver(WeightReading(self.name, told.weight_g, told.arrived, told.fault))


DRIVER = Driver(Role.SCALE, MtSicsSettings, MtSicsScale, EXAMPLE)
