"""Which run of the station wrote which events, and what of that must reach the subscriber. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Copy:
    """What a copy of the journal holds: its runs in order, each with its first number, and its last number."""

    runs: tuple[tuple[str, int], ...]
    last: int

    def ends(self) -> dict[str, int]:
        """By run the last number in the copy."""
        behind = [first - 1 for _, first in self.runs[1:]]
        return {run: end for (run, _), end in zip(self.runs, [*behind, self.last], strict=True)}


@dataclass(slots=True)
class Runs:
    """Every run ever, its first and its last number; and of the runs in the journal that lies there, how far.

    Attributes:
        must_tell: runs that began behind a copy that was put back, though the subscriber had more.
    """

    firsts: dict[str, int] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    must_tell: list[str] = field(default_factory=list)
    _here: dict[str, int] = field(default_factory=dict)
    _lost: bool = False

    def kept(self, run: str, first: int, last: int) -> str:
        """These are on disk, ahead of a run's first batch its `journal-opened`; a word if ids are used again."""
        if run not in self.firsts:
            first -= 1
            self.firsts[run] = first
            if first == 1:
                self._here.clear()
            elif self._lost:
                self.must_tell.append(run)
            self._lost = False
        again = f"event {run}-{first} was written before" if first <= self.ends.get(run, 0) else ""
        self.ends[run] = self._here[run] = last
        return again

    def put_back(self, copy: Copy, arrived: Callable[[str], int]) -> None:
        """A copy lies there now; `arrived` tells the newest number of a run that the subscriber has."""
        before, self._here = self._here, copy.ends()
        gone = [run for run, last in before.items() if min(arrived(run), last) > self._here.get(run, 0)]
        unheard = [run for run in self.must_tell if run not in self._here and not arrived(run)]
        self.must_tell = [run for run in self.must_tell if run not in unheard]
        self._lost = self._lost or bool(gone or unheard)  # what a lost run had to tell, the next one must

    def to_be_published(self, arrived: Callable[[str], int]) -> dict[str, int]:
        """By run the last number that must reach the subscriber: of what is lost, what had reached it."""
        return {run: max(self._here.get(run, 0), arrived(run)) for run in self.ends}
