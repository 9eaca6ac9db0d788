"""A broker on virtual time, with faults to switch: the other end of the publisher's link. Pure and seeded.

It keeps one persistent QoS 1 session (MQTT 3.1.1): what it accepted waits for a subscriber that is away. It takes what
was sent, and answers, when the publisher turns its link.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from station.publisher.ports import Incoming, LinkError, Message

Deliver = Callable[[str, bytes], None]


@dataclass(slots=True)
class BrokerFaults:
    """What is wrong with the broker now; set at will.

    Attributes:
        refusing: it refuses each client that connects.
        silent: it accepts messages and never acknowledges those.
        slow_ms: least and greatest delay of an acknowledgement; they come out of order, and part of what was sent
            stays on the wire meanwhile.
        hates: it closes the connection whenever it sees such a message.
        ignores: it drops such a message, and never acknowledges it.
    """

    refusing: bool = False
    silent: bool = False
    slow_ms: tuple[float, float] = (0.0, 0.0)
    hates: Callable[[Message], bool] | None = None
    ignores: Callable[[Message], bool] | None = None


@dataclass(slots=True)
class _Held:
    """A message that waits for the subscriber."""

    message: Message
    acked: bool = False
    forgotten: bool = False


class Broker:
    """One broker, one publisher at a time, one subscriber.

    Attributes:
        faults: what is wrong with it.
        gone: connections are refused; see `leave`.
        retained: the newest retained message of each topic.
        forgotten: events that it acknowledged and lost before its subscriber had them: outside of the promise.
        hung_up: how often it closed a connection for an event that it hates.
    """

    def __init__(self, seed: int, mono_ns: Callable[[], int], deliver: Deliver) -> None:
        self.faults = BrokerFaults()
        self.gone = False
        self.retained: dict[str, bytes] = {}
        self.forgotten: list[Message] = []
        self.hung_up = 0
        self._random = Random(seed)
        self._mono_ns = mono_ns
        self._deliver = deliver
        self._away = False
        self._subscribed = True
        self._waiting: deque[_Held] = deque()
        self._link: BrokerLink | None = None
        self._back_ns: int | None = None

    @property
    def uncalled_ms(self) -> float:
        """How long it has been back, and no publisher has called."""
        return 0.0 if self._back_ns is None else (self._mono_ns() - self._back_ns) / 1e6

    def connect(self, will: Message) -> BrokerLink:
        """Take a connection; one that is open under the same name ends.

        Raises:
            LinkError: it is gone.
        """
        if self.gone:
            raise LinkError("connection refused")
        self._back_ns = None
        self._end("another client took its name", will=True)
        self._link = BrokerLink(self, will)
        return self._link

    def cut(self, *, accepted: int = 0) -> None:
        """End the connection: so many of the messages on the wire are accepted and not acknowledged, the rest lost."""
        if self._link is not None:
            self._link.accept_unanswered(accepted)
            self._end("the connection is lost", will=True)

    def leave(self, *, forget: bool = False) -> None:
        """Be gone, without a word; with `forget` it has no disk, and loses sessions and retained messages."""
        self.gone, self._back_ns = True, None
        self._end("the broker is gone", will=False)
        if forget:
            self.retained.clear()
            self._subscribed = not self._away
            for held in self._waiting:
                held.forgotten = True
                if held.acked:
                    self.forgotten.append(held.message)
            self._waiting.clear()

    def come_back(self) -> None:
        """Take connections again."""
        if self.gone:
            self.gone, self._back_ns = False, self._mono_ns()

    def subscriber_leaves(self) -> None:
        """The subscriber is away; its session stays."""
        self._away = True

    def subscriber_returns(self) -> None:
        """The subscriber takes up its session, or begins a new one if the broker forgot it."""
        self._away, self._subscribed = False, True
        while self._waiting:
            message = self._waiting.popleft().message
            self._deliver(message.topic, message.payload)

    def still(self) -> None:
        """All faults are over."""
        self.faults = BrokerFaults()
        self.come_back()
        self.subscriber_returns()

    def accept(self, message: Message) -> _Held | None:
        """Take over the responsibility for a message; what waits for the subscriber is returned."""
        if message.retain:
            self.retained[message.topic] = message.payload
            return None
        if not self._away:
            self._deliver(message.topic, message.payload)
            return None
        held = _Held(message, forgotten=not self._subscribed)
        if self._subscribed:
            self._waiting.append(held)
        return held

    def acknowledge(self, held: _Held | None) -> None:
        """The publisher now relies on it."""
        if held is not None:
            held.acked = True
            if held.forgotten:
                self.forgotten.append(held.message)

    def answer_due_ns(self) -> int | None:
        """When a message taken now is acknowledged; None for never."""
        if self.faults.silent:
            return None
        least, greatest = self.faults.slow_ms
        delay_ms = self._random.uniform(least, greatest) if greatest else 0.0
        return self._mono_ns() + int(delay_ms * 1e6)

    def takes(self, on_the_wire: int) -> int:
        """How many of the messages on the wire it takes now: all, unless it is slow."""
        return self._random.randint(0, on_the_wire) if self.faults.slow_ms[1] else on_the_wire

    def now_ns(self) -> int:
        """The virtual time."""
        return self._mono_ns()

    def left(self, link: BrokerLink, on_the_wire: int) -> None:
        """A publisher went without goodbye; part of what it had sent still arrives."""
        if link is self._link:
            self.cut(accepted=self._random.randint(0, on_the_wire))

    def said_goodbye(self, link: BrokerLink) -> None:
        """A publisher ended in order: its will is dropped."""
        if link is self._link:
            self._end("the client ended it", will=False)

    def _end(self, why: str, *, will: bool) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.lost = why
            if will and link.ready:
                self.accept(link.will)


class BrokerLink:
    """A publisher's connection to the broker: a `station.publisher.ports.Link`.

    Attributes:
        ready: the broker accepted this client.
        acked: message ids acknowledged since they were last taken.
        lost: why the connection is over, "" while it is not.
    """

    def __init__(self, broker: Broker, will: Message) -> None:
        self.ready = False
        self.acked: list[int] = []
        self.lost = ""
        self.will = will
        self._broker = broker
        self._ids = 0
        self.refused: list[tuple[int, str]] = []
        self.largest = 0
        self.ends = None
        self.received: list[Incoming] = []
        self.deaf = ""
        self._wire: deque[tuple[int, Message]] = deque()
        self._answers: list[tuple[int, int, _Held | None]] = []

    def turn(self, _seconds: float) -> None:
        """Let the broker take what was sent, and answer what is due; time passes elsewhere.

        Raises:
            LinkError: the connection is over.
        """
        if not self.lost and not self.ready:
            self._welcome()
        if not self.lost and self._wire:
            self._take()
        if not self.lost and self._answers:
            self._answer()
        if self.lost:
            raise LinkError(self.lost)

    def send(self, message: Message) -> int:
        """Put a message on the wire; its id."""
        self._ids += 1
        if not self.lost:
            self._wire.append((self._ids, message))
        return self._ids

    def confirm(self, incoming: Incoming) -> None:
        """No command comes over this broker."""

    def close(self, *, in_order: bool) -> None:
        """End it; a goodbye arrives behind all that was sent."""
        if self.lost:
            return
        if in_order:
            self.accept_unanswered(len(self._wire))
            self._broker.said_goodbye(self)
        else:
            self._broker.left(self, len(self._wire))

    def accept_unanswered(self, count: int) -> None:
        """The broker takes so many from the wire, and no acknowledgement comes back."""
        while self._wire and count > 0 and not self._hated(self._wire[0][1]):
            self._broker.accept(self._wire.popleft()[1])
            count -= 1

    def _welcome(self) -> None:
        if self._broker.faults.refusing:
            self.lost = "the broker refuses this client: not authorized"
        else:
            self.ready = True

    def _take(self) -> None:
        broker, now_ns = self._broker, self._broker.now_ns()
        for _ in range(broker.takes(len(self._wire))):
            number, message = self._wire.popleft()
            if self._hated(message):
                broker.hung_up += 1
                broker.cut()
                return
            if broker.faults.ignores is not None and broker.faults.ignores(message):
                continue
            held = broker.accept(message)
            due_ns = broker.answer_due_ns()
            if due_ns is None:
                continue
            if due_ns > now_ns or self._answers:
                heapq.heappush(self._answers, (due_ns, number, held))
            else:
                broker.acknowledge(held)
                self.acked.append(number)

    def _answer(self) -> None:
        now_ns = self._broker.now_ns()
        while self._answers and self._answers[0][0] <= now_ns and not self._broker.faults.silent:
            _, number, held = heapq.heappop(self._answers)
            self._broker.acknowledge(held)
            self.acked.append(number)

    def _hated(self, message: Message) -> bool:
        hates = self._broker.faults.hates
        return hates is not None and hates(message)
