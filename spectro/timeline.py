"""The one time axis: how many frames a film has and when each of them starts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The frames of a film over a sound; every array of a film has `n_frames` as first axis."""

    fps: Fraction  # frames a second, exact (24000/1001 is not 23.976), above 0
    n_samples: int  # of the sound at its own rate, at least 1
    sample_rate: int  # Hz, of the sound itself, never of a resampled copy

    def __post_init__(self) -> None:
        if self.fps <= 0 or self.n_samples < 1 or self.sample_rate < 1:
            raise ValueError(f"a timeline needs frames, samples and a rate: {self}")

    @property
    def n_frames(self) -> int:
        """Count the frames that cover every sample: the last one may reach past the end."""
        return math.ceil(self.n_samples * self.fps / self.sample_rate)

    @property
    def duration_s(self) -> float:
        """Length of the sound, not of the frames."""
        return self.n_samples / self.sample_rate

    def times_s(self) -> NDArray[np.float64]:
        """Start of each frame.

        Returns
        -------
        (n_frames,) float64, seconds from the start of the sound; each is one division of whole
        numbers, so no error adds up.
        """
        return np.arange(self.n_frames) * self.fps.denominator / self.fps.numerator
