"""Where events stand: which run wrote which numbers, and what of that has been published. Queries, and pure reckoning.

A restored old copy and the journal that it was copied from share all events up to the copy's end, and no run after it:
each run has a name of its own. So the newest run that both publisher and journal know tells where they part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import apsw

from station.journal.published import Place
from station.journal.stored import Gap, Incarnation


@dataclass(frozen=True, slots=True)
class Standing:
    """How a journal stands to what was published.

    Attributes:
        seq: all up to it is published, and stands here.
        beyond: the last place that was published and is not in this journal; None if there is none.
        strange: nothing that was published is of this journal.
    """

    seq: int
    beyond: Place | None = None
    strange: bool = False


def standing(reached: Sequence[Place], runs: Sequence[Incarnation], last_seq: int) -> Standing:
    """Compare what was `reached` (newest last) with the runs of a journal (in order) that ends at `last_seq`."""
    if not reached:
        return Standing(0)
    newest = reached[-1]
    firsts = [run.first_seq for run in runs[1:]]
    ends = {run.id: end - 1 for run, end in zip(runs, [*firsts, last_seq + 1], strict=False)}
    for place in reversed(reached):
        if place.incarnation in ends:
            common = min(place.seq, ends[place.incarnation])
            here = place is newest and common == place.seq
            return Standing(common, None if here else newest)
    return Standing(0, newest, strange=True)


def incarnations(db: apsw.Connection) -> list[Incarnation]:
    """All runs of the database that wrote an event, in order."""
    return [Incarnation(*row) for row in db.execute("SELECT first_seq, id FROM incarnation ORDER BY first_seq")]


def gaps_between(db: apsw.Connection, first: int, last: int) -> list[Gap]:
    """What retention took out that touches `first` to `last`, in order."""
    sql = "SELECT first_seq, last_seq, before, after, told FROM gap WHERE first_seq <= ? AND last_seq >= ? ORDER BY 1"
    return [Gap(*row) for row in db.execute(sql, (last, first))]


def end_of(db: apsw.Connection, start: bytes) -> tuple[int, bytes]:
    """The last number and its link; that of the last gap where no event is left; 0 and `start` in an empty journal."""
    for sql in (
        "SELECT seq, chain FROM event ORDER BY seq DESC LIMIT 1",
        "SELECT last_seq, after FROM gap ORDER BY first_seq DESC LIMIT 1",
    ):
        rows = db.execute(sql).fetchall()
        if rows:
            return rows[0]  # type: ignore[return-value]
    return 0, start
