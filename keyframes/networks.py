"""The networks behind the stills: a generator that reads fields, and its critics."""

import math
from collections.abc import Callable
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
LINE_KNOT = 2  # the same of the lines
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
    n_lines: int = 6  # fields of the row alone, and as many of the column alone; 0: nothing straight
    line_width: int = 48  # channels inside the network of the lines
    n_waves: int = 24  # tones that go up and down with the fields
    n_tones: int = 32  # tones that colours are mixed from
    whole_width: int = 64  # channels of the critic of whole pictures
    detail_width: int = 32  # channels of the critic of details

    def __post_init__(self) -> None:
        for name in ("width", "whole_width", "detail_width"):
            if getattr(self, name) < 16 or getattr(self, name) % 16:
                raise ValueError(f"{name} must be a multiple of 16.")
        for field in fields(self):
            smallest = 0 if field.name in ("n_fine", "n_lines") else 1
            if getattr(self, field.name) < smallest:
                raise ValueError(f"{field.name} must be {smallest} or more.")


@dataclass(frozen=True, kw_only=True)
class Knots:
    """What pictures are read from: the knots of fields, fine fields and lines.

    Without fine fields or lines, as in the older themes and in portraits, those count as 0.
    """

    coarse: Tensor  # (B, n_fields, 4n, 4m) for n by m places
    fine: Tensor | None = None  # (B, n_fine, 8n, 8m)
    rows: Tensor | None = None  # (B, n_lines, 16n), of lines that change from row to row alone
    columns: Tensor | None = None  # (B, n_lines, 16m), from column to column

    def __getitem__(self, some: slice) -> "Knots":
        return self.map(lambda knots: knots[some])

    def __len__(self) -> int:
        return len(self.coarse)

    def map(self, change: Callable[[Tensor], Tensor]) -> "Knots":
        """Change all there are."""
        return Knots(
            coarse=change(self.coarse),
            fine=None if self.fine is None else change(self.fine),
            rows=None if self.rows is None else change(self.rows),
            columns=None if self.columns is None else change(self.columns),
        )


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Which rows of a picture are read, or which columns: the weights of the knots for each."""

    coarse: Tensor  # (h, 4n)
    fine: Tensor  # (h, 8n)
    line: Tensor  # (h, 16n)

    def __getitem__(self, some: slice) -> "Reading":
        return Reading(coarse=self.coarse[some], fine=self.fine[some], line=self.line[some])

    def __len__(self) -> int:
        return len(self.coarse)

    def to(self, device: torch.device) -> "Reading":
        """Move to where the knots are."""
        return Reading(
            coarse=self.coarse.to(device), fine=self.fine.to(device), line=self.line.to(device)
        )


class Generator(Special):
    """Paint pictures of any size from styles.

    style ─▶ waves over the plane ─▶ 8×8, attention ─▶ 16×16 ─▶ 32×32 knots of smooth fields
      │                                                          ├─▶ 64×64 knots of fine fields
      │                          waves along each side ──────────┴─▶ 128 + 128 knots of lines
      ╰─────────────────────────────────────────▶ each pixel's colour, read from the fields there

    The fields are cubic B-splines, and a pixel's colour depends on their values at that pixel
    alone, through a small network that the style sets, as in Stanley's pattern-producing networks
    (2007) and in Anokhin et al. 2021. So edges are as sharp as the pixels and curves as smooth as
    the fields, from the first step on; what is left to learn is which ones. What is smaller than
    a knot of theirs, such as a star, comes from the fine fields. What is straight, upright or
    level, such as a horizon, a wall, or a front of windows, comes from the lines: a field of the
    row alone and one of the column alone make a grid together.
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
        if form.n_lines:
            self.row_lines = Lines(form)
            self.column_lines = Lines(form)
        self.frequencies = nn.Parameter(torch.empty(form.n_waves))
        n_read = form.n_fields + form.n_fine + 2 * form.n_lines
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

    def fields(self, styles: Tensor, height: int, width: int, density: float = 1.0) -> Knots:
        """Lay the fields of styles (B, n_style) over pictures of a size in pixels.

        Parameters
        ----------
        density : how many times as fine as usual the pixels lie; the fields stay the same

        Returns
        -------
        The knots of n by m places, the fewest that cover the picture; the picture lies in their
        middle, and each field has mean 0 and variance 1 over them.
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
        coarse, fine = normalise(self.to_fields(x)), None
        lines = (None, None)
        if self.form.n_lines:
            lines = (
                self.row_lines(x.mean(3), styles),
                self.column_lines(x.mean(2), styles),
            )
        if self.form.n_fine:
            x = double(x)
            for conv in self.at_whole:
                x = conv(x, styles)
            fine = normalise(self.to_fine(x))
        return Knots(coarse=coarse, fine=fine, rows=lines[0], columns=lines[1])

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

    def read(self, knots: Knots, styles: Tensor, rows: Reading, columns: Reading) -> Tensor:
        """Read pixels from fields.

        Parameters
        ----------
        knots : of B pictures, as `fields` gives them
        styles : (B, n_style)
        rows, columns : the h rows and w columns that are read, as `spline_rows` gives them

        Returns
        -------
        (B, 3, h, w) in [−1, 1]; always float32: a field rounded to bf16 shows as jagged contours.
        """
        n_at_once = max(1, N_AT_ONCE // (len(rows) * len(columns)))
        n_rows = max(1, N_AT_ONCE // len(columns))
        rows, columns = rows.to(styles.device), columns.to(styles.device)
        strips = [rows[start : start + n_rows] for start in range(0, len(rows), n_rows)]
        pictures = []
        with torch.autocast(styles.device.type, enabled=False):
            across = _read_across(knots.map(Tensor.float), columns)
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
        """Map what is read (B, n_read, n) at some pixels to their colours (B, 3, n)."""
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


def _read_across(knots: Knots, columns: Reading) -> Knots:
    """Read some columns (w) of everything but the lines of rows; (..., w) each."""
    return Knots(
        coarse=knots.coarse @ columns.coarse.T,
        fine=None if knots.fine is None else knots.fine @ columns.fine.T,
        rows=knots.rows,
        columns=None if knots.columns is None else knots.columns @ columns.line.T,
    )


def _read_strip(strip: Reading, across: Knots) -> Tensor:
    """Read some rows (h) of what `_read_across` gave: (B, n_read, h · w)."""
    read = [strip.coarse @ across.coarse]
    if across.fine is not None:
        read.append(strip.fine @ across.fine)
    if across.rows is not None and across.columns is not None:
        size = -1, -1, *read[0].shape[2:]
        read.append((across.rows @ strip.line.T)[:, :, :, None].expand(size))
        read.append(across.columns[:, :, None].expand(size))
    return torch.cat(read, 1).flatten(2) if len(read) > 1 else read[0].flatten(2)


class Lines(Special):
    """Lay lines along one side of pictures: fields that are the same all across.

    Waves from the length of a picture down to a few pixels, whose phases the styles set, give the
    grid of a front of windows, which the maps of places are too coarse for; what those show on
    average across says where walls and horizons are.
    """

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(torch.empty(form.line_width))  # radians to a pixel
        self.phases = nn.Linear(form.n_style, form.line_width)
        n_seen = form.line_width + form.width // 4
        widths = [n_seen, form.line_width, form.line_width, form.line_width]
        self.convs = nn.ModuleList(
            StyledConv(n_in, n_out, form.n_style, along=True) for n_in, n_out in pairwise(widths)
        )
        self.to_lines = nn.Conv1d(form.line_width, form.n_lines, 1)

    def forward(self, seen: Tensor, styles: Tensor) -> Tensor:
        """Map (B, C, 4n) and styles (B, n_style) to knots (B, n_lines, 16n)."""
        n = seen.shape[2] * KNOT // LINE_KNOT
        place = (torch.arange(n) + 0.5 - n / 2).to(styles) * LINE_KNOT
        angles = self.frequencies[:, None] * place + self.phases(styles)[:, :, None]
        fine = F.interpolate(seen, size=n, mode="linear", align_corners=False)
        x = torch.cat([torch.sin(angles).to(fine) * 2**0.5, fine], 1)
        for conv in self.convs:
            x = conv(x, styles)
        return normalise(self.to_lines(x))

    def start(self, generator: RandomGenerator) -> None:
        """Begin with periods of 512 pixels down to 6, phases anywhere."""
        periods = torch.logspace(math.log10(512), math.log10(6), len(self.frequencies))
        self.frequencies.copy_(2 * math.pi / periods)
        self.phases.weight.mul_(1.4)
        self.phases.bias.uniform_(-math.pi, math.pi, generator=generator)


def n_places(n_pixels: int, density: float) -> int:
    """Return how many places cover a side of a picture."""
    return math.ceil(n_pixels / (PLACE * density))


def spline_rows(n_pixels: int, density: float = 1.0) -> Reading:
    """Return how to read all rows of a picture, or all columns of one so wide."""
    place = PLACE * density
    first = math.floor((n_places(n_pixels, density) * place - n_pixels) / 2)
    pixels = torch.arange(first, first + n_pixels, dtype=torch.float64) + 0.5
    n = n_places(n_pixels, density) * PLACE
    coarse, fine, line = (
        spline(n // knot, pixels / (knot * density) - 0.5) for knot in (KNOT, FINE_KNOT, LINE_KNOT)
    )
    return Reading(coarse=coarse, fine=fine, line=line)


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
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, a=SLOPE, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, Special):
            with torch.no_grad():
                module.start(generator)
