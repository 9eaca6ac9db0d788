"""From the command inbox to the core: beside the loop, in order, each until its answer is on disk."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from station.core.commands import Command
from station.core.events import CommandMalformed, CommandReceived, Condition, Event
from station.forms import read_waiting
from station.journal import Inbox, InboxError, InboxLostError, JournalError, Posted, Reader
from station.journal.inbox import put_aside

log = logging.getLogger(__name__)
EVERY_S = 0.1
ALARM = "inbox"


class Intake:
    """One step looks into the inbox once. Nothing that is wrong with it reaches the line: it becomes an alarm."""

    def __init__(self, data: Path, journal: Path, out: Callable[[Event], None]) -> None:
        self._data = data
        self._journal = journal
        self._out = out
        self._inbox: Inbox | None = None
        self._handed: dict[int, str] = {}
        self._last = 0
        self._trouble = ""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._live, name="inbox", daemon=True)

    def start(self) -> None:
        """Look into it now, and from now on by a thread of its own."""
        self.step()
        self._thread.start()

    def stop(self) -> None:
        """Hand over nothing more."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._inbox is not None:
            self._inbox.close()
            self._inbox = None

    def step(self) -> None:
        """Take away what is answered, and hand over what is new."""
        try:
            self._look()
        except InboxLostError as error:
            self._begin_anew(error)
        except (InboxError, JournalError, OSError) as error:
            self._say(str(error))
        else:
            self._say("")

    def _live(self) -> None:
        while not self._ending.wait(EVERY_S):
            self.step()

    def _look(self) -> None:
        if self._inbox is None:
            self._inbox = Inbox(self._data)
            self._handed, self._last = {}, 0
        waiting = self._inbox.waiting(self._last)
        if not waiting and not self._handed:
            return
        with closing(Reader(self._journal)) as journal:
            self._clear(self._inbox, journal)
            for posted in waiting:
                self._take(self._inbox, journal, posted)
                self._last = posted.seq

    def _clear(self, inbox: Inbox, journal: Reader) -> None:
        for seq, identity in list(self._handed.items()):
            if journal.answer_to(identity) is not None:
                inbox.done(seq)
                del self._handed[seq]

    def _take(self, inbox: Inbox, journal: Reader, posted: Posted) -> None:
        found = read_waiting(posted.type, posted.source, posted.payload)
        if found.id and journal.answer_to(found.id) is not None:
            inbox.done(posted.seq)
            return
        if found.id:
            self._handed[posted.seq] = found.id
        else:  # no answer could be told from another's
            inbox.done(posted.seq)
        self._out(_event(found, posted))

    def _begin_anew(self, error: InboxLostError) -> None:
        self.close()
        try:
            aside = put_aside(self._data)
        except OSError as trouble:
            self._say(f"{error}, and cannot be moved: {trouble.strerror}")
            return
        kept = f", kept as {aside}" if aside else ""
        log.warning("inbox: %s%s; begun anew", error, kept)
        text = f"{error}{kept}; commands that waited in it are lost: give them again"
        self._out(Condition(ALARM, "lost", standing=True, text=text))

    def _say(self, trouble: str) -> None:
        if bool(trouble) != bool(self._trouble):
            if trouble:
                log.warning("inbox: %s", trouble)
            self._out(Condition(ALARM, "access", standing=bool(trouble), text=trouble))
        self._trouble = trouble


def _event(found: Command | CommandMalformed, posted: Posted) -> Event:
    if isinstance(found, CommandMalformed):
        return found
    return CommandReceived(found, "mqtt" if posted.source == "mqtt" else "station")
