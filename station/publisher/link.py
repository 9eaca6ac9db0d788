"""The link to a real broker. The only module that knows paho-mqtt.

paho repeats by itself, in its own order, what a lost connection left open; here a new connection is a new client, and
what is sent again is decided by the cursor alone.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage, MQTTMessageInfo, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from station.clock import now_utc, utc_text
from station.publisher.ports import Incoming, LinkError, Message
from station.publisher.settings import PublisherSettings

CONNECT_S = 1.0


class PahoLink:
    """A connection attempt, then a connection; for one thread, that calls `turn` again and again.

    Attributes:
        ready: the broker accepted this client.
        acked: message ids acknowledged since they were last taken.
        refused: message ids that the broker does not take, with why.
        largest: the largest packet that it takes, in bytes; 0 if it names none.
        received: commands that came since they were last taken.
        deaf: why it hears no commands though it wants to, "" if it does.

    Raises:
        LinkError: no connection within a second.
    """

    def __init__(self, settings: PublisherSettings, will: Message) -> None:
        self.ready = False
        self.acked: list[int] = []
        self.refused: list[tuple[int, str]] = []
        self.largest = 0
        self.received: list[Incoming] = []
        self.deaf = ""
        self._refusal = ""
        self._wanted = f"{settings.topic}/command/+" if settings.commands else ""
        self._client = Client(
            CallbackAPIVersion.VERSION2, settings.client, clean_session=True, protocol=MQTTv311, manual_ack=True
        )
        self._client.connect_timeout = CONNECT_S
        self._client.max_inflight_messages = 0
        self._client.will_set(will.topic, will.payload, qos=1, retain=will.retain)
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message
        self._client.on_subscribe = self._on_subscribe
        try:
            _identify(self._client, settings)
            self._client.connect(settings.host, settings.port, settings.keepalive_s)
        except ssl.SSLError as error:
            clock = f"this PC's clock says {utc_text(now_utc())}"
            raise LinkError(f"broker {settings.host}:{settings.port}: {error}; {clock}") from error
        except (OSError, ValueError) as error:
            raise LinkError(f"broker {settings.host}:{settings.port}: {error}") from error

    def turn(self, seconds: float) -> None:
        """Read and write what there is, waiting for it so long at most.

        Raises:
            LinkError: the connection is over.
        """
        code = self._client.loop(seconds)
        if self._refusal:
            raise LinkError(f"the broker refuses this client: {self._refusal}")
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise LinkError(f"the connection is lost: {code.name}")

    def send(self, message: Message) -> int:
        """Hand a message to the socket; its id, by which it is acknowledged."""
        info: MQTTMessageInfo = self._client.publish(message.topic, message.payload, qos=1, retain=message.retain)
        return info.mid

    def confirm(self, incoming: Incoming) -> None:
        """It is safe here: the broker need not deliver it again."""
        self._client.ack(incoming.mid, 1)

    def close(self, *, in_order: bool) -> None:
        """Say goodbye, so that the will is not published, or just go."""
        with contextlib.suppress(OSError, ValueError):
            if in_order:
                self._client.disconnect()
            if (sock := self._client.socket()) is not None:
                sock.close()

    def _on_connect(
        self, _client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, _more: Properties | None
    ) -> None:
        self.ready = not reason.is_failure
        self._refusal = str(reason) if reason.is_failure else ""
        if self.ready and self._wanted:
            self._client.subscribe(self._wanted, qos=1)

    def _on_publish(self, _client: Client, _data: Any, mid: int, _reason: ReasonCode, _more: Properties | None) -> None:
        self.acked.append(mid)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self.received.append(Incoming(message.topic, bytes(message.payload), message.retain, message.mid))

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, reasons: list[ReasonCode], _more: Properties | None
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self.deaf = f"the broker does not let this client hear {self._wanted}: correct its access rules"


def _identify(client: Client, settings: PublisherSettings) -> None:
    """Name, password and certificates, read anew each time so that a renewed file is used."""
    if settings.username is not None:
        password = settings.password_file.read_text().strip() if settings.password_file else None
        client.username_pw_set(settings.username, password)
    if settings.ca_file is not None:
        cert = str(settings.cert_file) if settings.cert_file else None
        key = str(settings.key_file) if settings.key_file else None
        client.tls_set(str(settings.ca_file), cert, key)
