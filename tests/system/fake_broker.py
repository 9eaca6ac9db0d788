"""A broker in a thread that answers as a test wants it to, MQTT 3.1.1 or 5: for what a real one rarely does."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Answer = int | Literal["silent", "close"]
Policy = Callable[[str, bytes], Answer]
"""How a publish is answered: with that reason of MQTT 5 (0 for success), not at all, or by closing."""

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 2, 3, 4, 8, 12, 14


@dataclass
class FakeBroker:
    """Takes one client after another, or several.

    Attributes:
        policy: how it answers a publish.
        versions: the protocol levels that it takes, 4 is MQTT 3.1.1.
        otherwise: what it does at a version that it does not take.
        properties: what its CONNACK says in MQTT 5, as bytes.
        connack: what it answers each CONNECT with, if not by its version.
        seen: topic and payload of each publish.
        connects: level and client id of each CONNECT.
        pubacks: packet ids that clients acknowledged.
        more: notified at each of these.
    """

    policy: Policy = lambda _topic, _payload: 0
    versions: tuple[int, ...] = (4, 5)
    otherwise: Literal["says so", "close", "silent"] = "says so"
    properties: bytes = b""
    connack: bytes = b""
    seen: list[tuple[str, bytes]] = field(default_factory=list)
    connects: list[tuple[int, str]] = field(default_factory=list)
    pubacks: list[int] = field(default_factory=list)
    more: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._clients: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for client in self._clients:
            client.close()

    def events(self) -> list[bytes]:
        with self.more:
            return [payload for topic, payload in self.seen if "/event/" in topic]

    def wait(self, enough: Callable[[], bool], timeout_s: float = 15) -> None:
        with self.more:
            assert self.more.wait_for(enough, timeout_s), self.seen[-3:]

    def send(self, packet: bytes) -> None:
        """Send it to the newest client."""
        self._clients[-1].sendall(packet)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                self._clients.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        level = 4
        with contextlib.suppress(OSError, EOFError), client:
            while True:
                kind, flags, body = _packet(client)
                if kind == CONNECT:
                    level = body[6]
                    if not self._welcome(client, level, body):
                        return
                elif kind == PINGREQ:
                    client.sendall(b"\xd0\x00")
                elif kind == SUBSCRIBE:
                    client.sendall(_framed(0x90, body[:2] + (b"\x00" if level == 5 else b"") + b"\x01"))
                elif kind == PUBACK:
                    self._note(self.pubacks, struct.unpack(">H", body[:2])[0])
                elif kind == DISCONNECT or (kind == PUBLISH and not self._publish(client, level, flags, body)):
                    return

    def _welcome(self, client: socket.socket, level: int, body: bytes) -> bool:
        at = 10 + (1 + body[10] if level == 5 else 0)
        size = struct.unpack(">H", body[at : at + 2])[0]
        self._note(self.connects, (level, body[at + 2 : at + 2 + size].decode()))
        if self.connack:
            client.sendall(self.connack)
        elif level not in self.versions:
            if self.otherwise == "says so":
                client.sendall(b"\x20\x02\x00\x01")
            return self.otherwise == "silent"
        elif level == 5:
            client.sendall(_framed(0x20, b"\x00\x00" + bytes([len(self.properties)]) + self.properties))
        else:
            client.sendall(b"\x20\x02\x00\x00")
        return True

    def _publish(self, client: socket.socket, level: int, flags: int, body: bytes) -> bool:
        size = struct.unpack(">H", body[:2])[0]
        topic, mid = body[2 : 2 + size].decode(), body[2 + size : 4 + size]
        payload = body[4 + size + (1 if level == 5 else 0) :]
        assert flags & 0x06 == 2
        answer = self.policy(topic, payload)
        self._note(self.seen, (topic, payload))
        if answer == "close":
            return False
        if answer != "silent":
            client.sendall(_framed(0x40, mid + (bytes([answer, 0]) if answer else b"")))
        return True

    def _note(self, notes: list[Any], one: object) -> None:
        with self.more:
            notes.append(one)
            self.more.notify_all()


def _packet(client: socket.socket) -> tuple[int, int, bytes]:
    head, size, shift = _read(client, 1)[0], 0, 0
    while True:
        byte = _read(client, 1)[0]
        size |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return head >> 4, head & 15, _read(client, size)


def _read(client: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        if not (more := client.recv(size - len(got))):
            raise EOFError
        got += more
    return got


def _framed(head: int, body: bytes) -> bytes:
    assert len(body) < 128
    return bytes([head, len(body)]) + body
