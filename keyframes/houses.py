"""Ridges that are roofs: rows of houses along a street, with windows that light up.

What a row shows at one place is kept, as hills are: its roofs, its walls, and for each window how
dark it must be before it is lit. A picture says where it stands and how near the houses are.
"""

import torch
from torch import Generator as RandomGenerator
from torch import Tensor, nn

from keyframes.form import Form
from keyframes.knots import HIGHEST, LINE_KNOT, UNIT, Folds
from keyframes.ridges import N_KEPT, Ridges

ACROSS, UP = 1, 2  # pixels from one knot of the walls to the next
FAR_PACE, NEAR_PACE = 1.0, 1.7  # units from one end of the places to the other, to begin with
# Roofs are all edges: those are as lively as what is long.
ROUGHNESS = 0.4
# In parts of the sky above the shore: how high far and near houses are, to begin with, and free.
FAR_HEIGHT, NEAR_HEIGHT, FREE = 0.4, 0.25, 0.3
SHORE, SHORE_FREE = 0.65, 0.6  # units
SPREAD = 0.7  # how much larger the nearest houses are than the farthest, in parts of their mean
LEAST = 0.2  # size
WALLED = 2.0  # of a number of the walls
RIPPLE = 0.1  # units


class Houses(Ridges):
    """Lay rows of houses, and a shore below which they are seen again, bent by waves."""

    def __init__(self, form: Form) -> None:
        levels = torch.linspace(FAR_HEIGHT, NEAR_HEIGHT, form.n_ridges)
        folds = 2, round(HIGHEST * UNIT / UP), N_KEPT * LINE_KNOT // ACROSS
        super().__init__(form, torch.cat([levels, torch.tensor([SHORE])]), ROUGHNESS, folds)
        self.spread = nn.Parameter(torch.empty(2))  # across, and up
        self.ripple = nn.Linear(form.n_style, 1)

    def forward(self, styles: Tensor, n_across: int, half_height: float) -> Tensor:
        """Lay them over pictures; as `Hills.forward`, the last but one of a style is the scale."""
        size = (1 + (styles[:, -2:-1] - 0.5) * self.spread).clamp(min=LEAST)
        rise, along = self.rise(styles, n_across, size[:, :1])
        free = torch.tanh(self.heights(styles))
        stretch = (half_height - 1) * self.stretch(styles)
        shore = self.usual_heights[-1] + SHORE_FREE * free[:, -1:] + stretch[:, -1:]
        height = self.usual_heights[:-1] + FREE * free[:, :-1] + stretch[:, :-1]
        tops = shore[..., None] - (half_height + shore)[..., None] * (height[..., None] + rise)
        ripple = RIPPLE * self.ripple(styles)
        flat = torch.stack([shore, size[:, 1:], ripple], 1).expand(-1, -1, n_across)
        return torch.cat([tops, along, flat], 1)

    def folds(self) -> Folds:
        """Return windows and walls."""
        return Folds(kept=WALLED * self.flanks, of_houses=True)

    def start(self, generator: RandomGenerator) -> None:
        """Begin with roofs that differ, and dark windows."""
        super().start(generator)
        self.pace.copy_(torch.linspace(FAR_PACE, NEAR_PACE, self.n_ridges))
        self.spread.fill_(SPREAD)
        self.flanks[:, 0].normal_(std=0.2, generator=generator)
        self.ripple.weight.mul_(0.2)
        self.ripple.bias.fill_(0.5)
