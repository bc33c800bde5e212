"""What is heard in a film: curves of its sound, by librosa, a block at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

import librosa
import numpy as np
from numpy.typing import NDArray

from measures.film import SAMPLE_RATE

ONSET_RATE: Final = 100  # rows a second
ROW_RATE: Final = 20  # rows a second of all other curves
ONSET_HOP: Final = SAMPLE_RATE // ONSET_RATE  # samples
_HOP: Final = SAMPLE_RATE // ROW_RATE  # samples
# Measured: with a window this short the onsets of clicks, kicks and plucked strings lie within 2 ms
# of their attacks; with librosa's usual 2,048 samples they come 20 ms early.
_ONSET_WINDOW, _N_MELS, _LOWEST_HZ = 512, 32, 30.0
_WINDOW: Final = 4096  # samples; 6 Hz apart, as chroma needs
_SILENT_DB: Final = -80.0  # taste: nothing below is heard
_BASS_HZ: Final = (20.0, 150.0)
_BLOCK: Final = 10 * SAMPLE_RATE  # samples, whole rows of both kinds
_CONTEXT: Final = _WINDOW // 2  # samples before and after a block that its rows reach to

Samples = NDArray[np.float32]
Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A film's sound as curves from the first picture on; silence is 0 or `_SILENT_DB`."""

    onset: Values  # (n,) onset strength a(t), dB a row, `ONSET_RATE` rows a second
    curves: dict[str, Values]  # name: (n_rows,), `ROW_RATE` rows a second
    chroma: Values  # (n_rows, 12) energy of the pitch classes, `ROW_RATE` rows a second


def listen(pieces: Iterable[Samples], n_samples: int) -> Heard:
    """Listen to a film's sound.

    Parameters
    ----------
    pieces : (n,) float32 each, full scale = 1, n_samples in all at `SAMPLE_RATE`
    """
    onsets, rows, chroma = [], [], []
    for block in _cut_blocks(pieces, n_samples):
        onsets.append(_measure_onsets(block))
        spectra = _take_spectra(block[:-_HOP], _WINDOW, _HOP)
        rows.append(_describe(spectra))
        chroma.append(
            librosa.feature.chroma_stft(
                S=spectra**2, sr=SAMPLE_RATE, n_fft=_WINDOW, tuning=0.0, norm=None
            ).T
        )
    n_rows = -(-n_samples // _HOP)
    table = np.concatenate(rows, axis=1)[:, :n_rows].astype(np.float64)
    level_db, bass_db, centroid_hz, flatness = table
    is_silent = level_db <= _SILENT_DB
    return Heard(
        onset=np.concatenate(onsets)[: -(-n_samples // ONSET_HOP)].astype(np.float64),
        curves={
            "level": level_db,
            "bass": bass_db,
            "centroid": _hold(np.log2(np.maximum(centroid_hz, _LOWEST_HZ)), is_silent),
            "flatness": _hold(np.log10(np.maximum(flatness, 1e-10)), is_silent),
        },
        chroma=np.concatenate(chroma)[:n_rows].astype(np.float64),
    )


def _cut_blocks(pieces: Iterable[Samples], n_samples: int) -> Iterator[Samples]:
    """Cut a sound into blocks with what is before and after them, silence at both ends.

    before     block     after
    ├──────┼───────────┼──────┤
                ├──────┼───────────┼──────┤
    """
    whole = _CONTEXT + _BLOCK + _CONTEXT
    held = [np.zeros(_CONTEXT, np.float32)]
    n_held, n_left = _CONTEXT, n_samples
    for piece in chain(pieces, [np.zeros(_BLOCK + _CONTEXT, np.float32)]):
        held.append(piece)
        n_held += len(piece)
        while n_held >= whole and n_left > 0:
            samples = np.concatenate(held)
            yield samples[:whole]
            held = [samples[_BLOCK:]]
            n_held -= _BLOCK
            n_left -= _BLOCK


def _take_spectra(samples: Samples, window: int, hop: int) -> NDArray[np.float32]:
    """Return magnitudes (1 + window / 2, n); a full-scale sine has about 1."""
    spectra = librosa.stft(samples, n_fft=window, hop_length=hop, center=False)
    return np.asarray(np.abs(spectra) * (4 / window), np.float32)


def _measure_onsets(block: Samples) -> NDArray[np.float32]:
    """Measure onset strength: how many dB the mel bands rise by, on average."""
    first = _CONTEXT - _ONSET_WINDOW // 2 - ONSET_HOP  # one row more, to rise from
    last = _CONTEXT + _BLOCK - ONSET_HOP + _ONSET_WINDOW // 2
    spectra = _take_spectra(block[first:last], _ONSET_WINDOW, ONSET_HOP)
    mel = librosa.feature.melspectrogram(
        S=spectra**2, sr=SAMPLE_RATE, n_mels=_N_MELS, fmin=_LOWEST_HZ
    )
    mel_db = librosa.power_to_db(mel, amin=10 ** (_SILENT_DB / 10), top_db=None)
    strength = librosa.onset.onset_strength(
        S=mel_db, sr=SAMPLE_RATE, hop_length=ONSET_HOP, center=False
    )
    return np.asarray(strength[1:], np.float32)


def _describe(spectra: NDArray[np.float32]) -> NDArray[np.float32]:
    """Measure level (dB), level of the bass (dB), centroid (Hz) and flatness: (4, n)."""
    hertz = librosa.fft_frequencies(sr=SAMPLE_RATE, n_fft=_WINDOW)
    is_bass = (hertz >= _BASS_HZ[0]) & (hertz <= _BASS_HZ[1])
    powers = spectra**2
    energies = np.stack([powers.sum(axis=0), powers[is_bass].sum(axis=0)])
    levels_db = 10 * np.log10(np.maximum(energies, 10 ** (_SILENT_DB / 10)))
    centroid = librosa.feature.spectral_centroid(S=spectra, sr=SAMPLE_RATE, freq=hertz)
    flatness = librosa.feature.spectral_flatness(S=spectra)
    return np.concatenate([levels_db, centroid, flatness]).astype(np.float32)


def _hold(curve: Values, is_silent: NDArray[np.bool_]) -> Values:
    """Put what silence has none of to the middle, so that it counts neither way."""
    middle = float(np.median(curve[~is_silent])) if not is_silent.all() else 0.0
    return np.where(is_silent, middle, curve)
