"""What reaches the core: readings, edges and what the PLC says, each with its hard bounds of when.

All PC times are monotonic nanoseconds (`*_ns`), handed in by the caller. PLC times are milliseconds and counts are
encoder counts, both as the PLC's free-running 32-bit numbers; the core unwraps them.
"""

from __future__ import annotations

from station.core.events.plc import (
    AckResult,
    BeltParcel,
    Constants,
    Direction,
    Edge,
    Fault,
    Lane,
    Mode,
    OrderAcknowledged,
    OutcomeSeen,
    ParcelKey,
    Place,
    PlcConnected,
    PlcLost,
    PlcSample,
    StopCause,
    Why,
)
from station.core.events.readings import (
    SERIAL,
    Arrived,
    BarcodeReading,
    Detection,
    DeviceState,
    Finding,
    Frame,
    Watermark,
    WeightReading,
)
from station.core.events.station import (
    CommandMalformed,
    CommandReceived,
    Condition,
    HeldCodes,
    ListsLoaded,
    OpenParcel,
    PictureRule,
    SessionChosen,
    Source,
    StagedModel,
    Starting,
    StationMode,
    Stopping,
    Tick,
)

__all__ = [
    "SERIAL",
    "AckResult",
    "Arrived",
    "BarcodeReading",
    "BeltParcel",
    "CommandMalformed",
    "CommandReceived",
    "Condition",
    "Constants",
    "Detection",
    "DeviceState",
    "Direction",
    "Edge",
    "Event",
    "Fault",
    "Finding",
    "Frame",
    "HeldCodes",
    "Lane",
    "ListsLoaded",
    "Mode",
    "OpenParcel",
    "OrderAcknowledged",
    "OutcomeSeen",
    "ParcelKey",
    "PictureRule",
    "Place",
    "PlcConnected",
    "PlcLost",
    "PlcSample",
    "SessionChosen",
    "Source",
    "StagedModel",
    "Starting",
    "StationMode",
    "StopCause",
    "Stopping",
    "Tick",
    "Watermark",
    "WeightReading",
    "Why",
]

Event = (
    BarcodeReading
    | WeightReading
    | Frame
    | Detection
    | DeviceState
    | Edge
    | PlcSample
    | PlcConnected
    | PlcLost
    | OrderAcknowledged
    | OutcomeSeen
    | ListsLoaded
    | SessionChosen
    | Watermark
    | Condition
    | CommandReceived
    | CommandMalformed
    | PictureRule
    | Starting
    | Stopping
    | Tick
)
