"""The networks behind the stills: a generator that reads fields, and its critics."""

import math
from dataclasses import dataclass, fields
from itertools import pairwise

import torch
from torch import Generator as RandomGenerator
from torch import Tensor, nn
from torch.nn import functional as F

from keyframes.layers import (
    SLOPE,
    Attention,
    Block,
    Special,
    StyledConv,
    StyledMix,
    double,
    halve,
    mix,
    normalise,
    spline,
)

PLACE = 32  # pixels of a picture to one place of the generator's coarsest map, along each side
KNOT = 8  # pixels from one knot of the fields to the next
FINE_KNOT = 4  # the same of the fine fields
UNIT = 128  # pixels from the middle of a picture to coordinate 1
N_AT_ONCE = 2**14  # pixels read together: what they need then stays in a processor's cache


@dataclass(frozen=True, kw_only=True)
class Form:
    """The form of the networks of one theme.

    Raises
    ------
    ValueError
        A field is out of its range.
    """

    n_noise: int = 128  # length of z, the noise behind a style
    n_style: int = 256  # length of w, the style of a still
    width: int = 128  # channels of the generator's coarse maps; half, then a quarter inside
    n_fields: int = 16  # smooth fields that pictures are read from
    n_fine: int = 4  # finer ones beside them; 0 where nothing in the pictures is small
    n_waves: int = 24  # tones that go up and down with the fields
    n_tones: int = 32  # tones that colours are mixed from
    whole_width: int = 64  # channels of the critic of whole pictures
    detail_width: int = 32  # channels of the critic of details

    def __post_init__(self) -> None:
        for name in ("width", "whole_width", "detail_width"):
            if getattr(self, name) < 16 or getattr(self, name) % 16:
                raise ValueError(f"{name} must be a multiple of 16.")
        for field in fields(self):
            smallest = 0 if field.name == "n_fine" else 1
            if getattr(self, field.name) < smallest:
                raise ValueError(f"{field.name} must be {smallest} or more.")


@dataclass(frozen=True)
class Levels:
    """A tensor for the fields, and one for the fine fields where there are some."""

    tensors: tuple[Tensor, ...]

    @property
    def coarse(self) -> Tensor:
        """That of the fields."""
        return self.tensors[0]

    def __getitem__(self, some: slice) -> "Levels":
        return Levels(tuple(tensor[some] for tensor in self.tensors))

    def __len__(self) -> int:
        return len(self.coarse)


class Generator(Special):
    """Paint pictures of any size from styles.

    style ─▶ waves over the plane ─▶ 8×8, attention ─▶ 16×16 ─▶ 32×32 knots of smooth fields
      │                                                          ╰─▶ 64×64 knots of fine fields
      ╰─────────────────────────────────────────▶ each pixel's colour, read from the fields there

    The fields are cubic B-splines, and a pixel's colour depends on their values at that pixel
    alone, through a small network that the style sets, as in Stanley's pattern-producing networks
    (2007) and in Anokhin et al. 2021. So edges are as sharp as the pixels and curves as smooth as
    the fields, from the first step on; what is left to learn is which ones. What is smaller than
    a knot of theirs, such as a lit window, comes from the fine fields.
    """

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.form = form
        width, n_style = form.width, form.n_style
        self.mapping = nn.Sequential(
            nn.Linear(form.n_noise, n_style),
            nn.LeakyReLU(SLOPE),
            nn.Linear(n_style, n_style),
            nn.LeakyReLU(SLOPE),
            nn.Linear(n_style, n_style),
        )
        self.directions = nn.Parameter(torch.empty(2, width))  # of the waves, radians to a unit
        self.phases = nn.Linear(n_style, width)
        self.at_eighth = self._stage([width, width, width, width])
        self.attention = Attention(width)
        self.at_quarter = self._stage([width, width // 2, width // 2])
        self.at_half = self._stage([width // 2, width // 4, width // 4])
        self.to_fields = nn.Conv2d(width // 4, form.n_fields, 1)
        if form.n_fine:
            self.at_whole = self._stage([width // 4, width // 4])
            self.to_fine = nn.Conv2d(width // 4, form.n_fine, 1)
        self.frequencies = nn.Parameter(torch.empty(form.n_waves))
        n_read = form.n_fields + form.n_fine
        self.to_waves = StyledMix(n_read, 2 * form.n_waves, n_style, 1.0)
        self.to_tones = StyledMix(2 * form.n_waves, form.n_tones, n_style, 2**0.5)
        self.to_colours = StyledMix(form.n_tones, 3, n_style, 0.6)

    def _stage(self, widths: list[int]) -> nn.ModuleList:
        n_style = self.form.n_style
        return nn.ModuleList(StyledConv(n_in, n_out, n_style) for n_in, n_out in pairwise(widths))

    def style(self, noise: Tensor) -> Tensor:
        """Map noise (B, n_noise) to styles (B, n_style)."""
        unit = noise * torch.rsqrt(noise.square().mean(1, keepdim=True) + 1e-8)
        styles: Tensor = self.mapping(unit)
        return styles

    def fields(self, styles: Tensor, height: int, width: int, density: float = 1.0) -> Levels:
        """Lay the fields of styles (B, n_style) over pictures of a size in pixels.

        Parameters
        ----------
        density : how many times as fine as usual the pixels lie; the fields stay the same

        Returns
        -------
        (B, n_fields, 4n, 4m) and (B, n_fine, 8n, 8m): the knots of n by m places, the fewest
        that cover the picture; the picture lies in their middle, and each field has mean 0 and
        variance 1 over them.
        """
        x = self._waves(styles, n_places(height, density), n_places(width, density))
        for conv in self.at_eighth:
            x = conv(x, styles)
        x = double(self.attention(x))
        for conv in self.at_quarter:
            x = conv(x, styles)
        x = double(x)
        for conv in self.at_half:
            x = conv(x, styles)
        coarse = normalise(self.to_fields(x))
        if not self.form.n_fine:
            return Levels((coarse,))
        x = double(x)
        for conv in self.at_whole:
            x = conv(x, styles)
        return Levels((coarse, normalise(self.to_fine(x))))

    def _waves(self, styles: Tensor, n_rows: int, n_columns: int) -> Tensor:
        """Return plane waves (B, width, n_rows, n_columns) whose phases the styles set.

        They say where on the plane a place lies, so a wide picture shows more of it; and when a
        style moves, what it paints flows (Karras et al. 2021).
        """
        y = (torch.arange(n_rows) + 0.5 - n_rows / 2).to(styles) * (PLACE / UNIT)
        x = (torch.arange(n_columns) + 0.5 - n_columns / 2).to(styles) * (PLACE / UNIT)
        angles = y[:, None, None] * self.directions[0] + x[:, None] * self.directions[1]
        waves = torch.sin(angles + self.phases(styles)[:, None, None]) * 2**0.5
        return waves.permute(0, 3, 1, 2)

    def read(self, knots: Levels, styles: Tensor, rows: Levels, columns: Levels) -> Tensor:
        """Read pixels from fields.

        Parameters
        ----------
        knots : (B, n_fields, n, m) and finer ones, as `fields` gives them; without those, they
            count as 0
        styles : (B, n_style)
        rows, columns : (h, n), (w, m) and finer ones, the weights of the knots for each row and
            column that is read, as `spline_rows` gives them

        Returns
        -------
        (B, 3, h, w) in [−1, 1]; always float32: a field rounded to bf16 shows as jagged contours.
        """
        n_at_once = max(1, N_AT_ONCE // (len(rows) * len(columns)))
        n_rows = max(1, N_AT_ONCE // len(columns))
        device = styles.device
        strips = [rows[start : start + n_rows] for start in range(0, len(rows), n_rows)]
        pictures = []
        with torch.autocast(device.type, enabled=False):
            across = Levels(
                tuple(
                    theirs.float() @ weights.to(device).T
                    for theirs, weights in zip(knots.tensors, columns.tensors, strict=False)
                )
            )
            for start in range(0, len(knots), n_at_once):
                some = slice(start, start + n_at_once)
                layers = self._set_layers(styles[some].float())
                read = [self._read(_read_strip(strip, across[some]), layers) for strip in strips]
                pictures.append(torch.cat(read, 2))
        return torch.cat(pictures).reshape(len(knots), 3, len(rows), len(columns))

    def _set_layers(self, styles: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the weights and shifts of the three layers that read, as styles set them."""
        weights, shifts = self.to_waves.under(styles)
        factors = torch.cat([self.frequencies, torch.ones_like(self.frequencies)])[:, None]
        waves = weights * factors, shifts * factors
        return [waves, self.to_tones.under(styles), self.to_colours.under(styles)]

    def _read(self, fields: Tensor, layers: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Map the fields (B, n_fields, n) at some pixels to their colours (B, 3, n)."""
        to_waves, to_tones, to_colours = layers
        weights, shifts = to_waves
        x = mix(weights[:, :, : fields.shape[1]], shifts, fields)
        # In place: new memory would have to come into the cache first.
        x[:, : self.form.n_waves].sin_()
        F.leaky_relu_(x[:, self.form.n_waves :], SLOPE)
        x = F.leaky_relu_(mix(*to_tones, x), SLOPE)
        return mix(*to_colours, x).tanh_()

    def forward(self, styles: Tensor, height: int, width: int, density: float = 1.0) -> Tensor:
        """Map styles (B, n_style) to pictures (B, 3, height, width) in [−1, 1]."""
        knots = self.fields(styles, height, width, density)
        rows, columns = spline_rows(height, density), spline_rows(width, density)
        return self.read(knots, styles, rows, columns)

    def start(self, generator: RandomGenerator) -> None:
        """Begin with about a wave to a picture, phases anywhere, and narrow and broad bands."""
        self.directions.normal_(std=2.4, generator=generator)
        self.phases.weight.mul_(1.4)
        self.phases.bias.uniform_(-math.pi, math.pi, generator=generator)
        self.frequencies.copy_(torch.linspace(0.5, 5.0, len(self.frequencies)))


def _read_strip(strip: Levels, across: Levels) -> Tensor:
    """Read all fields, (B, n_fields + n_fine, n), in some rows."""
    read = [
        (rows.to(fields.device) @ fields).flatten(2)
        for rows, fields in zip(strip.tensors, across.tensors, strict=False)
    ]
    return torch.cat(read, 1) if len(read) > 1 else read[0]


def n_places(n_pixels: int, density: float) -> int:
    """Return how many places cover a side of a picture."""
    return math.ceil(n_pixels / (PLACE * density))


def spline_rows(n_pixels: int, density: float = 1.0) -> Levels:
    """Return the weights (n_pixels, n_knots) of the fields' knots for each row of a picture.

    The columns are the same for a width.
    """
    place = PLACE * density
    first = math.floor((n_places(n_pixels, density) * place - n_pixels) / 2)
    pixels = torch.arange(first, first + n_pixels, dtype=torch.float64) + 0.5
    return Levels(
        tuple(
            spline(
                round(n_places(n_pixels, density) * PLACE / knot), pixels / (knot * density) - 0.5
            )
            for knot in (KNOT, FINE_KNOT)
        )
    )


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


def initialise(network: nn.Module, generator: RandomGenerator) -> None:
    """Draw all weights from a CPU generator, so that every layer keeps its input's strength."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, a=SLOPE, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, Special):
            with torch.no_grad():
                module.start(generator)
