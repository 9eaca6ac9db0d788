"""An MQTT broker inside the demo's process, on a port that the system chose; no test of a promise relies on it."""

from __future__ import annotations

import asyncio
import logging
import threading

from amqtt.broker import Broker

_START_S = 10.0


class EmbeddedBroker:
    """amqtt in a thread with a loop of its own, bound to the loopback."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._broker: Broker | None = None

    def start(self) -> None:
        """Listen, also again after a stop; raises TimeoutError if it does not within ten seconds."""
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._loop = asyncio.new_event_loop()
        self._ready.clear()
        self._thread = threading.Thread(target=self._run, args=(self._loop,), name="broker", daemon=True)
        self._thread.start()
        if not self._ready.wait(_START_S):
            raise TimeoutError("the embedded broker does not start")

    def stop(self) -> None:
        """Close every connection; once it is stopped, nothing more happens."""
        loop, thread, self._loop = self._loop, self._thread, None
        if loop is None or thread is None:
            return
        if self._broker is not None:
            asyncio.run_coroutine_threadsafe(self._broker.shutdown(), loop).result(5.0)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(2.0)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(self._start())
        self._ready.set()
        loop.run_forever()
        loop.close()

    async def _start(self) -> None:
        config = {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}", "max_connections": 20}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
        self._broker = Broker(config)
        await self._broker.start()
