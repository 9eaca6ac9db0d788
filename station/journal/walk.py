"""Walks along the hash chain, event by event, and says where it does not hold. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from station.journal.chain import link
from station.journal.stored import Gap, Incarnation


@dataclass(frozen=True, slots=True)
class Fault:
    """Something was changed, cut out or put in.

    Attributes:
        seq: at which event, or the first number that is missing.
    """

    seq: int
    text: str


class Walk:
    """Fed with rows in order of their number; a row is the fields of `Stored`.

    Attributes:
        chain: the link of the last event; None if it is not known, as ahead of the first row of a tail.
        next_seq: the number that must come; None ahead of the first row of a tail.
    """

    def __init__(self, chain: bytes | None, next_seq: int | None, runs: Sequence[Incarnation]) -> None:
        self.chain = chain
        self.next_seq = next_seq
        self._runs = list(reversed(runs))
        self._prefix, self._until = "", -1

    def take(self, row: Sequence[Any], gaps: Sequence[Gap] = ()) -> Iterator[Fault]:
        """The next event, and what retention took out thereabouts."""
        seq, chain = row[0], row[9]
        if self.next_seq is not None and seq != self.next_seq:
            yield from self._over(self.next_seq, seq, gaps)
        if self.chain is not None and link(self.chain, *(*row[:9], row[10])) != chain:
            name = f"event {seq} ({row[2]}, {row[4]})"
            sentence = "does not follow from what stands before it: it was changed, or something was cut out or put in"
            yield Fault(seq, f"{name} {sentence}")
        elif row[1] != self._id(seq):
            yield Fault(seq, f"event {seq} has the id {row[1]}, but the runs of this journal make it {self._id(seq)}")
        self.chain, self.next_seq = chain, seq + 1

    def _id(self, seq: int) -> str:
        while self._runs and self._runs[-1].first_seq <= seq:
            self._prefix = f"{self._runs.pop().id}-"
        return f"{self._prefix}{seq}"

    def _over(self, first: int, seq: int, gaps: Sequence[Gap]) -> Iterator[Fault]:
        """From `first` to `seq` over what is not there; a gap that is still being emptied ends beyond `seq`."""
        for gap in gaps:
            if gap.last_seq < first or first >= seq:
                continue
            if gap.first_seq > first:
                break
            if gap.first_seq == first and self.chain not in {None, gap.before}:
                yield Fault(first, f"what stands ahead of the pruned events {first} to {gap.last_seq} was changed")
            first, self.chain = gap.last_seq + 1, gap.after
        if first < seq:
            self.chain = None
            yield Fault(first, f"event {first} is missing" if first == seq - 1 else _missing(first, seq - 1))
        elif first > seq:
            self.chain = None


def _missing(first: int, last: int) -> str:
    return f"events {first} to {last} are missing"
