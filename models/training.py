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

from models.dataset import varied
from models.losses import loss, targets
from models.network import STRIDE, Network
from models.recipe import CLASSES, HEIGHT_PX, MEAN, PART_PX, SCALE, WIDTH_PX

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    from models.dataset import Drawn
    from models.recipe import Recipe

_SAVE_EVERY = 200
_WARM_UP = 150
_AVERAGE = 0.9985
_MEAN, _SCALE = np.array(MEAN, np.float32), np.array(SCALE, np.float32)


class Trainer:
    """One run over a set of drawn pictures.

    Args:
        recipe: what run.
        drawn: its pictures.
        checkpoint: where its state is kept between steps, to resume from.
    """

    def __init__(self, recipe: Recipe, drawn: Drawn, checkpoint: Path) -> None:
        torch.manual_seed(recipe.seed)
        torch.set_num_threads(recipe.threads)
        cv2.setNumThreads(1)
        self._recipe = recipe
        self._drawn = drawn
        self._checkpoint = checkpoint
        self.network = Network(len(CLASSES)).to(memory_format=torch.channels_last)
        self.averaged = copy.deepcopy(self.network)
        self._optimiser = torch.optim.AdamW(self.network.parameters(), lr=recipe.rate, weight_decay=0.02)
        self.step = 0

    def resume(self) -> bool:
        """Go on from the checkpoint, if there is one; says whether there was."""
        if not self._checkpoint.exists():
            return False
        state = torch.load(self._checkpoint, weights_only=True)
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
                pixels, scores, sides = ahead.result()
                ahead = pool.submit(self._batch, self.step + 1)
                value = self._learn(pixels, scores, sides)
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

    def _learn(self, pixels: Tensor, scores: Tensor, sides: Tensor) -> float:
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate()
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=self._recipe.bfloat16):
            logits, distances = self.network(pixels)
        value = loss(logits.float(), distances.float(), scores, sides)
        self._optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 8.0)
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

    def _batch(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Batch `step`, drawn anew from the seed and its number: pixels (B, 3, H, W), scores and sides."""
        size = self._recipe.batch
        per_round = len(self._drawn.boxes) // size
        order = np.random.default_rng((self._recipe.seed, 7, step // per_round)).permutation(len(self._drawn.boxes))
        rng = np.random.default_rng((self._recipe.seed, 8, step))
        chosen = order[step % per_round * size :][:size]
        whole = step >= self._recipe.whole_from * self._recipe.steps
        shown = (WIDTH_PX, HEIGHT_PX) if whole else PART_PX
        pairs = [varied(np.asarray(self._drawn.pixels[at]), self._drawn.boxes[at], shown, rng) for at in chosen]
        pixels = (np.stack([pair[0] for pair in pairs]).astype(np.float32) - _MEAN) * _SCALE
        wanted = targets(
            [torch.from_numpy(pair[1]) for pair in pairs], len(CLASSES), shown[1] // STRIDE, shown[0] // STRIDE
        )
        return torch.from_numpy(pixels).permute(0, 3, 1, 2), *wanted
