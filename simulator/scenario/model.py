"""What a scenario file may hold: plant, parcels, faults and commands at times, expectations. Closed and frozen.

Times are seconds since the start. The belt first runs empty (`Scenario.empty_s`), then parcels come.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simulator.config import BeltConfig, FeedConfig, ParcelConfig, PlantConfig
from simulator.faults import Switch
from simulator.storm.storm import storm_plant
from simulator.storm.weather import Episode
from station.core.handbook import AlarmName

Seconds = Annotated[float, Field(ge=0, le=36_000)]
Share = Annotated[float, Field(ge=0, le=1)]
Command = Literal["feed on", "feed off", "ack"]
Lane = Literal["pass", "inspect", "none"]
ALARMS: tuple[str, ...] = get_args(AlarmName)
"""As docs/operations.md explains them."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PlantPart(_Part):
    """What of the plant differs from the demo's line."""

    seed: int = Field(default=1, ge=0, lt=2**53)
    parcels_per_hour: int | None = Field(default=None, ge=1, le=20_000)
    speed_mm_s: int | None = Field(default=None, ge=250, le=2500)
    threat_share: Share | None = None
    unreadable_share: Share | None = None
    held_share: Share | None = None
    declared_share: Share | None = None
    wrong_weight_share: Share | None = None
    misread_share: Share | None = None


class ParcelPart(ParcelConfig):
    """One parcel, or so many alike, `every_s` or at the smallest gap."""

    name: str = Field(default="", max_length=40)
    times: int = Field(default=1, ge=1, le=2000)
    every_s: float | None = Field(default=None, gt=0, le=3600, allow_inf_nan=False)


class FaultPart(_Part):
    """One fault of docs/faults.md, `NAME[:TARGET][=SIZE]`; without `for_s` it stays to the end, or happens once."""

    at_s: Seconds
    fault: str = Field(max_length=100)
    for_s: Annotated[float, Field(gt=0, le=36_000)] | None = None


class CommandPart(_Part):
    """Something that a person does at the line."""

    at_s: Seconds
    do: Command


class ParcelExpected(_Part):
    """What becomes of a listed parcel; its reasons for inspection hold those at least."""

    parcel: str
    lane: Lane
    reasons: tuple[str, ...] = ()


class _Bounded(_Part):
    """Something that is counted, or measured, and must come out between two bounds."""

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        for least, most in (("at_least", "at_most"), ("from_s", "to_s")):
            low, high = getattr(self, least, None), getattr(self, most, None)
            if low is not None and high is not None and low > high:
                given = "" if least in self.model_fields_set else " if it is not given"
                raise ValueError(f"{least} is {low:g}{given}, above {most} ({high:g}): that is never met")
        if self._always():
            raise ValueError("is met whatever happens: give at_least or at_most a value that can fail")
        return self

    def _always(self) -> bool:
        """Whether no figure can be out of bounds."""
        return not getattr(self, "at_least", 1) and getattr(self, "at_most", 0) is None


class _Window(_Bounded):
    """Between two times, for parcels those at which they reach the infeed eye."""

    from_s: Seconds = 0.0
    to_s: Seconds = 36_000.0


class CleanPassedExpected(_Window):
    """The share of clean parcels that pass."""

    at_least: Share = 0.0
    at_most: Share = 1.0


class InspectedExpected(_Window):
    """How many parcels are inspected, for that reason if one is given."""

    reason: str | None = None
    at_least: int = Field(default=1, ge=0)
    at_most: int | None = Field(default=None, ge=0)


class AlarmExpected(_Part):
    """An alarm that is raised at `from_s` or within so long after it, and over at the end if that is asked for."""

    alarm: AlarmName
    subject: str | None = None
    from_s: Seconds = 0.0
    within_s: Seconds | None = None
    cleared: bool | None = None


class CountExpected(_Bounded):
    """How often something happens."""

    at_least: int = Field(default=0, ge=0)
    at_most: int | None = Field(default=None, ge=0)


class Expected(_Part):
    """What must come of it. That no promise breaks is always expected, and never written."""

    parcels: tuple[ParcelExpected, ...] = ()
    clean_passed: tuple[CleanPassedExpected, ...] = ()
    inspected: tuple[InspectedExpected, ...] = ()
    alarms: tuple[AlarmExpected, ...] = ()
    no_alarms: tuple[AlarmName, ...] = ()
    belt_stops: CountExpected | None = None
    sessions: CountExpected | None = None


class Scenario(_Part):
    """One scenario file."""

    teaches: str = Field(min_length=1, max_length=200, pattern=r"^[^\n]*$")
    seconds: float = Field(gt=0, le=36_000)
    plant: PlantPart = PlantPart()
    parcels: tuple[ParcelPart, ...] | None = Field(default=None, max_length=1000)
    faults: tuple[FaultPart, ...] = Field(default=(), max_length=10_000)
    commands: tuple[CommandPart, ...] = Field(default=(), max_length=1000)
    expect: Expected = Expected()

    def config(self) -> PlantConfig:
        """The plant, on virtual time; on real wires its seed, feed, belt and parcels are the same."""
        base = storm_plant(self.plant.seed)
        said = self.plant.model_dump(exclude_none=True)
        feed = base.feed.model_copy(update={name: said[name] for name in FeedConfig.model_fields if name in said})
        belt = base.belt.model_copy(update={name: said[name] for name in BeltConfig.model_fields if name in said})
        return base.model_copy(update={"feed": feed, "belt": belt, "parcels": self.listed()})

    def listed(self) -> tuple[ParcelConfig, ...] | None:
        """Each parcel by itself, with a name."""
        return None if self.parcels is None else tuple(parcel for _, parcel in self.numbered())

    def numbered(self) -> list[tuple[int, ParcelConfig]]:
        """The same, each with the place of its entry in `parcels`."""
        found: list[tuple[int, ParcelConfig]] = []
        for place, part in enumerate(self.parcels or ()):
            found += [(place, parcel) for parcel in _each(part, len(found))]
        return found

    def episodes(self) -> list[Episode]:
        """The faults as a storm has them."""
        return [self._episode(fault) for fault in self.faults]

    def _episode(self, fault: FaultPart) -> Episode:
        switch = Switch.parse(fault.fault)
        if switch.fault.seconds is None:
            return Episode(fault.at_s, 0.0, switch)
        stays = max(0.0, self.seconds - fault.at_s) if fault.for_s is None else fault.for_s
        return Episode(fault.at_s, stays, switch)


def _each(part: ParcelPart, before: int) -> list[ParcelConfig]:
    plain = {name: getattr(part, name) for name in ParcelConfig.model_fields}
    found = []
    for turn in range(part.times):
        name = part.name or str(before + turn + 1)
        update = {"name": f"{name} {turn + 1}" if part.times > 1 and part.name else name}
        at_s = part.at_s
        if turn and at_s is not None:
            at_s = None if part.every_s is None else at_s + turn * part.every_s
        found.append(ParcelConfig.model_construct(**(plain | update | {"at_s": at_s})))
    return found
