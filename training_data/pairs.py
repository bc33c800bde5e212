"""Pairs of spectrogram picture and frame, made from made songs.

Made pairs are kept on disk as bytes (a picture costs a tenth as much to read as to paint), and
are made once for each shape of picture, so that networks see wide and tall films natively.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spectro import windows
from training_data import abstract, cityscape, director, landscape, songs

SHAPES = {(256, 256): 5_000, (256, 512): 1_200, (512, 256): 900}  # (height, width): pairs kept
HELD_OUT_SHAPES = {(256, 256): 1_024, (256, 512): 32, (512, 256): 32}  # of songs never learnt
N_SONGS = 160
N_HELD_OUT_SONGS = 24
HELD_OUT_SEED = 1_000_000  # songs and windows from here on are for measuring only
SONG_S = 40.0
_MAKING_BATCH = 16

Progress = Callable[[int, int], None]  # done, total


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Some spectrogram pictures and their frames."""

    spectrograms: Tensor  # (B, 1, 256, 256) float32 in [0, 1]
    frames: Tensor  # (B, 3, H, W) float32 in [0, 1]


class Direction(Protocol):
    """What sound looks like: a function of spectrogram pictures and of nothing else."""

    def direct(self, pictures: Tensor, /) -> Tensor:
        """Turn spectrogram pictures (B, 256, 256) in [0, 1] into parameter vectors (B, n)."""

    def paint(self, vectors: Tensor, height: int, width: int, /) -> Tensor:
        """Paint parameter vectors, (B, 3, height, width) in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class _Made:
    """A direction of one of the project's makers."""

    direct: Callable[[Tensor], Tensor]
    paint: Callable[[Tensor, int, int], Tensor]


DIRECTIONS: dict[str, Direction] = {
    "abstract": _Made(direct=director.direct_abstract, paint=abstract.paint),
    "cityscape": _Made(direct=director.direct_cityscape, paint=cityscape.paint),
    "landscape": _Made(direct=director.direct_landscape, paint=landscape.paint),
}


@dataclass(frozen=True, kw_only=True)
class _Sound:
    """A made song in memory, as the spectrogram windows want it."""

    samples: NDArray[np.float32]  # (n_samples,)

    @property
    def n_samples(self) -> int:
        return len(self.samples)

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        piece = self.samples[max(0, start) : max(0, stop)]
        lead = min(max(0, -start), stop - start)
        return np.pad(piece, (lead, stop - start - lead - len(piece)))


class MadePairs:
    """True pairs: made songs, and what a director sees in them.

    Parameters
    ----------
    direction : of the frames
    cache : folder that keeps what was made by it; a later run finds it there
    held_out : pairs from songs that training never hears, half of them in styles of their own
    """

    def __init__(self, direction: Direction, cache: Path, *, held_out: bool = False) -> None:
        self._direction = direction
        self._folder = cache / ("held-out" if held_out else "training")
        self._is_held_out = held_out
        self._first_seed = HELD_OUT_SEED if held_out else 0
        self._n_songs = N_HELD_OUT_SONGS if held_out else N_SONGS
        self._counts = HELD_OUT_SHAPES if held_out else SHAPES
        self._arrays: dict[tuple[int, int], tuple[NDArray[np.uint8], NDArray[np.uint8]]] = {}

    @property
    def shapes(self) -> dict[tuple[int, int], int]:
        """How many pairs there are of each shape (height, width)."""
        return dict(self._counts)

    def prepare(self, progress: Progress | None = None) -> None:
        """Make what the cache does not hold yet."""
        total, done = sum(self._counts.values()), 0
        missing = [shape for shape in self._counts if not self._paths(shape)[1].exists()]
        seeds = range(self._first_seed, self._first_seed + self._n_songs)
        heard = _compose(seeds, held_out=self._is_held_out) if missing else []
        for shape, count in self._counts.items():
            if shape in missing:
                self._make(heard, shape)
            done += count
            if progress is not None:
                progress(done, total)
            spectrograms, frames = (np.load(path, mmap_mode="r") for path in self._paths(shape))
            self._arrays[shape] = (spectrograms, frames)

    def batch(self, generator: torch.Generator, n: int, height: int, width: int) -> Pairs:
        """Draw n pairs of one of the shapes."""
        spectrograms, frames = self._arrays[height, width]
        drawn = torch.randint(len(frames), (n,), generator=generator).tolist()
        return _to_pairs(spectrograms[drawn], frames[drawn])

    def _paths(self, shape: tuple[int, int]) -> tuple[Path, Path]:
        stem = f"{shape[0]}x{shape[1]}"
        return self._folder / f"{stem}-spectrograms.npy", self._folder / f"{stem}-frames.npy"

    def _make(self, heard: list[_Sound], shape: tuple[int, int]) -> None:
        height, width = shape
        count = self._counts[shape]
        whites = np.array([windows.measure_reference_db(song) for song in heard])
        rng = np.random.default_rng([self._first_seed, height, width])
        spectrograms = np.empty((count, 256, 256), np.uint8)
        frames = np.empty((count, 3, height, width), np.uint8)
        for start in range(0, count, _MAKING_BATCH):
            n = min(_MAKING_BATCH, count - start)
            chosen = rng.integers(len(heard), size=n)
            ends = [int(rng.integers(1, heard[i].n_samples)) for i in chosen]
            sounds = [
                heard[i].read(end - windows.N_WINDOW_SAMPLES, end)
                for i, end in zip(chosen, ends, strict=True)
            ]
            made = _to_bytes(windows.batch_pictures(np.stack(sounds), whites[chosen]))
            spectrograms[start : start + n] = made
            # The frame follows from the picture as it is kept: in bytes.
            vectors = self._direction.direct(torch.from_numpy(made).float() / 255)
            painted = self._direction.paint(vectors, height, width)
            frames[start : start + n] = _to_bytes(painted.numpy())
        self._folder.mkdir(parents=True, exist_ok=True)
        for path, array in zip(self._paths(shape), (spectrograms, frames), strict=True):
            part = path.with_suffix(".part.npy")
            np.save(part, array)
            part.replace(path)


class Union:
    """Pairs of several sources of the same shapes as one; a batch is of one of them."""

    def __init__(self, sources: Sequence[MadePairs]) -> None:
        self._sources = sources

    @property
    def shapes(self) -> dict[tuple[int, int], int]:
        """How many pairs there are of each shape (height, width)."""
        counts = [source.shapes for source in self._sources]
        return {shape: sum(count[shape] for count in counts) for shape in counts[0]}

    def batch(self, generator: torch.Generator, n: int, height: int, width: int) -> Pairs:
        """Draw n pairs of one of the shapes."""
        place = int(torch.randint(len(self._sources), (1,), generator=generator))
        return self._sources[place].batch(generator, n, height, width)


def _compose(seeds: range, *, held_out: bool) -> list[_Sound]:
    made = (songs.compose(seed, SONG_S, held_out=held_out) for seed in seeds)
    return [_Sound(samples=song.samples.mean(axis=1)) for song in made]


def _to_bytes(pictures: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(pictures * 255).astype(np.uint8)


def _to_pairs(spectrograms: NDArray[np.uint8], frames: NDArray[np.uint8]) -> Pairs:
    return Pairs(
        spectrograms=torch.from_numpy(spectrograms).float()[:, None] / 255,
        frames=torch.from_numpy(frames).float() / 255,
    )
