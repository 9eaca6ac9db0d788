"""A thread or a task that fails ends the station, once, with a sentence; what ends well or is cancelled does not."""

from __future__ import annotations

import asyncio
import threading

from station.watch import Watch


def broken() -> None:
    raise ZeroDivisionError("a fault of ours")


def test_a_thread_that_fails_ends_the_station_once() -> None:
    told: list[str] = []
    before = threading.excepthook
    with Watch(told.append) as watch:
        for name in ("device scanner", "eye"):
            thread = threading.Thread(target=broken, name=name)
            thread.start()
            thread.join()
    assert told == [watch.died]
    assert "device scanner died: ZeroDivisionError('a fault of ours')" in watch.died
    assert threading.excepthook is before


def test_a_thread_that_ends_by_itself_is_no_death() -> None:
    told: list[str] = []
    with Watch(told.append) as watch:
        for work in (int, exit):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
    assert (told, watch.died) == ([], "")


def test_a_task_that_fails_ends_the_station_and_a_cancelled_one_does_not() -> None:
    told: list[str] = []

    async def fails() -> None:
        broken()

    async def run(watch: Watch) -> None:
        ended = watch.task("well", asyncio.sleep(0))
        cancelled = watch.task("cancelled", asyncio.sleep(60))
        failed = watch.task("the watch over the lists", fails())
        await asyncio.wait([ended, failed])
        cancelled.cancel()
        await asyncio.wait([cancelled])

    with Watch(told.append) as watch:
        asyncio.run(run(watch))
    assert len(told) == 1
    assert "the watch over the lists died: ZeroDivisionError" in watch.died
