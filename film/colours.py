"""BT.709: luma and the two colour differences, the space of the film and of its colour effects."""

from typing import Final

import torch
from torch import Tensor

# ITU-R BT.709-6, 3.2 and 3.3: how much red, green and blue weigh in luma.
RED, GREEN, BLUE = 0.2126, 0.7152, 0.0722

# Rows: luma in [0, 1], then (blue − luma) and (red − luma), each scaled to [−0.5, 0.5].
_FROM_RGB: Final = (
    (RED, GREEN, BLUE),
    (-RED / (2 - 2 * BLUE), -GREEN / (2 - 2 * BLUE), 0.5),
    (0.5, -GREEN / (2 - 2 * RED), -BLUE / (2 - 2 * RED)),
)


def from_rgb(device: torch.device) -> Tensor:
    """Return the (3, 3) float32 matrix from red, green and blue to luma and colour differences."""
    return torch.tensor(_FROM_RGB, device=device)
