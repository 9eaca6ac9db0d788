"""The signal seam as docs/plc-interface.md says it: what a PLC that is not ours reads at each of its scans."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from simulator.config import PlantConfig
from simulator.control import obey
from simulator.runner import Runner, Truth


async def one_scan(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[bytes]:
    writer.write(b"OUT 1 0 0\n")
    return (await reader.readline()).split()


async def seam_of_a_plant_that_does_not_tick() -> None:
    runner = Runner(PlantConfig(), Truth(), seam=0)
    await runner.open()
    reader, writer = await asyncio.open_connection("127.0.0.1", runner.port)
    first = await one_scan(reader, writer)
    assert (first[0], first[3:]) == (b"IN", [b"0", b"1", b"0", b"0", b"0", b"1", b"0"])
    later = first
    async with asyncio.timeout(5):
        while later[2] == first[2]:  # the belt starts to move
            later = await one_scan(reader, writer)
    assert int(later[1]) > int(first[1])
    await runner.close()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def fed(*lines: str) -> bool:
    """Whether parcels come once the belt has run as far as they wait for."""
    runner = Runner(PlantConfig(), Truth(), seam=0)
    await runner.open()
    running = asyncio.create_task(runner.run())
    await asyncio.sleep(0)
    runner.plant.belt.travel = 1e6
    for line in lines:
        await obey(runner, line)
    reader, writer = await asyncio.open_connection("127.0.0.1", runner.port)
    for _ in range(2):
        await one_scan(reader, writer)
    runner.stop()
    await running
    writer.close()
    await writer.wait_closed()
    return runner.plant.feeding


@pytest.mark.parametrize(
    ("lines", "come"), [((), True), (("feed off",), False), (("feed off", "feed on"), True), (("feed on",), True)]
)
def test_what_is_said_of_the_feed_counts_while_the_plant_waits_too(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lines: tuple[str, ...],
    come: bool,  # noqa: FBT001
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wires").mkdir()
    assert asyncio.run(fed(*lines)) == come


def test_time_and_count_are_those_of_the_scan_not_of_the_last_tick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wires").mkdir()
    asyncio.run(seam_of_a_plant_that_does_not_tick())
