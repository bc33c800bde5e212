"""Noise that is kept and seen through a warp, as marbled paper is: what abstract pictures share.

A network keeps tiles that repeat in all directions. A picture says where on them it stands, how
large, turned and stretched they are seen, and how far two of them bend the place that is looked
at, one after the other (Quilez 2002's domain warping):

    place ─▶ + bend(place) ─▶ + bend(bent) ─▶ height, and how it slopes
                     ╰─▶ cells: how far their border is, their tone

Places are laid at the knots of fields, as those are smooth; tiles are looked at for each pixel.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator as RandomGenerator
from torch import Tensor, nn
from torch.nn import functional as F

from keyframes.form import Form
from keyframes.land import UNIT
from keyframes.layers import Special, spline

CELLS = 12  # sides of a tile, in which places are counted
N_BENDS, N_HIGH, N_BORDERS = 96, 192, 288  # knots of the tiles along a side
# Times, at which the smooth ones are laid out before they are looked at; on the way back, too, that
# costs as much as all else.
FINER, FINER_LEARNING = 4, 2
DEEP = 8.0  # of a height to a number that is kept
REACH = 3.0  # how far a picture's place moves with the number that says where it is
# Constants of the warp, to begin with, see `_spread`; and how far each moves with a number of its
# own that is learnt.
AT_FIRST, FIRM = (-0.5, 1.0, 2.0, 0.6, 0.15, 0.75, 0.9, 0.6), 0.3
HIGH_SCALE, CELLS_SCALE = 0.55, 1.1  # of the places at which these are looked at
SQUASH = 0.9  # to begin with
LAMP = 1.6  # how far a lamp moves with the number that says where it is, in units
NEAREST = 0.004  # square of the distance from a lamp within which it grows no brighter
N_LAID = 2 + 6 + 6 + 1  # see `Warp.forward`
# Numbers that are read of each pixel, and those of them, at first, whose slopes are read too.
N_SEEN, N_SLOPES = 12, 8
TOLD = ("place_x", "place_y", "place_z", "scale", "turn", "stretch", "warp", "curl")
LAMPS = ("light_x", "light_y")


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """What is kept, laid out to be looked at; the last row and column repeat the first."""

    high: Tensor  # (1, 3, n, n): a height, and how it slopes along x and y
    cells: Tensor  # (1, 2, m, m): how far the border of a cell is, say, and its tone
    squash: Tensor  # (1,)


@dataclass(frozen=True, kw_only=True)
class Stand:
    """Where pictures stand."""

    origin: Tensor  # (B, 1, 1, 2), on the tiles
    lamp: Tensor  # (B, 2, 1, 1), x and y in units


class Warp(Special):
    """Lay places of kept tiles over pictures, from nothing but the numbers that are told."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.told = [form.find(name) for name in TOLD]
        self.lamps = [form.find(name) for name in LAMPS]
        self.bends = nn.Parameter(torch.empty(4, N_BENDS, N_BENDS))  # x and y of both
        self.high = nn.Parameter(torch.empty(1, N_HIGH, N_HIGH))
        self.cells = nn.Parameter(torch.empty(2, N_BORDERS, N_BORDERS))
        self.constants = nn.Parameter(torch.empty(len(AT_FIRST)))
        self.squash = nn.Parameter(torch.empty(1))  # how soon heights are as good as endless
        self.light = nn.Parameter(torch.empty(2))  # x and y of where slopes are lit from

    def forward(self, styles: Tensor, n_rows: int, n_columns: int, knot: int) -> Tensor:
        """Lay places over pictures.

        Parameters
        ----------
        styles : (B, n_style)
        n_rows, n_columns : knots, the picture in their middle
        knot : pixels from one to the next

        Returns
        -------
        (B, N_LAID, n_rows, n_columns): the place where cells are; that where the height
        is, and both bends; how these rise towards the light; and 1, which is less where all this
        gives way to something else.
        """
        curled, bent, first, second = self._bend(styles, n_rows, n_columns, knot / UNIT)
        moved = torch.cat([curled, first, second], 3).movedim(3, 1)
        across, down = (_rise(moved, side) * (UNIT / knot) for side in (3, 2))
        rise = across * self.light[0] + down * self.light[1]
        present = torch.ones_like(moved[:, :1])
        return torch.cat([bent.movedim(3, 1), moved, rise, present], 1)

    def _bend(
        self, styles: Tensor, n_rows: int, n_columns: int, step: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return places bent twice and once, and both bends, (B, n_rows, n_columns, 2) each."""
        told = styles[:, self.told, None, None]
        drift, scale, turn, stretch, warp, curl = told[:, 2:].unbind(1)
        least, larger, longer, near, bends, bends_more, far, curls = (
            torch.tensor(AT_FIRST, device=styles.device) + FIRM * self.constants
        )
        y, x = ((torch.arange(n).to(styles) + 0.5 - n / 2) * step for n in (n_rows, n_columns))
        y, size = y[:, None], torch.exp(least + larger * scale)
        sine, cosine = torch.sin(math.pi * turn), torch.cos(math.pi * turn)
        along = (x * cosine + y * sine) * size / (1 + longer * stretch.square())
        place = torch.stack([along, (y * cosine - x * sine) * size], 3)
        origin, drift = self.stand(styles).origin, REACH * drift[..., None]
        tiles = torch.split(_lay_out(DEEP * self.bends), 2, 1)
        first = _look(tiles[0], (place + origin) * near + drift)
        bent = place + (bends + bends_more * warp)[..., None] * first
        second = _look(tiles[1], (bent + origin) * far - drift)
        return bent + (curls * curl)[..., None] * second, bent, first, second

    def stand(self, styles: Tensor) -> Stand:
        """Return where pictures of styles (B, n_style) stand."""
        place, lamp = styles[:, self.told[:2]], styles[:, self.lamps] - 0.5
        return Stand(origin=REACH * place[:, None, None], lamp=LAMP * lamp[:, :, None, None])

    def keep(self) -> Tiles:
        """Return what is kept."""
        high = _lay_out(DEEP * self.high)
        # Around the seam, whose row and column are there twice, it goes on as on the other side.
        around = F.pad(high[:, :, :-1, :-1], (1, 2, 1, 2), mode="circular")
        step = 2 * CELLS / (high.shape[3] - 1)
        across = (around[:, :, 1:-1, 2:] - around[:, :, 1:-1, :-2]) / step
        down = (around[:, :, 2:, 1:-1] - around[:, :, :-2, 1:-1]) / step
        cells = F.pad(DEEP * self.cells[None], (0, 1, 0, 1), mode="circular")
        return Tiles(high=torch.cat([high, across, down], 1), cells=cells, squash=self.squash)

    def start(self, generator: RandomGenerator) -> None:
        """Begin with hardly any noise, hardly bent."""
        for tile in (self.bends, self.high, self.cells):
            tile.normal_(std=0.01, generator=generator)
        self.constants.zero_()
        self.squash.fill_(SQUASH)
        self.light.fill_(1.0)


def read_warp(laid: Tensor, stand: Stand, tiles: Tiles, y: Tensor, x: Tensor) -> Tensor:
    """Look at tiles through a warp.

    Parameters
    ----------
    laid : (B, n, h, w), as `Warp` lays it, at pixels
    stand : of the same pictures
    tiles : as `Warp.keep` gives them
    y, x : (h) and (w) of the pixels, in units

    Returns
    -------
    (B, N_SEEN + N_SLOPES, h, w): the height, the same squashed between −1 and 1, where on the tiles
    a pixel is, both bends, cells, and how near the lamp is; then how the first of these rise
    towards the light.
    """
    parts = [2, 6, 6, 1]
    bent, moved, rise, present = torch.split(laid, parts, 1)
    places = [place.movedim(1, 3) + stand.origin for place in (moved[:, :2], bent)]
    high = _look(tiles.high, places[0] * HIGH_SCALE).movedim(3, 1)
    cells = _look(tiles.cells, places[1] * CELLS_SCALE).movedim(3, 1)
    lit = HIGH_SCALE * (high[:, 1:] * rise[:, :2]).sum(1, keepdim=True)
    away = (x - stand.lamp[:, :1]).square() + (y[:, None] - stand.lamp[:, 1:]).square() + NEAREST
    squashed = (tiles.squash * high[:, :1]).tanh()
    squashed_lit = lit * tiles.squash * (1 - squashed.square())
    seen = [high[:, :1], squashed, moved, cells, away.log() * -0.5, away.sqrt()]
    read: Tensor = torch.cat([*seen, lit, squashed_lit, rise], 1) * present
    return read


def _rise(x: Tensor, side: int) -> Tensor:
    """Return how maps rise from one knot to the next, along a side; at the ends as beside them."""
    n = x.shape[side]
    rise = (x.narrow(side, 2, n - 2) - x.narrow(side, 0, n - 2)) / 2
    return torch.cat([rise.narrow(side, 0, 1), rise, rise.narrow(side, n - 3, 1)], side)


def _lay_out(tile: Tensor) -> Tensor:
    """Lay out a smooth tile (C, n, n) finely, (1, C, m, m): its knots are those of a spline."""
    n, beyond = tile.shape[2], 3
    around = F.pad(tile[None], (beyond,) * 4, mode="circular")
    finer = FINER_LEARNING if torch.is_grad_enabled() else FINER
    positions = torch.arange(n * finer + 1, dtype=torch.float64) / finer + beyond
    weights = spline(n + 2 * beyond, positions).to(tile)
    return weights @ around @ weights.T


def _look(tile: Tensor, places: Tensor) -> Tensor:
    """Look at a tile (1, C, m, m) at places (B, h, w, 2), each along x and y: (B, h, w, C)."""
    turns = places / CELLS
    grid = 2 * (turns - turns.floor()) - 1
    # As one picture: a tile to each would be written over and over on the way back.
    seen = F.grid_sample(tile, grid.reshape(1, -1, 1, 2), align_corners=True)
    return seen[0, :, :, 0].T.reshape(*places.shape[:3], -1)
