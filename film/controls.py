"""The score's rows on the painting side: one control of a batch as a tensor."""

import torch
from torch import Tensor

from spectro.score import Rows


def column(rows: Rows, name: str, device: torch.device) -> Tensor:
    """Return one control of some frames as (B, 1, 1, 1) float32, to go with (B, C, H, W)."""
    return torch.from_numpy(rows.column(name)).to(device)[:, None, None, None]
