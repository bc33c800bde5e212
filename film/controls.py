"""The score's rows on the painting side: one control of a batch as a tensor."""

from collections.abc import Iterable

import torch
from torch import Tensor

from spectro.routes import CONTROLS
from spectro.score import Rows


def column(rows: Rows, name: str, device: torch.device) -> Tensor:
    """Return one control of some frames as (B, 1, 1, 1) float32, to go with (B, C, H, W)."""
    return torch.from_numpy(rows.column(name)).to(device)[:, None, None, None]


def find_moved(rows: Rows, names: Iterable[str], device: torch.device) -> Tensor:
    """Tell which frames have one of some controls away from neutral, (B, 1, 1, 1) bool."""
    moved = [column(rows, name, device) != CONTROLS[name].neutral for name in names]
    return torch.stack(moved).any(0)
