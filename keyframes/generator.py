"""The generator behind the stills: it lays fields over a picture and reads colours from them."""

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Generator as RandomGenerator
from torch import Tensor, nn
from torch.nn import functional as F

from keyframes.form import Form
from keyframes.houses import Houses
from keyframes.inks import Inks
from keyframes.knots import (
    KNOT,
    LINE_KNOT,
    PLACE,
    Given,
    Knots,
    Reading,
    lay,
    n_line_knots,
    n_places,
    read_across,
    read_land,
    read_strip,
    spline_rows,
)
from keyframes.land import UNIT, Kept, unpack
from keyframes.layers import (
    SLOPE,
    Attention,
    Special,
    StyledConv,
    StyledMix,
    double,
    mix,
    normalise,
)
from keyframes.ridges import Hills
from keyframes.silhouettes import Silhouettes
from keyframes.sky import Sky
from keyframes.warp import N_SEEN, N_SLOPES, Tiles, Warp, read_warp
from pix2pix.inner import Inner, apply

LONGEST_OCTAVE = 1.5  # radians to a unit of noise; each octave turns twice as fast as the last
# Pixels read together: what they need then stays in a processor's cache. The way back goes through
# memory anyhow, and fewer pieces cost it less.
N_AT_ONCE, N_AT_ONCE_LEARNING = 2**13, 2**14


class Generator(Special):
    """Paint pictures of any size from styles.

    style ─▶ waves over the plane ─▶ 8×8, attention ─▶ 16×16 ─▶ 32×32 knots of smooth fields
      │                                                          ├─▶ 64×64 knots of fine fields
      │                          waves along each side ──────────┴─▶ 128 + 128 knots of lines
      ╰─────────────────────────────────────────▶ each pixel's colour, read from the fields there

    The fields are cubic B-splines, and a pixel's colour depends on their values at that pixel
    alone, as in Stanley's pattern-producing networks (2007) and in Anokhin et al. 2021. So edges
    are as sharp as the pixels and curves as smooth as the fields, from the first step on; what is
    left to learn is which ones. What is smaller than a knot of theirs, such as a star, comes from
    the fine fields. What is straight, upright or level, such as a horizon, a wall, or a front of
    windows, comes from the lines: a field of the row alone and one of the column alone make a grid
    together. Land that all pictures show some stretch of is kept, see `Ridges`; and noise, see
    `Warp`. Colours are read by `Silhouettes`, of what is warped by `Inks`; in older files by a
    small network of sines.
    """

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.form = form
        self.hardness = form.hardness  # training begins with a softer one
        width, n_style = form.width, form.n_style
        self.told = list(form.told.values())
        self.mapping = nn.Sequential(
            nn.Linear(form.n_noise * (1 + 2 * form.n_octaves), n_style),
            nn.LeakyReLU(SLOPE),
            nn.Linear(n_style, n_style),
            nn.LeakyReLU(SLOPE),
            nn.Linear(n_style, n_style - len(self.told)),
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
        if form.n_ridges:
            self.ridges = Houses(form) if form.houses else Hills(form)
            self.sky = Sky(form)
        self._build_reader()

    def _build_reader(self) -> None:
        form = self.form
        if form.n_layers:
            self.silhouettes = Silhouettes(form)
        elif form.warped:
            self.warp, self.inks = Warp(form), Inks(form)
        else:
            n_read = form.n_fields + form.n_fine + 2 * form.n_lines
            self.frequencies = nn.Parameter(torch.empty(form.n_waves))
            self.to_waves = StyledMix(n_read, 2 * form.n_waves, form.n_style, 1.0)
            self.to_tones = StyledMix(2 * form.n_waves, form.n_tones, form.n_style, 2**0.5)
            self.to_colours = StyledMix(form.n_tones, 3, form.n_style, 0.6)

    def _stage(self, widths: list[int]) -> nn.ModuleList:
        n_style = self.form.n_style
        return nn.ModuleList(StyledConv(n_in, n_out, n_style) for n_in, n_out in pairwise(widths))

    def style(self, noise: Tensor) -> Tensor:
        """Map noise (B, n_noise) to styles (B, n_style).

        The network sees the noise through waves as well (Tancik et al. 2020): without them it
        takes long to learn what turns often within one number, such as the hue.
        """
        unit = noise * torch.rsqrt(noise.square().mean(1, keepdim=True) + 1e-8)
        seen = [unit]
        for octave in range(self.form.n_octaves):
            turns = LONGEST_OCTAVE * 2**octave
            angles, strength = turns * unit, 1.2 * turns**-0.5
            seen += [strength * angles.sin(), strength * angles.cos()]
        styles: Tensor = self.mapping(torch.cat(seen, 1))
        if not self.told:
            return styles
        return torch.cat([styles, torch.special.ndtr(noise[:, self.told])], 1)

    def fields(
        self,
        styles: Tensor,
        height: int,
        width: int,
        density: float = 1.0,
        inner: Inner | None = None,
    ) -> Knots:
        """Lay the fields of styles (B, n_style) over pictures of a size in pixels.

        Parameters
        ----------
        density : how many times as fine as usual the pixels lie; the fields stay the same
        inner : what is done to the maps of 8×8, 16×16 or 32×32 in a square of 256 pixels

        Returns
        -------
        The knots of n by m places, the fewest that cover the picture; the picture lies in their
        middle, and each field has mean 0 and variance 1 over them.
        """
        x = self._waves(styles, n_places(height, density), n_places(width, density))
        for conv in self.at_eighth:
            x = conv(x, styles)
        x = double(apply(inner, "coarse", self.attention(x)))
        for conv in self.at_quarter:
            x = conv(x, styles)
        x = double(apply(inner, "middle", x))
        for conv in self.at_half:
            x = conv(x, styles)
        x = apply(inner, "fine", x)
        coarse = normalise(self.to_fields(x))
        fine = rows = columns = None
        if self.form.n_lines:
            rows = self.row_lines(x.mean(3), styles)
            columns = self.column_lines(x.mean(2), styles)
        if self.form.n_fine:
            x = double(x)
            for conv in self.at_whole:
                x = conv(x, styles)
            fine = normalise(self.to_fine(x))
        land = self.lay_land(styles, height, width, density) if self.form.n_ridges else None
        warp = self._lay_warp(styles, coarse, inner) if self.form.warped else None
        return Knots(coarse=coarse, fine=fine, rows=rows, columns=columns, land=land, warp=warp)

    def lay_land(self, styles: Tensor, height: int, width: int, density: float) -> Tensor:
        """Lay land and sky over pictures, see `Knots.land`; parameters as those of `fields`."""
        half_height, half_width = (side / (2 * UNIT * density) for side in (height, width))
        n_across = n_line_knots(width, density)
        with torch.autocast(styles.device.type, enabled=False):  # bf16 would make steps of slopes
            styles = styles.float()
            horizon = half_height * self.ridges.lay_horizon(styles)[:, 0]
            ridges = self.ridges(styles, n_across, half_height)
            sky = self.sky(styles, horizon, n_across, half_height, half_width)
        return torch.cat([ridges, sky], 1)

    def _lay_warp(self, styles: Tensor, fields: Tensor, inner: Inner | None) -> Tensor:
        """Lay a warp at the knots of fields."""
        with torch.autocast(styles.device.type, enabled=False):
            warp: Tensor = self.warp(styles.float(), *fields.shape[2:], KNOT)
        if inner is None:
            return warp
        # Whatever the layer: beside a warp the smooth fields, and what they come from, say little.
        places, present = warp[:, :-1], warp[:, -1:]
        return torch.cat([inner.change(places), present], 1)

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
        n_pixels = N_AT_ONCE_LEARNING if torch.is_grad_enabled() else N_AT_ONCE
        n_at_once = max(1, n_pixels // (len(rows) * len(columns)))
        n_rows = max(1, n_pixels // len(columns))
        rows, columns = (side.map(lambda x: x.to(styles.device)) for side in (rows, columns))
        strips = [rows[start : start + n_rows] for start in range(0, len(rows), n_rows)]
        pictures = []
        with torch.autocast(styles.device.type, enabled=False):
            across = read_across(knots.map(Tensor.float), columns, self.hardness)
            in_parts = torch.split(styles.float(), n_at_once)
            kept = self.keep() if self.form.n_ridges else None
            tiles = self.warp.keep() if across.warp is not None else None  # portraits have none
            for some, their_styles in zip(across.split(n_at_once), in_parts, strict=True):
                read = self._reader(their_styles, some, columns, kept, tiles)
                pictures.append(torch.cat([read(strip) for strip in strips], 2))
        return torch.cat(pictures).reshape(len(knots), 3, len(rows), len(columns))

    def _reader(
        self,
        styles: Tensor,
        across: Knots,
        columns: Reading,
        kept: Kept | None,
        tiles: Tiles | None,
    ) -> Callable[[Reading], Tensor]:
        """Return what maps some rows of pictures to their colours (B, 3, n)."""
        if self.form.warped:
            return self._warp_reader(styles, across, columns, tiles)
        if self.form.n_layers:
            cut = self.silhouettes.under(styles, self.hardness)
            given = Given(spots=_place_sun(cut.spots, across.land), kept=kept)
            return lambda strip: self.silhouettes(
                read_strip(strip, across, columns, given, self.hardness), cut
            )
        layers = self._set_layers(styles)
        return lambda strip: self._read(
            read_strip(strip, across, columns, None, self.hardness), layers
        )

    def _warp_reader(
        self, styles: Tensor, across: Knots, columns: Reading, tiles: Tiles | None
    ) -> Callable[[Reading], Tensor]:
        printed, stand = self.inks.under(styles), self.warp.stand(styles)

        def read(strip: Reading) -> Tensor:
            fields = lay(strip.coarse, across.coarse)
            if across.warp is None or tiles is None:
                seen = fields.new_zeros(len(fields), N_SEEN + N_SLOPES, *fields.shape[2:])
            else:
                laid = lay(strip.coarse, across.warp)
                seen = read_warp(laid, stand, tiles, strip.place, columns.place)
            colours: Tensor = self.inks(torch.cat([seen, fields], 1).flatten(2), printed)
            return colours

        return read

    def keep(self) -> Kept:
        """Return what is kept of land and sky, where there are any."""
        return Kept(
            folds=self.ridges.folds(),
            has_houses=self.form.houses,
            waves=self.ridges.keep_waves(),
            clouds=self.sky.clouds(),
            stars=self.sky.stars(),
            paving=self.ridges.pave(),
        )

    def paint_land(
        self, styles: Tensor, land: Tensor, rows: Reading, columns: Reading, *, bare: bool
    ) -> Tensor:
        """Paint nothing but ridges, what is below them, and a sky, at a fraction of the cost.

        Parameters
        ----------
        styles : (B, n_style)
        land : as `lay_land` gives it
        rows, columns : the h rows and w columns that are read
        bare : ridges alone

        Returns
        -------
        (B, 3, h, w) in [−1, 1].
        """
        rows, columns = (side.map(lambda x: x.to(styles.device)) for side in (rows, columns))
        cut = self.silhouettes.clear(self.silhouettes.under(styles, self.hardness), bare=bare)
        land = land @ columns.line.T
        given = Given(spots=_place_sun(cut.spots, land), kept=self.keep())
        read = read_land(rows, land, columns, given, bare=bare)
        painted: Tensor = self.silhouettes(read, cut)
        return painted.reshape(len(styles), 3, len(rows), len(columns))

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
        return self.read_whole(knots, styles, height, width, density)

    def read_whole(
        self, knots: Knots, styles: Tensor, height: int, width: int, density: float = 1.0
    ) -> Tensor:
        """Read all pixels of pictures, as through a lens; (B, 3, height, width) in [−1, 1]."""
        rows, columns = spline_rows(height, density), spline_rows(width, density)
        return self.soften(self.read(knots, styles, rows, columns))

    def soften(self, pictures: Tensor) -> Tensor:
        """Let some of each pixel's light fall on its neighbours; (B, 3, h, w), without gaps."""
        softness = self.form.softness
        if not softness:
            return pictures
        # By hand: as a convolution of single channels it takes twice as long.
        for side, border in ((2, (0, 0, 1, 1)), (3, (1, 1, 0, 0))):
            n, padded = pictures.shape[side], F.pad(pictures, border, mode="replicate")
            beside = (padded.narrow(side, 0, n) + padded.narrow(side, 2, n)) / 2
            pictures = torch.lerp(pictures, beside, 2 * softness)
        return pictures

    def start(self, generator: RandomGenerator) -> None:
        """Begin with about a wave to a picture, phases anywhere, and narrow and broad bands."""
        self.directions.normal_(std=2.4, generator=generator)
        _start_phases(self.phases, generator)
        if not self.form.n_layers and not self.form.warped:
            self.frequencies.copy_(torch.linspace(0.5, 5.0, len(self.frequencies)))


class Lines(Special):
    """Lay lines along one side of pictures: fields that are the same all across.

    Waves from the length of a picture down to a few pixels, whose phases the styles set, give the
    grid of a front of windows, which the maps of places are too coarse for; what those show on
    average across says where walls and horizons are.
    """

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(torch.empty(form.line_width))  # radians to a pixel
        self.heights = nn.Parameter(torch.empty(form.line_width))
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
        waves = torch.sin(angles) * self.heights[:, None]
        x = torch.cat([waves.to(fine), fine], 1)
        for conv in self.convs:
            x = conv(x, styles)
        return normalise(self.to_lines(x))

    def start(self, generator: RandomGenerator) -> None:
        """Begin with periods of 512 pixels down to 6, phases anywhere."""
        periods = torch.logspace(math.log10(512), math.log10(6), len(self.frequencies))
        self.frequencies.copy_(2 * math.pi / periods)
        self.heights.copy_((periods / 128) ** 0.7)  # as rough as mountains are, not as noise
        _start_phases(self.phases, generator)


def _place_sun(spots: Tensor, land: Tensor | None) -> Tensor:
    """Let the first of spots (B, n, 2) stand where the sun over land does, if there is land."""
    if land is None:
        return spots
    laid = unpack(land)
    sun = torch.stack([laid.sun_y[:, 0, :, 0], laid.sun_x[:, 0, :, 0]], 2)
    return torch.cat([sun, spots[:, 1:]], 1)


def _start_phases(phases: nn.Linear, generator: RandomGenerator) -> None:
    """Let waves begin anywhere, and styles move them far."""
    phases.weight.mul_(1.4)
    phases.bias.uniform_(-math.pi, math.pi, generator=generator)
