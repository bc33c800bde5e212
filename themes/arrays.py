"""Pictures as arrays of bytes and of numbers, a few at a time, and as sheets."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.utils import make_grid, save_image

from training_data import made

N_AT_ONCE = 16  # pictures

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


def split(pictures: Bytes) -> Iterator[Bytes]:
    """Cut (n, …) into batches."""
    for start in range(0, len(pictures), N_AT_ONCE):
        yield pictures[start : start + N_AT_ONCE]


def to_bytes(pictures: Tensor) -> Bytes:
    """Return pictures in [0, 1] as bytes."""
    return made.to_bytes(pictures).cpu().numpy()


def save_sheet(path: Path, pictures: Floats, n_columns: int) -> None:
    """Write pictures (n, 3, H, W) in [0, 1] side by side in one file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_image(make_grid(torch.from_numpy(np.array(pictures)), nrow=n_columns, padding=4), path)
