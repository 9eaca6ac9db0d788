"""A device that speaks frames on a serial line: its codec's events, and what came that is no reading."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from pydantic import Field

from drivers.framing import TOO_LONG, WITHOUT_PREFIX
from drivers.serial_line import PortSettings, SerialLine, TakenError
from drivers.unread import Unread
from drivers.wire import Wire, WireError
from station.core.events import Arrived
from station.ports import NowNs

FOREIGN_NS = 10_000_000_000
SHOWN_BYTES = 60


class SerialSettings(PortSettings):
    """A line on which a device speaks frames of its own accord."""

    idle_ms: int = Field(default=100, ge=10, le=5000, description="a frame that pauses longer is dropped as incomplete")


class Codec(Protocol):
    """Bytes in, events out."""

    @property
    def pending(self) -> bool:
        """Whether a frame has begun that may still become whole."""

    def receive(self, data: bytes, arrived: Arrived) -> Sequence[object]:
        """Take bytes that arrived together."""

    def idle(self, empty_ns: int) -> Sequence[object]:
        """The port was seen empty at that moment."""

    def begin(self) -> None:
        """Reading begins between two frames: what came before is no part of any."""

    def skip(self) -> None:
        """Reading begins in the middle of something."""


class SerialDevice(Wire):
    """A device on a serial line with a codec of its own."""

    proved = "the port is free and opens; that the device is behind it, only its first reading shows"

    def __init__(self, name: str, settings: SerialSettings, codec: Codec, now_ns: NowNs) -> None:
        super().__init__(name, now_ns)
        self._settings = settings
        self._codec = codec
        self._line: SerialLine | None = None
        self._taken = False
        self._foreign = False
        self._hint: tuple[str, int] | None = None
        self._unread = Unread(self._deliver_unread)
        self._told_text = ""
        self._told_among_good = False

    def probe(self) -> str:
        """Open the port, and let it go."""
        try:
            SerialLine(self._settings, self._now_ns).close()
        except WireError as error:
            return str(error)
        return ""

    def _open(self) -> None:
        self._line = SerialLine(self._settings, self._now_ns)
        self._greet(self._line)
        self._codec.begin()
        if not self._line.drain(self._settings.idle_ms / 1000) or self._taken:
            self._codec.skip()
        self._taken = False

    def _greet(self, line: SerialLine) -> None:
        """Send what the device must be told when it is connected."""

    def _turn(self) -> None:
        if self._line is None:
            raise WireError("not open")
        try:
            data, arrived = self._line.read()
        except TakenError:
            self._taken = True
            raise
        events = self._codec.receive(data, arrived) if data else self._codec.idle(arrived.after_ns)
        for event in events:
            self._handle(event)
        self._unread.release(arrived.before_ns)
        if not self._codec.pending and not self._unread.held:
            self._seen_empty_ns = arrived.after_ns

    def _right_family(self) -> None:
        """A frame of the right kind of device came."""
        self._foreign, self._hint = False, None
        self._told_among_good = True

    def _wrong_family(self, family: str, why: str, data: bytes, arrived: Arrived) -> None:
        """Text of another device came: after two in a row this one counts as lost, until a frame of its own comes.

        One alone may be a label, or noise; what is longer than any frame is many in a row.
        """
        self._counters["foreign"] += 1
        self._no_reading(f"text of {family}", data, arrived)
        before, self._hint = self._hint, (family, arrived.before_ns)
        twice = before is not None and before[0] == family and arrived.before_ns - before[1] < FOREIGN_NS
        if not twice and why != TOO_LONG:
            return
        self._foreign = True
        shown = data[:40].decode("latin-1").encode("unicode_escape").decode()
        port = self._settings.port
        self._state(connected=False, detail=f"text of {family} on {port}: '{shown}'; are two plugs swapped?")

    def _no_reading(self, why: str, data: bytes, arrived: Arrived) -> None:
        """Have the parcel and the journal say what came in place of a reading.

        What comes without prefix again and again between good frames is the device's own chatter, and told once.
        """
        text = f"{why}: {data[:SHOWN_BYTES]!r}"
        chatter = why == WITHOUT_PREFIX and text == self._told_text and self._told_among_good
        if chatter or self._foreign:
            self._counters["not told"] += 1
            return
        self._told_text, self._told_among_good = text, False
        self._unread.take(text, arrived)

    @abstractmethod
    def _deliver_unread(self, text: str, arrived: Arrived) -> None:
        """Deliver a reading without value that says what came."""

    def _sound(self) -> bool:
        return not self._foreign

    @abstractmethod
    def _handle(self, event: object) -> None:
        """Make of a codec's event what the station is told."""

    def _close(self) -> None:
        self._unread.release()
        if self._line is not None:
            self._line.close()
            self._line = None
