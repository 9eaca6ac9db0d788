"""A PLC of two connections that never hears a killed client go: field case C10."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise

import pytest

from drivers.modbus_plc import BACKOFF_S
from tests.system.rig import Rig
from tests.system.test_line import assert_promises, released_while_dead

SLOTS = 2


class FewConnections:
    """Stands ahead of a server; a client that goes keeps its place until `forget`, one too many is closed at once."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._held: list[tuple[socket.socket, socket.socket]] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        self.turned_away: list[float] = []

    def forget(self) -> None:
        """Close what is idle, as a PLC does after minutes."""
        held, self._held = self._held, []
        for pair in held:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if len(self._held) >= SLOTS:
                    self.turned_away.append(time.monotonic())
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._behind))
                self._held.append((client, server))
                for source, target in ((client, server), (server, client)):
                    self._threads.append(threading.Thread(target=self._carry, args=(source, target)))
                    self._threads[-1].start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                target.sendall(data)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.forget()
        for thread in self._threads:
            thread.join(5)


def use_up(rig: Rig, few: FewConnections) -> None:
    """Kill the daemon with its connections open until the next one is turned away, and says so; then let it in."""
    for _ in range(SLOTS):
        rig.start()
        rig.let_pass(1)
        rig.kill()
        rig.plant.tell("mark killed")
    said, few.turned_away = used_up(rig), []
    rig.launch()
    rig.wait(lambda: used_up(rig) > said, 20.0, "the alarm names it")
    rig.wait(lambda: len(few.turned_away) > 3, 10.0, "it asks again and again")
    pauses = [later - before for before, later in pairwise(few.turned_away)]
    assert all(pause >= least for pause, least in zip(pauses, BACKOFF_S[1:], strict=False)), pauses
    few.forget()
    rig.let_pass(2)
    rig.kill()
    rig.plant.tell("mark killed")
    few.forget()


@pytest.mark.timeout(150)
@pytest.mark.xdist_group("line")
def test_a_daemon_that_is_turned_away_says_so_and_is_back_once_a_connection_is_free(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig(seed=10)
    few = FewConnections(rig.plc_port)
    rig.overrides[0] = f"plc.wire.port={few.port}"
    try:
        for _ in range(2):
            use_up(rig, few)
        rig.start()
        rig.let_pass(2)
        report = rig.finish()
        assert_promises(rig, report)
        assert not released_while_dead(rig.facts())
    finally:
        few.close()


def used_up(rig: Rig) -> int:
    """How often the alarm named it."""
    said = [alarm["text"] for alarm in rig.events("alarm-raised") if alarm["alarm"] == "plc-lost"]
    return sum("its connections may be used up" in text for text in said)
