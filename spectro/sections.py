"""Sections: where the music changes, and which of its parts come again.

half seconds ─ MFCC, chroma, levels ─→ likeness ─ checkerboard ─→ novelty ─ peaks, bars ─→ starts
                                                                                │ what each sounds
                                                                                ╰ like ─→ kinds
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.ndimage
import scipy.signal
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist

from spectro.spectrum import COLUMN_RATE, Curves

CELL_COLUMNS: Final = 50  # half a second, an even part of a block
CELL_S: Final = CELL_COLUMNS / COLUMN_RATE

_REACH: Final = 16  # cells, 8 s, that are compared on either side of a moment
# By trying on 40 made songs of 90 s: F at ±3 s .86, at ±.5 s .73.
_LEAST_NOVELTY: Final = 0.1
_USUAL: Final = 3.0  # squared distance of two cells of one song, the median of 20 made songs
_LEAST_CELLS: Final = 8  # 4 s from one start to the next
_EDGE_S: Final = 2.0  # nothing starts so near to the song's own start or end
_SNAP_S: Final = 0.6  # how far a start is moved to the first beat of a bar
_SAME: Final = 1.0  # mean distance below which two sections are of one kind; by trying, as above
# What varies less than this over a song is no change of the music: dB, of the strongest pitch, dB.
_LEAST_SPREADS: Final = {"timbre": 12.0, "chords": 0.1, "levels": 2.0}
_WEIGHTS: Final = {"timbre": 1.0, "chords": 0.5, "levels": 1.0}
_DEEPEST_DB: Final = 40.0  # below a level's highest, from where on it counts
_QUIET_DB: Final = 50.0  # below the song's loudest, what counts as silence


@dataclass(frozen=True, kw_only=True)
class Cells:
    """What is heard in each half second."""

    timbre: NDArray[np.float32]  # (n, 13), MFCC
    chords: NDArray[np.float32]  # (n, 12), chroma
    levels: NDArray[np.float32]  # (n, 6) dB: all, bass, mid, treble, drums; onsets
    loudest_db: NDArray[np.float32]  # (n,)
    is_whole: NDArray[np.bool_]  # (n,), half a second long: not the rest at the song's end


@dataclass(frozen=True, kw_only=True)
class Sections:
    """The form of a song."""

    start_times_s: NDArray[np.float64]  # (n_sections,), rising from 0; at least one
    kinds: NDArray[np.int64]  # (n_sections,), 0 the first that is heard; equal where it comes again
    novelty: NDArray[np.float32]  # (n_cells,) in [0, 1], how much the music changes at each cell


def gather(curves: Curves) -> Cells:
    """Take means over half seconds; what is left at the song's end makes a shorter one.

    Parameters
    ----------
    curves : at `COLUMN_RATE`, beginning with a cell
    """
    starts = np.arange(0, len(curves.level_db), CELL_COLUMNS)
    counts = np.diff(np.append(starts, len(curves.level_db)))

    def mean(curve: NDArray[np.float32]) -> NDArray[np.float32]:
        total = np.add.reduceat(curve, starts, axis=0)
        return np.asarray(total / counts.reshape(-1, *[1] * (curve.ndim - 1)), np.float32)

    parts = (curves.bass, curves.mid, curves.treble, curves.percussive)
    in_db = [20.0 * np.log10(np.maximum(mean(part), 1e-5)) for part in parts]
    levels = np.stack([mean(curves.level_db), *in_db, mean(curves.onset)], axis=1)
    return Cells(
        timbre=mean(curves.mfcc),
        chords=mean(curves.chroma),
        levels=levels.astype(np.float32),
        loudest_db=np.maximum.reduceat(curves.level_db, starts),
        is_whole=counts == CELL_COLUMNS,
    )


def find_sections(cells: Cells, downbeat_times_s: NDArray[np.float64]) -> Sections:
    """Find where the music changes, and what comes again.

    Novelty by a checkerboard over the likeness of the seconds around (Foote 2000); kinds by the
    mean sound of each section, joined while their mean distance is small.

    Parameters
    ----------
    downbeat_times_s : a start near one is moved there
    """
    heard = _place(cells)
    novelty = _measure_novelty(heard)
    peaks, _ = scipy.signal.find_peaks(
        np.pad(novelty, 1), height=_LEAST_NOVELTY, distance=_LEAST_CELLS
    )
    end_s = len(heard) * CELL_S
    starts_s = _snap((peaks - 1).astype(np.float64) * CELL_S, downbeat_times_s)
    inside = (starts_s > _EDGE_S) & (starts_s < end_s - _EDGE_S)
    starts_s = np.concatenate([[0.0], np.unique(starts_s[inside])])
    return Sections(start_times_s=starts_s, kinds=_group(heard, starts_s), novelty=novelty)


def _place(cells: Cells) -> NDArray[np.float64]:
    """Place each cell among the song's others: (n, 31), a distance of 1 is a usual one.

    Silence counts as what is heard nearest to it, and so does a cell beside it, which is half
    silent: the song's start and end are no changes.
    """
    deep = cells.levels.max(axis=0) - np.float32(_DEEPEST_DB)
    levels = np.maximum(cells.levels, deep)
    groups = {"timbre": cells.timbre, "chords": cells.chords, "levels": levels}
    loud = cells.loudest_db > cells.loudest_db.max() - _QUIET_DB
    inner = scipy.ndimage.binary_erosion(loud & cells.is_whole)
    sounding = np.flatnonzero(inner if inner.any() else loud)
    nearest = sounding[np.abs(np.arange(len(cells.levels))[:, None] - sounding).argmin(axis=1)]
    placed = []
    for name, in_each in groups.items():
        rows = in_each[nearest]
        spread = np.maximum(rows.std(axis=0), _LEAST_SPREADS[name])
        weight = _WEIGHTS[name] / np.sqrt(rows.shape[1])
        placed.append(weight * (rows - rows.mean(axis=0, dtype=np.float64)) / spread)
    return np.concatenate(placed, axis=1)


def _measure_novelty(heard: NDArray[np.float64]) -> NDArray[np.float32]:
    """Compare what is before each cell with what follows, and each with itself."""
    side = np.arange(-_REACH, _REACH) + 0.5
    taper = np.exp(-2.0 * (side / _REACH) ** 2)
    board = np.outer(np.sign(side) * taper, np.sign(side) * taper)
    board /= board[board > 0.0].sum()
    around = np.pad(heard, ((_REACH, _REACH), (0, 0)), mode="edge")
    # A window at a time: the likeness of all cells of an hour would be half a gigabyte.
    windows = [around[cell : cell + 2 * _REACH] for cell in range(len(heard))]
    novelty = [np.vdot(np.exp(-cdist(w, w, "sqeuclidean") / _USUAL), board) for w in windows]
    return np.clip(novelty, 0.0, 1.0).astype(np.float32)


def _snap(starts_s: NDArray[np.float64], bars_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move starts to the nearest bar, where one is near."""
    if not len(bars_s) or not len(starts_s):
        return starts_s
    nearest = bars_s[np.abs(starts_s[:, None] - bars_s).argmin(axis=1)]
    return np.where(np.abs(nearest - starts_s) <= _SNAP_S, nearest, starts_s)


def _group(heard: NDArray[np.float64], starts_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Give sections that sound alike one number, in the order in which they are heard first."""
    if len(starts_s) == 1:
        return np.zeros(1, np.int64)
    firsts = np.rint(starts_s / CELL_S).astype(np.int64)
    sounds = [part.mean(axis=0) for part in np.split(heard, firsts[1:])]
    found = fcluster(linkage(np.stack(sounds), "average"), _SAME, "distance")
    order: Sequence[int] = list(dict.fromkeys(found.tolist()))
    return np.array([order.index(kind) for kind in found.tolist()], np.int64)


def name_kinds(kinds: NDArray[np.int64]) -> list[str]:
    """Name kinds by letters: A, B and so on, after Z A2."""
    rounds, letters = np.divmod(kinds, 26)
    return [
        chr(ord("A") + letter) + (str(again + 1) if again else "")
        for again, letter in zip(rounds.tolist(), letters.tolist(), strict=True)
    ]
