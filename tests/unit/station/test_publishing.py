"""The watch over the publisher's process: one that cannot be started is told and tried again, and ends nothing."""

from __future__ import annotations

import asyncio
import errno
import logging
from typing import Any

import pytest

from station import publishing
from station.core.events import Condition
from station.publishing import STEADY_NS, Losses, Publishing

SAYS = '{"subject": "broker", "standing": false, "text": ""}'


async def until_the_broker_is_named() -> list[Condition]:
    """All that the watch over a publisher tells until that has said something of the broker; then it is ended."""
    told: list[Condition] = []
    heard = asyncio.Event()

    def hear(condition: Condition) -> None:
        told.append(condition)
        if condition.subject == "broker":
            heard.set()

    watch = Publishing({}, hear)
    task = asyncio.create_task(watch.run())
    await asyncio.wait_for(heard.wait(), 10)
    await watch.stop()
    await asyncio.wait_for(task, 5)
    return told


def test_a_publisher_that_cannot_be_started_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    begin, errors = asyncio.create_subprocess_exec, [errno.EMFILE, errno.ENOMEM]

    async def spawn(*_: str, **how: Any) -> asyncio.subprocess.Process:
        if errors:
            raise OSError(errors.pop(0), "no more of it")
        return await begin("sh", "-c", f"echo '{SAYS}'; cat", **how)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", spawn)
    monkeypatch.setattr(publishing, "_RESTART_S", (0.0,))
    told = asyncio.run(until_the_broker_is_named())
    assert [(one.subject, one.standing) for one in told] == [("process", True)] * 2 + [
        ("process", False),
        ("broker", False),
    ]
    assert "cannot be started" in told[0].text
    assert "no more of it" in told[0].text


def test_a_publisher_that_stands_still_is_killed_told_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that hangs looks alive; it had been watched by its being there alone."""
    begin, scripts = asyncio.create_subprocess_exec, ["echo '{}'; exec sleep 1000", f"echo '{SAYS}'; cat"]

    async def spawn(*_: str, **how: Any) -> asyncio.subprocess.Process:
        return await begin("sh", "-c", scripts.pop(0), **how)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", spawn)
    monkeypatch.setattr(publishing, "_RESTART_S", (0.0,))
    monkeypatch.setattr(publishing, "SILENT_S", 0.5)
    told = asyncio.run(until_the_broker_is_named())
    stood = [(one.subject, one.standing) for one in told]
    assert stood == [("process", False), ("process", True), ("process", False), ("broker", False)]
    assert "stood still" in told[1].text


def test_a_broker_lost_and_found_is_a_line_each_and_one_that_flaps_no_more(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    losses, now_ns = Losses(), 0

    def say(text: str, seconds: float) -> None:
        nonlocal now_ns
        now_ns += round(seconds * 1e9)
        losses.take(Condition("publisher", "broker", standing=bool(text), text=text), now_ns)

    for text, seconds in (("", 1), ("refused", 9), ("no route", 1), ("", 1), *[("refused", 1), ("", 1)] * 50):
        say(text, seconds)
    told = ["the broker is there", "the broker is lost: refused", "the broker is there again"]
    assert caplog.messages == [f"publisher: {line}" for line in told]
    say("refused", STEADY_NS / 1e9)
    say("", 1)
    assert caplog.messages == [f"publisher: {line}" for line in told + told[1:]]


def test_what_a_publisher_says_of_the_broker_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begin = asyncio.create_subprocess_exec
    lost = SAYS.replace("false", "true").replace('""', '"gone"')

    async def spawn(*_: str, **how: Any) -> asyncio.subprocess.Process:
        return await begin("sh", "-c", f"echo '{lost}'; cat", **how)

    async def live() -> None:
        heard = asyncio.Event()
        watch = Publishing({}, lambda condition: heard.set() if condition.subject == "broker" else None)
        task = asyncio.create_task(watch.run())
        await asyncio.wait_for(heard.wait(), 10)
        await watch.stop()
        await asyncio.wait_for(task, 5)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", spawn)
    asyncio.run(live())
    assert "publisher: the broker is lost: gone" in caplog.messages
