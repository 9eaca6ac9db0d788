"""The heartbeat to the PLC is earned: every part that must work has proved it lately, each within its own bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

NS_PER_MS = 1_000_000
LOOP_MS = 300
JOURNAL_MS = 450
DETECTOR_MS = 120_000
ALARM_MS = 500


@dataclass(frozen=True, slots=True)
class Proof:
    """One part that must have proved that it works.

    Attributes:
        name: as status, alarm and log name it.
        bound_ms: how old the newest proof may be.
        newest_ns: when it last proved itself (monotonic), None for never; callable from any thread.
        mend: what a technician should do; "" for a part that raises an alarm of its own.
    """

    name: str
    bound_ms: int
    newest_ns: Callable[[], int | None]
    mend: str = ""

    def holds(self, now_ns: int) -> bool:
        """True if the newest proof is young enough."""
        newest = self.newest_ns()
        return newest is not None and now_ns - newest <= self.bound_ms * NS_PER_MS

    def told(self) -> str:
        """What a technician reads while it is missing."""
        return f"{self.name} has not proved itself for {self.bound_ms / 1000:g} s, so all is inspected: {self.mend}"


@dataclass(slots=True)
class Heartbeat:
    """Which proofs are missing, by the last look, and since when; what is missing for longer is alarmed."""

    proofs: Sequence[Proof]
    since_ns: dict[str, int] = field(default_factory=dict)
    _alarmed: set[str] = field(default_factory=set)

    def look(self, now_ns: int) -> list[tuple[Proof, bool]]:
        """Look at all; returned are those whose alarm begins (True) or ends now."""
        changed = []
        for proof in self.proofs:
            if proof.holds(now_ns):
                self.since_ns.pop(proof.name, None)
            else:
                self.since_ns.setdefault(proof.name, now_ns)
            missing = proof.name in self.since_ns
            alarmed = proof.name in self._alarmed
            if missing and not alarmed and now_ns - self.since_ns[proof.name] >= ALARM_MS * NS_PER_MS:
                self._alarmed.add(proof.name)
                changed.append((proof, True))
            elif alarmed and not missing:
                self._alarmed.remove(proof.name)
                changed.append((proof, False))
        return changed

    @property
    def earned(self) -> bool:
        """True if nothing is missing."""
        return not self.since_ns

    @property
    def missing(self) -> list[str]:
        """The names of what is missing."""
        return list(self.since_ns)
