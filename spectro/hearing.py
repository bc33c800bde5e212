"""What the beat network hears: mel bands at 100 Hz, and how likely a beat is in each column.

The network is trained in `hearing/` and lies in `models/hearing/`; here it is only run, by ONNX
Runtime, so that the web process needs no torch.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import librosa
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from spectro.audio import ANALYSIS_RATE, Signal
from spectro.spectrum import BLOCK_COLUMNS, COLUMN_HOP

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

N_BANDS: Final = 64
NETWORK: Final = Path(__file__).resolve().parents[1] / "models" / "hearing" / "beats.onnx"

_N_FFT: Final = 2048  # 46 ms: an onset is seen in the column where it is
_LOWEST_HZ, _HIGHEST_HZ = 30.0, 16_000.0
_RANGE_DB: Final = 60.0  # below the song's loud passages, from where on things are heard
_AT_ONCE: Final = 6_000  # columns that the network hears together, and the margins
MARGIN: Final = 1_100  # columns that the network looks to either side, at least


@cache
def _filters() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    window = np.hanning(_N_FFT + 1)[:-1].astype(np.float32)
    mels = librosa.filters.mel(
        sr=ANALYSIS_RATE,
        n_fft=_N_FFT,
        n_mels=N_BANDS,
        fmin=_LOWEST_HZ,
        fmax=_HIGHEST_HZ,
        norm=None,
    )
    density = 2.0 / (_N_FFT * np.sum(window**2))
    return window, np.ascontiguousarray(mels.T * density, np.float32)


def read_bands(mono: Signal, reference_db: float, first: int, stop: int) -> NDArray[np.float32]:
    """Measure the mel bands of some columns; before and after the song there is silence.

    Parameters
    ----------
    reference_db : of the song, so that its gain changes nothing
    first, stop : columns, 10 ms apart

    Returns
    -------
    (stop − first, N_BANDS) float32, log10(1 + power above the quietest that counts), 0 to about 7
    """
    window, mels = _filters()
    quiet = np.float32(10.0 ** ((reference_db - _RANGE_DB) / 10.0))
    bands = np.empty((stop - first, N_BANDS), np.float32)
    for column in range(first, stop, BLOCK_COLUMNS):  # a spectrum is thirty times as large
        n = min(BLOCK_COLUMNS, stop - column)
        start = column * COLUMN_HOP - _N_FFT // 2
        samples = mono.read(start, start + (n - 1) * COLUMN_HOP + _N_FFT)
        windows = np.lib.stride_tricks.sliding_window_view(samples, _N_FFT)[::COLUMN_HOP]
        spectrum = scipy.fft.rfft(windows * window, overwrite_x=True)
        power = (spectrum.real**2 + spectrum.imag**2) @ mels
        bands[column - first : column - first + n] = np.log10(1.0 + power / quiet)
    return bands


@cache
def _open_network() -> InferenceSession:
    # Imported late: pages that only draw curves need no runtime.
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a song takes a second; more threads would only wait
    return onnxruntime.InferenceSession(str(NETWORK), options, providers=["CPUExecutionProvider"])


def hear_beats(mono: Signal, reference_db: float) -> NDArray[np.float32]:
    """Ask the network how likely a beat, and the first beat of a bar, is in each column.

    Returns
    -------
    (n_columns, 2) float32 in [0, 1]; computed in blocks, and the same however they are cut
    """
    n_columns = mono.n_samples // COLUMN_HOP + 1
    session = _open_network()
    likely = []
    for first in range(0, n_columns, _AT_ONCE):
        stop = min(first + _AT_ONCE, n_columns)
        bands = read_bands(mono, reference_db, first - MARGIN, stop + MARGIN)
        (heard,) = session.run(None, {"bands": bands[None]})
        likely.append(heard[0, MARGIN:-MARGIN])
    return np.concatenate(likely)
