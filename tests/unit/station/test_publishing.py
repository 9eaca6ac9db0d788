"""The watch over the publisher's process: one that cannot be started is told and tried again, and ends nothing."""

from __future__ import annotations

import asyncio
import errno
from typing import Any

import pytest

from station import publishing
from station.core.events import Condition
from station.publishing import Publishing

SAYS = '{"subject": "broker", "standing": false, "text": ""}'


def test_a_publisher_that_cannot_be_started_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    begin, errors = asyncio.create_subprocess_exec, [errno.EMFILE, errno.ENOMEM]
    told: list[Condition] = []

    async def spawn(*_: str, **how: Any) -> asyncio.subprocess.Process:
        if errors:
            raise OSError(errors.pop(0), "no more of it")
        return await begin("sh", "-c", f"echo '{SAYS}'; cat", **how)

    async def live() -> None:
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

    monkeypatch.setattr(asyncio, "create_subprocess_exec", spawn)
    monkeypatch.setattr(publishing, "_RESTART_S", (0.0,))
    asyncio.run(live())
    assert [(one.subject, one.standing) for one in told] == [("process", True)] * 2 + [
        ("process", False),
        ("broker", False),
    ]
    assert "cannot be started" in told[0].text
    assert "no more of it" in told[0].text
