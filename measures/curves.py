"""Curves on one clock: resampling, correlation, and what chance would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FPS: Final = 30  # rows a second of all curves that are compared
N_SHIFTS: Final = 200
MIN_SHIFT_S: Final = 5.0
SEED: Final = 0

Curve = NDArray[np.float64]
Times = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class AgainstChance:
    """A figure beside what the same film gets with its sound shifted to another place.

    Published scores sit close to chance, so a figure alone says little.
    """

    measured: float
    by_chance: float | None  # mean over the shifts; None: the film is too short to shift
    above_chance: float | None


def draw_shifts(duration_s: float) -> Times | None:
    """Draw by how much the sound is rolled for the null, (200,) seconds, 5 at least either way.

    A film under 10 s has no such place: None.
    """
    if duration_s < 2 * MIN_SHIFT_S:
        return None
    rng = np.random.default_rng(SEED)
    return rng.uniform(MIN_SHIFT_S, duration_s - MIN_SHIFT_S, N_SHIFTS)


def hold_against(measured: float, shifted: list[float] | None) -> AgainstChance:
    """Hold a figure against its values on the shifted film."""
    if shifted is None:
        return AgainstChance(measured=measured, by_chance=None, above_chance=None)
    chance = float(np.mean(shifted))
    return AgainstChance(measured=measured, by_chance=chance, above_chance=float(measured - chance))


def roll_times(times_s: Times, shift_s: float, duration_s: float) -> Times:
    """Roll times around a film that lasts from 0 to duration_s; ascending again."""
    return np.sort((times_s + shift_s) % duration_s)


def standardise(curves: Curve) -> Curve:
    """Give curves (..., n) mean 0 and length 1; one that stands still becomes 0.

    The scalar product of two is then Pearson's r, and 0 where one of them stands still.
    """
    centred = curves - curves.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(centred, axis=-1, keepdims=True)
    # A constant's mean is off by a rounding error, which is no signal.
    size = np.abs(curves).max(axis=-1, keepdims=True, initial=0.0) * curves.shape[-1] ** 0.5
    stands = length <= 1e-9 * size
    return np.where(stands, 0.0, centred / np.where(stands, 1.0, length))


def correlate(first: Curve, second: Curve) -> float:
    """Return Pearson's r of two curves (n,); 0 where one of them stands still."""
    return float(standardise(first) @ standardise(second))


def spread(times_s: Times, amounts: Curve, n: int, rate: int, sigma_s: float) -> Curve:
    """Resample amounts that fall at single moments, such as the change from frame to frame.

    Each becomes a bell about its moment. So the sum stays, whatever the rates, which interpolation
    would not keep: it would miss what lies between two rows.

    Parameters
    ----------
    times_s, amounts : (n_amounts,)
    n, rate : rows of the result, and how many there are a second; the first at 0 s
    sigma_s : standard deviation of the bell, two rows of the result or so at least

    Returns
    -------
    (n,), the amount in a thirtieth of a second
    """
    curve = np.zeros(n)
    nearest = np.rint(times_s * rate).astype(np.int64)
    reach = int(np.ceil(4 * sigma_s * rate))
    peak = 1 / (FPS * sigma_s * np.sqrt(2 * np.pi))
    for offset in range(-reach, reach + 1):
        row = nearest + offset
        bell = peak * np.exp(-((row / rate - times_s) ** 2) / (2 * sigma_s**2))
        inside = (row >= 0) & (row < n)
        curve += np.bincount(row[inside], (amounts * bell)[inside], minlength=n)
    return curve
