"""Pairs that were ripped out of music videos, read from their folder again and again."""

import hashlib
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import Generator
from torchvision.transforms.v2 import functional as transforms

from spectro.errors import TonfilmError
from training_data.folders import UNREADABLE, read_picture
from training_data.pair_index import Entry, Index
from training_data.pairs import Pairs, Progress
from training_data.room import check_room

SIDE = 256  # pixels of spectrograms and frames, of the published recipe
HELD_OUT_SHARE = 10  # one pair in so many is held out
ARRAYS_NAME = "arrays"


class FolderPairs:
    """Pairs of a folder that videos were ripped into; see `training_data.pair_index`.

    Neighbours look and sound alike, so what is held out is the end of each video.

    Parameters
    ----------
    folder : of the pairs
    held_out : the last tenth of each video's pairs, at least one, instead of the rest

    Raises
    ------
    TonfilmError
        The folder holds no pairs, or none to learn from.
    """

    def __init__(self, folder: Path, *, held_out: bool = False) -> None:
        index = Index(folder)
        if not index.videos:
            raise TonfilmError(f"No pairs lie in {folder}: rip music videos into it first.")
        self._folder = folder
        self._entries: list[Entry] = []  # all, in the order of the arrays
        self._rows: list[int] = []  # of the arrays, which belong to this part
        self.n_videos = 0  # that this part's pairs are from
        for entries in index.videos.values():
            n_learnt = len(entries) - max(1, len(entries) // HELD_OUT_SHARE)
            part = slice(n_learnt, None) if held_out else slice(n_learnt)
            rows = range(len(self._entries), len(self._entries) + len(entries))[part]
            self._entries += entries
            self._rows += rows
            self.n_videos += bool(rows)
        if not self._rows:
            raise TonfilmError(
                f"Each video in {folder} gave but one pair, which is held out: rip longer pieces"
                " of them, or more frames, into another folder."
            )
        # The name tells what the arrays hold, so those of an index that has grown are new ones.
        self._digest = hashlib.sha256(index.path.read_bytes()).hexdigest()[:16]
        self._arrays: dict[tuple[int, int], tuple[NDArray[np.uint8], NDArray[np.uint8]]] = {}

    @property
    def frames(self) -> list[Path]:
        """The picture files of this part's frames."""
        return [self._entries[row].picture(self._folder) for row in self._rows]

    @property
    def n_pairs(self) -> int:
        """Count the pairs of this part."""
        return len(self._rows)

    @property
    def shapes(self) -> dict[tuple[int, int], int]:
        """How many pairs there are of each shape (height, width)."""
        return {(SIDE, SIDE): self.n_pairs}

    def prepare(self, progress: Progress | None = None) -> None:
        """Decode the pictures into arrays, once for both parts.

        Raises
        ------
        TonfilmError
            A picture is missing or broken.
        """
        paths = self._paths()
        if not all(path.exists() for path in paths):
            self._decode(progress)
        spectrograms, frames = (np.load(path, mmap_mode="r") for path in paths)
        self._arrays[SIDE, SIDE] = (spectrograms, frames)

    def batch(self, generator: Generator, n: int, height: int, width: int) -> Pairs:
        """Draw n pairs of the shape; `prepare` comes first."""
        spectrograms, frames = self._arrays[height, width]
        drawn = torch.randint(self.n_pairs, (n,), generator=generator).tolist()
        rows = [self._rows[place] for place in drawn]
        return Pairs(
            spectrograms=torch.from_numpy(spectrograms[rows]).float()[:, None] / 255,
            frames=torch.from_numpy(frames[rows]).float() / 255,
        )

    def _paths(self) -> tuple[Path, Path]:
        folder = self._folder / ARRAYS_NAME
        return folder / f"{self._digest}-spectrograms.npy", folder / f"{self._digest}-frames.npy"

    def _decode(self, progress: Progress | None) -> None:
        """Write the arrays of all pairs, in place of those of an earlier index."""
        paths = self._paths()
        outdated = set(paths[0].parent.glob("*")) - set(paths)
        paths[0].parent.mkdir(exist_ok=True)
        partial = [path.with_suffix(".partial") for path in paths]
        n = len(self._entries)
        check_room(paths[0].parent, n * 4 * SIDE * SIDE)
        spectrograms = open_memmap(partial[0], mode="w+", dtype=np.uint8, shape=(n, SIDE, SIDE))
        frames = open_memmap(partial[1], mode="w+", dtype=np.uint8, shape=(n, 3, SIDE, SIDE))
        for row, entry in enumerate(self._entries):
            spectrograms[row] = _read(entry.spectrogram(self._folder))[0]
            frames[row] = _read(entry.picture(self._folder))
            if progress is not None:
                progress(row + 1, n)
        for array, from_path, path in zip((spectrograms, frames), partial, paths, strict=True):
            array.flush()
            from_path.replace(path)
        for path in outdated:
            path.unlink(missing_ok=True)


def _read(path: Path) -> NDArray[np.uint8]:
    """Read a picture, (3, 256, 256)."""
    try:
        picture = read_picture(path)
    except UNREADABLE as error:
        raise TonfilmError(
            f"{path} is missing or broken: remove {path.parents[1]} and rip the videos again."
        ) from error
    # Frames may have been ripped larger or smaller; spectrograms never are.
    resized: NDArray[np.uint8] = transforms.resize(picture, [SIDE, SIDE], antialias=True).numpy()
    return resized
