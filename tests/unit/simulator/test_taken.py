"""Two plants on one folder of wires or one port: the second ends with a sentence, and takes nothing from the first."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simulator.cli import app
from simulator.config import PlantConfig, WiresConfig
from simulator.wires.taken import TakenError, held


def ends(folder: Path) -> WiresConfig:
    places = {end: folder / end for end in ("scanner", "scale", "xray", "control")}
    return WiresConfig(**places)  # type: ignore[arg-type]


def plant_file(folder: Path, port: int = 0, **wires: int) -> str:
    plant = json.loads(PlantConfig(wires=ends(folder / "wires")).model_dump_json())
    plant["plc"]["port"] = port
    plant["wires"] |= wires
    path = folder / "plant.yaml"
    path.write_text(json.dumps(plant))
    return str(path)


def test_wires_that_are_held_are_told_with_their_folder_and_free_again_behind(tmp_path: Path) -> None:
    for _ in range(2):
        with held(ends(tmp_path)):
            with pytest.raises(TakenError) as caught, held(ends(tmp_path)):
                pass
            said = f"{tmp_path}: another plant has these wires (process {os.getpid()}); end it, or name another folder"
            assert str(caught.value).startswith(said)
            with held(ends(tmp_path / "others")):
                pass


def test_wires_in_several_folders_are_all_held(tmp_path: Path) -> None:
    apart = ends(tmp_path / "a").model_copy(update={"scale": tmp_path / "b" / "scale"})
    with held(apart), pytest.raises(TakenError, match=f"^{tmp_path / 'b'}: "), held(ends(tmp_path / "b")):
        pass


def test_a_second_plant_ends_and_leaves_wires_and_truth_to_the_first(tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    truth.write_text("the first one's\n")
    (tmp_path / "wires").mkdir()
    (tmp_path / "wires" / "control").write_text("the first one's")
    with held(ends(tmp_path / "wires")):
        ran = CliRunner().invoke(app, ["run", plant_file(tmp_path), "--truth", str(truth)])
    assert ran.exit_code == 2
    assert ran.stderr.startswith(f"{tmp_path}/wires: another plant has these wires")
    assert len(ran.stderr.splitlines()) == 1
    assert truth.read_text() == "the first one's\n"
    assert (tmp_path / "wires" / "control").exists()


@pytest.mark.parametrize("whose", ["plc", "scale", "seam"])
def test_a_port_that_another_has_is_told_with_the_port(tmp_path: Path, whose: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        scale = {"modbus_scale_port": port} if whose == "scale" else {}
        file = plant_file(tmp_path, port if whose == "plc" else 0, **scale)
        command = [sys.executable, "-m", "simulator", "run", file, *(["--seam", str(port)] if whose == "seam" else [])]
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2, ran.stderr
    assert ran.stderr.startswith(f"127.0.0.1:{port}: cannot be listened at")
    assert len(ran.stderr.splitlines()) == 1
    assert not (tmp_path / "wires" / "scanner").is_symlink()
