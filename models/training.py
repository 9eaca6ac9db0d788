"""The training loop: resumable, the same from the same seed, and over within its time."""

from __future__ import annotations

import copy
import math
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch import nn

from models.losses import loss
from models.network import Network, cells
from models.recipe import CLASSES, HEIGHT_PX, MEAN, PART_PX, SCALE, WIDTH_PX
from models.start import load_released
from models.variation import shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    from models.dataset import Drawn
    from models.recipe import Recipe

_SAVE_EVERY = 200
_WARM_UP = 300
_AVERAGE = 0.999
_BACKBONE_SHARE = 0.4
"""Of the learning rate: what photographs taught is changed more slowly."""
_STILL_BLOCKS = 3
"""The stem and so many blocks stay as photographs made them."""
_DECAY = 0.03
_MEAN, _SCALE = np.array(MEAN, np.float32), np.array(SCALE, np.float32)


class Trainer:
    """One run over a set of drawn pictures.

    Args:
        recipe: what run.
        drawn: its pictures.
        checkpoint: where its state is kept between steps, to resume from.

    Raises:
        OSError: the model that it is to go on from cannot be read.
        RuntimeError: that model's weights are not those of this network.
    """

    def __init__(self, recipe: Recipe, drawn: Drawn, checkpoint: Path) -> None:
        torch.manual_seed(recipe.seed)
        torch.set_num_threads(recipe.threads)
        cv2.setNumThreads(1)
        self._recipe = recipe
        self._drawn = drawn
        self._checkpoint = checkpoint
        network = Network(len(CLASSES))
        if recipe.start is None:
            network.backbone.load_photographs()
        else:
            load_released(network, recipe.start / "model.onnx", self._batch(0)[0])
        self._still = nn.ModuleList([network.backbone.stem, *network.backbone.blocks[:_STILL_BLOCKS]])
        self._still.requires_grad_(requires_grad=False)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = network.to(self._device, memory_format=torch.channels_last)
        self.averaged = copy.deepcopy(self.network)
        self._optimiser = torch.optim.AdamW(_groups(self.network))
        self._bfloat16 = _fast_bfloat16(self._device) if recipe.bfloat16 is None else recipe.bfloat16
        self.step = 0

    def resume(self) -> bool:
        """Go on from the checkpoint, if there is one; says whether there was."""
        if not self._checkpoint.exists():
            return False
        state = torch.load(self._checkpoint, weights_only=True, map_location=self._device)
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.step = int(state["step"])
        return True

    def run(self, until: float, tell: Callable[[int, float], None]) -> bool:
        """Train to the last step, or to `until` (monotonic seconds), whichever comes first.

        Args:
            until: when to stop in any case.
            tell: called after each step with its number and loss.

        Returns:
            Whether the last step was reached: only then is the result the same on every run.
        """
        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(self._batch, self.step)
            while self.step < self._recipe.steps and time.monotonic() < until:
                pixels, truth = ahead.result()
                ahead = pool.submit(self._batch, self.step + 1)
                value = self._learn(pixels, truth)
                self.step += 1
                if self.step % _SAVE_EVERY == 0:
                    self.save()
                tell(self.step, value)
        self.save()
        return self.step >= self._recipe.steps

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        self._checkpoint.parent.mkdir(parents=True, exist_ok=True)
        part = self._checkpoint.with_suffix(".part")
        state = {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "step": self.step,
        }
        torch.save(state, part)
        part.replace(self._checkpoint)

    def _learn(self, pixels: Tensor, truth: Tensor) -> float:
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate() * group["share"]
        self.network.train()
        self._still.eval()
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bfloat16):
            logits, sides = self.network(pixels.to(self._device))
        centres, strides = (known.to(self._device) for known in cells(pixels.shape[2], pixels.shape[3]))
        value = loss(logits.float(), sides.float(), truth.to(self._device), centres, strides)
        self._optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self._optimiser.step()
        keep = min(_AVERAGE, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for mean, now in zip(self.averaged.state_dict().values(), self.network.state_dict().values(), strict=True):
                if mean.dtype.is_floating_point:
                    mean.lerp_(now, 1 - keep)
        return float(value.detach())

    def _rate(self) -> float:
        if self.step < _WARM_UP:
            return self._recipe.rate * (self.step + 1) / _WARM_UP
        done = (self.step - _WARM_UP) / max(1, self._recipe.steps - _WARM_UP)
        return self._recipe.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))

    def _batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Batch `step`, varied from the seed and its number: pixels (B, 3, H, W), and truth as `loss` takes it."""
        size = self._recipe.batch
        per_round = len(self._drawn.boxes) // size
        order = np.random.default_rng((self._recipe.seed, 7, step // per_round)).permutation(len(self._drawn.boxes))
        rng = np.random.default_rng((self._recipe.seed, 8, step))
        chosen = order[step % per_round * size :][:size]
        whole = step >= self._recipe.whole_from * self._recipe.steps
        extent = (WIDTH_PX, HEIGHT_PX) if whole else PART_PX
        pairs = [shown(self._drawn, int(at), extent, rng, whole=whole) for at in chosen]
        pixels = (np.stack([pair[0] for pair in pairs]).astype(np.float32) - _MEAN) * _SCALE
        truth = np.full((size, max(1, *(len(pair[1]) for pair in pairs)), 5), -1, np.float32)
        for row, (_, boxes) in zip(truth, pairs, strict=True):
            row[: len(boxes)] = boxes
        return torch.from_numpy(pixels).permute(0, 3, 1, 2), torch.from_numpy(truth)


def _fast_bfloat16(device: torch.device) -> bool:
    """Whether a processor computes in bfloat16 itself; where it does not, PyTorch imitates it, many times slower."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu.get_capabilities().get("avx512_bf16"))


def _groups(network: Network) -> list[dict[str, object]]:
    """The optimiser's groups: the backbone learns more slowly, and no norm or bias decays."""
    groups = []
    for share, part in (
        (_BACKBONE_SHARE, [network.backbone]),
        (1.0, [one for name, one in network.named_children() if name != "backbone"]),
    ):
        weights = [weight for one in part for weight in one.parameters() if weight.requires_grad]
        for decay, of_group in (
            (_DECAY, [w for w in weights if w.ndim > 1]),
            (0.0, [w for w in weights if w.ndim == 1]),
        ):
            groups.append({"params": of_group, "weight_decay": decay, "share": share})
    return groups
