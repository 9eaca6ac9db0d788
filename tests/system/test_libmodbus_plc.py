"""The station at a PLC that was written from docs/plc-interface.md alone, in C on libmodbus; the plant at its seam."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers.modbus import ModbusClient, read_registers
from tests.needs import lacking, need
from tests.system.rig import Rig
from tests.system.test_line import assert_promises, released_while_dead

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("line")]
MakeRig = Callable[..., Rig]
SOURCE = Path(__file__).parents[1] / "drivers" / "plc_on_libmodbus.c"
COUNT_REGISTER, SESSION_REGISTER = 9, 15
KNOWN_BELT = 6250
"""Counts in 2.5 s: behind so much of empty belt a trigger number is believed at once (docs/decisions/0043)."""


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not Path("/usr/include/modbus/modbus.h").exists():
        lacking("libmodbus is not installed (apt install libmodbus-dev)")
    binary = tmp_path_factory.mktemp("plc") / "plc_on_libmodbus"
    flags = ["-Wall", "-Wextra", "-Werror", "-O2", "-I/usr/include/modbus"]
    subprocess.run([need("gcc"), *flags, "-o", str(binary), str(SOURCE), "-lmodbus"], check=True)
    return binary


@contextmanager
def shown(rig: Rig, register: int) -> Iterator[Callable[[], int]]:
    """A second look at a number that the PLC shows, which the daemon knows nothing of."""
    client = ModbusClient("127.0.0.1", rig.plc_port, 1.0)

    def number() -> int:
        high, low = read_registers(client, register, 2, 1)
        return high << 16 | low

    yield number
    client.close()


def start_on_an_empty_belt(rig: Rig) -> None:
    """Start the daemon; parcels come once it has seen enough of the belt run empty."""
    rig.plant.tell("feed off")
    rig.start()
    with shown(rig, COUNT_REGISTER) as count:
        first = count()
        rig.wait(lambda: (count() - first) % (1 << 32) > KNOWN_BELT, 10.0, "the belt ran empty")
    rig.plant.tell("feed on")


def test_a_line_runs_on_it_and_the_daemon_is_killed_once(make_rig: MakeRig, program: Path) -> None:
    rig = make_rig(seed=21, program=[program])  # no gap of this feed is so short that the diverter is hurried
    start_on_an_empty_belt(rig)
    rig.let_pass(8)
    with shown(rig, SESSION_REGISTER) as session:
        first = session()
        assert first
        rig.kill()
        rig.plant.tell("mark killed")
        rig.wait(lambda: session() == 0, 2.0, "the dead station's session ended")
        rig.start()
        assert session() not in {0, first}
    rig.let_pass(8)
    report = rig.finish()
    assert_promises(rig, report)
    assert rig.released() >= 15
    assert report["inspected"] >= 3, report
    assert not [done for done in rig.events("parcel-completed") if done["plc_why"] in {"void", "ambiguous", "length"}]
    opened = [event["new_session"] for event in rig.events("session-opened")]
    assert len(set(opened)) == 2
    assert opened[0] == first
    assert not released_while_dead(rig.facts())
    assert infeed_edges(rig) <= {(fact["number"], fact["count"]) for fact in rig.numbered()}
    lost = {f"{a['alarm']} {a['subject']}" for a in rig.events("alarm-raised")}
    assert lost <= {"order-late plc"}, lost  # on a busy machine an order may be late: the PLC inspects, as above


def infeed_edges(rig: Rig) -> set[tuple[int, int]]:
    """Number and count of each beam broken at the infeed eye, as the station read them."""
    edges = [edge for event in rig.events("edges-read") for edge in event["edges"]]
    return {(number, count) for _, eye, broken, count, _, number, _ in edges if eye == 0 and broken and number}


def test_swapped_words_are_named_and_nothing_is_worked_with(make_rig: MakeRig, program: Path) -> None:
    rig = make_rig(program=[program, "--swap-words"])
    rig.launch()
    rig.wait(lambda: any("swapped" in str(a["text"]) for a in rig.events("alarm-raised")), 15.0, "swapped words named")
    assert not rig.events("session-opened")
    with shown(rig, SESSION_REGISTER) as session:
        assert session() == 0
