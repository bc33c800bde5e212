"""The walk between keyframes, paced by beats, bars and sections.

parts  |verse                          |chorus
bars   |       |       |       |       |       |       |
beats  | . . . | . . . | . . . | . . . | . . . | . . . |
place  0               1               2               0     two bars a leg, three keyframes
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectro.features import Features
from spectro.sources import listen

_LEG_S: Final = 5.5  # taste: what a leg should last, about
_BARS_A_LEG: Final = (1, 2, 4, 8, 16)
_CALM_BEAT_S, _CALM_BEATS_A_BAR = 1.5, 4  # the clock of what has no beat
_EASE: Final = 0.75  # taste: 0 walks evenly, 1 stands still at each keyframe
_PUSH, _PUSH_BY_LEVEL = 0.25, 0.5  # taste: share of a beat's way that is done right after it


def walk(features: Features, *, n_keyframes: int, level: float) -> NDArray[np.float32]:
    """Place each frame on the way round the keyframes; it never goes back.

    Parameters
    ----------
    n_keyframes : at least 1
    level : in [0, 1], the musician's slider: how strongly the beats push

    Returns
    -------
    (n_frames,) float32 in [0, n_keyframes): 2.25 is a quarter of the way from the third to the
    fourth; after the last comes the first
    """
    push = _PUSH + _PUSH_BY_LEVEL * level if len(features.beat_times_s) else 0.0
    start_s = _find_start(features)
    grid = _lay_grid(features, start_s)
    times_s = np.maximum(features.timeline.times_s(), start_s)
    beat = np.interp(times_s, grid.beat_times_s, np.arange(grid.n_beats))
    within = beat - np.floor(beat)
    pushed = np.floor(beat) + (1 - push) * within + push * (1 - (1 - within) ** 3)
    sections = np.interp(features.section_times_s, grid.beat_times_s, np.arange(grid.n_beats))
    edges = _lay_legs(grid, float(pushed[0]), sections)
    at = np.interp(pushed, edges, np.arange(len(edges)))
    u = at - np.floor(at)
    position = np.floor(at) + (1 - _EASE) * u + _EASE * u * u * (3 - 2 * u)
    # Twice: rounding to float32 may lift a place just before the first keyframe onto the last + 1.
    rounded = np.mod(position, n_keyframes).astype(np.float32)
    return np.mod(rounded, np.float32(n_keyframes))


class _Grid(NamedTuple):
    """Beats from before the song's start to after its end, and which of them begin bars."""

    beat_times_s: NDArray[np.float64]  # (n,), rising, with those that nobody plays
    bars: NDArray[np.int64]  # (n_bars,), indices of first beats, at least 2

    @property
    def n_beats(self) -> int:
        return len(self.beat_times_s)


def _find_start(features: Features) -> float:
    """Return when the first sound is heard: in the silence before it the walk stands still."""
    heard = np.flatnonzero(listen(features) > 0.5)
    return float(features.timeline.times_s()[heard[0]]) if len(heard) else 0.0


def _lay_grid(features: Features, start_s: float) -> _Grid:
    end_s = features.timeline.duration_s + 1.0 / float(features.timeline.fps)
    found_s = features.beat_times_s
    if len(found_s) == 0:
        n_legs = int(end_s / (_CALM_BEAT_S * _CALM_BEATS_A_BAR)) + 2
        n_beats = n_legs * _CALM_BEATS_A_BAR + 1
        calm_s = start_s + np.arange(n_beats, dtype=np.float64) * _CALM_BEAT_S
        return _Grid(calm_s, np.arange(0, n_beats, _CALM_BEATS_A_BAR))
    beat_s = float(np.median(np.diff(found_s)))
    firsts = np.searchsorted(found_s, features.downbeat_times_s)
    metre = int(np.median(np.diff(firsts))) if len(firsts) > 1 else 4
    n_before = metre * (int(found_s[0] / (beat_s * metre)) + 1)
    n_after = metre * (int(max(0.0, end_s - found_s[-1]) / (beat_s * metre)) + 2)
    beats_s = np.concatenate(
        [
            found_s[0] - beat_s * np.arange(n_before, 0, -1),
            found_s,
            found_s[-1] + beat_s * np.arange(1, n_after + 1),
        ]
    )
    firsts = firsts + n_before
    before = np.arange(firsts[0] % metre, firsts[0], metre)
    after = np.arange(firsts[-1] + metre, len(beats_s), metre)
    return _Grid(beats_s, np.concatenate([before, firsts, after]))


def _lay_legs(grid: _Grid, first_beat: float, sections: NDArray[np.float64]) -> NDArray[np.float64]:
    """Choose where keyframes are reached: (n,) in beats, the first where the film starts.

    Each section begins at a keyframe; within it some bars are a leg.
    """
    bar_s = float(np.median(np.diff(grid.beat_times_s[grid.bars])))
    n_bars = min(_BARS_A_LEG, key=lambda n: abs(np.log(n * bar_s / _LEG_S)))
    bar = float(np.median(np.diff(grid.bars)))
    leg = n_bars * bar
    starts = np.concatenate([[first_beat], sections[sections > first_beat + leg / 2]])
    edges = []
    for start, stop in pairwise([*starts, np.inf]):
        inside = grid.bars[grid.bars > start + leg - bar / 2][::n_bars]
        edges += [start, *inside[inside <= stop - leg / 2]]
    return np.array([*edges, edges[-1] + leg, edges[-1] + 2 * leg])
