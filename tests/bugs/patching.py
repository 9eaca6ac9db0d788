"""Deliberate bugs: read from the catalogue, and laid over a copy of the product."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
CATALOGUE = Path(__file__).with_name("catalogue.yaml")
PACKAGES = ("station", "simulator", "drivers", "models")
RESOURCES = ("config", "docs/plc-map.yaml")
PROMISES = (
    "own-evidence",
    "disk-first",
    "in-time",
    "no-old-order",
    "accounted",
    "at-subscriber",
    "replay",
    "recovery",
    "bounded",
    "liveness",
    "useful",
    "obeyed",
)
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "*.pt")


@dataclass(frozen=True, slots=True)
class Bug:
    """One deliberate bug: in `file` (under station/) the text `find` becomes `replace`.

    `unseen` is why no storm can show it, where that is so: another lock behind it holds, or nothing comes of it.
    """

    name: str
    promise: str
    file: str
    find: str
    replace: str
    story: str
    unseen: str = ""

    def apply(self, text: str) -> str:
        """Return the patched text; ValueError unless `find` occurs exactly once."""
        times = text.count(self.find)
        if times != 1:
            raise ValueError(f"bug {self.name}: its text occurs {times} times in {self.file}; adapt the catalogue")
        return text.replace(self.find, self.replace)


def load() -> list[Bug]:
    """Return every bug of the catalogue, in its order."""
    return [Bug(**entry) for entry in yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))]


def mutated_tree(bug: Bug, into: Path) -> Path:
    """Copy the product into `into` with the bug in it; a subprocess with PYTHONPATH=`into` runs that."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, into / package, ignore=_LEFT_OUT, dirs_exist_ok=True)
    for resource in RESOURCES:
        source, target = ROOT / resource, into / resource
        if source.is_dir():
            shutil.copytree(source, target, ignore=_LEFT_OUT, dirs_exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    patched = into / "station" / bug.file
    patched.write_text(bug.apply(patched.read_text(encoding="utf-8")), encoding="utf-8")
    return into
