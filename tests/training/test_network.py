"""The network as it learns, as it is shipped, and as a further training takes it up again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
import torch

from models.calibration import Curve
from models.export import to_onnx
from models.network import BINS, Exported, Network, boxes_of, cells
from models.recipe import HEIGHT_PX, WIDTH_PX
from models.start import load_released

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = 5
CURVE = Curve(1.5, -0.25)


def pictures(count: int, seed: int = 0) -> torch.Tensor:
    return torch.rand((count, 3, HEIGHT_PX, WIDTH_PX), generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.fixture(scope="module")
def network() -> Network:
    """A network with norms and biases that are not those of a new one, and scores that differ from cell to cell."""
    torch.manual_seed(3)
    made = Network(CLASSES)
    made.train()
    with torch.no_grad():
        made(pictures(2))
        for name, weight in made.named_parameters():
            if name.endswith("labels.weight"):
                weight.mul_(10)
            if name.endswith("bias"):
                weight.uniform_(-0.5, 0.5)
    return made.eval()


@pytest.fixture(scope="module")
def file(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    path.write_bytes(to_onnx(network, CURVE))
    return path


def test_every_eighth_sixteenth_and_thirty_second_pixel_is_a_cell() -> None:
    centres, strides = cells(64, 96)
    assert len(centres) == 8 * 12 + 4 * 6 + 2 * 3
    assert centres[0].tolist() == [4, 4]
    assert centres[1].tolist() == [12, 4]
    assert centres[96].tolist() == [8, 8]
    assert centres[-1].tolist() == [80, 48]
    assert strides.unique(return_counts=True)[1].tolist() == [96, 24, 6]


def test_a_side_lies_where_its_distribution_has_its_mean() -> None:
    centres, strides = cells(32, 32)
    sides = torch.full((len(centres), 4, BINS), -100.0)
    sides[:, :, 1] = 0.0
    sides[:, 3, 2] = 0.0  # below: half one stride away, half two
    boxes = boxes_of(sides, centres, strides)
    assert boxes[0].tolist() == pytest.approx([4 - 8, 4 - 8, 4 + 8, 4 + 12])
    assert boxes[-1].tolist() == pytest.approx([16 - 32, 16 - 32, 16 + 32, 16 + 48])


def test_what_ships_says_what_the_network_says(network: Network, file: Path) -> None:
    for count in (1, 3):
        pixels = pictures(count, seed=1)
        with torch.no_grad():
            own = Exported(network, HEIGHT_PX, WIDTH_PX, CURVE)(pixels).numpy()
        (shipped,) = onnxruntime.InferenceSession(file).run(None, {"pixels": pixels.numpy()})
        assert shipped.shape == own.shape == (count, len(cells(HEIGHT_PX, WIDTH_PX)[0]), 4 + CLASSES)
        assert np.ptp(own[..., 4:]) > 0.05
        # Weights are kept as float16: 11 bits of each.
        np.testing.assert_allclose(shipped[..., :4], own[..., :4], atol=0.5)
        np.testing.assert_allclose(shipped[..., 4:], own[..., 4:], atol=0.01)


def test_going_on_from_what_ships_changes_nothing_and_has_norms_again(file: Path) -> None:
    further = Network(CLASSES)
    seen = pictures(2, seed=2)
    load_released(further, file, seen)
    (shipped,) = onnxruntime.InferenceSession(file).run(None, {"pixels": seen.numpy()})
    with torch.no_grad():
        own = Exported(further.eval(), HEIGHT_PX, WIDTH_PX, CURVE)(seen).numpy()
    np.testing.assert_allclose(own[..., :4], shipped[..., :4], atol=0.01)
    np.testing.assert_allclose(own[..., 4:], shipped[..., 4:], atol=0.001)
    norms = [module for module in further.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    fresh = [norm for norm in norms if float(norm.running_mean.abs().sum()) == 0]
    assert norms
    assert not fresh


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_model_of_another_network_is_refused(tmp_path: Path) -> None:
    torch.manual_seed(0)
    plain = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3)).eval()
    other = tmp_path / "model.onnx"
    torch.onnx.export(plain, (torch.zeros(1, 3, 8, 8),), other, dynamo=True, external_data=False, verbose=False)
    with pytest.raises(RuntimeError, match=r"not a model of this network"):
        load_released(Network(CLASSES), other, pictures(1))
