"""Commands over MQTT: from their topics into the inbox, and for one sent again its answer once more.

What comes here is bytes of anybody whom the broker lets publish: none of it may end the publisher.
"""

from __future__ import annotations

import hashlib
from collections import deque
from contextlib import closing
from dataclasses import replace

from station.core.commands import Command, HoldList
from station.core.events import CommandMalformed
from station.core.records import CommandResult
from station.forms import MALFORMED, HoldListMessage, malformed, read_message, waiting_form
from station.holding import HoldListError, stage
from station.journal import Inbox, InboxError
from station.journal.inbox import LONGEST_BYTES, IdWaitsError
from station.publisher.ports import Incoming, Link
from station.publisher.shelf import Shelf
from station.publisher.teller import Teller

LARGEST_BYTES = 16 * 2**20
AT_ONCE, TURN_NS = 20, 20_000_000
"""So many are taken at once, or as many as so long lasts: the events wait meanwhile."""
AGAIN_NS, STUCK_NS = 200_000_000, 2_000_000_000
"""After so long one that could not be taken is tried again; one that is tried so long is told of."""
_MALFORMED = 20
_WITHIN_NS = 60_000_000_000


class Commands:
    """Takes what a connection received; of what is no command it passes on 20 a minute, to be answered."""

    def __init__(self, shelf: Shelf, teller: Teller) -> None:
        self._shelf = shelf
        self._teller = teller
        self._malformed: deque[int] = deque(maxlen=_MALFORMED)
        self._again_ns = 0
        self._stuck_ns: int | None = None
        self._root = f"{shelf.settings.topic}/command/"

    def take(self, link: Link) -> None:
        """A few of those that wait, in order: each into the inbox, and only then confirmed.

        For what the inbox has no room, or cannot take now, the broker waits; so events go on meanwhile.
        """
        if self._shelf.settings.commands:
            self._teller.tell("commands", link.deaf or None)
        now_ns = self._shelf.clock.mono_ns()
        if not link.received or now_ns < self._again_ns:
            return
        waited = len(link.received)
        try:
            self._some(link, now_ns + TURN_NS)
        except (InboxError, OSError) as error:
            self._again_ns = now_ns + AGAIN_NS
            if self._stuck_ns is None or len(link.received) < waited:
                self._stuck_ns = now_ns
            if now_ns - self._stuck_ns >= STUCK_NS:
                self._teller.tell("inbox", f"a command cannot be taken, and waits at the broker: {error}", anew=True)
        else:
            self._stuck_ns = None
            self._teller.tell("inbox", None)

    def _some(self, link: Link, until_ns: int) -> None:
        with closing(Inbox(self._shelf.settings.data)) as inbox:
            for incoming in link.received[:AT_ONCE]:
                inbox.look_for_room()
                self._one(incoming, link, inbox)
                link.confirm(incoming)
                link.received.remove(incoming)
                if self._shelf.clock.mono_ns() > until_ns:
                    return

    def _one(self, incoming: Incoming, link: Link, inbox: Inbox) -> None:
        if incoming.retained or not incoming.topic.startswith(self._root) or not incoming.payload:
            return  # nothing at all is how a retained message is taken away
        kind = incoming.topic[len(self._root) :]
        if len(incoming.payload) > LARGEST_BYTES:
            text = f"it has {len(incoming.payload)} bytes, {LARGEST_BYTES} are allowed"
            found: Command | CommandMalformed = malformed(kind, "mqtt", b"", text)
        else:
            found = read_message(kind, incoming.payload)
        asked = self._staged(found, incoming.payload)
        if not (asked.id and self._answered(asked, link)):
            self._post(asked, inbox)

    def _answered(self, asked: Command | CommandMalformed, link: Link) -> bool:
        """Whether it was answered before; its answer is sent again, unless it is still to be sent at all."""
        answer = self._shelf.reader.answer_to(asked.id)
        if answer is None:
            return False
        digest = CommandResult.model_validate_json(answer.payload).digest
        stands = self._shelf.reader.stands(asked.id)
        if digest and not (isinstance(asked, Command) and asked.repeats(digest, stands=stands)):
            return False  # another command had its id: it has an answer of its own
        if answer.seq <= self._shelf.cursor.seq:
            link.send(self._shelf.envelopes.event(answer))
        return True

    def _post(self, found: Command | CommandMalformed, inbox: Inbox) -> None:
        """Have it wait; what has the id of another one that waits is refused for that, and holds up none behind it."""
        form = found.model_dump_json().encode() if isinstance(found, Command) else waiting_form(found)
        try:
            if isinstance(found, CommandMalformed):
                self._refuse(found, found.id, inbox)
            elif len(form) <= LONGEST_BYTES:
                inbox.post(found.id, found.type, "mqtt", form)
            else:
                text = f"it has {len(form)} bytes, {LONGEST_BYTES} are allowed"
                self._refuse(malformed(found.type, "mqtt", form, text), found.id, inbox)
        except IdWaitsError as error:
            used = malformed(found.type, "mqtt", form, str(error))
            self._refuse(replace(used, reason="id-used"), "", inbox)

    def _refuse(self, found: CommandMalformed, identity: str, inbox: Inbox) -> None:
        now_ns = self._shelf.clock.mono_ns()
        if len(self._malformed) == _MALFORMED and now_ns - self._malformed[0] < _WITHIN_NS:
            return
        form = waiting_form(found)
        inbox.post(identity or f"?{hashlib.sha256(form).hexdigest()}", MALFORMED, "mqtt", form)
        self._malformed.append(now_ns)

    def _staged(self, found: Command | CommandMalformed, payload: bytes) -> Command | CommandMalformed:
        """A hold list's codes go beside the inbox, by their hash."""
        if not isinstance(found, HoldListMessage):
            return found
        try:
            sha256, codes = stage(self._shelf.settings.data, found.codes)
        except HoldListError as error:
            return malformed(found.type, "mqtt", payload, str(error))
        return HoldList.model_validate(found.model_dump(exclude={"codes"}) | {"sha256": sha256, "codes": codes})
