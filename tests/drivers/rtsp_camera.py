"""A camera on RTSP over TCP with RTP/JPEG payload (RFC 2326, RFC 2435), in real time; frame n has brightness 4n."""

from __future__ import annotations

import base64
import socket
import struct
import threading
import time
from contextlib import suppress

import cv2
import numpy as np

FPS = 25
SIZE = (64, 48)


def _jpeg(n: int) -> tuple[bytes, bytes]:
    """Quantisation tables and scan of a picture, as RTP/JPEG wants them."""
    noise = np.random.default_rng(n).integers(-2, 3, (SIZE[1], SIZE[0], 3))
    pixels = np.clip(4 * (n % 60) + 8 + noise, 0, 255).astype(np.uint8)
    half = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    data = cv2.imencode(".jpg", pixels, half)[1].tobytes()
    tables, at = b"", 2
    while data[at + 1] != 0xDA:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0xDB:
            body = data[at + 4 : at + 2 + length]
            tables += b"".join(body[i + 1 : i + 65] for i in range(0, len(body), 65))
        at += 2 + length
    return tables, data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") : -2]


class RtspCamera:
    """One client after another; `frames` counts what was sent.

    Of each picture's scan a `share` is sent, and from one to the next its stamps advance by `tick` of 1/90,000 s.
    With `login`, "name:password", it gives nothing to who does not know it (RFC 7617).
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"rtsp://127.0.0.1:{self.port}/cam"
        self.frames = 0
        self.begun = 0.0
        self.share = 1.0
        self.login = ""
        self.tick = 90_000 // FPS
        self._peer: socket.socket | None = None
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self._peer, _ = self._listener.accept()
                with suppress(OSError):
                    self._converse(self._peer)
                self._peer.close()

    def _converse(self, peer: socket.socket) -> None:
        held = b""
        while data := peer.recv(4096):
            held += data
            while b"\r\n\r\n" in held:
                request, held = held.split(b"\r\n\r\n", 1)
                method = request.split(b" ", 1)[0].decode()
                number = next(line for line in request.decode().split("\r\n") if line.lower().startswith("cseq"))
                if self.login and method != "OPTIONS" and self._proof() not in request:
                    refused = f'RTSP/1.0 401 Unauthorized\r\n{number}\r\nWWW-Authenticate: Basic realm="cam"\r\n\r\n'
                    peer.sendall(refused.encode())
                    continue
                peer.sendall(self._answer(method, number))
                if method == "PLAY":
                    self._stream(peer)
                    return

    def _proof(self) -> bytes:
        return b"Authorization: Basic " + base64.b64encode(self.login.encode())

    def _answer(self, method: str, number: str) -> bytes:
        more, body = "", ""
        if method == "OPTIONS":
            more = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        elif method == "DESCRIBE":
            body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=cam\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:track1\r\n"
            more = f"Content-Base: {self.url}/\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        elif method == "SETUP":
            more = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
        elif method == "PLAY":
            more = "Session: 1\r\n"
        return f"RTSP/1.0 200 OK\r\n{number}\r\n{more}\r\n{body}".encode()

    def _stream(self, peer: socket.socket) -> None:
        self.begun, self.frames = time.monotonic(), 0
        while True:
            stamp = self.tick * self.frames
            tables, scan = _jpeg(self.frames)
            scan = scan[: round(self.share * len(scan))]
            head = struct.pack(">I", 0) + bytes([1, 255, SIZE[0] // 8, SIZE[1] // 8]) + struct.pack(">HH", 0, 128)
            packet = struct.pack(">BBHII", 0x80, 0x80 | 26, self.frames & 0xFFFF, stamp, 7) + head + tables + scan
            peer.sendall(b"$\0" + struct.pack(">H", len(packet)) + packet)
            self.frames += 1
            time.sleep(max(0.0, self.begun + self.frames / FPS - time.monotonic()))

    def unplug(self) -> None:
        """Cut the connection."""
        if self._peer is not None:
            with suppress(OSError):
                self._peer.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.unplug()
        self._thread.join(3)
