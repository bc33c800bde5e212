"""Pictures without end, of noise that is seen through a warp: small ones, and details of large."""

from typing import Protocol

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from training_data import abstract
from training_data.made import Maker, to_bytes


class Marbler(Maker, Protocol):
    """A maker of such pictures."""

    NAMES: tuple[str, ...]

    def paint_detail(
        self, vectors: Tensor, height: int, width: int, rows: slice, columns: slice
    ) -> Tensor:
        """Paint some rows and columns of pictures of a height and a width alone."""


class Endless:
    """What a maker paints, drawn anew whenever it is asked for.

    Of a few thousand pictures a network learns by heart what their numbers come to. Small pictures
    and details cost so little that none need be seen twice.

    Parameters
    ----------
    maker : of the pictures
    n_noise : how many numbers are said of each; NaN beyond those that it is made from
    """

    def __init__(self, maker: Marbler, n_noise: int) -> None:
        self._maker, self._n_noise = maker, n_noise
        self._bends = [maker.NAMES.index(name) for name in ("warp", "curl")]

    def draw(self, generator: Generator, n: int) -> Tensor:
        """Draw the numbers of n pictures, (n, n_noise)."""
        drawn = torch.rand(n, self._maker.N_DRAWN, generator=generator)
        return F.pad(drawn, (0, self._n_noise - self._maker.N_DRAWN), value=torch.nan)

    def draw_eased(self, generator: Generator, n: int, most: float) -> Tensor:
        """Draw numbers of pictures that are hardly bent: half of them by less than most / 4."""
        numbers = self.draw(generator, n)
        numbers[:, self._bends] *= most * torch.rand(n, 1, generator=generator).square()
        return numbers

    def paint(self, numbers: Tensor, side: int) -> Tensor:
        """Paint squares of numbers (n, n_noise): (n, 3, side, side) uint8."""
        return to_bytes(self._maker.paint(self._spread(numbers), side, side))

    def paint_detail(self, numbers: Tensor, side: int, rows: slice, columns: slice) -> Tensor:
        """Paint some rows and columns of such squares alone, (n, 3, h, w) uint8."""
        vectors = self._spread(numbers)
        return to_bytes(self._maker.paint_detail(vectors, side, side, rows, columns))

    def _spread(self, numbers: Tensor) -> Tensor:
        return self._maker.spread(numbers[:, : self._maker.N_DRAWN])


MARBLED: dict[str, Marbler] = {"abstract": abstract}
