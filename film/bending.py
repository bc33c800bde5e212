"""What the score does inside the networks: to the stills' styles, and to the maps of a layer.

Network bending (Broad et al. 2021): the maps that a trained layer gives are changed before the
next layer sees them. What comes out is new, and still of the theme.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from film.controls import column, find_moved
from spectro.score import Rows

NAMES: Final = ("swell", "magnify", "turn_deg", "threshold", "noise")
NOISE_SIDE: Final = 16  # places along each side of a map that noise is drawn for
NOISE_GAIN: Final = 1.0  # taste: deviations of the layer at full noise


@dataclass(frozen=True, kw_only=True)
class Bend:
    """What is done to the maps of B frames in one layer."""

    amounts: dict[str, Tensor]  # by the control's name, (B, 1, 1, 1) each
    is_bent: Tensor  # (B, 1, 1, 1) bool; the others stay as they are, to the bit
    seed: int  # of the noise

    def __call__(self, maps: Tensor) -> Tensor:
        """Change maps (B, C, h, w) of any type."""
        x = maps.float()
        x = self._move(x)
        deviation = x.std((1, 2, 3), keepdim=True)
        # Of half the maps: the norm of the next layer would undo the same factor on all of them.
        x = torch.where(self._choose_half(x), x * self.amounts["swell"], x)
        x = torch.where(x.abs() < self.amounts["threshold"] * deviation, 0.0, x)
        x = x + NOISE_GAIN * self.amounts["noise"] * deviation * self._draw_noise(x)
        return torch.where(self.is_bent, x.to(maps.dtype), maps)

    def _move(self, x: Tensor) -> Tensor:
        """Enlarge and turn about the middle; what comes in at the edges is mirrored."""
        B, _, H, W = x.shape
        angle = torch.deg2rad(self.amounts["turn_deg"].flatten())
        cosine, sine = torch.cos(angle), torch.sin(angle)
        zoom = self.amounts["magnify"].flatten()
        matrix = torch.zeros(B, 2, 3, device=x.device)
        matrix[:, 0, 0], matrix[:, 0, 1] = cosine / zoom, sine / zoom * (H / W)
        matrix[:, 1, 0], matrix[:, 1, 1] = -sine / zoom * (W / H), cosine / zoom
        grid = F.affine_grid(matrix, list(x.shape), align_corners=False)
        return F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)

    def _choose_half(self, like: Tensor) -> Tensor:
        """Return which maps are chosen, (1, C, 1, 1) bool."""
        generator = torch.Generator().manual_seed(self.seed)
        n = like.shape[1]
        order = torch.randperm(n, generator=generator)
        return (order < n // 2).to(like.device)[None, :, None, None]

    def _draw_noise(self, like: Tensor) -> Tensor:
        """Return noise that stands still, (1, C, h, w), of about unit variance."""
        generator = torch.Generator().manual_seed(self.seed)
        coarse = torch.randn(1, like.shape[1], NOISE_SIDE, NOISE_SIDE, generator=generator)
        return F.interpolate(coarse.to(like), like.shape[2:], mode="bilinear")


def bend_of(rows: Rows, seed: int, device: torch.device) -> Bend | None:
    """Return what the rows ask for, or None where that is nothing."""
    is_bent = find_moved(rows, NAMES, device)
    if not is_bent.any():
        return None
    amounts = {name: column(rows, name, device) for name in NAMES}
    return Bend(amounts=amounts, is_bent=is_bent, seed=seed)
