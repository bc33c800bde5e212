"""Many pictures of one shape in one file, painted or cut once and read again and again."""

import fcntl
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from numpy.lib.format import open_memmap
from torch import Generator, Tensor

from training_data import abstract, cityscape, landscape
from training_data.room import check_room

N_AT_ONCE = 16  # pictures; the draws of each such batch depend on the seed and its number alone


class Source(Protocol):
    """Where pictures come from."""

    def __call__(self, generator: Generator, n: int, height: int, width: int) -> Tensor:
        """Return n pictures (n, 3, height, width), uint8, drawn by a CPU generator."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How many pictures of which size."""

    n: int
    height: int  # pixels
    width: int


class _Maker(Protocol):
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

    def __init__(self, maker: _Maker, *, has_lines: bool, shared: Shared) -> None:
        self._maker, self.has_lines, self.shared = maker, has_lines, shared

    def __call__(self, generator: Generator, n: int, height: int, width: int) -> Tensor:
        """Return n pictures; see `Source`."""
        vectors = self._maker.spread(self._draw(generator, n))
        pictures = self._maker.paint(vectors, height, width)
        return pictures.clamp(0, 1).mul(255).round().to(torch.uint8)

    def numbers(self, n: int, seed: int) -> Tensor:
        """Return what an array of `cache` was made from, (n, N) in [0, 1], drawn again."""
        generator = Generator().manual_seed(seed)
        sizes = [min(N_AT_ONCE, n - start) for start in range(0, n, N_AT_ONCE)]
        return torch.cat([self._draw(generator, size) for size in sizes])

    def _draw(self, generator: Generator, n: int) -> Tensor:
        return torch.rand(n, self._maker.N_DRAWN, generator=generator)


class Eased(Made):
    """The same, but most of them hardly bent: a half by less than a quarter of what they would be.

    Parameters
    ----------
    made : a maker whose pictures show noise that is seen through a warp
    """

    def __init__(self, made: Made) -> None:
        super().__init__(made._maker, has_lines=made.has_lines, shared=made.shared)
        self._bends = [made.shared.numbers[name] for name in ("warp", "curl")]

    def _draw(self, generator: Generator, n: int) -> Tensor:
        numbers = super()._draw(generator, n)
        numbers[:, self._bends] *= torch.rand(n, 1, generator=generator).square()
        return numbers


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


def cache(
    folder: Path, shape: Shape, source: Source, seed: int, tell: Callable[[int, int], None]
) -> npt.NDArray[np.uint8]:
    """Return an array of pictures, mapped from a file in a folder, made where it is missing.

    Parameters
    ----------
    folder : of the files; pictures of one source and one seed alone belong there
    shape : of the array
    source : of the pictures, asked only where the file is missing
    seed : of the draws
    tell : called with how many pictures are done and how many there will be

    Returns
    -------
    (n, 3, height, width) uint8, read-only.

    Raises
    ------
    TonfilmError
        The disk has no room for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{shape.n}x{shape.height}x{shape.width}.npy"
    if not path.exists():
        check_room(folder, shape.n * 3 * shape.height * shape.width)
        with (folder / "lock").open("a") as lock:
            # Two trainings that wrote one file would leave black pictures to each other.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                _make(path, shape, source, seed, tell)
    mapped: npt.NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return mapped


def _make(
    path: Path, shape: Shape, source: Source, seed: int, tell: Callable[[int, int], None]
) -> None:
    partial = path.with_suffix(".partial")
    size = (shape.n, 3, shape.height, shape.width)
    array = open_memmap(partial, mode="w+", dtype=np.uint8, shape=size)
    generator = Generator().manual_seed(seed)
    for start in range(0, shape.n, N_AT_ONCE):
        n = min(N_AT_ONCE, shape.n - start)
        array[start : start + n] = source(generator, n, shape.height, shape.width).numpy()
        tell(start + n, shape.n)
    array.flush()
    partial.replace(path)


class Joined:
    """Several arrays of pictures of one shape as one, without a copy.

    Parameters
    ----------
    arrays : (n, 3, height, width) each
    """

    def __init__(self, arrays: Sequence[npt.NDArray[np.uint8]]) -> None:
        self._arrays = arrays
        self._stops = list(accumulate(len(array) for array in arrays))
        self.shape: tuple[int, ...] = (self._stops[-1], *arrays[0].shape[1:])

    def __len__(self) -> int:
        return self._stops[-1]

    def __getitem__(self, place: int) -> npt.NDArray[np.uint8]:
        which = bisect_right(self._stops, place)
        before = self._stops[which - 1] if which else 0
        picture: npt.NDArray[np.uint8] = self._arrays[which][place - before]
        return picture
