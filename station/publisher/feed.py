"""The journal's events onto one connection, in order, a window of them unacknowledged; then the cursor moves."""

from __future__ import annotations

from collections.abc import Callable

from station.core.records import DeviceChanged
from station.journal import Stored
from station.publisher.ports import Link, Message
from station.publisher.shelf import Shelf
from station.publisher.stated import Stated
from station.publisher.verdict import Care, End
from station.publisher.window import Window
from station.publisher.words import Words

KEEP_NS = 500_000_000
LOOK_NS = 1_000_000_000
KEEP_EVENTS = 20
PACKET_BYTES = 10
"""What an MQTT 5 PUBLISH at QoS 1 has at most besides topic and payload: header, lengths, packet id, no properties."""

Rejected = Callable[[Stored, str], None]


class Feed:
    """Made anew for each connection: it begins behind the cursor, so what was open is sent again, and in order.

    Nothing goes before the broker has answered the state; what `care` asks for holds for events.

    Attributes:
        head: the first event on its way.
        newest: the last event that was sent.
        accepted: how many events and controls the broker acknowledged.
        beyond: the newest event that it acknowledged.
        refusal: why the broker does not take an event or a control that is on its way, "" if it did not say so.
        state: what is said of the station.
        words: what is said of the devices.
    """

    def __init__(self, shelf: Shelf, link: Link, care: Care, *, control: Stored | None, rejected: Rejected) -> None:
        self._shelf = shelf
        self._link = link
        self._care = care
        self._control = shelf.envelopes.event(control) if control is not None else None
        self._controls = care.controls if control is not None else 0
        self._control_id: int | None = None
        self._rejected = rejected
        self._now = shelf.clock.mono_ns
        self._window = Window()
        self._begun_ns = self._head_ns = self._kept_ns = self._now()
        self.head: int | None = None
        self.newest = shelf.cursor.seq
        self.accepted = 0
        self.beyond: int | None = None
        self.refusal = ""
        self.state = Stated(shelf, link)
        self._words_to = shelf.reader.last_seq()
        self._words_ns = self._now()
        self.words = Words(link, shelf.words(self._words_to), self._now)

    @property
    def open_s(self) -> float:
        """How long the head, or the control, has been on its way."""
        return (self._now() - self._head_ns) / 1e9

    @property
    def lived_s(self) -> float:
        """How long this connection has lasted."""
        return (self._now() - self._begun_ns) / 1e9

    @property
    def waits(self) -> bool:
        """Whether an event or a control is on its way."""
        return self.head is not None or self._control_id is not None

    def end(self, *, ours: bool) -> End:
        """How the connection ended, if that is now."""
        return End(
            head=self.head,
            newest=self.newest,
            sound=self.state.sound,
            accepted=self.accepted,
            control=self._control_id is not None,
            lived_s=self.lived_s,
            open_s=self.open_s,
            ours=ours,
        )

    def pump(self) -> None:
        """Take acknowledgements, move the cursor, and send what the window has room for."""
        self.take()
        if self.state.sound and self.lived_s >= self._care.quiet_s and not self.words.open:
            self._send_more()
        self._see_head()
        cursor = self._shelf.cursor
        many = cursor.unkept >= KEEP_EVENTS and not cursor.fault
        if many or ((cursor.unkept or cursor.fault) and self._now() - self._kept_ns > KEEP_NS):
            cursor.keep()
            self._kept_ns = self._now()

    def take(self) -> None:
        """Take acknowledgements, and move the cursor over what is acknowledged without a gap."""
        for message_id in self._link.acked:
            self._acknowledged(message_id)
        self._link.acked.clear()
        for message_id, reason in self._link.refused:
            self._refused(message_id, reason)
        self._link.refused.clear()
        if (reached := self._window.reached()) is not None:
            self._shelf.cursor.advance(reached)
        self._see_head()

    def settled(self) -> bool:
        """Whether all that the journal holds is acknowledged, and the state that names its end."""
        last = self._shelf.reader.last_seq()
        return self.state.told and self._shelf.cursor.seq >= last == self.state.last and not self.words.waiting

    def _see_head(self) -> None:
        if self._window.head != self.head:
            self.head, self._head_ns = self._window.head, self._now()

    def _acknowledged(self, message_id: int) -> None:
        if self.state.takes(message_id):
            return
        if message_id == self._control_id:
            self._control_id = None
            self.accepted += 1
        elif (seq := self._window.acknowledged(message_id)) is not None:
            self.accepted += 1
            self.beyond = max(seq, self.beyond or 0)
        elif (word := self.words.answered(message_id)) is not None and not word.payload:
            self._shelf.cursor.forget_device(word.topic.rpartition("/")[2])

    def _refused(self, message_id: int, reason: str) -> None:
        if self.state.takes(message_id, reason):
            return
        if message_id == self._control_id or self._window.has(message_id):
            self.refusal = reason
        else:
            self.words.answered(message_id, reason)

    def _send_more(self) -> None:
        shelf = self._shelf
        drained = self.state.last is None or max(shelf.newest(), self.state.last) <= self.newest
        careful = shelf.cursor.seq < self._care.until
        if not drained:
            self._look_for_words()
        if self.words.due(idle=drained) and (drained or not careful):
            if not self._window and self._control_id is None:
                self.words.say()
        elif self._control is not None and self._controls and not drained:
            if self._control_id is None:
                self._control_id, self._head_ns = self._link.send(self._control), self._now()
                self._controls -= 1
        elif self._control_id is None and not drained:
            self._fill(1 if careful else shelf.settings.window)

    def _look_for_words(self) -> None:
        """A backlog is behind what holds of the devices by now; that is said at once."""
        if self._now() - self._words_ns < LOOK_NS:
            return
        last, self._words_ns = self._shelf.reader.last_seq(), self._now()
        for word in self._shelf.newer_words(self._words_to, last):
            self.words.put(word)
        self._words_to = last

    def _fill(self, limit: int) -> None:
        if len(self._window) < limit:
            for event in self._shelf.reader.after(self.newest, limit - len(self._window)):
                self._send(event)

    def _send(self, event: Stored) -> None:
        shelf = self._shelf
        self.newest = event.seq
        message = shelf.envelopes.event(event)
        if too_large := self._too_large(message):
            self._window.left_out(event.seq)
            self._rejected(event, too_large)
        else:
            self._window.sent(self._link.send(message), event.seq)
        word = shelf.word(event) if event.type == DeviceChanged.type else None
        if word is not None and event.seq > self._words_to:
            self.words.put(word)

    def _too_large(self, message: Message) -> str:
        size, limit, largest = len(message.payload), self._shelf.settings.max_event_bytes, self._link.largest
        if size > limit:
            return f"{size} bytes, more than max_event_bytes {limit}"
        if largest and size + len(message.topic) + PACKET_BYTES > largest:
            return f"{size} bytes, and the broker takes packets of {largest} at most (its maximum packet size)"
        return ""
