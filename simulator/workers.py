"""Processes that work for another one: they leave Ctrl-C to it, and do not outlive it."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import parent_process


def serve_parent() -> None:
    """To be called first in such a process: it ends with its parent, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
