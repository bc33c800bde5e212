"""Calm a score where it would make the whole picture flash more than three times in a second.

The first half of the flash guard (WCAG 2.x, success criterion 2.3.1): a control that swings too
often and too far is brought towards its mean over a second, as a dimmer would, so that little is
left for the guard that looks at the pictures.

    control  ▁█▁█▁█▁█▁█▁▁▁▁█▁▁▁▁
    limited  ▃▄▃▄▃▄▃▄▃▄▂▁▁▁█▁▁▁▁
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from spectro.routes import CONTROLS
from spectro.score import Score

MOST_TRANSITIONS: Final = 6  # three flashes, a rise and a fall each
# How far a control must swing until a quarter of the picture changes its luminance by a tenth:
# measured on 16 stills of each shipped theme, the most easily changed ones. What else makes
# pictures flash, such as what is painted to the sound, is seen on the pictures alone.
DEPTHS: Final = {"brightness": 0.05, "contrast": 0.15, "glow": 0.4}
_EASE_S: Final = 0.25  # from free to limited and back
_KEPT: Final = 0.35  # to either side, of the depth that makes a flash


@dataclass(frozen=True, kw_only=True)
class Limited:
    """A score that is safe to follow."""

    score: Score
    is_limited: NDArray[np.bool_]  # (n_frames,), where it is not as it was composed


def limit_flashes(score: Score) -> Limited:
    """Limit the controls that change how bright a picture is."""
    fps = float(score.timeline.fps)
    controls = score.controls.copy()
    is_limited = np.zeros(len(controls), np.bool_)
    for name, depth in DEPTHS.items():
        column = controls[:, list(CONTROLS).index(name)]
        too_often = find_flashing(column, depth, max(1, round(fps)))
        if too_often.any():
            column[:] = _calm(column, too_often, depth, fps)
            is_limited |= too_often
    return Limited(score=replace(score, controls=controls), is_limited=is_limited)


def leave(score: Score) -> Limited:
    """Limit nothing."""
    return Limited(score=score, is_limited=np.zeros(score.timeline.n_frames, np.bool_))


def find_flashing(column: NDArray[np.float32], depth: float, n_window: int) -> NDArray[np.bool_]:
    """Tell which frames lie in a second with more than `MOST_TRANSITIONS` swings of a depth."""
    turns = _find_turns(column, depth)
    counts = np.convolve(turns, np.ones(n_window, np.int64))[: len(column)]  # in the second up to
    ends = counts > MOST_TRANSITIONS
    # Each such second counts from its first frame to its last.
    return np.convolve(ends[::-1], np.ones(n_window))[: len(column)][::-1] > 0


def _find_turns(column: NDArray[np.float32], depth: float) -> NDArray[np.int64]:
    """Mark where a curve has risen or fallen by a depth, after it went the other way."""
    turns = np.zeros(len(column), np.int64)
    low = high = float(column[0])
    direction = 0
    for frame, now in enumerate(column.tolist()):
        low, high = min(low, now), max(high, now)
        if direction <= 0 and now - low >= depth:
            turns[frame], direction, high = 1, 1, now
        elif direction >= 0 and high - now >= depth:
            turns[frame], direction, low = 1, -1, now
    return turns


def _calm(
    column: NDArray[np.float32], too_often: NDArray[np.bool_], depth: float, fps: float
) -> NDArray[np.float64]:
    n_ease = max(1, round(_EASE_S * fps))
    wide = scipy.ndimage.maximum_filter1d(too_often.astype(np.float64), 2 * n_ease + 1)
    share = scipy.ndimage.uniform_filter1d(wide, 2 * n_ease + 1)
    usual = scipy.ndimage.uniform_filter1d(column.astype(np.float64), max(1, round(fps)))
    swing = column - usual
    farthest = scipy.ndimage.maximum_filter1d(np.abs(swing), max(1, round(fps)))
    factor = np.minimum(1.0, _KEPT * depth / np.maximum(farthest, 1e-9))
    return usual + swing * (1.0 - share * (1.0 - factor))
