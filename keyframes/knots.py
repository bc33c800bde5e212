"""Where fields are kept, and how they are read at the pixels of a picture of any size.

Fields are cubic B-splines, given by their knots. The picture lies in the middle of its places.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import repeat

import torch
from torch import Tensor
from torch.nn import functional as F

from keyframes.layers import spline

PLACE = 32  # pixels of a picture to one place of the generator's coarsest map, along each side
KNOT = 8  # pixels from one knot of the fields to the next
FINE_KNOT = 4  # the same of the fine fields
LINE_KNOT = 2  # the same of the lines
UNIT = 128  # pixels from the middle of a picture to coordinate 1
SUNK = 4.0  # units below the middle of a picture: a ridge, or a sun, that is not there
DEEPEST = 1.5  # units below a ridge to which it has folds
HIGHEST = 2.0  # units above the ground to which houses have windows, where they are not scaled
CALM = 0.22  # of the waves' height, at the shore itself, to that a unit below it
WETNESS = 100.0  # of what lies a unit below the shore, as a logit
N_BESIDE = 4  # what `Knots.ridges` keeps beside the ridges and their places
# Waves lie on water as it is seen from the shore on: how far one is goes by the logarithm of its
# depth below the shore, in units, beside that at the shore itself; and how far to each side.
AT_SHORE, DEEPEST_WAVE, ALONG_WAVES = 0.06, 1.6, 2.7
# Clouds lie on a plane, and how far away one is goes by one over its height above the horizon, in
# parts of the sky, beside that of the horizon itself; and how high above it one looks at most.
LIFT, TALLEST = 0.25, 1.2
# Of the plane of the clouds: how far it reaches to each side, and from where to where away.
ACROSS, NEAREST_CLOUD, FARTHEST_CLOUD = 10.5, 0.4, 4.3
NEAREST = 0.004  # square of the distance from a spot within which it grows no stronger
# Of the stars: how far they reach to each side, and from how far above the middle to how far below.
ALONG_STARS, STARRY = 2.7, (-1.85, 0.45)
# Of a street: how far it reaches to each side, and from how far above its shore to how far below.
ALONG_SHORE, PAVED = 1.9, (-0.25, 1.5)


@dataclass(frozen=True, kw_only=True)
class Knots:
    """What pictures are read from: the knots of fields, fine fields and lines.

    Without fine fields or lines, as in the older themes and in portraits, those count as 0.
    """

    coarse: Tensor  # (B, n_fields, 4n, 4m) for n by m places
    fine: Tensor | None = None  # (B, n_fine, 8n, 8m)
    rows: Tensor | None = None  # (B, n_lines, 16n), of lines that change from row to row alone
    columns: Tensor | None = None  # (B, n_lines, 16m), from column to column
    # (B, 2 n_ridges + 4, 16m), in units: y of the ridges, where along their land each column is,
    # from −1 to 1, y of the shore, below which all is seen again, how large houses are, how far
    # waves bend what is seen in the water, and how far they have drifted.
    ridges: Tensor | None = None
    # (B, 8, 16m), the same all along: y and x of the sun, y of the horizon, how high above it the
    # upper edge lies, in units, how far the clouds have drifted, across and away, how far the stars
    # have turned, and how much of both is to be seen.
    sky: Tensor | None = None

    def __getitem__(self, some: slice) -> "Knots":
        return self.map(lambda knots: knots[some])

    def __len__(self) -> int:
        return len(self.coarse)

    def split(self, n: int) -> Iterator["Knots"]:
        """Take n pictures at a time; unlike slices, all at once on the way back."""
        names = [field.name for field in fields(self)]
        parts = (
            repeat(None) if knots is None else torch.split(knots, n)
            for knots in (getattr(self, name) for name in names)
        )
        for part in zip(*parts, strict=False):
            yield Knots(**dict(zip(names, part, strict=True)))

    def map(self, change: Callable[[Tensor], Tensor]) -> "Knots":
        """Change all there are."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        there = {name: change(knots) for name, knots in given.items() if knots is not None}
        return Knots(**there)


@dataclass(frozen=True, kw_only=True)
class Land:
    """Land and sky alone, laid over pictures; see `Knots`."""

    ridges: Tensor
    sky: Tensor

    def map(self, change: Callable[[Tensor], Tensor]) -> "Land":
        """Change both."""
        return Land(ridges=change(self.ridges), sky=change(self.sky))


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Which rows of a picture are read, or which columns: the weights of the knots for each."""

    coarse: Tensor  # (h, 4n)
    fine: Tensor  # (h, 8n)
    line: Tensor  # (h, 16n)
    place: Tensor  # (h,), coordinates

    def __getitem__(self, some: slice) -> "Reading":
        return self.map(lambda tensor: tensor[some])

    def __len__(self) -> int:
        return len(self.coarse)

    def map(self, change: Callable[[Tensor], Tensor]) -> "Reading":
        """Change all."""
        return Reading(
            coarse=change(self.coarse),
            fine=change(self.fine),
            line=change(self.line),
            place=change(self.place),
        )


@dataclass(frozen=True, kw_only=True)
class Given:
    """What is read beside the knots of pictures."""

    spots: Tensor  # (B, n_spots, 2), y and x in units, n_spots 0 or more
    folds: "Folds | None" = None
    waves: Tensor | None = None  # (away, across), heights of the waves as they are kept
    clouds: Tensor | None = None  # (n, away, across), as they are kept
    stars: Tensor | None = None  # (n, up, along), as they are kept
    paving: Tensor | None = None  # (n, down, across), of what lies before a shore; see `PAVED`


@dataclass(frozen=True, kw_only=True)
class Folds:
    """What is to be seen below ridges, kept along their land."""

    # (n_ridges, n, down, along): 1 of each from its ridge to `DEEPEST` below, or, of houses, 2 of
    # each from the ground to `HIGHEST` above: windows, then walls.
    kept: Tensor
    of_houses: bool


def harden(lines: Tensor, hardness: float) -> Tensor:
    """Draw lines, as they are read at pixels, towards two values, from which they change at once.

    Of smooth ones a wall and a roof meet in a curve.

    Parameters
    ----------
    lines : of mean 0 and variance 1
    hardness : 0 leaves them as they are
    """
    return torch.tanh(hardness * lines) / math.tanh(hardness) if hardness else lines


def read_across(knots: Knots, columns: Reading, hardness: float) -> Knots:
    """Read some columns (w) of everything but the lines of rows; (..., w) each.

    Parameters
    ----------
    hardness : of the lines, see `harden`
    """
    return Knots(
        coarse=knots.coarse @ columns.coarse.T,
        fine=None if knots.fine is None else knots.fine @ columns.fine.T,
        rows=knots.rows,
        columns=None if knots.columns is None else harden(knots.columns @ columns.line.T, hardness),
        ridges=None if knots.ridges is None else knots.ridges @ columns.line.T,
        sky=None if knots.sky is None else knots.sky @ columns.line.T,
    )


def read_strip(
    strip: Reading, across: Knots, columns: Reading, given: Given | None, hardness: float
) -> Tensor:
    """Read some rows (h) of what `read_across` gave: (B, n_read, h · w).

    First come the fields, y and x, and how near the spots are; then of land how far below each
    ridge a pixel is, whether it is wet, waves, folds (of houses all windows, then all walls), how
    high in the sky it is, clouds, and paving; then fine fields, lines of rows, of columns.

    Parameters
    ----------
    given : what is read as it is given; None in older themes, without y and x
    hardness : of the lines, as they were read across with
    """
    read = [strip.coarse @ across.coarse]
    plane = read[0].shape[2:]
    fine = None if across.fine is None else strip.fine @ across.fine
    if given is not None:
        y, below = strip.place[None, None, :, None], []
        if across.ridges is not None and given.folds is not None:
            land = _see_land(strip, across.ridges, columns.place, given.waves)
            y = land.y
            below = [land.under, land.wet, land.wave, _read_folds(given.folds, land)]
        if across.sky is not None and given.clouds is not None:
            below.append(_read_sky(given, given.clouds, across.sky, y, columns.place))
        if across.ridges is not None and given.paving is not None:
            below.append(_read_paving(given.paving, across.ridges, strip.place, columns.place))
        read += [side.expand(len(across), 1, *plane) for side in (y, columns.place)]
        read += [_see_spots(given.spots, y, columns.place), *below]
    if fine is not None:
        read.append(fine)
    if across.rows is not None and across.columns is not None:
        rows = harden(across.rows @ strip.line.T, hardness)
        read.append(rows[:, :, :, None].expand(-1, -1, *plane))
        read.append(across.columns[:, :, None].expand(-1, -1, *plane))
    return (torch.cat(read, 1) if len(read) > 1 else read[0]).flatten(2)


def read_land(strip: Reading, across: Land, columns: Reading, given: Given) -> Tensor:
    """Read y and what there is of land and sky, as `read_strip` does: (B, n, h · w).

    Parameters
    ----------
    across : read across some columns
    given : spots of the sky alone, none where there is no sky; without folds ridges are bare
    """
    land = _see_land(strip, across.ridges, columns.place, given.waves)
    spots = _see_spots(given.spots, land.y, columns.place)
    read = [land.y, spots, land.under, land.wet, land.wave]
    if given.folds is not None:
        read.append(_read_folds(given.folds, land))
    if given.clouds is not None:
        read.append(_read_sky(given, given.clouds, across.sky, land.y, columns.place))
    return torch.cat(read, 1).flatten(2)


def sink(ridges: Tensor, share: Tensor) -> Tensor:
    """Let ridges (B, n, w), as `Knots` keeps them, sink out of sight by shares (B, 1, 1)."""
    n = (ridges.shape[1] - N_BESIDE) // 2
    down = torch.zeros(ridges.shape[1], 1, device=ridges.device)
    down[:n] = down[2 * n] = 1.0
    return torch.lerp(ridges, torch.full_like(ridges, SUNK), share * down)


def clear_up(sky: Tensor, share: Tensor) -> Tensor:
    """Let the sun of a sky (B, n, w), as `Knots` keeps it, set, and its clouds fade, by shares."""
    y, seen = sky[:, :1], sky[:, -1:]
    y = torch.lerp(y, torch.full_like(y, SUNK), share)  # shares are (B, 1, 1)
    return torch.cat([y, sky[:, 1:-1], seen * (1 - share)], 1)


@dataclass(frozen=True, kw_only=True)
class _SeenLand:
    """Land as pixels see it, (B, ..., h, w) or what broadcasts to it."""

    y: Tensor  # as seen in water where there is any
    under: Tensor  # depth below each ridge
    wet: Tensor
    wave: Tensor  # height of the waves, where it is wet
    along: Tensor  # place along each land, −1 to 1
    above: Tensor  # height above the shore, to the size of the houses


def _see_land(strip: Reading, ridges: Tensor, x: Tensor, waves: Tensor | None) -> _SeenLand:
    n = (ridges.shape[1] - N_BESIDE) // 2
    parts = torch.split(ridges[:, :, None], [n, n, 1, 1, 1, 1], 1)
    tops, along, shore, size, ripple, drift = parts
    y = strip.place[:, None]
    deep = (y - shore).clamp(min=0)
    wet = torch.sigmoid(WETNESS * (y - shore))
    y = torch.where(y > shore, 2 * shore - y, y)
    wave = torch.zeros_like(wet)
    if waves is not None:
        wave = wet * _read_waves(waves, deep, (x + drift) / ALONG_WAVES)
        y = y + ripple * wave * (CALM + deep)  # they grow towards the viewer
    above = (shore - y) / size
    return _SeenLand(y=y, under=y - tops, wet=wet, wave=wave, along=along, above=above)


def _read_waves(kept: Tensor, deep: Tensor, along: Tensor) -> Tensor:
    """Read kept waves (away, across) at depths (B, 1, h, w), and from −1 to 1 along the shore."""
    near, far = math.log(AT_SHORE), math.log(AT_SHORE + DEEPEST_WAVE)
    away = ((deep + AT_SHORE).log() - near) / (far - near)
    return _read_kept(kept[None], along, away, beyond="border")


def _read_folds(folds: Folds, land: _SeenLand) -> Tensor:
    """Read what is to be seen below ridges: (B, n · n_ridges, h, w) of n each."""
    down = land.under / DEEPEST
    if folds.of_houses:
        down = (land.above / HIGHEST).expand_as(down)
    places = torch.stack([land.along.expand_as(down), 2 * down - 1], 4)
    # A ridge after the other, as so many pictures of n channels.
    of_each = places.transpose(0, 1).flatten(1, 2)  # (n_ridges, B · h, w, 2)
    seen = F.grid_sample(folds.kept, of_each, padding_mode="border", align_corners=True)
    B, n_ridges, h, w = down.shape
    return seen.reshape(n_ridges, -1, B, h, w).permute(2, 1, 0, 3, 4).flatten(1, 2)


def _see_spots(spots: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Return how near pixels at y and x (w) are to spots (B, n, 2): (B, n, h, w)."""
    along = x - spots[:, :, 1:]
    away = (y - spots[:, :, :1, None]).square() + (along.square() + NEAREST)[:, :, None]
    return away.log() * -0.5


def _read_sky(given: Given, clouds: Tensor, sky: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Read height in the sky, clouds (n, away, across) and stars at y (B, 1, h, w) and x (w)."""
    _, _, horizon, above, drift, drift_away, turn, seen = torch.split(sky[:, None], 1, 2)
    height = ((horizon - y) / above).clamp(0, TALLEST)
    distance = 1 / (height + LIFT)
    across = (x * distance + drift) / ACROSS
    away = (distance + drift_away - NEAREST_CLOUD) / (FARTHEST_CLOUD - NEAREST_CLOUD)
    read = [height, seen * _read_kept(clouds, across, away, beyond="border")]
    if given.stars is not None:
        up = (y - STARRY[0]) / (STARRY[1] - STARRY[0])
        read.append(seen * _read_kept(given.stars, (x + turn) / ALONG_STARS, up))
    return torch.cat(read, 1)


def _read_paving(kept: Tensor, ridges: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Read kept paving (n, down, across) where pixels at y (h) and x (w) see it."""
    n = (ridges.shape[1] - N_BESIDE) // 2
    shore = ridges[:, 2 * n, None, None]  # (B, 1, 1, w)
    down = (y[:, None] - shore - PAVED[0]) / (PAVED[1] - PAVED[0])
    return _read_kept(kept, x / ALONG_SHORE, down)


def _read_kept(kept: Tensor, across: Tensor, down: Tensor, beyond: str = "zeros") -> Tensor:
    """Read a kept plane (n, H, W), the same for all pictures; (B, n, h, w).

    Parameters
    ----------
    across : −1 to 1 from end to end, (B, 1, h, w) or what broadcasts to it
    down : 0 to 1, (B, 1, h, w)
    beyond : what is there: "zeros", or the "border" again
    """
    B, _, h, w = down.shape
    places = torch.stack([across.expand_as(down), 2 * down - 1], 4).reshape(1, B * h, w, 2)
    read = F.grid_sample(kept[None], places, padding_mode=beyond, align_corners=True)
    return read.reshape(-1, B, h, w).transpose(0, 1)


def n_line_knots(n_pixels: int, density: float) -> int:
    """Return how many knots of lines cover a side of a picture."""
    return n_places(n_pixels, density) * PLACE // LINE_KNOT


def n_places(n_pixels: int, density: float) -> int:
    """Return how many places cover a side of a picture."""
    return math.ceil(n_pixels / (PLACE * density))


def spline_rows(n_pixels: int, density: float = 1.0) -> Reading:
    """Return how to read all rows of a picture, or all columns of one so wide."""
    n_covered = n_places(n_pixels, density) * PLACE  # pixels as wide as at density 1
    first = math.floor((n_covered * density - n_pixels) / 2)
    pixels = torch.arange(first, first + n_pixels, dtype=torch.float64) + 0.5
    coarse, fine, line = (
        spline(n_covered // knot, pixels / (knot * density) - 0.5)
        for knot in (KNOT, FINE_KNOT, LINE_KNOT)
    )
    place = (torch.arange(n_pixels) + 0.5 - n_pixels / 2) / (density * UNIT)
    return Reading(coarse=coarse, fine=fine, line=line, place=place)
