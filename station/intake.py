"""From the command inbox to the core: beside the loop, in order, each until its answer is on disk."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from station.core.commands import ChangeModel, Command, HoldList, Resolve
from station.core.events import CommandMalformed, CommandReceived, Condition, Event, Source
from station.core.handbook import AlarmName
from station.core.records import CommandResult
from station.forms import read_waiting
from station.holding import HoldListError, make_current, staged
from station.journal import Inbox, InboxError, InboxLostError, JournalError, Posted, Reader, Stored
from station.journal.inbox import AT_ONCE, MOST_WAITING, put_aside
from station.releases import Releases
from station.vision import ModelError

log = logging.getLogger(__name__)
EVERY_S = 0.1
ALARM: AlarmName = "inbox"


class Intake:
    """One step looks into the inbox once. Nothing that is wrong with it reaches the line: it becomes an alarm."""

    def __init__(
        self, data: Path, journal: Path, out: Callable[[Event], None], releases: Releases | None = None
    ) -> None:
        self._data = data
        self._journal = journal
        self._out = out
        self._releases = releases
        self._inbox: Inbox | None = None
        self._handed: dict[int, tuple[str, Command | None]] = {}
        self._last = 0
        self._trouble = ""
        self._recovering = False
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._live, name="inbox", daemon=True)

    def recover(self) -> None:
        """Ahead of all else at a start: finish what an earlier run answered and had no time to finish."""
        self._recovering = True
        self.step()
        self._recovering = False

    def start(self) -> None:
        """Look into it now, and from now on by a thread of its own."""
        self.step()
        self._thread.start()

    def stop(self) -> None:
        """Hand over nothing more; what is looked at just now waits for the next run."""
        self._ending.set()
        if self._releases is not None:
            self._releases.end()
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
        waiting = self._inbox.waiting(self._last, MOST_WAITING if self._recovering else AT_ONCE)
        if not waiting and not self._handed:
            return
        troubles: list[Exception] = []
        with closing(Reader(self._journal)) as journal:
            for seq, (identity, command) in list(self._handed.items()):
                with _kept(troubles):
                    if self._finished(self._inbox, journal, seq, identity, command):
                        del self._handed[seq]
            for posted in waiting:
                with _kept(troubles):
                    self._take(self._inbox, journal, posted)
        if troubles:
            raise troubles[0]

    def _take(self, inbox: Inbox, journal: Reader, posted: Posted) -> None:
        found = read_waiting(posted.type, posted.source, posted.payload)
        command = found if isinstance(found, Command) else None
        if isinstance(found, CommandMalformed) and found.reason == "id-used":
            if not self._recovering:
                self._behind(posted)
                self._out(found)
                inbox.done(posted.seq)
            return
        if found.id and (answer := journal.answer_to(found.id)) is not None:
            self._behind(posted)
            if refused := _id_used(found, posted, answer, stands=journal.stands(found.id)):
                self._out(refused)
                inbox.done(posted.seq)
                return
            self._handed[posted.seq] = (found.id, command)
            self._finish(inbox, journal, posted.seq, answer, command)
            del self._handed[posted.seq]
            return
        if self._recovering:
            return
        event = found if isinstance(found, CommandMalformed) else self._received(found, posted, journal)
        if self._ending.is_set():
            return
        self._behind(posted)
        if found.id:
            self._handed[posted.seq] = (found.id, command)
        else:  # no answer could be told from another's
            inbox.done(posted.seq)
        self._out(event)

    def _behind(self, posted: Posted) -> None:
        """It is not looked for again in this run; what is looked through ahead of it is only what was answered."""
        if not self._recovering:
            self._last = posted.seq

    def _received(self, command: Command, posted: Posted, journal: Reader) -> CommandReceived:
        """The command with what the journal and the folder `hold` know of what it names."""
        source = _source(posted)
        match command:
            case Resolve():
                standing = journal.standing(command.parcel.epoch, command.parcel.number)
                return CommandReceived(command, source, standing=standing)
            case HoldList():
                try:
                    return CommandReceived(command, source, held=staged(self._data, command.sha256))
                except HoldListError as error:
                    return CommandReceived(command, source, fault=str(error))
            case ChangeModel():
                return self._with_model(command, source)
        return CommandReceived(command, source)

    def _with_model(self, command: ChangeModel, source: Source) -> CommandReceived:
        if self._releases is None:
            return CommandReceived(command, source, fault="the station's YAML names no image model")
        try:
            return CommandReceived(command, source, model=self._releases.tried(command.release))
        except ModelError as error:
            return CommandReceived(command, source, fault=str(error))

    def _finished(self, inbox: Inbox, journal: Reader, seq: int, identity: str, command: Command | None) -> bool:
        """Whether it is answered on disk; then what is left to do is done, and it waits no more."""
        answer = journal.answer_to(identity)
        if answer is None:
            return False
        self._finish(inbox, journal, seq, answer, command)
        return True

    def _finish(self, inbox: Inbox, journal: Reader, seq: int, answer: Stored, command: Command | None) -> None:
        told = CommandResult.model_validate_json(answer.payload)
        if told.result == "accepted" and journal.stands(told.command):
            self._follow(command)
        inbox.done(seq)

    def _follow(self, command: Command | None) -> None:
        """What is left to do once a command is accepted that no later one of its kind has overtaken."""
        match command:
            case HoldList():
                make_current(self._data, command.sha256)
                self._out(Condition("lists", "commanded", standing=False))
            case ChangeModel() if self._releases is not None and not self._recovering:
                self._releases.take(command.release)

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


@contextmanager
def _kept(troubles: list[Exception]) -> Iterator[None]:
    """One command that cannot be finished holds up no other, a pause least of all; what was wrong is told last."""
    try:
        yield
    except InboxLostError:
        raise
    except (InboxError, JournalError, OSError) as error:
        troubles.append(error)


def _id_used(
    found: Command | CommandMalformed, posted: Posted, answer: Stored, *, stands: bool
) -> CommandMalformed | None:
    """What to answer where another command of that id was answered before; None where none was."""
    told = CommandResult.model_validate_json(answer.payload)
    if not told.digest or (isinstance(found, Command) and found.repeats(told.digest, stands=stands)):
        return None
    text = f"a command {told.command_type} had the id {told.command}, and was {told.result}: give each its own"
    return CommandMalformed(found.type, _source(posted), text, found.id, found.who, "id-used")


def _source(posted: Posted) -> Source:
    return "mqtt" if posted.source == "mqtt" else "station"
