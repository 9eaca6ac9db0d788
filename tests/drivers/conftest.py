from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from station.core.events import Event
from station.ports import Device, Picture
from tests.needs import lacking, need


class Caught:
    """A sink that a test can wait at."""

    def __init__(self) -> None:
        self.items: list[Event | Picture] = []
        self._more = threading.Condition()

    def __call__(self, event: Event | Picture) -> None:
        with self._more:
            self.items.append(event)
            self._more.notify_all()

    def of(self, *kinds: type) -> list[object]:
        return [item for item in self.items if isinstance(item, kinds)]

    def wait(self, enough: Callable[[list[Event | Picture]], bool], timeout_s: float = 5.0) -> None:
        with self._more:
            assert self._more.wait_for(lambda: enough(self.items), timeout_s), self.items

    def wait_for(self, kind: type, count: int = 1, timeout_s: float = 5.0) -> list[object]:
        self.wait(lambda _: len(self.of(kind)) >= count, timeout_s)
        return self.of(kind)


def eventually(
    true: Callable[[], bool], timeout_s: float = 5.0, why: Callable[[], object] = lambda: "did not come true"
) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end, why()
        time.sleep(0.002)


@pytest.fixture
def caught() -> Caught:
    return Caught()


@pytest.fixture
def started(caught: Caught) -> Iterator[Callable[[Device], Device]]:
    """Start a device on `caught`; it is stopped within a second, and leaves no thread."""
    devices: list[Device] = []
    before = set(threading.enumerate())

    def start(device: Device) -> Device:
        devices.append(device)
        device.start(caught)
        return device

    yield start
    begun = time.monotonic()
    for device in devices:
        device.stop()
    assert time.monotonic() - begun < 1.0 * max(1, len(devices))
    assert set(threading.enumerate()) <= before


@pytest.fixture(scope="session")
def scale_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, binary = Path(__file__).parent / "scale_server.c", tmp_path_factory.mktemp("scale") / "scale_server"
    if not Path("/usr/include/modbus/modbus.h").exists():
        lacking("libmodbus is not installed (apt install libmodbus-dev)")
    build = [
        need("gcc"),
        "-Wall",
        "-Werror",
        "-O1",
        "-I/usr/include/modbus",
        "-o",
        str(binary),
        str(source),
        "-lmodbus",
    ]
    subprocess.run(build, check=True)
    return binary


class Scripted:
    """A TCP server that answers each Modbus request by a function of the test; one thread a connection."""

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self.answer = answer
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                self.connections += 1
                self._open.append(peer)
                self._threads.append(threading.Thread(target=self._serve, args=(peer,)))
                self._threads[-1].start()

    def _serve(self, peer: socket.socket) -> None:
        with suppress(OSError):
            while request := peer.recv(4096):
                if reply := self.answer(request):
                    peer.sendall(reply)
        peer.close()

    def close(self) -> None:
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(2)


@pytest.fixture
def scripted() -> Iterator[Callable[[Callable[[bytes], bytes | None]], Scripted]]:
    servers: list[Scripted] = []

    def make(answer: Callable[[bytes], bytes | None]) -> Scripted:
        servers.append(Scripted(answer))
        return servers[-1]

    yield make
    for server in servers:
        server.close()
