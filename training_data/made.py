"""Pictures of the project's own makers, and the numbers that they are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Generator, Tensor

from training_data import abstract, cityscape, landscape
from training_data.picture_arrays import N_AT_ONCE


class Maker(Protocol):
    """A module that paints pictures from vectors of parameters."""

    N_DRAWN: int

    def spread(self, numbers: Tensor) -> Tensor:
        """Make parameters of numbers (n, N_DRAWN) drawn evenly from [0, 1]."""

    def paint(self, vectors: Tensor, height: int, width: int) -> Tensor:
        """Paint pictures (n, 3, height, width) in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What all pictures of a maker show some stretch of."""

    n_ridges: int = 0  # of land, as many as there are, or more
    has_houses: bool = False
    warped: bool = False  # noise that is seen through a warp
    # Which numbers say of what stretch, and how it is seen, as `keyframes.form.Form` wants them.
    numbers: Mapping[str, int]


class Made:
    """Pictures of a maker, and the numbers they were made from.

    Parameters
    ----------
    has_lines : whether things in them are straight, upright or level, as houses are
    shared : what all of them show
    """

    def __init__(self, maker: Maker, *, has_lines: bool, shared: Shared) -> None:
        self.maker, self.has_lines, self.shared = maker, has_lines, shared

    def __call__(self, generator: Generator, n: int, height: int, width: int) -> Tensor:
        """Return n pictures; see `training_data.picture_arrays.Source`."""
        return to_bytes(self.maker.paint(self.maker.spread(self.draw(generator, n)), height, width))

    def numbers(self, n: int, seed: int) -> Tensor:
        """Return what an array of `cache` was made from, (n, N) in [0, 1], drawn again."""
        generator = Generator().manual_seed(seed)
        sizes = [min(N_AT_ONCE, n - start) for start in range(0, n, N_AT_ONCE)]
        return torch.cat([self.draw(generator, size) for size in sizes])

    def draw(self, generator: Generator, n: int) -> Tensor:
        """Draw what n pictures are made from, (n, N) in [0, 1]."""
        return torch.rand(n, self.maker.N_DRAWN, generator=generator)


def to_bytes(pictures: Tensor) -> Tensor:
    """Turn numbers in [0, 1] into bytes."""
    return pictures.clamp(0, 1).mul(255).round().to(torch.uint8)


def _find(names: tuple[str, ...], *wanted: str) -> dict[str, int]:
    return {name: names.index(name) for name in wanted}


_MARBLE = Shared(
    warped=True,
    numbers=_find((*abstract.NAMES, "lead"), *abstract.NAMES, "lead"),
)
_STREET = Shared(
    n_ridges=cityscape.N_ROWS,
    has_houses=True,
    numbers=_find(
        cityscape.NAMES,
        *("place", "scale", "water", "street", "sun_x", "sun_y", "sun_size", "cloud_place"),
    ),
)
_MOUNTAINS = Shared(
    n_ridges=landscape.N_RIDGES,
    numbers=_find(
        landscape.NAMES,
        *("place", "horizon", "water", "sun_x", "sun_y", "sun_size", "cloud_place"),
    ),
)
MADE = {
    "abstract": Made(abstract, has_lines=False, shared=_MARBLE),
    "cityscape": Made(cityscape, has_lines=True, shared=_STREET),
    "landscape": Made(landscape, has_lines=False, shared=_MOUNTAINS),
}
