"""Ridges that are roofs: rows of houses along a street, with windows that light up.

What a row shows at one place is kept, as hills are: its roofs, its walls, and for each window how
dark it must be before it is lit. A picture says where it stands and how near the houses are.
"""

import torch
from torch import Generator as RandomGenerator
from torch import Tensor, nn
from torch.nn import functional as F

from keyframes.form import Form
from keyframes.knots import LINE_KNOT
from keyframes.land import ALONG_SHORE, HIGHEST, PAVED, UNIT
from keyframes.ridges import LEAK, N_KEPT, Ridges

ACROSS, UP = 1, 2  # pixels from one knot of the walls to the next
# Units from one end of the places to the other, to begin with, and those to a number of the pace:
# a row that drifted while it is without houses would take those of another.
FAR_PACE, NEAR_PACE, FIRM = 1.0, 1.7, 0.03
# Roofs are all edges: those are as lively as what is long.
ROUGHNESS = 0.4
# In parts of the sky above the shore: how high far and near houses are, to begin with, and free.
FAR_HEIGHT, NEAR_HEIGHT, FREE = 0.22, 0.16, 0.06
LOW = 0.5  # of their usual height: a row that could sink to the ground would never be seen again
SPREAD = 0.7  # how much larger the nearest houses are than the farthest, in parts of their mean
LEAST = 0.2  # size
WALLED = 2.0  # of a number of the walls, and of the paving
N_PAVINGS = 3  # kept of it: what is light, say, what is dark, and what shines
PAVING = round((PAVED[1] - PAVED[0]) * UNIT), round(2 * ALONG_SHORE * UNIT)


class Houses(Ridges):
    """Lay rows of houses, and a shore below which they are seen again, bent by waves."""

    def __init__(self, form: Form) -> None:
        levels = torch.linspace(FAR_HEIGHT, NEAR_HEIGHT, form.n_ridges)
        folds = 2, round(HIGHEST * UNIT / UP), N_KEPT * LINE_KNOT // ACROSS
        super().__init__(form, levels, ROUGHNESS, folds, ("water", "street"))
        self.spread = nn.Parameter(torch.empty(2))  # across, and up
        self.scale_told = form.find("scale")
        # A street and what stands along it: the same before all houses, and as far from the shore.
        self.paving = nn.Parameter(torch.empty(N_PAVINGS, *PAVING))

    def forward(self, styles: Tensor, n_across: int, half_height: float) -> Tensor:
        """Lay them over pictures, as `Hills.forward` does."""
        told = styles[:, self.scale_told, None] - 0.5
        size = (1 + told * (SPREAD + FIRM * self.spread)).clamp(min=LEAST)
        rise, along = self.rise(styles, n_across, size[:, :1])
        shore = half_height * self.lay_shore(styles)
        height = self.usual_heights + FREE * torch.tanh(self.heights(styles))
        low = LOW * self.usual_heights[:, None]
        height = low + F.leaky_relu(height[..., None] + rise - low, LEAK)
        tops = shore[..., None] - (half_height + shore)[..., None] * height
        flat = torch.stack([shore, size[:, 1:], *self.lay_water(styles)], 1)
        return torch.cat([tops, along, flat.expand(-1, -1, n_across)], 1)

    def lay_horizon(self, styles: Tensor) -> Tensor:
        """Return y of the shore: what is behind it are houses."""
        return self.lay_shore(styles)

    def paces(self) -> Tensor:
        """Return how far each row is moved from one end of the places to the other, in units."""
        usual = torch.linspace(FAR_PACE, NEAR_PACE, self.n_ridges, device=self.pace.device)
        return usual + FIRM * self.pace

    def pave(self) -> Tensor:
        """Return what lies before the shore, (N_PAVINGS, down, across)."""
        return WALLED * self.paving

    def folds(self) -> Tensor:
        """Return windows and walls."""
        return WALLED * self.flanks

    def start(self, generator: RandomGenerator) -> None:
        """Begin with roofs that differ, and dark windows."""
        super().start(generator)
        self.pace.zero_()
        self.spread.zero_()
        self.paving.zero_()
        self.flanks[:, 0].normal_(std=0.2, generator=generator)
