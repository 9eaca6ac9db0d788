"""The journal replayed as it is written: each life of it decides every parcel as the station did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simulator.storm.truth import Key
from station.core.records import Record, StationStarted
from station.replay import Difference, Replay, ReplayError

_ENOUGH = 20


@dataclass(slots=True)
class Repeated:
    """Take every record as it reaches the disk; each call returns what the replay does not confirm.

    A start begins a life: what the one before still had to say, it was killed too early to write. A life is given up
    at what cannot be replayed at all, or at its twentieth difference.
    """

    _replay: Replay | None = None
    _differs: int = 0

    def take(self, records: Sequence[Record]) -> Iterator[tuple[Key | None, str]]:
        """These are on disk now; yielded are whom it concerns and what differs."""
        for record in records:
            if isinstance(record, StationStarted):
                self._replay, self._differs = Replay(), 0
            if self._replay is None:
                continue
            try:
                yield from self._told(self._replay.take(record))
            except ReplayError as error:
                self._replay = None
                yield None, str(error)

    def finish(self) -> Iterator[tuple[Key | None, str]]:
        """The daemon lives and has written all that it had to say."""
        if self._replay is not None:
            yield from self._told(self._replay.finish())

    def _told(self, differences: Sequence[Difference]) -> Iterator[tuple[Key | None, str]]:
        for found in differences:
            self._differs += 1
            if self._differs >= _ENOUGH:
                self._replay = None
            yield (found.parcel.epoch, found.parcel.number) if found.parcel else None, f"{found.event}: {found.what}"
