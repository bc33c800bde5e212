"""Where fields are kept, and how they are read at the pixels of a picture of any size.

Fields are cubic B-splines, given by their knots. The picture lies in the middle of its places.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import repeat

import torch
from torch import Tensor

from keyframes.land import UNIT, Kept, look, read_folds, read_paving, read_sky
from keyframes.layers import spline

PLACE = 32  # pixels of a picture to one place of the generator's coarsest map, along each side
KNOT = 8  # pixels from one knot of the fields to the next
FINE_KNOT = 4  # the same of the fine fields
LINE_KNOT = 2  # the same of the lines
NEAREST = 0.004  # square of the distance from a spot within which it grows no stronger


@dataclass(frozen=True, kw_only=True)
class Knots:
    """What pictures are read from: the knots of fields, fine fields and lines.

    Without fine fields or lines, as in the older themes and in portraits, those count as 0.
    """

    coarse: Tensor  # (B, n_fields, 4n, 4m) for n by m places
    fine: Tensor | None = None  # (B, n_fine, 8n, 8m)
    rows: Tensor | None = None  # (B, n_lines, 16n), of lines that change from row to row alone
    columns: Tensor | None = None  # (B, n_lines, 16m), from column to column
    land: Tensor | None = None  # (B, n, 16m), see `keyframes.land.Laid`
    warp: Tensor | None = None  # (B, n, 4n, 4m), see `keyframes.warp.Warp`

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
    kept: Kept | None  # where there is land


def harden(lines: Tensor, hardness: float) -> Tensor:
    """Draw lines, as they are read at pixels, towards two values, from which they change at once.

    Of smooth ones a wall and a roof meet in a curve.

    Parameters
    ----------
    lines : of mean 0 and variance 1
    hardness : 0 leaves them as they are
    """
    return torch.tanh(hardness * lines) / math.tanh(hardness) if hardness else lines


def lay(weights: Tensor, knots: Tensor) -> Tensor:
    """Weigh knots (..., k, w) for some rows (h, k), (..., h, w): only those that say anything.

    A few rows in a row are near to a few knots, and of a film's picture there are ninety.
    """
    near = weights.any(0).nonzero()
    first, n = int(near[0]), int(near[-1] - near[0]) + 1
    return weights.narrow(1, first, n) @ knots.narrow(-2, first, n)


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
        land=None if knots.land is None else knots.land @ columns.line.T,
        warp=None if knots.warp is None else knots.warp @ columns.coarse.T,
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
    read = [lay(strip.coarse, across.coarse)]
    plane = read[0].shape[2:]
    fine = None if across.fine is None else lay(strip.fine, across.fine)
    if given is not None:
        y, x, beside = strip.place[None, None, :, None], columns.place, []
        if across.land is not None and given.kept is not None:
            seen = look(strip.place, x, across.land, given.kept)
            y, beside = seen.y, [seen.ground, read_folds(seen, given.kept)]
            beside.append(read_sky(seen, x, given.kept))
            if given.kept.paving is not None:
                beside.append(read_paving(given.kept.paving, strip.place, x, seen.laid))
        read += [side.expand(len(across), 1, *plane) for side in (y, x)]
        read += [_see_spots(given.spots, y, x), *beside]
    if fine is not None:
        read.append(fine)
    if across.rows is not None and across.columns is not None:
        rows = harden(across.rows @ strip.line.T, hardness)
        read.append(rows[:, :, :, None].expand(-1, -1, *plane))
        read.append(across.columns[:, :, None].expand(-1, -1, *plane))
    return (torch.cat(read, 1) if len(read) > 1 else read[0]).flatten(2)


def read_land(
    strip: Reading, land: Tensor, columns: Reading, given: Given, *, bare: bool
) -> Tensor:
    """Read y and what there is of land and sky, as `read_strip` does: (B, n, h · w).

    Parameters
    ----------
    land : read across some columns
    bare : without what is below the ridges
    """
    if given.kept is None:
        raise ValueError("There is no land to read.")
    seen = look(strip.place, columns.place, land, given.kept)
    folds = [] if bare else [read_folds(seen, given.kept)]
    spots = _see_spots(given.spots, seen.y, columns.place)
    sky = read_sky(seen, columns.place, given.kept)
    return torch.cat([seen.y, spots, seen.ground, *folds, sky], 1).flatten(2)


def _see_spots(spots: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Return how near pixels at y and x (w) are to spots (B, n, 2): (B, n, h, w)."""
    along = x - spots[:, :, 1:]
    away = (y - spots[:, :, :1, None]).square() + (along.square() + NEAREST)[:, :, None]
    return away.log() * -0.5


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
