"""Ridges one before the other, along land that is kept: what is seen of it, from where one stands.

A network that lays waves with phases of their own finds no ridge that all its pictures share, when
each shows another stretch. It is told where a picture stands, and moves a panorama along.
"""

import math

import torch
from torch import Generator as RandomGenerator
from torch import Tensor, nn
from torch.nn import functional as F

from keyframes.form import Form
from keyframes.knots import LINE_KNOT
from keyframes.land import DEEPEST, UNIT
from keyframes.layers import Special, spline

N_SHAPES = 4  # kept along each ridge; a style weighs them: dunes, crags, trees
FOLD_KNOT = 4  # pixels from one knot of the folds to the next
N_FOLDS = 2  # kept below each ridge: what lies in the light, say, and what in the mist
N_KEPT = 640  # knots of them; beyond the ends they stay as they are
SEEN = 128  # knots to each side of the middle of the land that most pictures see some of
FAR_PACE, NEAR_PACE = 4.6, 2.9  # units from one end of the places to the other, to begin with
# Shapes are sums of octaves, of which a step of learning moves the long ones further: else it makes
# noise of all that is fine.
N_OCTAVES = 7  # with a knot every 2 pixels to every 128
LIVELY, ROUGHNESS = 4.0, 0.8  # units to a number of the longest; power of the length for the others
FOLDED = 2.0  # units of shading to a number of the folds
ROUGH = 0.06  # of the ridges, in units, to begin with
FARTHEST, NEAREST = 0.0, 0.6  # ridges lie so far from the horizon to the lower edge, to begin with
SKYLINE = (0.1, -0.4)  # that of the horizon for half of its number, and how far it moves with it
FREE, LEAK = 0.12, 0.02  # how far they rise or fall from there, and of what lies deeper still
SHORED = 2.0  # half heights to a number of the shore
N_BENDS = 40  # parts of the range of each number that says where the shore is
DRY, FULL = 0.95, 0.45  # of the shore, in half heights, for the least and the most, to begin with
EDGE = 1.02  # it hardly goes beyond the lower edge: out of sight nothing is learnt
RIPPLE = 0.1  # units
N_AWAY, N_ALONG = 224, 96  # knots of the waves
WAVED = 2.0  # of their height to a number
WAVE_DRIFT, FIRM = 1.2, 0.1  # units of the waves, to begin with, and those to a number


class Ridges(Special):
    """Lay ridges, far to near, and a shore below which all is seen again.

    Each ridge keeps shapes, curves of some picture widths. Styles say how high it stands and how
    much of each shape it shows, and the place of a picture, the last number of its style, how far
    it is moved along: far ones more than near ones, or as it is learnt.
    """

    usual_heights: Tensor
    octaves: Tensor  # (n, N_KEPT), what shapes are sums of

    def __init__(
        self,
        form: Form,
        levels: Tensor,
        roughness: float,
        folds: tuple[int, ...],
        shore_told: tuple[str, ...],
    ) -> None:
        """Keep shapes of a roughness and folds (n, down, along); heights begin at levels."""
        super().__init__()
        self.n_ridges = form.n_ridges
        octaves = torch.cat([_octave(octave, roughness) for octave in range(N_OCTAVES)])
        self.register_buffer("octaves", octaves, persistent=False)
        self.register_buffer("usual_heights", levels, persistent=False)
        self.shapes = nn.Parameter(torch.empty(form.n_ridges, N_SHAPES, len(octaves)))
        self.flanks = nn.Parameter(torch.empty(form.n_ridges, *folds))
        self.pace = nn.Parameter(torch.empty(form.n_ridges))  # units
        self.weights = nn.Linear(form.n_style, form.n_ridges * N_SHAPES)
        self.heights = nn.Linear(form.n_style, form.n_ridges)
        self.ripple = nn.Linear(form.n_style, 1)
        self.waves = nn.Parameter(torch.empty(N_AWAY, N_ALONG))
        self.wave_drift = nn.Parameter(torch.empty(()))
        self.place_told = form.find("place")
        self.clouds_told = form.find("cloud_place")  # the wind moves waves and clouds
        # The shore is told by numbers, along lines with bends: windows are counted from there, and
        # were it a storey too high now and then, none of them would be found.
        self.shore_told = [form.find(name) for name in shore_told]
        self.bends = nn.Parameter(torch.empty(len(shore_told), N_BENDS + 1))  # where those meet

    def rise(self, styles: Tensor, n_across: int, size: Tensor | float) -> tuple[Tensor, Tensor]:
        """Return how high ridges rise, and their places, both (B, n_ridges, n_across).

        Parameters
        ----------
        styles : (B, n_style)
        n_across : knots of lines along the pictures
        size : of what stands along the land, (B, 1) or one for all
        """
        knots = (torch.arange(n_across, device=styles.device) + (1 - n_across) / 2) / size
        moved = (styles[:, self.place_told, None] - 0.5) * self.paces() * (UNIT / LINE_KNOT)
        # (B, n_ridges, n_across), in knots
        at = (knots[..., None, :] + moved[:, :, None] + (N_KEPT - 1) / 2).clamp(0, N_KEPT - 1.001)
        before = at.detach().floor()
        place = torch.arange(self.n_ridges, device=styles.device)[:, None]
        kept = self.keep().transpose(1, 2)  # (n_ridges, N_KEPT, N_SHAPES)
        start, end = kept[place, before.long()], kept[place, before.long() + 1]
        shapes = torch.lerp(start, end, (at - before)[..., None])
        weights = self.weights(styles).unflatten(1, (self.n_ridges, 1, N_SHAPES))
        return (shapes * weights).sum(3), (2 / (N_KEPT - 1)) * at - 1

    def lay_shore(self, styles: Tensor) -> Tensor:
        """Return y of the shore, (B, 1) in half heights: the highest that any number says."""
        steps = torch.arange(N_BENDS + 1, device=styles.device)
        near = F.relu(1 - (N_BENDS * styles[:, self.shore_told, None] - steps).abs())
        shore = SHORED * (near * self.bends).sum(2).amin(1, keepdim=True)
        return EDGE - F.leaky_relu(EDGE - shore, LEAK)

    def lay_water(self, styles: Tensor) -> tuple[Tensor, Tensor]:
        """Return how far waves bend what is seen, and how far they have drifted, (B, 1) each."""
        drift = (WAVE_DRIFT + FIRM * self.wave_drift) * (styles[:, self.clouds_told, None] - 0.5)
        return RIPPLE * self.ripple(styles), drift

    def lay_horizon(self, styles: Tensor) -> Tensor:
        """Return y of the horizon, (B, 1) in half heights."""
        raise NotImplementedError

    def paces(self) -> Tensor:
        """Return how far each ridge is moved from one end of the places to the other, in units."""
        return self.pace

    def keep(self) -> Tensor:
        """Return the shapes along all of the land, (n_ridges, N_SHAPES, N_KEPT).

        They are neither high nor low on the whole: a style says how high.
        """
        shapes = self.shapes @ self.octaves
        middle = shapes[:, :, N_KEPT // 2 - SEEN : N_KEPT // 2 + SEEN]
        return shapes - middle.mean(2, keepdim=True)

    def keep_waves(self) -> Tensor:
        """Return the heights of waves, (1, N_AWAY, N_ALONG)."""
        return WAVED * self.waves[None]

    def pave(self) -> Tensor | None:
        """Return what is kept of all that lies before the shore, if anything is."""
        return None

    def start(self, generator: RandomGenerator) -> None:
        """Begin with low hills that differ."""
        drawn = torch.randn(self.shapes.shape, generator=generator)
        self.shapes.copy_(ROUGH * drawn / (drawn @ self.octaves).std(2, keepdim=True))
        self.flanks.zero_()
        self.weights.weight.mul_(0.1)
        self.weights.bias.fill_(1.0)
        self.heights.weight.mul_(0.02)
        self.bends.copy_(torch.linspace(DRY, FULL, N_BENDS + 1) / SHORED)
        self.ripple.weight.mul_(0.2)
        self.ripple.bias.fill_(0.5)
        self.waves.normal_(std=0.05, generator=generator)
        self.wave_drift.zero_()


class Hills(Ridges):
    """Ridges of hills and mountains, with folds below them."""

    def __init__(self, form: Form) -> None:
        levels = torch.linspace(FARTHEST, NEAREST, form.n_ridges)
        folds = N_FOLDS, round(DEEPEST * UNIT / FOLD_KNOT), N_KEPT * LINE_KNOT // FOLD_KNOT
        super().__init__(form, levels, ROUGHNESS, folds, ("water",))
        self.horizon = nn.Parameter(torch.empty(2))
        self.horizon_told = form.find("horizon")

    def forward(self, styles: Tensor, n_across: int, half_height: float) -> Tensor:
        """Lay them over pictures.

        Parameters
        ----------
        styles, n_across : as `rise` takes them
        half_height : of the pictures, in units

        Returns
        -------
        (B, 2 n_ridges + 4, n_across), the first of `keyframes.land.Laid`.
        """
        rise, along = self.rise(styles, n_across, 1.0)
        horizon = self.lay_horizon(styles)
        near = self.usual_heights + FREE * torch.tanh(self.heights(styles))
        level = half_height * torch.lerp(horizon, torch.ones_like(horizon), near)
        shore = half_height * self.lay_shore(styles)
        flat = torch.stack([shore, torch.ones_like(shore), *self.lay_water(styles)], 1)
        # None sinks behind the foot of the one before it: it would never be seen again.
        foot = torch.cat([level[:, 1:], torch.full_like(shore, half_height)], 1)[:, :, None]
        tops = foot - F.leaky_relu(foot - level[:, :, None] + rise, LEAK)
        return torch.cat([tops, along, flat.expand(-1, -1, n_across)], 1)

    def lay_horizon(self, styles: Tensor) -> Tensor:
        """Return y of the horizon, as its number says."""
        told = styles[:, self.horizon_told, None] - 0.5
        return self.horizon[0] + self.horizon[1] * told

    def folds(self) -> Tensor:
        """Return what is to be seen below each ridge, see `keyframes.land.Kept`."""
        return FOLDED * self.flanks

    def start(self, generator: RandomGenerator) -> None:
        """Begin evenly from the horizon to the foreground."""
        super().start(generator)
        self.horizon.copy_(torch.tensor(SKYLINE))
        paces = torch.linspace(math.log(FAR_PACE), math.log(NEAR_PACE), self.n_ridges)
        self.pace.copy_(paces.exp())  # as far apart as they look


def _octave(octave: int, roughness: float) -> Tensor:
    """Return the splines of a shape's octave, (n, N_KEPT), as high as it is lively."""
    step = 2**octave
    at = torch.arange(N_KEPT) / step
    height = LIVELY * (step / 2 ** (N_OCTAVES - 1)) ** roughness
    waves: Tensor = height * spline(N_KEPT // step + 1, at).T
    return waves
