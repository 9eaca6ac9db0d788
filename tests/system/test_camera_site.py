"""The site of config/camera.yaml: an OpenCV camera (a video file) and a scale on Modbus registers, on a whole line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from simulator.demo.processes import free_port
from simulator.xray import draw
from tests.system.rig import Rig

SHOTS = 40
FRAMES_EACH = 2
FPS = 25


def film(path: Path) -> None:
    """A film of simulated pictures, each shown for 80 ms."""
    first = draw(1, 400, ()).pixels
    size = (first.shape[1], first.shape[0])
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, size)
    for seed in range(SHOTS):
        picture = cv2.resize(draw(seed + 1, 400, ()).pixels, size)
        for shade in range(FRAMES_EACH):
            writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) - shade)
    writer.release()


@pytest.mark.timeout(120)
@pytest.mark.xdist_group("line")
def test_a_line_with_camera_and_modbus_scale(make_rig: Callable[..., Rig], tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "wires").mkdir()
    film(tmp_path / "wires" / "belt.avi")
    overrides = [f"devices.scale.wire.port={port}"]
    rig = make_rig(config="camera.yaml", overrides=overrides, wires={"modbus_scale_port": port}, rate=5400)
    rig.start()
    rig.wait(lambda: rig.done() >= 15, 40.0, "15 parcels completed")
    report = rig.finish()
    done = rig.events("parcel-completed")
    weighed = [parcel for parcel in done if parcel["weight_g"] is not None]
    pictured = [parcel for parcel in done if parcel["frames"]]
    assert len(weighed) >= 0.8 * len(done)
    assert len(pictured) >= 0.5 * len(done)
    assert report["passed_without_a_number"] == 0
    assert report["in_the_wrong_lane"] == 0
    # The film shows other parcels than the belt, so pictures are no evidence here; codes and weights are.
    truth = {fact["item"]: fact for fact in rig.facts() if fact["kind"] == "fed"}
    counts = {fact["count"]: fact["item"] for fact in rig.facts() if fact["kind"] == "infeed"}
    items = {fact["number"]: counts[fact["count"]] for fact in rig.facts() if fact["kind"] == "numbered"}
    for parcel in weighed:
        assert abs(parcel["weight_g"] - truth[items[parcel["parcel"]["number"]]]["weight_g"]) <= 10
    for parcel in done:
        assert parcel["barcodes"] in ([], [truth[items[parcel["parcel"]["number"]]]["barcode"]])
