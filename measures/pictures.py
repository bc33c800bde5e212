"""How near a set of pictures lies to another: sliced Wasserstein distance, nearest, coverage.

Pictures are arrays (n, 3, H, W), H = W a power of two from 32 up, bytes or numbers in [0, 1].
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d

# Karras et al. 2018, section 5: 7×7 patches, 128 of each level of each picture; 4 × 128 directions.
PATCH = 7  # pixels a side
N_PATCHES = 128
N_DIRECTIONS = 128
N_REPEATS = 4
SMALLEST = 16  # pixels a side of the coarsest level
_BINOMIAL = np.array([1, 4, 6, 4, 1], np.float32) / 16  # Burt and Adelson 1983
_N_POINTS = 4_096  # at most twice as many for precision and recall: time grows with the square
_THUMBNAIL = 32  # pixels a side where whole pictures are compared
_N_PIXELS_AT_ONCE = 8_192  # of all pictures, which need not fit in memory as numbers

Floats = NDArray[np.float32]
Pictures = NDArray[np.uint8] | Floats


@dataclass(frozen=True, kw_only=True)
class Nearest:
    """The nearest picture of a library for each of some pictures."""

    indices: NDArray[np.intp]  # (n,) into the library
    distances: Floats  # (n,) root mean square difference of the thumbnails, in [0, 1]


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Whether two clouds of points lie in each other (Kynkäänniemi et al. 2019)."""

    precision: float  # share of made points within the cloud of the true ones
    recall: float  # share of true points within the cloud of the made ones


def to_unit(pictures: Pictures) -> Floats:
    """Return pictures as float32 in [0, 1]."""
    if pictures.dtype == np.uint8:
        return pictures.astype(np.float32) / np.float32(255)
    return np.asarray(pictures, np.float32)


def draw_gaussian(pictures: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Draw as many pictures from the normal distribution with the mean and covariance of some.

    What a set of pictures is without all that makes it pictures: a baseline to beat. Random sums
    of the centred pictures have their covariance, so no matrix of pixels by pixels is needed.
    """
    n = len(pictures)
    mixture = np.random.default_rng(seed).standard_normal((n, n), np.float32) / np.float32(n**0.5)
    flat = pictures.reshape(n, -1)
    drawn = np.empty_like(flat)
    for start in range(0, flat.shape[1], _N_PIXELS_AT_ONCE):
        some = slice(start, start + _N_PIXELS_AT_ONCE)
        true = flat[:, some].astype(np.float32)
        mean = true.mean(axis=0)
        drawn[:, some] = np.rint((mixture @ (true - mean) + mean).clip(0, 255)).astype(np.uint8)
    return drawn.reshape(pictures.shape)


def _blur(pictures: Floats) -> Floats:
    rows = convolve1d(pictures, _BINOMIAL, axis=-2, mode="mirror")
    return np.asarray(convolve1d(rows, _BINOMIAL, axis=-1, mode="mirror"), np.float32)


def _enlarge(pictures: Floats) -> Floats:
    """Double both sides: zeros between the pixels, then a blur that fills them."""
    n, channels, height, width = pictures.shape
    wide = np.zeros((n, channels, 2 * height, 2 * width), np.float32)
    wide[:, :, ::2, ::2] = 4 * pictures
    return _blur(wide)


def laplacian_pyramid(pictures: Floats) -> dict[int, Floats]:
    """Split pictures into bands, each the detail that the next coarser one lacks.

    Returns
    -------
    side in pixels : (n, 3, side, side), from the pictures' own side down to `SMALLEST`
    """
    levels: dict[int, Floats] = {}
    while pictures.shape[-1] > SMALLEST:
        coarse = _blur(pictures)[:, :, ::2, ::2]
        levels[pictures.shape[-1]] = pictures - _enlarge(coarse)
        pictures = coarse
    levels[pictures.shape[-1]] = pictures
    return levels


def _cut_patches(level: Floats, rng: np.random.Generator) -> Floats:
    """Cut patches at random places: (n · N_PATCHES, 3, PATCH, PATCH)."""
    n, _, side, _ = level.shape
    top, left = rng.integers(side - PATCH + 1, size=(2, n, N_PATCHES, 1, 1))
    offset = np.arange(PATCH)
    rows, columns = top + offset[:, None], left + offset
    picture = np.arange(n)[:, None, None, None]
    # Indices on both sides of the slice bring the channels to the end.
    patches = level[picture, :, rows, columns]
    return np.moveaxis(patches, -1, 2).reshape(-1, 3, PATCH, PATCH)


def collect_patches(batches: Iterable[Pictures], rng: np.random.Generator) -> dict[int, Floats]:
    """Collect patches of every level of the pyramid from batches of pictures.

    Returns
    -------
    side of the level : (n · 128, 147) float32; each channel of a level has mean 0 and deviation 1,
        so that detail and colour are compared by their form, as Karras et al. do
    """
    collected: dict[int, list[Floats]] = {}
    for batch in batches:
        for side, level in laplacian_pyramid(to_unit(batch)).items():
            collected.setdefault(side, []).append(_cut_patches(level, rng))
    patches = {}
    for side, parts in collected.items():
        whole = np.concatenate(parts)
        parts.clear()
        whole -= whole.mean(axis=(0, 2, 3), keepdims=True, dtype=np.float64).astype(np.float32)
        whole /= whole.std(axis=(0, 2, 3), keepdims=True, dtype=np.float64) + 1e-8
        patches[side] = whole.reshape(len(whole), -1)
    return patches


def sliced_wasserstein(first: Floats, second: Floats, rng: np.random.Generator) -> float:
    """Measure how far two clouds of points lie apart (Rabin et al. 2011), times a thousand.

    Parameters
    ----------
    first, second : (n, d), equally many
    """
    if first.shape != second.shape:
        raise ValueError(f"two clouds of one size, please: {first.shape} and {second.shape}")
    distances = []
    for _ in range(N_REPEATS):
        directions = rng.standard_normal((first.shape[1], N_DIRECTIONS)).astype(np.float32)
        directions /= np.linalg.norm(directions, axis=0, keepdims=True)
        # Sorting along rows that lie together in memory is several times as fast.
        shadows = [np.sort((cloud @ directions).T.copy(), axis=1) for cloud in (first, second)]
        distances.append(float(np.mean(np.abs(shadows[0] - shadows[1]), dtype=np.float64)))
    return 1_000 * float(np.mean(distances))


def compare_patches(
    first: dict[int, Floats], second: dict[int, Floats], seed: int = 0
) -> dict[int, float]:
    """Measure the sliced Wasserstein distance of each level; the same seed, the same slices."""
    return {
        side: sliced_wasserstein(first[side], second[side], np.random.default_rng([seed, side]))
        for side in first
    }


def shrink(pictures: Pictures, side: int = _THUMBNAIL) -> Floats:
    """Average pictures down to side×side thumbnails."""
    n, channels, height, width = pictures.shape
    blocks = to_unit(pictures).reshape(n, channels, side, height // side, side, width // side)
    return np.asarray(blocks.mean(axis=(3, 5)), np.float32)


def _squared_distances(first: Floats, second: Floats) -> Floats:
    """Squared distances of all pairs of points, (n, m), without (n, m, d) in memory."""
    squares = (first**2).sum(1)[:, None] + (second**2).sum(1) - 2 * first @ second.T
    return np.asarray(np.maximum(squares, 0), np.float32)


def find_nearest(thumbnails: Floats, library: Floats) -> Nearest:
    """Find for each thumbnail the nearest one of a library; both as `shrink` gives them."""
    flat, shelves = thumbnails.reshape(len(thumbnails), -1), library.reshape(len(library), -1)
    squares = _squared_distances(flat, shelves)
    indices = squares.argmin(axis=1)
    exact = flat - shelves[indices]  # the short formula loses digits where pictures are equal
    return Nearest(indices=indices, distances=np.sqrt(np.mean(exact**2, axis=1)))


def measure_coverage(made: Floats, true: Floats, n_neighbours: int = 3) -> Coverage:
    """Measure precision and recall of points (n, d): balls reach to the third neighbour."""

    def share_inside(points: Floats, cloud: Floats) -> float:
        own = _squared_distances(cloud, cloud)
        # The nearest point of the cloud is the point itself.
        radius = np.partition(own, n_neighbours, axis=1)[:, n_neighbours]
        return float(np.mean((_squared_distances(points, cloud) <= radius).any(axis=1)))

    return Coverage(precision=share_inside(made, true), recall=share_inside(true, made))


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How near a set of pictures lies to the true ones."""

    sliced_wasserstein: dict[int, float]  # by the side of the level
    coarsest: Coverage  # of the patches of the coarsest level: forms and colours


class Judge:
    """Compare sets of pictures with one true set; as many pictures in each as in the true one."""

    def __init__(self, true: Iterable[Pictures]) -> None:
        self._true = collect_patches(true, np.random.default_rng(0))

    def compare(self, pictures: Iterable[Pictures]) -> Verdict:
        """Compare a set with the true one; the same pictures get the same verdict."""
        made = collect_patches(pictures, np.random.default_rng(1))
        # Points from all pictures: neighbours in the list come from one.
        spread = slice(None, None, max(1, len(made[SMALLEST]) // _N_POINTS))
        return Verdict(
            sliced_wasserstein=compare_patches(self._true, made),
            coarsest=measure_coverage(made[SMALLEST][spread], self._true[SMALLEST][spread]),
        )
