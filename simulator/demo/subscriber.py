"""A central system's side of the demo: every event that reaches an MQTT subscriber, by journal and sequence."""

from __future__ import annotations

import json
import threading
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


class Subscriber:
    """Keeps the events of one station. Duplicates are counted, and dropped by their id."""

    def __init__(self, host: str, port: int, topic: str) -> None:
        self.events: dict[tuple[int, int], dict[str, Any]] = {}
        self.duplicates = 0
        self.out_of_order = 0
        self.altered = 0
        self._by_id: dict[str, dict[str, Any]] = {}
        self._journals = 0
        self._last = 0
        self._lock = threading.Lock()
        self._subscribed = threading.Event()
        self._topic = topic
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="demo-subscriber", clean_session=False)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.reconnect_delay_set(1, 2)
        self._client.connect_async(host, port, keepalive=30)

    def start(self, seconds: float = 10.0) -> None:
        """Connect and subscribe, in a thread of paho's; raises TimeoutError if the broker takes longer."""
        self._client.loop_start()
        if not self._subscribed.wait(seconds):
            raise TimeoutError("no subscription at the broker")

    def stop(self) -> None:
        """End."""
        self._client.disconnect()
        self._client.loop_stop()

    def snapshot(self) -> list[dict[str, Any]]:
        """All events so far, by sequence; those of a journal that was begun anew behind those of the one before."""
        with self._lock:
            return [self.events[place] for place in sorted(self.events)]

    def _on_connect(self, client: mqtt.Client, *_rest: Any) -> None:
        client.subscribe(self._topic, qos=1)

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        event = json.loads(message.payload)
        sequence = int(event["sequence"])
        with self._lock:
            known = self._by_id.setdefault(event["id"], event)
            if known is not event:
                self.duplicates += 1
                self.altered += known != event
                return
            if sequence == 1:
                self._journals, self._last = self._journals + 1, 0
            self.out_of_order += sequence < self._last
            self._last = max(self._last, sequence)
            self.events[self._journals, sequence] = event
