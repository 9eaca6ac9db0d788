"""The promises by name, and what it looks like when one is broken."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from simulator.storm.truth import Key


class Promise(Enum):
    """Each by the word that DESIGN has for it."""

    OWN_EVIDENCE = "no pass without complete, fresh, unambiguous, clean evidence of that very parcel"
    DISK_FIRST = "the decision is on disk before its order"
    IN_TIME = "the order is with the PLC before the parcel is at the decision eye, or the parcel is inspected"
    NO_OLD_ORDER = "no order outlives its epoch or session"
    ACCOUNTED = "every parcel is accounted for, once, and in the lane where it was"
    AT_SUBSCRIBER = "events reach the subscriber in order, without a gap, and none that is unknown"
    REPLAY = "the journal replayed gives the same decision"
    RECOVERY = "recovery within a bound"
    BOUNDED = "nothing grows without a bound"
    LIVENESS = "with all faults over the line flows again"
    USEFUL = "in fault-free stretches the clean parcels pass"
    OBEYED = "each command is answered once, and a mode holds from its record on"
    STOPS = "what is detected too late stops the belt, with an alarm"


class Violation(NamedTuple):
    """A broken promise: when (ms since the start), which, by which parcel, and how."""

    ms: float
    promise: Promise
    text: str
    key: Key | None = None
