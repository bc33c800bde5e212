"""Tempo, beats and bars from curves at 100 Hz."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import librosa
import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from spectro.spectrum import COLUMN_RATE

_MIN_S: Final = 2.0  # of sound; less has no rhythm
_MIN_ONSET_DB: Final = 0.5  # a rise, mean over the bands, below which nothing is an onset
_MIN_BEAT_DB: Final = 0.2  # the median beat must rise as much; measured: pads 0, strings 0.4 to 1.1
_MIN_BEATS: Final = 4  # fewer say nothing about a tempo
_WINDOW_S, _STEP_S = 12.0, 4.0  # of the search for the local tempo
_LAGS: Final = np.arange(20, 201)  # columns: 300 to 30 beats a minute
_USUAL_BPM: Final = 120.0  # Ellis 2007
_USUAL_SPREAD: Final = 0.7  # octaves; librosa has 1, which tapped more made songs twice too fast
_DRIFT_LAGS: Final = 9  # ± 8 % at 120 beats a minute
_LOCAL_SPREAD: Final = 0.15  # octaves: how far the tempo of a passage strays; by trying
_METRES: Final = (4, 3)
_WALTZ_CONTRAST: Final = 1.25  # taste: three must be this much clearer than four


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """The curves that beats are found in, at `COLUMN_RATE`; see `Curves`."""

    onset: NDArray[np.float32]  # (n,)
    bass: NDArray[np.float32]  # (n,)
    chroma: NDArray[np.float32]  # (n, 12)


@dataclass(frozen=True, kw_only=True)
class Beats:
    """When a listener would tap; all empty and 0 where there is nothing to tap to."""

    beat_times_s: NDArray[np.float64]  # (n_beats,), rising
    downbeat_times_s: NDArray[np.float64]  # (n_bars,), some of the beats
    tempo_bpm: float  # mean of the song; 0 without beats


_NO_BEATS: Final = Beats(beat_times_s=np.zeros(0), downbeat_times_s=np.zeros(0), tempo_bpm=0.0)


def track(rhythm: Rhythm) -> Beats:
    """Find beats (Ellis 2007, by librosa) along a tempo that may drift, and bars of three or four.

    The bars are the phase of the beats with the strongest onsets, bass and changes of harmony:
    a modest guess, right for most music with drums.
    """
    if len(rhythm.onset) < _MIN_S * COLUMN_RATE or rhythm.onset.max() < _MIN_ONSET_DB:
        return _NO_BEATS
    bpm = _local_tempo(rhythm.onset)
    _, beats = librosa.beat.beat_track(
        onset_envelope=rhythm.onset.astype(np.float64), sr=COLUMN_RATE, hop_length=1, bpm=bpm
    )
    if len(beats) < _MIN_BEATS or np.median(_strongest(rhythm.onset, beats)) < _MIN_BEAT_DB:
        return _NO_BEATS
    times_s = beats / COLUMN_RATE
    intervals_s = np.diff(times_s)
    usual_s = np.median(intervals_s)
    steady = np.abs(intervals_s - usual_s) < 0.2 * usual_s
    return Beats(
        beat_times_s=times_s,
        downbeat_times_s=times_s[_downbeats(rhythm, beats)],
        tempo_bpm=60.0 / float(intervals_s[steady].mean()),
    )


def _local_tempo(onset: NDArray[np.float32]) -> NDArray[np.float64]:
    """Estimate beats a minute around each column: (n,) float64.

    The onset curve's autocorrelation is taken in windows, so memory does not grow with a square.
    All windows together give the song's tempo, near the usual one; each gives its own, near that.
    """
    n_window, n_step = round(_WINDOW_S * COLUMN_RATE), round(_STEP_S * COLUMN_RATE)
    starts = np.arange(0, max(1, len(onset) - n_window // 2), n_step)
    similarity = np.stack([_autocorrelation(onset[k : k + n_window]) for k in starts])
    octaves = np.log2(_LAGS * _USUAL_BPM / (60.0 * COLUMN_RATE))
    # A tempo that drifts would smear the longer lags away, so each window may miss by some.
    nearby = scipy.ndimage.maximum_filter1d(similarity, _DRIFT_LAGS, axis=1)
    together = nearby.mean(axis=0) * np.exp(-0.5 * (octaves / _USUAL_SPREAD) ** 2)
    song_lag = _LAGS[np.argmax(together)]
    octaves = np.log2(_LAGS / song_lag)
    local = similarity * np.exp(-0.5 * (octaves / _LOCAL_SPREAD) ** 2)
    lags = _LAGS[np.argmax(local, axis=1)]
    centres = starts + n_window / 2
    bpm = 60.0 * COLUMN_RATE / np.interp(np.arange(len(onset)), centres, lags)
    return np.asarray(bpm, np.float64)


def _autocorrelation(onset: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compare a window of onsets with itself `_LAGS` later: (n_lags,), 1 = the same."""
    centred = onset - onset.mean(dtype=np.float64)
    n = scipy.fft.next_fast_len(len(onset) + int(_LAGS[-1]), real=True)
    spectrum = scipy.fft.rfft(centred, n)
    product = scipy.fft.irfft(spectrum.real**2 + spectrum.imag**2, n)
    return np.asarray(product[_LAGS] / max(product[0], 1e-9), np.float64)


def _downbeats(rhythm: Rhythm, beats: NDArray[np.int64]) -> slice:
    strength = _accents(rhythm, beats)
    best, bars = 0.0, slice(0, None, _METRES[0])
    for metre in _METRES:
        needed = _WALTZ_CONTRAST if metre == 3 else 1.0
        for phase in range(min(metre, len(beats))):
            ones = strength[phase::metre]
            contrast = (ones.mean() - strength.mean()) * np.sqrt(len(ones)) / needed
            if contrast > best:
                best, bars = contrast, slice(phase, None, metre)
    return bars


def _accents(rhythm: Rhythm, beats: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weigh each beat by its onset, its bass and the change of harmony: (n_beats,), no unit."""
    edges = np.concatenate([beats, [len(rhythm.onset)]])
    chroma = np.stack([rhythm.chroma[a : max(b, a + 1)].mean(axis=0) for a, b in pairwise(edges)])
    chroma /= np.maximum(np.linalg.norm(chroma, axis=1, keepdims=True), 1e-9)
    change = np.zeros(len(beats))
    change[1:] = 1.0 - np.sum(chroma[1:] * chroma[:-1], axis=1)
    clues = np.stack([_strongest(rhythm.onset, beats), _strongest(rhythm.bass, beats), change])
    spread = np.maximum(clues.std(axis=1, keepdims=True), 1e-9)
    weights: NDArray[np.float64] = ((clues - clues.mean(axis=1, keepdims=True)) / spread).sum(
        axis=0
    )
    return weights


def _strongest(curve: NDArray[np.float32], beats: NDArray[np.int64]) -> NDArray[np.float32]:
    """Find the highest value from 30 ms before each beat to 70 ms after it: (n_beats,)."""
    around = np.clip(beats[:, None] + np.arange(-3, 8), 0, len(curve) - 1)
    highest: NDArray[np.float32] = curve[around].max(axis=1)
    return highest
