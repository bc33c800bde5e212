"""Many pictures of one shape in one file, painted or cut once and read again and again."""

import fcntl
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from numpy.lib.format import open_memmap
from torch import Generator, Tensor

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
