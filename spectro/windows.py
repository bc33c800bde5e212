"""Spectrogram pictures: the 1.5 s of sound before a frame, as pix2pix sees them.

The published recipe (`reference`) is `scipy.signal.spectrogram` over 66,150 samples at 44.1 kHz,
with segments that give 256 × 256:

    |<----------------- 66,150 samples = 1.5 s ----------------->| frame starts here
    |--- 510 ---|                              column 0, oldest sound
        |--- 510 ---|                          column 1, 257 samples later
           ...                   |--- 510 ---| column 255, newest sound

Three ways to it, held together by tests: `reference`, one window by SciPy; `batch_pictures`, the
same numbers for many windows, for training; `slice_windows`, one short-time Fourier transform over
a block of film with the pictures cut out of it, for painting.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import ArrayLike, NDArray

from spectro.audio import ANALYSIS_RATE, Signal
from spectro.timeline import Timeline

N_WINDOW_SAMPLES: Final = 66_150  # 1.5 s at 44.1 kHz
N_BINS: Final = 256  # rows: 0 to 22,050 Hz, 86 Hz apart
N_COLUMNS: Final = 256
SEGMENT: Final = 510  # 510 // 2 + 1 = 256 bins
HOP: Final = 257  # (66,150 - 510) // 257 + 1 = 256 columns
RANGE_DB: Final = 80.0  # taste: from black to white in a picture
FLOOR_DB: Final = -200.0  # what digital silence is said to have; far below 24 bits' own noise
SILENCE_DB: Final = -100.0  # level of digital silence; below it no other curve means anything
QUIETEST_REFERENCE_DB: Final = -100.0  # taste: a song below this is near silence and stays dark
REFERENCE_PERCENTILE: Final = 99.9
BLOCK_COLUMNS: Final = 1024  # columns transformed at once: 4 MB of float64 segments

_TAPER: Final = scipy.signal.get_window(("tukey", 0.25), SEGMENT)  # SciPy's own default
_DENSITY: Final = np.full(N_BINS, 2.0 / (ANALYSIS_RATE * np.sum(_TAPER**2)))
_DENSITY[[0, -1]] /= 2.0  # 0 Hz and Nyquist have no mirror image to be folded in


def reference(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute one window by the published recipe, the truth for the fast ways.

    Parameters
    ----------
    samples : (66150,) float32, the 1.5 s before the frame

    Returns
    -------
    (256, 256) float32, power density in dB, row 0 = 0 Hz, last column = newest sound
    """
    power: NDArray[np.float64] = scipy.signal.spectrogram(
        samples.astype(np.float64), fs=ANALYSIS_RATE, nperseg=SEGMENT, noverlap=SEGMENT - HOP
    )[2]
    return _decibels(power)


def to_picture(db: NDArray[np.float32], reference_db: ArrayLike) -> NDArray[np.float32]:
    """Turn decibels into a picture: white at the reference, black `RANGE_DB` below it.

    Parameters
    ----------
    db : (..., 256, 256) float32, row 0 = 0 Hz
    reference_db : scalar or anything that broadcasts against `db`

    Returns
    -------
    (..., 256, 256) float32 in [0, 1], row 0 = 22,050 Hz: low sounds at the bottom
    """
    black_db = np.asarray(reference_db, np.float32) - np.float32(RANGE_DB)
    picture: NDArray[np.float32] = np.clip((db - black_db) / np.float32(RANGE_DB), 0.0, 1.0)
    return picture[..., ::-1, :]


def batch_pictures(
    samples: NDArray[np.float32], reference_db: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Compute many windows exactly: `to_picture(reference(...))` for each, 1 ms a window.

    Parameters
    ----------
    samples : (n, 66150) float32
    reference_db : (n,) dB, what is white in each picture

    Returns
    -------
    (n, 256, 256) float32 in [0, 1], row 0 = highest frequency, last column = newest sound
    """
    pictures = np.empty((len(samples), N_BINS, N_COLUMNS), np.float32)
    for window, white_db, picture in zip(samples, reference_db, pictures, strict=True):
        picture[:] = to_picture(_columns_db(window, N_COLUMNS).T, white_db)
    return pictures


def slice_windows(
    mono: Signal, reference_db: float, timeline: Timeline, first_frame: int, n_frames: int
) -> NDArray[np.float32]:
    """Cut the pictures of some consecutive frames out of one short-time Fourier transform.

    The transform's columns lie on a grid of `HOP` samples from the start of the song, so a picture
    does not depend on how the film is cut, and is early or late by at most half a hop (2.9 ms).
    Against `reference` that is a mean difference of at most .065 in [0, 1] for noise and drums,
    whose fine grain changes within a hop, and .004 for a tone; .3 at 99 of 100 points.

    Parameters
    ----------
    mono : the song at `ANALYSIS_RATE`; sound before its start and after its end is silence
    reference_db : what is white, from `measure_reference_db`
    first_frame, n_frames : which frames; at least 1

    Returns
    -------
    (n_frames, 256, 256) float32 in [0, 1]: the 1.5 s before each frame's start
    """
    frames = np.arange(first_frame, first_frame + n_frames)
    ends = frames * timeline.fps.denominator * ANALYSIS_RATE / timeline.fps.numerator
    firsts = np.rint((ends - N_WINDOW_SAMPLES) / HOP).astype(np.int64)  # column 0 of each picture
    n_columns = int(firsts[-1] - firsts[0]) + N_COLUMNS
    start = int(firsts[0]) * HOP
    samples = mono.read(start, start + (n_columns - 1) * HOP + SEGMENT)
    film = np.ascontiguousarray(to_picture(_columns_db(samples, n_columns).T, reference_db))
    return np.stack([film[:, k : k + N_COLUMNS] for k in firsts - firsts[0]])


def measure_reference_db(mono: Signal) -> float:
    """Measure what is white in a song's pictures, so that its quiet and loud mixes look the same.

    Returns
    -------
    float, dB: the 99.9th percentile of the song's spectrogram (to a tenth of a decibel, by
    histogram, so that an hour needs no more memory than a minute), at least
    `QUIETEST_REFERENCE_DB`, which is what silence gives
    """
    edges_db = np.arange(FLOOR_DB, 300.0, 0.1)
    counts = np.zeros(len(edges_db) - 1, np.int64)
    n_columns = max(1, 1 + (mono.n_samples - SEGMENT) // HOP)
    for first in range(0, n_columns, BLOCK_COLUMNS):
        n = min(BLOCK_COLUMNS, n_columns - first)
        samples = mono.read(first * HOP, (first + n - 1) * HOP + SEGMENT)
        counts += np.histogram(_columns_db(samples, n), edges_db)[0]
    below = np.cumsum(counts)
    bin_index = int(np.searchsorted(below, below[-1] * REFERENCE_PERCENTILE / 100.0))
    return max(QUIETEST_REFERENCE_DB, round(float(edges_db[bin_index + 1]), 1))


def _columns_db(samples: NDArray[np.float32], n_columns: int) -> NDArray[np.float32]:
    """Transform segments `HOP` apart, as SciPy does: mean removed, Tukey window, density.

    Returns
    -------
    (n_columns, 256) float32, dB
    """
    segments = np.lib.stride_tricks.sliding_window_view(samples, SEGMENT)[::HOP][:n_columns]
    # Float64: in float32 the bins 80 dB below the strongest are off by tenths of a decibel.
    level = segments.mean(axis=1, keepdims=True, dtype=np.float64)
    spectrum = scipy.fft.rfft((segments - level) * _TAPER, overwrite_x=True)
    return _decibels((spectrum.real**2 + spectrum.imag**2) * _DENSITY)


def _decibels(power: NDArray[np.float64]) -> NDArray[np.float32]:
    loud_enough = np.maximum(power, 10.0 ** (FLOOR_DB / 10.0)).astype(np.float32)
    db: NDArray[np.float32] = np.float32(10.0) * np.log10(loud_enough)
    return db
