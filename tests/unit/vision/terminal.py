"""A terminal wide enough that no text is broken into lines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import ModuleType


@contextlib.contextmanager
def wide(*modules: ModuleType) -> Iterator[None]:
    """Let the consoles of these command lines be 400 characters wide."""
    before = [module.console.width for module in modules]
    for module in modules:
        module.console.width = 400
    try:
        yield
    finally:
        for module, width in zip(modules, before, strict=True):
            module.console.width = width
