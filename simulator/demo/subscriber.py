"""A central system's side of the demo: every event that reaches an MQTT subscriber, by its sequence."""

from __future__ import annotations

import json
import threading
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


class Subscriber:
    """Keeps the events of one station. Duplicates are counted, and dropped by their id."""

    def __init__(self, host: str, port: int, topic: str) -> None:
        self.events: dict[int, dict[str, Any]] = {}
        self.duplicates = 0
        self.out_of_order = 0
        self._last = 0
        self._lock = threading.Lock()
        self._topic = topic
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="demo-subscriber", clean_session=False)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(1, 2)
        self._client.connect_async(host, port, keepalive=30)

    def start(self) -> None:
        """Connect and listen, in a thread of paho's."""
        self._client.loop_start()

    def stop(self) -> None:
        """End."""
        self._client.disconnect()
        self._client.loop_stop()

    def snapshot(self) -> list[dict[str, Any]]:
        """All events so far, by sequence."""
        with self._lock:
            return [self.events[sequence] for sequence in sorted(self.events)]

    def _on_connect(self, client: mqtt.Client, *_rest: Any) -> None:
        client.subscribe(self._topic, qos=1)

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        event = json.loads(message.payload)
        sequence = int(event["sequence"])
        with self._lock:
            if sequence in self.events:
                self.duplicates += 1
                return
            self.out_of_order += sequence < self._last
            self._last = max(self._last, sequence)
            self.events[sequence] = event
