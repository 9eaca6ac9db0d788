"""Field cases C02 and C03, and every way in which a reply may not fit its request."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from drivers.modbus import (
    BadReplyError,
    ClosedError,
    ModbusClient,
    ModbusError,
    NoConnectionError,
    NoReplyError,
    RefusedError,
    read_registers,
    write_registers,
)

Scripting = Callable[[Callable[[bytes], bytes | None]], "object"]


def reply(request: bytes, pdu: bytes, tid: bytes | None = None, unit: int | None = None) -> bytes:
    body = bytes([request[6] if unit is None else unit]) + pdu
    return (tid or request[:2]) + b"\0\0" + struct.pack(">H", len(body)) + body


def good(request: bytes) -> bytes:
    function, address, count = struct.unpack(">BHH", request[7:12])
    if function == 16:
        return reply(request, request[7:12])
    words = b"".join(struct.pack(">H", address + n) for n in range(count))
    return reply(request, bytes([function, len(words)]) + words)


@pytest.fixture
def clients() -> Iterator[list[ModbusClient]]:
    made: list[ModbusClient] = []
    yield made
    for client in made:
        client.close()


@pytest.fixture
def ask(scripted: Scripting, clients: list[ModbusClient]) -> Callable[..., tuple[ModbusClient, object]]:
    def make(answer: Callable[[bytes], bytes | None]) -> tuple[ModbusClient, object]:
        server = scripted(answer)
        clients.append(ModbusClient("127.0.0.1", server.port, reply_timeout_s=0.2))
        return clients[-1], server

    return make


def test_a_good_answer_is_taken_over_one_connection(ask: Callable[..., tuple[ModbusClient, object]]) -> None:
    client, server = ask(good)
    assert read_registers(client, 10, 3, unit=1) == [10, 11, 12]
    assert read_registers(client, 10, 125, unit=1, function=4)[-1] == 134
    write_registers(client, 5, [1, 2], unit=1)
    assert server.connections == 1


@pytest.mark.parametrize("heard", [0, 1], ids=["before it is asked", "while it is waited for"])
@pytest.mark.parametrize("reset", [False, True], ids=["end", "reset"])
def test_a_connection_that_is_closed_in_place_of_an_answer_is_called_so(
    clients: list[ModbusClient], heard: int, *, reset: bool
) -> None:
    def turn_away() -> None:
        with server.accept()[0] as far:
            far.recv(heard)
            if reset:
                far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=turn_away)
        thread.start()
        clients.append(ModbusClient("127.0.0.1", server.getsockname()[1], reply_timeout_s=5.0))
        with pytest.raises(ClosedError, match="its connections may be used up"):
            read_registers(clients[-1], 10, 3, unit=1)
        thread.join()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda r: reply(r, b"\x04\x02\x00\x01"), "function 4 answered"),
        (lambda r: reply(r, b"\x10\x00\x01\x00\x01"), "function 16 answered"),
        (lambda r: reply(r, b"\x03\x04\x00\x01\x00\x02"), "2 registers came"),
        (lambda r: reply(r, b"\x03\x02\x00\x01", tid=b"\x77\x77"), "out of step"),
        (lambda r: reply(r, b"\x03\x02\x00\x01", tid=r[1::-1]), "out of step"),
        (lambda r: reply(r, b"\x03\x02\x00\x01", tid=b"\0\0"), "out of step"),
        (lambda r: reply(r, b"\x03\x02\x00\x01", unit=9), "unit 9 answered, asked was 1: set `unit_id`"),
        (lambda _: bytes.fromhex("01030200017984"), "gateway that passes on RTU"),
        (lambda r: reply(r, b"\x03\x02\x00"), "garbled"),
        (lambda r: reply(r, b"\x03\x05\x00\x01"), "garbled"),
        (lambda r: reply(r, b"\x03\x03\x00\x01\x09"), "garbled"),
        (lambda r: reply(r, b"\x03\x01\x00\x01"), "0 registers came"),
        (lambda r: reply(r, b"\x03\x02\x00\x01\x09\x09"), "garbled"),
        (lambda r: reply(r, b"\x63\x02\x00\x01"), "garbled"),
        (lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n", "no Modbus TCP"),
        (lambda r: good(r)[:-1], "garbled"),
    ],
)
def test_an_answer_that_does_not_fit_is_never_used_and_the_connection_reopened(
    ask: Callable[..., tuple[ModbusClient, object]], answer: Callable[[bytes], bytes], error: str
) -> None:
    client, server = ask(answer)
    with pytest.raises(BadReplyError, match=error):
        read_registers(client, 10, 1, unit=1)
    assert not client.connected
    server.answer = good
    assert read_registers(client, 10, 1, unit=1) == [10]
    assert server.connections == 2


@pytest.mark.parametrize("fields", [(16, 6, 2), (16, 5, 1), (16, 0, 0)])
def test_a_write_counts_only_when_its_own_address_and_count_come_back(
    ask: Callable[..., tuple[ModbusClient, object]], fields: tuple[int, int, int]
) -> None:
    client, _ = ask(lambda r: reply(r, struct.pack(">BHH", *fields)))
    with pytest.raises(BadReplyError, match="asked was 2 at 5"):
        write_registers(client, 5, [1, 2], unit=1)


def test_a_write_whose_answer_is_longer_than_one_does_not_count(
    ask: Callable[..., tuple[ModbusClient, object]],
) -> None:
    client, _ = ask(lambda r: reply(r, r[7:12] + b"\x09\x09"))
    with pytest.raises(BadReplyError, match="garbled"):
        write_registers(client, 5, [1, 2], unit=1)
    assert not client.connected


@pytest.mark.parametrize("code", [5, 6, 10, 11])
def test_busy_is_absence_and_keeps_the_connection(ask: Callable[..., tuple[ModbusClient, object]], code: int) -> None:
    client, server = ask(lambda r: reply(r, bytes([r[7] | 0x80, code])))
    with pytest.raises(RefusedError) as caught:
        read_registers(client, 10, 1, unit=1)
    assert caught.value.code == code
    with pytest.raises(RefusedError):
        write_registers(client, 10, [1], unit=1)
    server.answer = good
    assert read_registers(client, 10, 1, unit=1) == [10]
    assert server.connections == 1


def test_a_late_answer_is_never_the_answer_to_the_next_request(ask: Callable[..., tuple[ModbusClient, object]]) -> None:
    held: list[bytes] = []

    def late(request: bytes) -> bytes | None:
        held.append(good(request))
        return held[-2] if len(held) > 1 else None

    client, server = ask(late)
    with pytest.raises(NoReplyError, match="did not answer within 200 ms"):
        read_registers(client, 1, 1, unit=1)
    with pytest.raises(BadReplyError):
        read_registers(client, 2, 1, unit=1)
    server.answer = good
    assert read_registers(client, 3, 1, unit=1) == [3]


def test_nobody_there_is_said_within_200_ms(clients: list[ModbusClient]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    clients.append(ModbusClient("127.0.0.1", port, reply_timeout_s=0.2))
    begun = time.monotonic()
    with pytest.raises(NoConnectionError, match=f"127.0.0.1:{port}"):
        read_registers(clients[0], 1, 1, unit=1)
    assert time.monotonic() - begun < 0.3


def test_a_server_that_closes_is_no_reply(ask: Callable[..., tuple[ModbusClient, object]]) -> None:
    client, server = ask(good)
    read_registers(client, 1, 1, unit=1)
    server.close()
    with pytest.raises(ModbusError):
        read_registers(client, 1, 1, unit=1)
    assert not client.connected
