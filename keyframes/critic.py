"""The critics of the stills."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from keyframes.layers import SLOPE, Attention, Block, halve


class Critic(nn.Module):
    """Judge pictures (B, 3, h, w), about 64×64: logits (B, n_heads).

    Parameters
    ----------
    width : channels at a quarter of the side; twice that further on
    n_heads : opinions on each picture, for pictures of several kinds
    fine : see edges in overlapping strides; else in squares of 4×4, which is cheaper
    """

    N_GROUP = 8  # pictures that follow each other are compared
    N_SPREADS = 16  # channels that tell a group's spread; 16 keep the convolution on its fast path

    def __init__(self, width: int, n_heads: int, *, fine: bool) -> None:
        super().__init__()
        self.first = (
            nn.Sequential(
                nn.Conv2d(3, width // 2, 4, stride=2, padding=1),
                nn.LeakyReLU(SLOPE),
                nn.Conv2d(width // 2, width, 4, stride=2, padding=1),
            )
            if fine
            else nn.Conv2d(3, width, 4, stride=4)
        )
        self.at_quarter = Block(width)
        self.widen = nn.Conv2d(width, 2 * width, 1)
        self.attention = Attention(2 * width)
        self.at_eighth = Block(2 * width)
        self.compare = nn.Conv2d(2 * width + self.N_SPREADS, 2 * width, 3, padding=1)
        self.inner = nn.Linear(2 * width, 2 * width)
        self.last = nn.Linear(2 * width, n_heads)

    def _spread(self, x: Tensor) -> Tensor:
        """Return how far the pictures of a group differ (Karras et al. 2018)."""
        B, C, H, W = x.shape
        n_group = min(self.N_GROUP, B)
        grouped = x.float().reshape(-1, n_group, self.N_SPREADS, C // self.N_SPREADS, H, W)
        spread = (grouped.var(1, correction=0) + 1e-6).sqrt().mean((2, 3, 4)).to(x.dtype)
        return spread.repeat_interleave(n_group, 0)[:, :, None, None].expand(-1, -1, H, W)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B, n_heads), higher for true; B is a multiple of N_GROUP, or below it."""
        x = self.at_quarter(self.first(x.contiguous(memory_format=torch.channels_last)))
        x = self.at_eighth(self.attention(self.widen(halve(x))))
        x = halve(x)
        x = F.leaky_relu(self.compare(torch.cat([x, self._spread(x)], 1)), SLOPE)
        logits: Tensor = self.last(F.leaky_relu(self.inner(x.mean((2, 3))), SLOPE))
        return logits
