"""Colours of what is seen through a warp: tones of inks that are kept.

A palette is a ramp of ink from dark to light, and palettes stand on a ring. A picture's numbers say
which two of them it is printed in; a small network reads from what is seen at a pixel how light the
ink is, how much of the second, and what to add, a lamp, say.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator as RandomGenerator
from torch import Tensor, nn
from torch.nn import functional as F

from keyframes.form import Form
from keyframes.layers import SLOPE, Special, StyledMix, mix
from keyframes.warp import N_SEEN, N_SLOPES

N_PALETTES, N_INKS = 96, 48  # on the ring, and from dark to light in each
DEEP = 8.0  # of a colour, before it is cut to [−1, 1], to a number that is kept
FIRST_TONES = 1.2  # of the lightest ink, and of the darkest below nothing, to begin with
SECOND = (0.1, 0.1)  # how far the second palette is along the ring: of its number and its square
FREELY = 0.15  # how far a style moves what the waves are made of: their phases run away easily
MOST_CHROMA = 1.0  # as a logarithm: beyond it colours would run away
TOLD = ("palette", "second_palette")
# How many radians waves turn to a unit of what they are made of, from the first to the last, and
# how much more with the number of bands, to begin with.
SLOWEST, FASTEST, MORE = 0.7, 6.0, 2.0
WAVES, OTHERS = 0.3, 0.5  # how much of each number they, and what is no wave, are made of at first
# Some waves are bands to begin with: so many turn so fast, along a place and more or less of the
# height, or along the squashed height at some paces. From elsewhere none would come to turn so
# fast.
BAND, MORE_BANDS = 2.5 * math.pi, 6.0 * math.pi
ALONG, HEIGHTS, PACES = 3, (0.0, 0.15, 0.3, -0.3), (0.5, 1.0, 2.0)
N_BANDS = len(HEIGHTS) + len(PACES)
EDGE = 0.85  # of the overtones of a band: as sharp as what lies about a pixel wide
HEIGHT, SQUASHED = 0, 1  # places of what is seen


@dataclass(frozen=True, kw_only=True)
class Print:
    """How B pictures are read, as their styles say."""

    weights: Tensor  # (B, 2 n_waves, n_read)
    shifts: Tensor  # (B, 2 n_waves, 1)
    to_tones: tuple[Tensor, Tensor]
    to_shades: tuple[Tensor, Tensor]
    to_colours: tuple[Tensor, Tensor]
    inks: Tensor  # (B, 3, 2, N_INKS), of both palettes


class Inks(Special):
    """Map what is seen of pixels to colours.

    Half of the first layer are waves: bands and ribbons are some. As a wave rises with what it is
    made of, it is also known how it rises towards the light, and that is read beside it: so folds
    are lit.
    """

    reads: Tensor  # (2 n_waves, n_read), 0 where a wave does not read

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.n_waves, n_style = form.n_waves, form.n_style
        n_read = N_SEEN + form.n_fields
        self.told = [form.find(name) for name in TOLD]
        self.weight = nn.Parameter(torch.empty(2 * form.n_waves, n_read))
        self.bands_told = form.find("n_bands")
        self.pitch = nn.Parameter(torch.empty(2, form.n_waves))  # and how it grows with the bands
        self.weights = nn.Linear(n_style, 2 * form.n_waves * n_read)
        self.shifts = nn.Linear(n_style, 2 * form.n_waves)
        self.n_bands = min(N_BANDS, form.n_waves)
        n_waves_read = 3 * form.n_waves + 2 * self.n_bands
        self.to_tones = StyledMix(n_waves_read, form.n_tones, n_style, 2**0.5)
        self.to_shades = StyledMix(form.n_tones, form.n_tones // 2, n_style, 2**0.5)
        self.to_colours = StyledMix(form.n_tones // 2, 2 + 3, n_style, 0.6)
        self.inks = nn.Parameter(torch.empty(3, N_PALETTES, N_INKS))
        self.second = nn.Parameter(torch.empty(2))
        self.chroma = nn.Linear(n_style, 1)  # its logarithm
        # Waves of smooth fields would be rings that nothing asks for.
        reads = torch.ones_like(self.weight)
        reads[: form.n_waves, N_SEEN:] = 0.0
        self.register_buffer("reads", reads, persistent=False)

    def under(self, styles: Tensor) -> Print:
        """Return how pictures of styles (B, n_style) are read."""
        weights = self.weight + FREELY * self.weights(styles).unflatten(1, self.weight.shape)
        pitch = self.pitch[0] + self.pitch[1] * styles[:, self.bands_told, None]
        weights = weights * self.reads * F.pad(pitch, (0, self.n_waves), value=1.0)[:, :, None]
        return Print(
            weights=weights,
            shifts=self.shifts(styles)[:, :, None],
            to_tones=self.to_tones.under(styles),
            to_shades=self.to_shades.under(styles),
            to_colours=self.to_colours.under(styles),
            inks=self._mix_inks(styles),
        )

    def _mix_inks(self, styles: Tensor) -> Tensor:
        """Return both palettes (B, 3, 2, N_INKS), more or less colourful."""
        palette, further = styles[:, self.told].unbind(1)
        second = palette + self.second[0] * further + self.second[1] * further.square()
        turns = torch.stack([palette, second], 1)
        places = N_PALETTES * (turns - turns.floor())
        before = places.detach().long() % N_PALETTES
        near = (places - places.detach().floor())[:, :, None, None]
        ring = DEEP * self.inks.movedim(1, 0)
        inks = torch.lerp(ring[before], ring[(before + 1) % N_PALETTES], near).movedim(1, 2)
        grey = inks.mean(1, keepdim=True)
        mixed: Tensor = (
            grey
            + (inks - grey) * self.chroma(styles).clamp(max=MOST_CHROMA).exp()[:, :, None, None]
        )
        return mixed

    def forward(self, seen: Tensor, given: Print) -> Tensor:
        """Map (B, N_SEEN + N_SLOPES + n_fields, n) of n pixels to colours (B, 3, n) in [−1, 1]."""
        at_warp, slopes, fields = seen.tensor_split([N_SEEN, N_SEEN + N_SLOPES], 1)
        n = self.n_waves
        mixed = mix(given.weights, given.shifts, torch.cat([at_warp, fields], 1))
        waves = mixed[:, :n]
        sines, cosines = waves.sin(), waves.cos()
        lit = cosines * (given.weights[:, :n, :N_SLOPES] @ slopes)
        lit = lit * torch.rsqrt(1 + lit.square())
        sharp = overtones(sines[:, : self.n_bands], cosines[:, : self.n_bands])
        read = torch.cat([sines, F.leaky_relu(mixed[:, n:], SLOPE), lit, *sharp], 1)
        tones = F.leaky_relu_(mix(*given.to_tones, read), SLOPE)
        shades = F.leaky_relu_(mix(*given.to_shades, tones), SLOPE)
        colours = mix(*given.to_colours, shades)
        places = colours[:, None, :2].movedim(2, 3).tanh()  # how light, and which of both palettes
        inks = F.grid_sample(given.inks, places, align_corners=True)[:, :, 0]
        return colours[:, 2:].add(inks).tanh_()

    def _begin_bands(self) -> None:
        n = self.n_bands
        bands = torch.zeros(N_BANDS, self.weight.shape[1])
        bands[: len(HEIGHTS), ALONG] = 1.0
        bands[: len(HEIGHTS), HEIGHT] = torch.tensor(HEIGHTS)
        bands[len(HEIGHTS) :, SQUASHED] = torch.tensor(PACES)
        self.weight[:n] = bands[:n]
        self.pitch[:, :n] = torch.tensor([[BAND], [MORE_BANDS]])
        of_style = self.weights.weight.view(*self.weight.shape, -1)
        of_style[:n] = 0.0
        # Counted from the lowest height, not from the middle.
        paces = torch.tensor((*(0.0 for _ in HEIGHTS), *PACES))[:n]
        self.shifts.weight[:n] = 0.0
        self.shifts.weight[:n, self.bands_told] = MORE_BANDS * paces
        self.shifts.bias[:n] = BAND * paces

    def start(self, generator: RandomGenerator) -> None:
        """Begin with grey inks, and a style that silences nothing."""
        self.weight.normal_(std=OTHERS, generator=generator)
        self.weight[: self.n_waves] *= WAVES / OTHERS
        slow = torch.linspace(SLOWEST, FASTEST, self.n_waves)
        self.pitch.copy_(torch.stack([slow, MORE * slow]))
        self._begin_bands()
        self.weights.weight.mul_(0.35 * 0.5 / FREELY)
        self.chroma.weight.mul_(0.2)
        ramp = torch.linspace(-FIRST_TONES, FIRST_TONES, N_INKS)
        self.inks.copy_((ramp / DEEP).expand_as(self.inks))
        self.second.copy_(torch.tensor(SECOND))


def overtones(sines: Tensor, cosines: Tensor) -> tuple[Tensor, Tensor]:
    """Return two sums of all overtones of waves, the k-th with the strength EDGE^k / k.

    That of sines is a saw, that of cosines a crest where the saw falls: what has an edge once in a
    turn, such as cut layers of paper and their shadows, is nearly made of these.
    """
    across, along = EDGE * sines, 1 - EDGE * cosines
    return torch.atan2(across, along), -0.5 * torch.log(across.square() + along.square())
