"""Curves of a sound at 100 Hz, out of one short-time Fourier transform, a block at a time.

                  |<------ 4096 samples, Hann ------>|      column k
                           |<------ 4096 samples, Hann ------>|      column k + 1
    k * 441 samples ---------------^        ^------- 441 samples = 10 ms later

A column stands for the moment in the middle of its window. Whatever looks around (the medians of
`_separate`) is given enough columns on both sides, so the curves do not depend on the blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple, TypeVar

import librosa
import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from spectro import pitch
from spectro.audio import ANALYSIS_RATE, Signal
from spectro.windows import RANGE_DB, SILENCE_DB

COLUMN_HOP: Final = 441  # samples
COLUMN_RATE: Final = ANALYSIS_RATE // COLUMN_HOP  # 100 columns a second, exact
N_FFT: Final = 4096  # bins 10.8 Hz apart: semitones from 180 Hz up
BLOCK_COLUMNS: Final = 500
N_CHROMA, N_MFCC = 12, 13
CONTRAST_EDGES_HZ: Final = (0, 200, 400, 800, 1600, 3200, 6400, 12800)  # Jiang et al. 2002

_N_MELS: Final = 128
_MAX_HZ: Final = 16_000.0  # above it lossy codecs leave nothing
_BASS_HZ, _TREBLE_HZ = 250.0, 4_000.0  # taste: kick and bass below, cymbals and air above
_ROLLOFF: Final = 0.85
_CONTRAST_SHARE: Final = 0.02  # of a band's bins, for its peak and its valley
_MEDIAN_COLUMNS: Final = 31  # 310 ms (FitzGerald 2010, his 17 of 93 ms, scaled to ours by trying)
_MEDIAN_MELS: Final = 17
_FLUX_COLUMNS: Final = 2  # 20 ms: less is within the window's own rise
# A long window hears an onset before its middle reaches it, the earlier the more silent it was
# before. Measured on clicks, drums, plucks and bows over silence, tones and noise with a range of
# 50 dB: 10 to 29 ms early; so 20 ms later leaves at most 10 ms either way.
_ONSET_RANGE_DB: Final = 50.0
_ONSET_DELAY_COLUMNS: Final = 2
_TINY: Final = np.float32(1e-20)  # keeps divisions and logarithms finite in silence
_MARGIN: Final = _MEDIAN_COLUMNS // 2


@dataclass(frozen=True, kw_only=True)
class Curves:
    """What is heard at n moments, float32; a level is RMS with full scale 1."""

    level_db: NDArray[np.float32]  # (n,), RMS, `SILENCE_DB` or more
    onset: NDArray[np.float32]  # (n,), dB that the mel bands rise in 20 ms, mean; 0 or more
    percussive: NDArray[np.float32]  # (n,), level of what is short
    harmonic: NDArray[np.float32]  # (n,), level of what lasts
    bass: NDArray[np.float32]  # (n,), level below 250 Hz
    mid: NDArray[np.float32]  # (n,), level from 250 to 4,000 Hz
    treble: NDArray[np.float32]  # (n,), level above 4,000 Hz
    centroid_hz: NDArray[np.float32]  # (n,), mean frequency weighted by magnitude; 0 in silence
    rolloff_hz: NDArray[np.float32]  # (n,), 85 % of the magnitude lies below; 0 in silence
    chroma: NDArray[np.float32]  # (n, 12) in [0, 1], C to B, strongest 1; 0 in silence
    mfcc: NDArray[np.float32]  # (n, 13), DCT of the mel bands, dB above the song's quietest
    flatness: NDArray[np.float32]  # (n,) in [0, 1], 0 a tone or silence, 1 white noise
    contrast: NDArray[np.float32]  # (n, 7), dB between peaks and valleys of octave bands
    pitch_hz: NDArray[np.float32]  # (n,), leading fundamental, 60 to 1,600; 0 in silence
    pitch_strength: NDArray[np.float32]  # (n,) in [0, 1], 0 noise or silence, 1 a single voice

    def part(self, first: int, stop: int) -> Curves:
        """Take some consecutive moments."""
        return Curves(**{name: curve[first:stop] for name, curve in vars(self).items()})


_Block = TypeVar("_Block")


def join(blocks: Sequence[_Block]) -> _Block:
    """Put the arrays of consecutive blocks of one class together."""
    names = vars(blocks[0])
    return type(blocks[0])(**{n: np.concatenate([vars(b)[n] for b in blocks]) for n in names})


class Analyser:
    """The filters of the curves, built once for a song."""

    def __init__(self, reference_db: float) -> None:
        self._window = np.hanning(N_FFT + 1)[:-1].astype(np.float32)
        self._hz = librosa.fft_frequencies(sr=ANALYSIS_RATE, n_fft=N_FFT).astype(np.float32)
        self._mels = librosa.filters.mel(
            sr=ANALYSIS_RATE, n_fft=N_FFT, n_mels=_N_MELS, fmax=_MAX_HZ, norm=None
        ).T
        self._chroma = librosa.filters.chroma(sr=ANALYSIS_RATE, n_fft=N_FFT).T
        self._pitches = pitch.PitchFinder(self._hz)
        self._density = np.full(len(self._hz), 2.0 / (N_FFT * np.sum(self._window**2)), np.float32)
        self._density[[0, -1]] /= 2.0  # 0 Hz and Nyquist have no mirror image to be folded in
        self._audible = slice(*np.searchsorted(self._hz, (50.0, _MAX_HZ)))
        # Relative to the song, so that its gain changes neither onsets nor timbre.
        self._quiet = np.float32(10.0 ** ((reference_db - _ONSET_RANGE_DB) / 10.0))
        self._floor = np.float32(10.0 ** ((reference_db - RANGE_DB) / 10.0) * self._hz[1])

    def columns(self, mono: Signal, first: int, stop: int) -> Curves:
        """Analyse the columns from `first` up to `stop`."""
        n = stop - first + 2 * _MARGIN
        start = (first - _MARGIN) * COLUMN_HOP - N_FFT // 2
        samples = mono.read(start, start + (n - 1) * COLUMN_HOP + N_FFT)
        power = self._power(samples)
        mels = power @ self._mels
        parts = _separate(mels, (first - _MARGIN) % 2)
        onset = self._onset(mels)
        inner = slice(_MARGIN, n - _MARGIN)
        pitches = self._pitches.find(power[_MARGIN - pitch.MARGIN : n - _MARGIN + pitch.MARGIN])
        return Curves(
            pitch_hz=pitches.hz,
            pitch_strength=pitches.strength,
            onset=onset[inner],
            percussive=parts.percussive[inner],
            harmonic=parts.harmonic[inner],
            mfcc=self._mfcc(mels[inner]),
            **self._describe(power[inner]),
        )

    def _power(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Transform windows `COLUMN_HOP` apart.

        Returns
        -------
        (n, 2049) float32, mean square of the sound in each bin: a row's sum is RMS squared
        """
        windows = np.lib.stride_tricks.sliding_window_view(samples, N_FFT)[::COLUMN_HOP]
        spectrum = scipy.fft.rfft(windows * self._window, overwrite_x=True)
        power: NDArray[np.float32] = (spectrum.real**2 + spectrum.imag**2) * self._density
        return power

    def _onset(self, mels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Measure how much the mel bands rise; vibrato is no onset (Böck and Widmer 2013)."""
        db = 10.0 * np.log10(1.0 + mels / self._quiet)
        before = scipy.ndimage.maximum_filter1d(db[:-_FLUX_COLUMNS], 3, axis=1)
        rise = np.maximum(db[_FLUX_COLUMNS:] - before, 0.0).mean(axis=1)
        onset = np.zeros(len(db), np.float32)
        onset[_FLUX_COLUMNS + _ONSET_DELAY_COLUMNS :] = rise[:-_ONSET_DELAY_COLUMNS]
        return onset

    def _describe(self, power: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        total = power.sum(axis=1)
        sounds = total > 10.0 ** (SILENCE_DB / 10.0)
        magnitude = np.sqrt(power)
        below = np.cumsum(magnitude, axis=1)
        whole = np.maximum(below[:, -1], _TINY)
        bass, treble = np.searchsorted(self._hz, (_BASS_HZ, _TREBLE_HZ))
        chroma = power @ self._chroma
        audible = power[:, self._audible] + self._floor
        return {
            "level_db": np.maximum(10.0 * np.log10(total + _TINY), SILENCE_DB),
            "bass": np.sqrt(power[:, :bass].sum(axis=1)),
            "mid": np.sqrt(power[:, bass:treble].sum(axis=1)),
            "treble": np.sqrt(power[:, treble:].sum(axis=1)),
            "centroid_hz": sounds * (magnitude @ self._hz) / whole,
            "rolloff_hz": sounds * self._hz[np.argmax(below >= _ROLLOFF * whole[:, None], axis=1)],
            "chroma": sounds[:, None] * chroma / np.maximum(chroma.max(axis=1), _TINY)[:, None],
            "flatness": sounds * np.exp(np.log(audible).mean(axis=1)) / audible.mean(axis=1),
            "contrast": sounds[:, None] * self._contrast(power),
        }

    def _contrast(self, power: NDArray[np.float32]) -> NDArray[np.float32]:
        edges = np.searchsorted(self._hz, CONTRAST_EDGES_HZ)
        contrast = np.empty((len(power), len(edges) - 1), np.float32)
        for i, (low, high) in enumerate(pairwise(edges)):
            k = max(1, round(_CONTRAST_SHARE * (high - low)))
            band = np.partition(power[:, low:high], (k - 1, high - low - k), axis=1)
            peak, valley = band[:, -k:].mean(axis=1), band[:, :k].mean(axis=1)
            contrast[:, i] = 10.0 * np.log10((peak + self._floor) / (valley + self._floor))
        return contrast

    def _mfcc(self, mels: NDArray[np.float32]) -> NDArray[np.float32]:
        db = 10.0 * np.log10(1.0 + mels / self._floor)
        coefficients: NDArray[np.float32] = scipy.fft.dct(db, norm="ortho")[:, :N_MFCC]
        return coefficients


class _Parts(NamedTuple):
    percussive: NDArray[np.float32]  # (n,), level
    harmonic: NDArray[np.float32]  # (n,), level


def _separate(mels: NDArray[np.float32], odd: int) -> _Parts:
    """Split the sound into short and lasting parts by medians (FitzGerald 2010), on mel bands.

    Each pair of columns gets one mask: medians are a third of the whole analysis, and windows are
    93 ms long.

    Parameters
    ----------
    odd : 1 where a pair begins with the second column, so that blocks agree on the pairs
    """
    n_pairs = (len(mels) - odd + 1) // 2
    filled = np.pad(mels[odd:], ((0, 2 * n_pairs - len(mels) + odd), (0, 0)), mode="edge")
    amplitude = np.sqrt(filled.reshape(n_pairs, 2, -1).mean(axis=1))
    lasting = scipy.ndimage.median_filter(amplitude, (_MEDIAN_COLUMNS // 2, 1)) ** 2
    short = scipy.ndimage.median_filter(amplitude, (1, _MEDIAN_MELS)) ** 2
    of_pairs = short / (short + lasting + _TINY)
    share = np.repeat(of_pairs, 2, axis=0)
    share = np.concatenate([share[:odd], share])[: len(mels)]
    return _Parts(
        percussive=np.sqrt((mels * share).sum(axis=1)),
        harmonic=np.sqrt((mels * (1.0 - share)).sum(axis=1)),
    )
