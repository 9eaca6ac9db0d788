"""Storms in machine code: the same modules, compiled by mypyc (which comes with mypy) and gcc.

A copy of the product is compiled once, kept in the user's cache under a digest of its source, and run in place of the
source: the same events, byte for byte. What rests on pydantic or typer stays interpreted.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("station", "simulator", "drivers", "models")
_COMPILED = ("station/core", "station/core/events", "simulator/plant", "simulator/plc", "simulator/storm")
_ALSO = ("station/turn.py", "station/heartbeat.py", "station/replay/engine.py", "station/replay/stand_ins.py")
_STAYS = ("pydantic", "typer")
_SOURCE = ("__init__.py", "cli.py", "compiled.py", "disk.py")
"""Not worth it; and the classes of disk.py are apsw's."""
_READ_BY_PYDANTIC = "station/core/setup.py"
"""Its dataclasses are fields of records: pydantic reads their annotations, of which mypyc leaves only `type`."""
_MISSING = "storms are compiled by mypyc and gcc: `pip install -e '.[check]'`, and gcc with its headers"


class CompileError(Exception):
    """The product could not be compiled; the text says why and what to do."""


def folder() -> Path:
    """Where the compiled copy of this product lies, or will.

    Raises:
        CompileError: mypyc or gcc is not installed.
    """
    try:
        compiler = version("mypy")
    except PackageNotFoundError as error:
        raise CompileError(_MISSING) from error
    if shutil.which("gcc") is None:
        raise CompileError(_MISSING)
    digest = sha256(f"{compiler} {platform.python_version()} {platform.machine()}".encode())
    for path in _sources():
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "inspection-station" / f"storms-{digest.hexdigest()[:16]}"


def build(target: Path) -> None:
    """Compile the product into `target`, which appears whole or not at all; about a minute.

    Raises:
        CompileError: the compiler's own words.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        copy = Path(name) / target.name
        for package in PACKAGES:
            shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        command = [sys.executable, "-m", "mypyc", *compiled_files(copy)]
        ran = subprocess.run(
            command, cwd=copy, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(copy)}
        )
        if ran.returncode:
            raise CompileError("\n".join((ran.stdout + ran.stderr).splitlines()[-12:]))
        shutil.rmtree(copy / "build")
        shutil.rmtree(target, ignore_errors=True)
        copy.rename(target)


def environment(target: Path) -> dict[str, str]:
    """The environment in which Python finds the compiled product, wherever it is started."""
    return {**os.environ, "PYTHONPATH": str(target), "PYTHONSAFEPATH": "1"}


def compiled_files(copy: Path) -> list[str]:
    """What of the product is compiled, by its path in `copy`."""
    folders = [path for name in _COMPILED for path in sorted((copy / name).glob("*.py"))]
    chosen = [str(path.relative_to(copy)) for path in folders if path.name not in _SOURCE and not _stays(path)]
    return [*(name for name in chosen if name != _READ_BY_PYDANTIC), *_ALSO]


def _sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (p for p in sorted((ROOT / package).rglob("*")) if p.suffix in {".py", ".yaml"} and p.is_file())


def _stays(path: Path) -> bool:
    lines = path.read_text(encoding="utf-8").splitlines()
    return any(line.startswith(("import ", "from ")) and line.split()[1].split(".")[0] in _STAYS for line in lines)
