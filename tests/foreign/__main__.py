"""`python -m tests.foreign [FOLDER]`: make the environment and the models, and compare; exit code 1 if one differs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.foreign.compare import compare

TORCH = ("torch==2.13.0", "onnx==1.23.2", "onnxruntime==1.32.0", "opencv-python-headless", "transformers==5.24.0")
ALONE = ("ultralytics==8.4.190", "ultralytics-thop==2.2.3")
"""Without what they depend on: torchvision's build beside this torch does not load, and they do without it."""
MORE = ("matplotlib", "pillow", "polars", "psutil", "pyyaml", "requests", "scipy")
WHEEL = "rapidocr-onnxruntime==1.4.4"
TORCHVISION = "Metadata-Version: 2.1\nName: torchvision\nVersion: 0.28.0\n"
"""ultralytics asks for the version of it, and no more."""


def environment(home: Path) -> Path:
    """The Python of the foreign code's environment, made on first use."""
    python, ready = home / "bin/python", home / "ready"
    if ready.exists():
        return python
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, *TORCH, *MORE], check=True)
    subprocess.run([*pip, "--no-deps", *ALONE], check=True)
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "torchvision-0.28.0.dist-info").mkdir(exist_ok=True)
    (packages / "torchvision-0.28.0.dist-info/METADATA").write_text(TORCHVISION, "utf-8")
    download = [str(python), "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(home / "wheels"), WHEEL]
    subprocess.run(download, check=True)
    ready.touch()
    return python


def main(folder: Path) -> int:
    """Make, compare, and print a row for each model."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = cache / "inspection-station" / "foreign"
    python = environment(home)
    (wheel,) = (home / "wheels").glob("*.whl")
    export = [str(python), str(Path(__file__).with_name("export.py").resolve()), str(folder), str(wheel)]
    subprocess.run(export, check=True, stdout=subprocess.DEVNULL, cwd=home)
    table = Table("model", "taken for", "theirs", "ours", "box px", "score", "unmatched", "same")
    rows = [compare(path) for path in sorted(folder.iterdir())]
    for row in rows:
        cells = (row.theirs, row.ours, row.box_px, row.score, row.unmatched, row.same)
        table.add_row(row.name, row.decoder, *(str(cell) for cell in cells))
    Console().print(table)
    return 0 if rows and all(row.same for row in rows) else 1


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main(Path(sys.argv[1]).resolve()))
    with tempfile.TemporaryDirectory() as name:
        sys.exit(main(Path(name) / "models"))
