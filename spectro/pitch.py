"""The leading fundamental: the pitch that the most of what sounds are overtones of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

LOWEST_HZ, HIGHEST_HZ = 60.0, 1600.0  # a low bass guitar note to a high soprano or violin

_STEPS: Final = 36  # candidates an octave; between them a parabola is laid
_N_OVERTONES: Final = 12
_HEARD_HZ: Final = 5_000.0  # overtones above it are mostly those of other instruments
_WIDTH: Final = 0.012  # of an overtone, of its frequency: a fifth of a tone of vibrato
_VALLEY_WIDTH: Final = 0.15  # of what should be silent half-way between overtones, of the pitch
_VALLEY: Final = 0.5  # its weight: without it every pitch is heard an octave lower as well
_SMOOTH_COLUMNS: Final = 5  # 50 ms: shorter than any note
# Cosine between spectrum and template, measured: noise .25, drums .3, songs .45 to .5, single
# instruments .55 to .75.
_NOISE, _TONE = 0.3, 0.6
MARGIN: Final = _SMOOTH_COLUMNS // 2  # columns that are needed on either side


@dataclass(frozen=True, kw_only=True)
class Pitches:
    """What leads, column by column."""

    hz: NDArray[np.float32]  # (n,), 60 to 1,600; 0 in silence
    strength: NDArray[np.float32]  # (n,) in [0, 1], 0 noise, drums or silence, 1 a single voice


class PitchFinder:
    """Templates of overtones, correlated with the spectrum.

    A simplified SWIPE (Camacho and Harris 2008): square roots of amplitudes, overtones that weigh
    1/√h, and valleys between them, on one window length.

    Parameters
    ----------
    hz : (n_bins,), the frequencies of the spectrum's bins
    """

    def __init__(self, hz: NDArray[np.float32]) -> None:
        n_octaves = np.log2(HIGHEST_HZ / LOWEST_HZ)
        self._candidates = LOWEST_HZ * 2.0 ** np.arange(0.0, n_octaves, 1.0 / _STEPS)
        self._n_bins = int(np.searchsorted(hz, 1.1 * _HEARD_HZ))
        heard = hz[: self._n_bins].astype(np.float64)
        templates = [_draw_template(heard, pitch_hz) for pitch_hz in self._candidates]
        self._templates = np.stack(templates, axis=1).astype(np.float32)

    def find(self, power: NDArray[np.float32]) -> Pitches:
        """Find the leading pitch of each column.

        Parameters
        ----------
        power : (n, n_bins), with `MARGIN` columns more than wanted on either side

        Returns
        -------
        Pitches of n − 2 `MARGIN` columns.
        """
        strengths = np.sqrt(np.sqrt(power[:, : self._n_bins]))
        length = np.sqrt(np.einsum("ij,ij->i", strengths, strengths))
        likeness = strengths @ self._templates
        likeness /= np.maximum(length, np.float32(1e-12))[:, None]
        likeness = scipy.ndimage.uniform_filter1d(likeness, _SMOOTH_COLUMNS, axis=0)
        likeness = likeness[MARGIN : len(likeness) - MARGIN]
        best = likeness.argmax(axis=1)
        highest = likeness[np.arange(len(likeness)), best]
        return Pitches(
            hz=self._refine(likeness, best) * (highest > 0.0),
            strength=np.clip((highest - _NOISE) / (_TONE - _NOISE), 0.0, 1.0),
        )

    def _refine(
        self, likeness: NDArray[np.float32], best: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Lay a parabola through the best candidates and their neighbours."""
        inner = np.clip(best, 1, likeness.shape[1] - 2)
        rows = np.arange(len(likeness))
        low, middle, high = (likeness[rows, inner + step] for step in (-1, 0, 1))
        bend = np.minimum(low - 2.0 * middle + high, -1e-9)
        off = np.where(inner == best, np.clip(0.5 * (low - high) / bend, -0.5, 0.5), 0.0)
        hz: NDArray[np.float64] = self._candidates[best] * 2.0 ** (off / _STEPS)
        return hz.astype(np.float32)


def _draw_template(hz: NDArray[np.float64], pitch_hz: float) -> NDArray[np.float64]:
    """Draw hills at the overtones of a pitch and valleys between them; the hills' length is 1."""
    hills, valleys = np.zeros(len(hz)), np.zeros(len(hz))
    for overtone in range(1, min(_N_OVERTONES, int(_HEARD_HZ / pitch_hz)) + 1):
        weight = overtone**-0.5
        hill = max(hz[1], _WIDTH * overtone * pitch_hz)  # at least a bin
        valley = max(hill, _VALLEY_WIDTH * pitch_hz)
        hills += weight * np.exp(-0.5 * ((hz - overtone * pitch_hz) / hill) ** 2)
        between = np.exp(-0.5 * ((hz - (overtone - 0.5) * pitch_hz) / valley) ** 2)
        valleys += _VALLEY * weight * hill / valley * between  # as much area as the hill's
    drawn: NDArray[np.float64] = hills - valleys
    drawn /= np.linalg.norm(np.maximum(drawn, 0.0))
    return drawn
