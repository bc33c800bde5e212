"""What can be heard, one row a frame: curves of level, frequency and timbre, beats and tempo."""

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
from spectro.spectrum import BLOCK_COLUMNS, COLUMN_HOP, COLUMN_RATE, Analyser, Curves
from spectro.timeline import Timeline
from spectro.windows import measure_reference_db

Progress = Callable[[int, int], None]

# An onset is 30 ms wide and frames are 42 ms apart: held for 20 ms either way, none is missed from
# 20 frames a second up.
_HELD_COLUMNS: Final = 5
_HELD_CURVES: Final = ("onset", "percussive")


@dataclass(frozen=True, kw_only=True)
class Features(Curves):
    """The curves at each frame's start, (n_frames, ...), and the beats of the song."""

    timeline: Timeline
    beat_times_s: NDArray[np.float64]  # (n_beats,), rising; empty where there is nothing to tap to
    downbeat_times_s: NDArray[np.float64]  # (n_bars,), first beats of bars
    tempo_bpm: float  # mean of the song; 0 without beats
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
    blocks = []
    for first in range(0, n_columns, BLOCK_COLUMNS):
        stop = min(first + BLOCK_COLUMNS, n_columns)
        blocks.append(analyser.columns(mono, first, stop))
        if progress:
            progress(stop, n_columns)
    names = [f.name for f in fields(Curves)]
    curves = Curves(**{n: np.concatenate([getattr(b, n) for b in blocks]) for n in names})
    beats = track(curves)
    return Features(
        timeline=timeline,
        **{name: _at_frames(getattr(curves, name), name, timeline) for name in names},
        beat_times_s=beats.beat_times_s,
        downbeat_times_s=beats.downbeat_times_s,
        tempo_bpm=beats.tempo_bpm,
        window_reference_db=reference_db,
    )


def _at_frames(curve: NDArray[np.float32], name: str, timeline: Timeline) -> NDArray[np.float32]:
    """Read a curve at each frame's start: (n_columns, ...) -> (n_frames, ...)."""
    if name in _HELD_CURVES:
        curve = scipy.ndimage.maximum_filter1d(curve, _HELD_COLUMNS)
    at = np.minimum(timeline.times_s() * COLUMN_RATE, len(curve) - 1)
    before = at.astype(np.int64)
    after = np.minimum(before + 1, len(curve) - 1)
    share = (at - before).astype(np.float32).reshape(-1, *[1] * (curve.ndim - 1))
    frames: NDArray[np.float32] = curve[before] + share * (curve[after] - curve[before])
    return frames
