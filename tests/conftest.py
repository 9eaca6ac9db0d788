"""What all tests share: REQUIRE_ALL turns a skip into a failure."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Generator

import pytest
from hypothesis import settings

# The same examples every time; the long trials draw new ones.
settings.register_profile("steady", derandomize=True, database=None)
settings.register_profile("long", max_examples=2000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

collect_ignore = ["training"]
"""Only where it is asked for, since it needs PyTorch: `./scripts/test-training`."""

# A shell that runs the tests in the background has them ignore Ctrl-C, and so would all that they start and end by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_BEHIND = 15
"""How far the rest steps back (nice) where a whole line runs beside it in real time, on as few cores."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Whole lines come first; who may not step forward again has run them first all the same."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, 0 if item.get_closest_marker("xdist_group") else _BEHIND)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that would be skipped fails where everything is required."""
    del item, call
    report = yield
    if report.skipped and os.environ.get("REQUIRE_ALL") == "1" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but REQUIRE_ALL=1: {report.longrepr}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whole lines run in real time, so no two may run at once: their group must have reached xdist."""
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        if item.get_closest_marker("xdist_group") is not None and "@" not in item.nodeid:
            raise pytest.UsageError(f"xdist does not group {item.nodeid}: install the pytest of requirements.lock")
