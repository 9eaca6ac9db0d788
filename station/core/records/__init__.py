"""What leaves the core for the journal: one pydantic model an event type, each versioned and closed."""

from __future__ import annotations

from station.core.records.alarms import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    AlarmShelved,
    AlarmSuppressed,
    AlarmUnshelved,
)
from station.core.records.base import CountInterval, FindingRecord, ParcelRef, Reason, Record, Route, told
from station.core.records.commands import CommandResult, ModeChanged, ModelChanged, ParcelResolved, PolicyChanged
from station.core.records.line import (
    DeviceChanged,
    ListsChanged,
    Lookup,
    PlcChanged,
    PlcConstants,
    PlcJoined,
    PlcJumped,
)
from station.core.records.parcels import (
    Acknowledged,
    Decided,
    EdgesRead,
    FrameInspected,
    Ordered,
    ParcelCompleted,
    ParcelEntered,
    ReadingMatched,
)
from station.core.records.station import (
    JournalOpened,
    JournalPruned,
    LeftOpen,
    SessionOpened,
    SetupRecord,
    StationStarted,
    StationStopped,
)

__all__ = [
    "RECORDS",
    "Acknowledged",
    "AlarmAcknowledged",
    "AlarmCleared",
    "AlarmRaised",
    "AlarmShelved",
    "AlarmSuppressed",
    "AlarmUnshelved",
    "CommandResult",
    "CountInterval",
    "Decided",
    "DeviceChanged",
    "EdgesRead",
    "FindingRecord",
    "FrameInspected",
    "JournalOpened",
    "JournalPruned",
    "LeftOpen",
    "ListsChanged",
    "Lookup",
    "ModeChanged",
    "ModelChanged",
    "Ordered",
    "ParcelCompleted",
    "ParcelEntered",
    "ParcelRef",
    "ParcelResolved",
    "PlcChanged",
    "PlcConstants",
    "PlcJoined",
    "PlcJumped",
    "PolicyChanged",
    "ReadingMatched",
    "Reason",
    "Record",
    "Route",
    "SessionOpened",
    "SetupRecord",
    "StationStarted",
    "StationStopped",
    "told",
]

RECORDS: dict[str, type[Record]] = {
    model.type: model
    for model in (
        JournalOpened,
        JournalPruned,
        StationStarted,
        StationStopped,
        SessionOpened,
        EdgesRead,
        ParcelEntered,
        ReadingMatched,
        FrameInspected,
        Decided,
        Ordered,
        Acknowledged,
        ParcelCompleted,
        AlarmRaised,
        AlarmCleared,
        AlarmSuppressed,
        AlarmAcknowledged,
        AlarmShelved,
        AlarmUnshelved,
        DeviceChanged,
        PlcChanged,
        PlcJoined,
        PlcJumped,
        ListsChanged,
        CommandResult,
        ParcelResolved,
        ModeChanged,
        PolicyChanged,
        ModelChanged,
    )
}
"""Every record type by its name; the journal, the schemas and the publisher know no other list."""
