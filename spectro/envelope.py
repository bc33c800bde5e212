"""The outline of a sound's waveform, as narrow as a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spectro.audio import Signal

_BLOCK_SAMPLES: Final = 1 << 18


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """Lowest and highest sample of each of some equal stretches; full scale is 1."""

    lows: NDArray[np.float32]  # (n_columns,)
    highs: NDArray[np.float32]  # (n_columns,)


def measure_envelope(mono: Signal, n_columns: int) -> Envelope:
    """Draw the outline of a song, in blocks.

    Parameters
    ----------
    n_columns : at least 1; where there are fewer samples, columns share them
    """
    starts = np.arange(n_columns) * mono.n_samples // n_columns
    stops = np.maximum(np.append(starts[1:], mono.n_samples), starts + 1)
    lows, highs = np.empty(n_columns, np.float32), np.empty(n_columns, np.float32)
    n_at_once = max(1, _BLOCK_SAMPLES * n_columns // mono.n_samples)
    for first in range(0, n_columns, n_at_once):
        block = slice(first, first + n_at_once)
        samples = mono.read(int(starts[first]), int(stops[block][-1]))
        edges = starts[block] - starts[first]
        lows[block] = np.minimum.reduceat(samples, edges)
        highs[block] = np.maximum.reduceat(samples, edges)
    return Envelope(lows=lows, highs=highs)
