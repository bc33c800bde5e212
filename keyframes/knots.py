"""Where fields are kept, and how they are read at the pixels of a picture of any size.

Fields are cubic B-splines, given by their knots. The picture lies in the middle of its places.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat

import torch
from torch import Tensor

from keyframes.layers import spline

PLACE = 32  # pixels of a picture to one place of the generator's coarsest map, along each side
KNOT = 8  # pixels from one knot of the fields to the next
FINE_KNOT = 4  # the same of the fine fields
LINE_KNOT = 2  # the same of the lines
UNIT = 128  # pixels from the middle of a picture to coordinate 1
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

    def __getitem__(self, some: slice) -> "Knots":
        return self.map(lambda knots: knots[some])

    def __len__(self) -> int:
        return len(self.coarse)

    def split(self, n: int) -> Iterator["Knots"]:
        """Take n pictures at a time; unlike slices, all at once on the way back."""
        fine, rows, columns = (
            repeat(None) if knots is None else torch.split(knots, n)
            for knots in (self.fine, self.rows, self.columns)
        )
        for part in zip(torch.split(self.coarse, n), fine, rows, columns, strict=False):
            yield Knots(coarse=part[0], fine=part[1], rows=part[2], columns=part[3])

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
    )


def read_strip(
    strip: Reading, across: Knots, columns: Reading, spots: Tensor | None, hardness: float
) -> Tensor:
    """Read some rows (h) of what `read_across` gave: (B, n_read, h · w).

    First come the fields, then y and x and how near the spots are, then fine fields, lines of
    rows, of columns.

    Parameters
    ----------
    spots : (B, n_spots, 2), y and x, n_spots 0 or more; None in older themes, without y and x
    hardness : of the lines, as they were read across with
    """
    read = [strip.coarse @ across.coarse]
    plane = read[0].shape[2:]
    if spots is not None:
        read.append(strip.place[:, None].expand(len(across), 1, *plane))
        read.append(columns.place.expand(len(across), 1, *plane))
        down = strip.place - spots[:, :, :1]
        along = columns.place - spots[:, :, 1:]
        away = down.square()[:, :, :, None] + (along.square() + NEAREST)[:, :, None]
        read.append(away.log() * -0.5)
    if across.fine is not None:
        read.append(strip.fine @ across.fine)
    if across.rows is not None and across.columns is not None:
        rows = harden(across.rows @ strip.line.T, hardness)
        read.append(rows[:, :, :, None].expand(-1, -1, *plane))
        read.append(across.columns[:, :, None].expand(-1, -1, *plane))
    return (torch.cat(read, 1) if len(read) > 1 else read[0]).flatten(2)


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
