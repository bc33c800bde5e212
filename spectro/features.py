"""What can be heard, one row a frame: curves of level, frequency and timbre, beats, sections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from spectro.archive import load_arrays, save_arrays
from spectro.audio import Signal
from spectro.beats import track
from spectro.hearing import hear_beats
from spectro.sections import CELL_S, Cells, find_sections, gather
from spectro.spectrum import BLOCK_COLUMNS, COLUMN_HOP, COLUMN_RATE, Analyser, Curves, join
from spectro.timeline import Timeline
from spectro.windows import measure_reference_db

Progress = Callable[[int, int], None]

# An onset is 30 ms wide and frames are 42 ms apart: held for 20 ms either way, none is missed from
# 20 frames a second up.
_HELD_COLUMNS: Final = 5
_AROUND: Final = _HELD_COLUMNS // 2 + 1  # columns that a block needs on either side
_HELD_CURVES: Final = ("onset", "percussive")


@dataclass(frozen=True, kw_only=True)
class Features(Curves):
    """The curves at each frame's start, (n_frames, ...), and the beats and sections of the song."""

    timeline: Timeline
    beat_times_s: NDArray[np.float64]  # (n_beats,), rising; empty where there is nothing to tap to
    downbeat_times_s: NDArray[np.float64]  # (n_bars,), first beats of bars
    tempo_bpm: float  # mean of the song; 0 without beats
    section_times_s: NDArray[np.float64]  # (n_sections,), starts, rising from 0
    section_kinds: NDArray[np.int64]  # (n_sections,), 0 the first; equal where it comes again
    novelty: NDArray[np.float32]  # (n_frames,) in [0, 1], how much the music changes here
    window_reference_db: float  # what is white in the song's spectrogram pictures

    def save(self, path: Path) -> None:
        """Write an .npz under a temporary name and rename it."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "timeline"}
        save_arrays(path, self.timeline, arrays)


def load_features(path: Path) -> Features:
    """Read what `Features.save` has written."""
    timeline, arrays = load_arrays(path)
    numbers = {name: float(arrays.pop(name)) for name in ("tempo_bpm", "window_reference_db")}
    values: dict[str, Any] = {**arrays, **numbers}
    return Features(timeline=timeline, **values)


def extract(mono: Signal, timeline: Timeline, progress: Progress | None = None) -> Features:
    """Listen to a song, in blocks.

    Parameters
    ----------
    mono : the song at 44,100 Hz
    timeline : of the same song
    progress : called with the columns done and all of them; may raise to cancel
    """
    reference_db = measure_reference_db(mono)
    analyser = Analyser(reference_db)
    n_columns = mono.n_samples // COLUMN_HOP + 1
    at = timeline.times_s() * COLUMN_RATE
    rows: list[Curves] = []
    cells: list[Cells] = []
    for first in range(0, n_columns, BLOCK_COLUMNS):
        stop = min(first + BLOCK_COLUMNS, n_columns)
        curves = analyser.columns(mono, first - _AROUND, stop + _AROUND)
        here = at[slice(*np.searchsorted(at, (first, stop)))]
        rows.append(_read(curves, here - (first - _AROUND)))
        cells.append(gather(curves.part(_AROUND, stop - first + _AROUND)))
        if progress:
            progress(stop, n_columns)
    beats = track(hear_beats(mono, reference_db))
    sections = find_sections(join(cells), beats.downbeat_times_s)
    cell_times_s = np.arange(len(sections.novelty)) * CELL_S
    novelty = np.interp(timeline.times_s(), cell_times_s, sections.novelty)
    return Features(
        timeline=timeline,
        **vars(join(rows)),
        beat_times_s=beats.beat_times_s,
        downbeat_times_s=beats.downbeat_times_s,
        tempo_bpm=beats.tempo_bpm,
        section_times_s=sections.start_times_s,
        section_kinds=sections.kinds,
        novelty=novelty.astype(np.float32),
        window_reference_db=reference_db,
    )


def _read(curves: Curves, at: NDArray[np.float64]) -> Curves:
    """Read every curve at places between its columns."""
    before = at.astype(np.int64)
    share = (at - before).astype(np.float32)
    read = {}
    held = {n: scipy.ndimage.maximum_filter1d(vars(curves)[n], _HELD_COLUMNS) for n in _HELD_CURVES}
    for name, curve in (vars(curves) | held).items():
        part = share.reshape(-1, *[1] * (curve.ndim - 1))
        read[name] = curve[before] + part * (curve[before + 1] - curve[before])
    return Curves(**read)
