"""What a test needs of the machine: skipped with a word where it lacks, failed under REQUIRE_ALL=1."""

from __future__ import annotations

import os
import shutil

import pytest


def need(program: str, package: str = "") -> str:
    """Path of a program that a test starts; without it the test is skipped, or fails under REQUIRE_ALL=1."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if path:
        return path
    lacking(f"{program} is not installed (apt install {package or program})")
    return ""


def lacking(word: str) -> None:
    """Skip the test with a word on what it lacks; fail it under REQUIRE_ALL=1."""
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(word)
    pytest.skip(word)
