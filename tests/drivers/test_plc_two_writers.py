"""A second program that writes the PLC's command block is seen, and its echo proves no write of ours."""

from __future__ import annotations

import pytest

from drivers.plc_writes import ANOTHER_WRITES, Writes
from simulator.plc.orders import Command
from station.core.events import PlcConnected, PlcSample
from tests.drivers.plc_in_memory import Polled, ProgramInMemory


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> ProgramInMemory:
    return ProgramInMemory(monkeypatch)


def test_a_second_station_never_begins_to_write(program: ProgramInMemory) -> None:
    first, second = Polled(program), Polled(program)
    first.live()
    program.between = first.poll
    second.poll(2)
    program.between = None
    assert second.failures == [ANOTHER_WRITES] * 2
    assert not second.of(PlcConnected)
    first.poll(10)
    assert not first.failures
    assert program.program.orders.session == 5
    program.pc_ns += 10**10  # the first was ended
    second.poll()
    assert len(second.failures) == 2


def test_one_that_begins_to_write_later_is_named_within_a_few_polls(program: ProgramInMemory) -> None:
    rig = Polled(program)
    rig.live()
    samples = len(rig.of(PlcSample))
    for _ in range(3):
        program.take(Command((program.program.orders.number or 0) + 400, 9, 1, 0, ()))
        rig.plc._writes._number = 0  # what the other wrote comes behind ours, each time
        rig.poll()
    assert rig.failures == [ANOTHER_WRITES]
    brackets = [sample.after_ns for sample in rig.of(PlcSample)[samples:] if isinstance(sample, PlcSample)]
    assert set(brackets) <= {0}, "no echo of another's write is taken for the time of one of ours"


def test_a_late_block_of_an_earlier_connection_is_no_other_program(program: ProgramInMemory) -> None:
    rig = Polled(program)
    rig.live()
    for _ in range(6):
        late = Command(rig.plc._writes.next(), 5, 1, 0, ())
        rig.plc._connected = False
        rig.poll()
        program.take(late)
        rig.poll(3)
    assert not rig.failures


def test_a_number_that_may_come_late_is_not_given_again() -> None:
    writes = Writes(lambda: 1)
    for _ in range(50):
        sent = {writes.next() for _ in range(200)}
        writes.begin(0)
        assert not sent & {writes.next() for _ in range(200)}
        assert writes.asked(next(iter(sent))) is None
        assert not writes.doubted


def test_each_own_echo_proves_its_own_write_and_as_long_as_it_is_shown() -> None:
    now = iter(range(1, 10_000))
    writes = Writes(lambda: next(now))
    writes.begin(7)
    numbers = [writes.next() for _ in range(3)]
    assert writes.asked(7) is None
    assert [writes.asked(numbers[1]), writes.asked(numbers[1]), writes.asked(numbers[2])] == [2, 2, 3]
    assert writes.asked(numbers[0]) is None


def test_an_old_answer_is_no_other_program_and_proves_nothing() -> None:
    writes = Writes(lambda: 1)
    writes.begin(7)
    numbers = [writes.next() for _ in range(10)]
    for late in range(5):
        assert writes.asked(numbers[9]) == 1
        assert writes.asked(numbers[late]) is None
    assert not writes.doubted
