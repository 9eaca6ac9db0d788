"""A real Mosquitto on a free port, and a subscriber that lost nothing: what the publisher's tests stand on."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.needs import need


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Mosquitto:
    """Persistent, as docs/mqtt.md wants it set; killed, stopped and started at will."""

    def __init__(self, folder: Path, *more: str, port: int = 0, anonymous: bool = True) -> None:
        self.port = port or free_port()
        self._program = need("mosquitto")
        self._conf = folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", f"allow_anonymous {str(anonymous).lower()}", "persistence true",
                 f"persistence_location {folder}/", "max_queued_messages 0", "log_dest none",
                 f"user {getpass.getuser()}", *more]  # fmt: skip
        self._conf.write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen([self._program, "-c", str(self._conf)], stderr=subprocess.DEVNULL)
        end = time.monotonic() + 5
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert time.monotonic() < end, "mosquitto does not start"
            time.sleep(0.01)

    def save(self) -> None:
        """Have it write its sessions to disk, so that a kill costs no subscription."""
        database = self._conf.parent / "mosquitto.db"
        self.signal(signal.SIGUSR1)
        end = time.monotonic() + 5
        while not database.exists():
            assert time.monotonic() < end, "mosquitto saves nothing"
            time.sleep(0.01)

    def signal(self, number: int) -> None:
        assert self._process
        self._process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self._process
        self._process.wait()

    def end(self) -> None:
        assert self._process
        if self._process.poll() is None:
            self.signal(signal.SIGCONT)
            self._process.terminate()
            self._process.wait(5)


class Subscriber:
    """All events in the order of their arrival, from a session that the broker keeps."""

    def __init__(self, port: int, topic: str = "inspection/v1/#", name: str = "central") -> None:
        self.topics: list[str] = []
        self.payloads: list[bytes] = []
        self.retained: dict[str, dict[str, Any]] = {}
        self._more = threading.Condition()
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, name, clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda *_: self._client.subscribe(topic, 1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(5)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        with self._more:
            if "/event/" in message.topic:
                self.topics.append(message.topic)
                self.payloads.append(message.payload)
            else:
                self.retained[message.topic.split("/", 5)[5]] = json.loads(message.payload)
            self._more.notify_all()

    @property
    def sequences(self) -> list[int]:
        return [json.loads(p)["sequence"] for p in self.payloads]

    @property
    def newest(self) -> int:
        """Sequence number of what arrived last, 0 before anything did."""
        return int(json.loads(self.payloads[-1])["sequence"]) if self.payloads else 0

    def firsts(self) -> list[int]:
        """Sequence numbers without their repetitions, in the order of first arrival."""
        return list(dict.fromkeys(self.sequences))

    def wait(self, enough: Callable[[], bool], timeout_s: float = 15) -> None:
        with self._more:
            assert self._more.wait_for(enough, timeout_s), (len(self.payloads), self.retained)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False
