"""The beat network: mel bands to how likely a beat, and the first of a bar, is in each column."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

N_HEARD = 2  # beats, first beats of bars


@dataclass(frozen=True, kw_only=True)
class Form:
    """The form of the network."""

    n_bands: int = 64
    width: int = 40  # channels along time
    front: int = 16  # channels over time and frequency
    n_levels: int = 9  # dilated twice as far each: 10 s to either side
    dropout: float = 0.1


class _Level(nn.Module):
    """A dilated convolution beside a straight path, along time."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width, width, 5, padding=2 * dilation, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)
        self.drop = nn.Dropout1d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (B, C, n)."""
        y: Tensor = self.mix(self.drop(F.elu(self.conv(x))))
        return x + y


class BeatNetwork(nn.Module):
    """Listen to bands of all frequencies together, then further and further along time.

    A temporal convolutional network after Davies and Böck (2019): convolutions over time and
    frequency until one band is left, then dilated ones along time.
    """

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.form = form
        front, width = form.front, form.width
        self.convs = nn.ModuleList(
            [
                nn.Conv2d(1, front, 3, padding=1),
                nn.Conv2d(front, front, 3, padding=1),
                nn.Conv2d(front, 2 * front, 3, padding=1),
            ]
        )
        self.gather = nn.Conv1d(2 * front * (form.n_bands // 32), width, 1)
        self.levels = nn.ModuleList(
            _Level(width, 2**level, form.dropout) for level in range(form.n_levels)
        )
        self.tell = nn.Conv1d(width, N_HEARD, 1)

    def forward(self, bands: Tensor) -> Tensor:
        """Map (B, n, n_bands) to logits (B, n, 2)."""
        x = bands[:, None] - 1.0
        for conv, pool in zip(self.convs, (4, 4, 2), strict=True):
            x = F.relu(F.max_pool2d(conv(x), (1, pool)))
        x = self.gather(x.transpose(2, 3).flatten(1, 2))
        for level in self.levels:
            x = level(x)
        logits: Tensor = self.tell(F.elu(x)).transpose(1, 2)
        return logits


class Likelihoods(nn.Module):
    """The network as it is exported: likelihoods in place of logits."""

    def __init__(self, network: BeatNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, bands: Tensor) -> Tensor:
        """Map (B, n, n_bands) to (B, n, 2) in [0, 1]."""
        return torch.sigmoid(self.network(bands))
