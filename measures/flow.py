"""How fast a picture grows: a zoom's speed, from two frames."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_LARGEST: Final = 0.1  # of the picture a frame; taste: beyond it is a cut, which has no flow
_RIDGE: Final = 1e-3  # of the mean diagonal: a picture without edges tells nothing, which is 0

Luma = NDArray[np.float32]


def estimate_growth(before: Luma, after: Luma) -> float:
    """Estimate by which share a picture grows from one frame to the next; negative: it shrinks.

    One least-squares fit of growth, turning and shifting to the brightness gradient (Bergen et al.
    1992, without the pyramid), and of a change in gain and level, so that a flash is no zoom. It
    holds for a pixel or so of motion, some 3 % a frame of a picture 64 pixels wide.

    Parameters
    ----------
    before, after : (h, w) luma, two pixels a side at least
    """
    mean = (before + after) / 2
    down, right = np.gradient(mean)
    height, width = mean.shape
    y = (np.arange(height, dtype=np.float32) - (height - 1) / 2)[:, None]
    x = (np.arange(width, dtype=np.float32) - (width - 1) / 2)[None]
    grows, turns = x * right + y * down, x * down - y * right
    columns = np.stack([grows, turns, right, down, mean, np.ones_like(mean)])
    columns = columns.reshape(len(columns), -1).astype(np.float64)
    lengths = np.linalg.norm(columns, axis=1) + 1e-9
    columns /= lengths[:, None]
    normal = columns @ columns.T + _RIDGE * np.eye(len(columns))
    solution = np.linalg.solve(normal, columns @ (before - after).ravel())
    return float(np.clip(solution[0] / lengths[0], -_LARGEST, _LARGEST))
