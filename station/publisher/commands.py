"""Commands over MQTT: from their topics into the inbox, and for one sent again its answer once more.

What comes here is bytes of anybody whom the broker lets publish: none of it may end the publisher.
"""

from __future__ import annotations

import hashlib
from collections import deque
from contextlib import closing

from station.core.commands import Command, HoldList
from station.core.events import CommandMalformed
from station.core.records import CommandResult
from station.forms import MALFORMED, HoldListMessage, malformed, read_message, waiting_form
from station.holding import HoldListError, stage
from station.journal import Inbox, InboxError
from station.publisher.ports import Incoming, Link
from station.publisher.shelf import Shelf
from station.publisher.teller import Teller

LARGEST_BYTES = 16 * 2**20
_MALFORMED = 20
_WITHIN_NS = 60_000_000_000


class Commands:
    """Takes what a connection received; of what is no command it passes on 20 a minute, to be answered."""

    def __init__(self, shelf: Shelf, teller: Teller) -> None:
        self._shelf = shelf
        self._teller = teller
        self._malformed: deque[int] = deque(maxlen=_MALFORMED)
        self._root = f"{shelf.settings.topic}/command/"

    def take(self, link: Link) -> None:
        """Each into the inbox, and only then confirmed."""
        if self._shelf.settings.commands:
            self._teller.tell("commands", link.deaf or None)
        for incoming in link.received:
            self._one(incoming, link)
            link.confirm(incoming)
        link.received.clear()

    def _one(self, incoming: Incoming, link: Link) -> None:
        if incoming.retained or not incoming.topic.startswith(self._root):
            return
        kind = incoming.topic[len(self._root) :]
        if len(incoming.payload) > LARGEST_BYTES:
            text = f"it has {len(incoming.payload)} bytes, {LARGEST_BYTES} are allowed"
            found: Command | CommandMalformed = malformed(kind, "mqtt", b"", text)
        else:
            found = read_message(kind, incoming.payload)
        try:
            asked = self._staged(found, incoming.payload)
            if asked.id and self._answered(asked, link):
                return
            self._post(asked)
        except (InboxError, OSError) as error:
            self._teller.tell("inbox", f"a command could not be taken: {error}")
        else:
            self._teller.tell("inbox", None)

    def _answered(self, asked: Command | CommandMalformed, link: Link) -> bool:
        """Whether it was answered before; its answer is sent again, unless it is still to be sent at all."""
        answer = self._shelf.reader.answer_to(asked.id)
        if answer is None:
            return False
        digest = CommandResult.model_validate_json(answer.payload).digest
        if digest and not (isinstance(asked, Command) and asked.digest == digest):
            return False  # another command had its id: it has an answer of its own
        if answer.seq <= self._shelf.cursor.seq:
            link.send(self._shelf.envelopes.event(answer))
        return True

    def _post(self, found: Command | CommandMalformed) -> None:
        if isinstance(found, CommandMalformed):
            if not self._room():
                return
            kind, payload = MALFORMED, waiting_form(found)
            identity = found.id or f"?{hashlib.sha256(payload).hexdigest()}"
        else:
            identity, kind, payload = found.id, found.type, found.model_dump_json().encode()
        with closing(Inbox(self._shelf.settings.data)) as inbox:
            inbox.post(identity, kind, "mqtt", payload)

    def _staged(self, found: Command | CommandMalformed, payload: bytes) -> Command | CommandMalformed:
        """A hold list's codes go beside the inbox, by their hash."""
        if not isinstance(found, HoldListMessage):
            return found
        try:
            sha256, codes = stage(self._shelf.settings.data, found.codes)
        except HoldListError as error:
            return malformed(found.type, "mqtt", payload, str(error))
        return HoldList.model_validate(found.model_dump(exclude={"codes"}) | {"sha256": sha256, "codes": codes})

    def _room(self) -> bool:
        now = self._shelf.clock.mono_ns()
        if len(self._malformed) == _MALFORMED and now - self._malformed[0] < _WITHIN_NS:
            return False
        self._malformed.append(now)
        return True
