"""The link to a real broker. The only module that knows paho-mqtt.

paho repeats by itself, in its own order, what a lost connection left open; here a new connection is a new client, and
what is sent again is decided by the cursor alone.

MQTT 5 where the broker speaks it, since only there it says why it does not take something; a broker that refuses the
version, or does not answer the first word as one of MQTT 5 does, is called again at once with 3.1.1.
"""

from __future__ import annotations

import contextlib
import ssl
import struct
from collections import deque
from datetime import datetime
from typing import Any

from paho.mqtt import MQTTException
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTMessageInfo, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from station.clock import now_ns, now_utc, utc_text
from station.core.text import shown
from station.publisher.ports import Incoming, LinkError, Message
from station.publisher.settings import PublisherSettings
from station.publisher.tls import SecretError, context, password, soonest_end

CONNECT_S = 1.0
ANSWER_NS = 2_000_000_000
"""How long a broker may take to answer the first word in MQTT 5; some of 3.1.1 never do."""
LEAST_PACKET = 1000
MOST_UNCONFIRMED, MOST_UNASKED = 20, 100
"""Commands that a broker of MQTT 5 has on their way at most; and how many wait here that want no confirmation."""
_NO_VERSION, _NO_RETAIN, _NO_QOS = 0x84, 0x9A, 0x9B
_FAULTS = (OSError, ValueError, LookupError, TypeError, struct.error, MQTTException)
_MEND = {
    _NO_RETAIN: "it must keep retained messages (Mosquitto: retain_available true)",
    _NO_QOS: "it must take QoS 1 (Mosquitto: max_qos 1 or 2)",
}


class PahoLink:
    """A connection attempt, then a connection; for one thread, that calls `turn` again and again.

    Attributes:
        ready: the broker accepted this client.
        acked: message ids acknowledged since they were last taken.
        refused: message ids that the broker does not take, with why.
        ends: when the first certificate ends by which one of both is known, and whose; None without TLS.
        largest: the largest packet that it takes, in bytes; 0 if it names none.
        received: commands that came since they were last taken.
        deaf: why it hears no commands though it wants to, "" if it does.

    Raises:
        LinkError: no connection within a second.
    """

    def __init__(self, settings: PublisherSettings, will: Message | None) -> None:
        self.ready = False
        self.acked: list[int] = []
        self.refused: list[tuple[int, str]] = []
        self.largest = 0
        self.ends: tuple[datetime, str] | None = None
        self.received: list[Incoming] = []
        self.deaf = ""
        self._settings = settings
        self._will = will
        self._refusal = self._goodbye = ""
        self._wanted = f"{settings.topic}/command/+" if settings.commands else ""
        self._ids = 0
        self._room = 65535
        self._open: dict[int, int] = {}
        self._queue: deque[tuple[int, Message]] = deque()
        self._version = MQTTv5
        self._client = self._called()
        self._until_ns = now_ns() + ANSWER_NS

    def turn(self, seconds: float) -> None:
        """Read and write what there is, waiting for it so long at most.

        Raises:
            LinkError: the connection is over.
        """
        try:
            code = self._client.loop(seconds)
            ended = "" if code == MQTTErrorCode.MQTT_ERR_SUCCESS else f"the connection is lost: {code.name}"
            self._write()
        except _FAULTS as error:
            ended = f"the connection is lost: the broker sends what cannot be understood: {error!r}"
        if self._refusal:
            raise LinkError(f"the broker refuses this client: {self._refusal}")
        if self._goodbye:
            raise LinkError(f"the broker ended the connection: {self._goodbye}")
        late = not self.ready and now_ns() > self._until_ns
        if (ended or late) and not self.ready and self._version == MQTTv5:
            self.close(in_order=False)
            self._version = MQTTv311
            self._client = self._called()
        elif ended:
            raise LinkError(ended)

    def send(self, message: Message) -> int:
        """Hand a message to the socket, or let it wait until the broker has room; its id, by which it is answered."""
        self._ids += 1
        self._queue.append((self._ids, message))
        with contextlib.suppress(*_FAULTS):
            self._write()
        return self._ids

    def confirm(self, incoming: Incoming) -> None:
        """It is safe here: the broker need not deliver it again."""
        if incoming.mid:
            self._client.ack(incoming.mid, 1)

    def close(self, *, in_order: bool) -> None:
        """Say goodbye, so that the will is not published, or just go."""
        with contextlib.suppress(*_FAULTS):
            if in_order:
                self._client.disconnect()
            if (sock := self._client.socket()) is not None:
                sock.close()

    def _called(self) -> Client:
        settings, five = self._settings, self._version == MQTTv5
        client = Client(
            CallbackAPIVersion.VERSION2,
            settings.client,
            clean_session=None if five else True,
            protocol=self._version,
            manual_ack=True,
        )
        client.connect_timeout = CONNECT_S
        client.max_inflight_messages = 0
        if self._will is not None:
            client.will_set(self._will.topic, self._will.payload, qos=1, retain=self._will.retain)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe
        where = f"broker {settings.host}:{settings.port}"
        try:
            _identify(client, settings)
            client.connect(settings.host, settings.port, settings.keepalive_s, properties=_limits() if five else None)
        except ssl.SSLError as error:
            clock = f"this PC's clock says {utc_text(now_utc())}"
            raise LinkError(f"{where}: {error}; {clock}") from error
        except SecretError as error:
            raise LinkError(str(error)) from error
        except _FAULTS as error:
            raise LinkError(f"{where}: {error}") from error
        return client

    def _write(self) -> None:
        while self._queue and len(self._open) < self._room:
            number, message = self._queue.popleft()
            info: MQTTMessageInfo = self._client.publish(message.topic, message.payload, qos=1, retain=message.retain)
            self._open[info.mid] = number

    def _on_connect(
        self, _client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, more: Properties | None
    ) -> None:
        if reason.is_failure:
            if not (self._version == MQTTv5 and reason.value == _NO_VERSION):
                self._refusal = _said(reason, more)
            return
        self.largest = int(getattr(more, "MaximumPacketSize", 0))
        self._room = int(getattr(more, "ReceiveMaximum", self._room))
        self._refusal = _unfit(more, self.largest)
        self.ready = not self._refusal
        self.ends = soonest_end(self._client.socket(), self._settings.cert_file)
        if self.ready and self._wanted:
            self._client.subscribe(self._wanted, qos=1)

    def _on_disconnect(
        self, _client: Client, _data: Any, flags: DisconnectFlags, reason: ReasonCode, more: Properties | None
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._goodbye = _said(reason, more)

    def _on_publish(self, _client: Client, _data: Any, mid: int, reason: ReasonCode, more: Properties | None) -> None:
        if (number := self._open.pop(mid, None)) is None:
            return
        if reason.is_failure:
            self.refused.append((number, _said(reason, more)))
        else:
            self.acked.append(number)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        mid = message.mid if message.qos else 0
        if not mid and len(self.received) >= MOST_UNASKED:
            return
        self.received.append(Incoming(message.topic, bytes(message.payload), message.retain, mid))

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, reasons: list[ReasonCode], _more: Properties | None
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self.deaf = f"the broker does not let this client hear {self._wanted}: correct its access rules"


def _limits() -> Properties:
    made: Properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    made.ReceiveMaximum = MOST_UNCONFIRMED
    return made


def _identify(client: Client, settings: PublisherSettings) -> None:
    """Name, password and certificates, read anew each time so that a renewed file is used."""
    if settings.username is not None:
        client.username_pw_set(settings.username, password(settings))
    if (made := context(settings)) is not None:
        client.tls_set_context(made)


def _said(reason: ReasonCode, more: Properties | None) -> str:
    """A reason as the broker gives it, with its own words if it adds some, and what to change if that is known."""
    words = shown(str(getattr(more, "ReasonString", "")), 200)
    mend = _MEND.get(reason.value, "")
    return "; ".join(part for part in (f"{reason} ({words})" if words else f"{reason}", mend) if part)


def _unfit(more: Properties | None, largest: int) -> str:
    """Why a broker that takes this client cannot serve it, "" if it can."""
    if getattr(more, "MaximumQoS", 1) < 1:
        return f"it takes QoS 0 only; {_MEND[_NO_QOS]}"
    if not getattr(more, "RetainAvailable", 1):
        return f"it keeps no retained messages; {_MEND[_NO_RETAIN]}"
    if 0 < largest < LEAST_PACKET:
        return f"it takes packets of {largest} bytes at most; its limit must be above max_event_bytes"
    return ""
