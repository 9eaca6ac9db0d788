"""What the PLC last said of itself: session, epoch, mode, faults; and when a new session is wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass

from station.core.actions import Action, Keep, OpenSession
from station.core.alarms import Alarms
from station.core.belt import NS_PER_MS
from station.core.events import Constants, Fault, Mode, PlcConnected, PlcSample, SessionChosen, StopCause
from station.core.records import PlcChanged, PlcJoined, SessionOpened
from station.core.setup import Geometry

STALE_MS = 500
SESSION_WAIT_MS = 3000
_WORD = 1 << 32

_STOP_TEXT = {
    StopCause.OPERATOR: "stopped by an operator",
    StopCause.LANE_FULL: "the inspection lane is full: empty it",
    StopCause.DIVERTER: "the diverter is not where it should be: look for a jam, then acknowledge at the panel",
    StopCause.UNRELEASED_IN_PASS_LANE: "a parcel that was not released is in the pass lane: take it out by hand",
    StopCause.ENCODER: "the encoder's count cannot be believed: look at wheel and cable, then acknowledge at the panel",
}


def compare(constants: Constants, geometry: Geometry) -> list[str]:
    """Return what the PLC's program and the station's configuration disagree on, one sentence each.

    Both ends of a parcel may be off by the tolerance, so its length by twice that, and by no more.
    """
    ours = {
        "mm_per_count": geometry.mm_per_count,
        "latch_ms": geometry.latch_ms,
        "slip": geometry.slip,
        "tolerance_mm": geometry.tolerance_mm,
        "switch_mm": geometry.switch_mm,
        "eyes_mm": (*geometry.eyes_mm, geometry.exit_mm, geometry.exit_mm),
        "decision_eye": len(geometry.eyes_mm) - 1,
        "diverter_mm": geometry.diverter_mm,
        "longest_mm": geometry.longest_mm,
        "stale_ms": STALE_MS,
    }
    different = [
        f"{name} is {getattr(constants, name)} in the PLC, {value} in the station's configuration"
        for name, value in ours.items()
        if getattr(constants, name) != value
    ]
    theirs, most = constants.length_tolerance_mm, 2 * geometry.tolerance_mm
    if theirs <= most:
        return different
    return [*different, f"length_tolerance_mm is {theirs} in the PLC, {most} at most by the station's tolerance_mm"]


def joined_record(event: PlcConnected) -> Keep:
    """The connection as the journal keeps it."""
    fields = {name: getattr(event, name) for name in PlcJoined.model_fields}
    rows = tuple(astuple(row) for row in event.parcels)
    return Keep(PlcJoined.model_validate(fields | {"parcels": rows, "constants": asdict(event.constants)}))


@dataclass(slots=True)
class PlcState:
    """Session and status as the core needs them; `live` is True while the PLC holds our session.

    `trusted` is False until the PLC's settings were found to be the station's own; `highest` the highest session that
    the PLC was seen to hold: a new one lies above it, whoever gave it.
    """

    epoch: int = 0
    session: int = 0
    live: bool = False
    mode: Mode = Mode.AUTOMATIC
    trusted: bool = False
    highest: int = 0
    _last: PlcChanged | None = None
    _said: tuple[object, ...] = ()
    _opening: bool = False
    _was_live: bool = False
    _offered: int = 0
    _offered_ns: int | None = None
    _waits_since_ms: int | None = None

    def chosen(self, event: SessionChosen, parcels: int) -> list[Action]:
        """A session is on disk and on offer."""
        self.session, self._opening, self._was_live = event.session, False, False
        self._offered, self._offered_ns = event.epoch or 0, None
        return [Keep(SessionOpened(new_session=event.session, new_epoch=event.epoch, parcels_on_belt=parcels))]

    def connected(self, event: PlcConnected) -> list[Action]:
        """The PLC answers: unless the connection goes on, nothing of the old session counts and a new one opens."""
        self.highest = max(self.highest, event.session)
        if event.resumed:
            return []
        self.epoch, self.live, self._was_live, self._opening = event.epoch, False, False, True
        return [OpenSession(needs_epoch=event.epoch == 0)]

    def take(self, sample: PlcSample, alarms: Alarms, new_world: Callable[[int], None]) -> list[Action]:
        """Take one sample: what changed, which alarms, and whether to open a session."""
        actions = self._changes(sample, alarms)
        if sample.epoch != self.epoch:
            new_world(sample.epoch)
            self.epoch = sample.epoch
        # Once a new one is wanted the old one counts no more, though the PLC may still hold it.
        self.live = bool(not self._opening and sample.epoch and self.session and sample.session == self.session)
        actions += self._session_alarm(sample.plc_ms, alarms)
        if self.live:
            self._was_live = True
            self._offered = 0
            return actions
        if self._offered_ns is None:
            self._offered_ns = sample.before_ns
        # One that the PLC took and ended between two polls it will never take again.
        refused = sample.before_ns - self._offered_ns > SESSION_WAIT_MS * NS_PER_MS
        ended = self.session == 0 or self._was_live or refused
        if not self._opening and (ended or (sample.epoch == 0 and not self._offered)):
            self._opening = True
            actions.append(OpenSession(needs_epoch=sample.epoch == 0))
        return actions

    def _session_alarm(self, plc_ms: int, alarms: Alarms) -> list[Action]:
        """A session that the PLC does not take for longer than it takes to end an old one is worth a word."""
        if self.live:
            self._waits_since_ms = None
        elif self._waits_since_ms is None:
            self._waits_since_ms = plc_ms
        late = self._waits_since_ms is not None and (plc_ms - self._waits_since_ms) % _WORD > SESSION_WAIT_MS
        text = "the PLC does not take the station's session: every parcel is inspected; look at its program"
        return list(alarms.when(late, "no-session", "plc", text))

    @property
    def numbering(self) -> int:
        """The epoch in which the PLC numbers: while it had none, the one on offer, which its first number has taken."""
        return self.epoch or self._offered

    def look(self) -> dict[str, object]:
        """What a person wants to see of it."""
        last = self._last
        return {
            "epoch": self.epoch,
            "session": self.session,
            "live": self.live,
            "mode": self.mode.value,
            "belt_running": bool(last and last.belt_running),
            "stop_cause": StopCause(last.stop_cause).name.lower()
            if last and last.stop_cause in list(StopCause)
            else "",
            "faults": last.faults if last else 0,
        }

    def _changes(self, sample: PlcSample, alarms: Alarms) -> list[Action]:
        state = sample.mode, sample.belt_running, sample.stop_cause, sample.faults, sample.lane_full
        said = (*state, sample.session, sample.epoch)
        if said == self._said:
            return []
        self._said, self.mode = said, sample.mode
        self._last = record = PlcChanged(
            mode=sample.mode.value,
            belt_running=sample.belt_running,
            stop_cause=sample.stop_cause,
            faults=sample.faults,
            lane_full=sample.lane_full,
            session=sample.session,
            epoch=sample.epoch,
        )
        actions: list[Action] = [Keep(record)]
        manual = sample.mode is not Mode.AUTOMATIC
        actions += alarms.when(manual, "plc-mode", "diverter", f"the diverter is in {sample.mode.value}")
        for cause in StopCause:
            if cause is not StopCause.NONE:
                standing = sample.stop_cause == cause
                actions += alarms.when(standing, "belt-stopped", cause.name.lower(), _STOP_TEXT[cause])
        unknown = sample.stop_cause not in list(StopCause) or sample.faults & ~sum(Fault)
        text = f"the PLC reports stop cause {sample.stop_cause} and faults {sample.faults:#06x}, and not all of that is"
        text += " known: its program is newer than this station, or wrong"
        actions += alarms.when(bool(unknown), "plc-fault", "unknown", text)
        for fault in Fault:
            text = f"the PLC reports {fault.name}"
            actions += alarms.when(bool(sample.faults & fault), "plc-fault", str(fault.name).lower(), text)
        return actions
