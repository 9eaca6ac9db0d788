"""One thread of PyTorch's: several wait for each other where another process has the core."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
