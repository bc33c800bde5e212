"""Tempo, beats and bars: where a listener taps, from how likely a beat is in each column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spectro.spectrum import COLUMN_RATE

_SLOWEST_BPM, _FASTEST_BPM = 50.0, 220.0
_INTERVALS: Final = np.arange(
    round(60 * COLUMN_RATE / _FASTEST_BPM), round(60 * COLUMN_RATE / _SLOWEST_BPM) + 1
)  # columns from beat to beat
_STIFFNESS: Final = 100.0  # nats, where an interval is twice as long as the last one
_UNLIKELY: Final = 1e-3  # likelihoods are kept as far from 0 and 1: nothing is impossible
_EAGERNESS: Final = 0.8  # nats; a beat as likely as 31 % is neither gain nor loss; by trying
_AROUND: Final = 3  # columns to either side in which a beat's likelihood is looked up
_LEAST_BEAT: Final = 0.18  # likelihood of the median beat, below which nobody would tap
_LEAST_EDGE: Final = 0.05  # likelihood of the first beat and of the last one
_MIN_BEATS: Final = 4  # fewer say nothing about a tempo
_METRE_COSTS: Final = {4: 0.0, 3: 1.0, 2: 2.0}  # nats a song; half of four looks like two
_BREAK_COST: Final = 12.0  # nats, of a bar that is cut short or followed by one of another metre


@dataclass(frozen=True, kw_only=True)
class Beats:
    """When a listener would tap; all empty and 0 where there is nothing to tap to."""

    beat_times_s: NDArray[np.float64]  # (n_beats,), rising
    downbeat_times_s: NDArray[np.float64]  # (n_bars,), some of the beats
    tempo_bpm: float  # mean of the song; 0 without beats


_NO_BEATS: Final = Beats(beat_times_s=np.zeros(0), downbeat_times_s=np.zeros(0), tempo_bpm=0.0)


def track(likely: NDArray[np.float32]) -> Beats:
    """Find the most likely beats, along a tempo that may drift, and the bars.

    Parameters
    ----------
    likely : (n, 2) in [0, 1], of a beat and of the first beat of a bar, at `COLUMN_RATE`
    """
    columns = _find_beats(likely[:, 0])
    near = _strongest(likely, columns)
    heard = np.flatnonzero(near[:, 0] > _LEAST_EDGE)
    if len(heard):  # in silence before and after the music the beats only go on
        columns, near = columns[heard[0] : heard[-1] + 1], near[heard[0] : heard[-1] + 1]
    if len(columns) < _MIN_BEATS or np.median(near[:, 0]) < _LEAST_BEAT:
        return _NO_BEATS
    times_s = columns / COLUMN_RATE
    intervals_s = np.diff(times_s)
    usual_s = np.median(intervals_s)
    steady = np.abs(intervals_s - usual_s) < 0.2 * usual_s
    return Beats(
        beat_times_s=times_s,
        downbeat_times_s=times_s[_find_bars(near[:, 1])],
        tempo_bpm=60.0 / float(intervals_s[steady].mean()),
    )


def _weigh(likely: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the log odds, in nats."""
    sure = np.clip(likely.astype(np.float64), _UNLIKELY, 1.0 - _UNLIKELY)
    return np.log(sure / (1.0 - sure))


def _find_beats(likely: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the columns of the most likely sequence of beats.

    The model is that of Krebs, Böck and Widmer (2015), the search goes from beat to beat instead
    of from column to column: `scores[t, i]` is the best that can be had when a beat falls on
    column t and the last one fell `_INTERVALS[i]` columns earlier, maybe before the song began.
    """
    gain = _weigh(likely) + _EAGERNESS
    n, n_intervals = len(gain), len(_INTERVALS)
    longer = _INTERVALS[:, None] / _INTERVALS
    change = -_STIFFNESS * np.abs(np.log2(longer))
    n_kept = int(_INTERVALS[-1]) + 1  # no beat looks farther back
    scores = np.empty((n_kept, n_intervals))
    came_from = np.zeros((n, n_intervals), np.uint8)
    best, end = -np.inf, (0, 0)
    for t in range(n):
        n_within = int(np.searchsorted(_INTERVALS, t, side="right"))
        paths = scores[(t - _INTERVALS[:n_within]) % n_kept] + change[:n_within]
        chosen = paths.argmax(axis=1)
        came_from[t, :n_within] = chosen
        row = np.zeros(n_intervals)
        row[:n_within] = paths[np.arange(n_within), chosen]
        row += gain[t]
        scores[t % n_kept] = row
        # The next beat would come after the end.
        last = int(np.searchsorted(_INTERVALS, n - t))
        if last < n_intervals and row[last:].max() > best:
            place = last + int(row[last:].argmax())
            best, end = float(row[place]), (t, place)
    return _walk_back(came_from, *end)


def _walk_back(came_from: NDArray[np.uint8], t: int, place: int) -> NDArray[np.int64]:
    columns = []
    while t >= 0:
        columns.append(t)
        before = t - int(_INTERVALS[place])
        place = int(came_from[t, place])
        t = before
    return np.array(columns[::-1], np.int64)


def _strongest(likely: NDArray[np.float32], columns: NDArray[np.int64]) -> NDArray[np.float32]:
    """Look up the highest likelihoods near some columns: (n_beats, 2)."""
    around = np.clip(columns[:, None] + np.arange(-_AROUND, _AROUND + 1), 0, len(likely) - 1)
    highest: NDArray[np.float32] = likely[around].max(axis=1)
    return highest


def _find_bars(first: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return which beats begin bars, from how likely each is to; bars have four, three or two."""
    odds = _weigh(first)
    states = [(metre, place) for metre in _METRE_COSTS for place in range(metre)]
    begins = np.array([place == 0 for _, place in states])
    ends = np.array([place == metre - 1 for metre, place in states])
    step = np.full((len(states), len(states)), -np.inf)  # [from, to]
    step[:, begins] = -_BREAK_COST
    for state, (metre, _place) in enumerate(states):
        step[state, state + 1 - metre if ends[state] else state + 1] = 0.0
    score = np.array([-_METRE_COSTS[metre] for metre, _ in states]) + odds[0] * begins
    came_from = np.zeros((len(odds), len(states)), np.int64)
    for beat in range(1, len(odds)):
        paths = score[:, None] + step
        came_from[beat] = paths.argmax(axis=0)
        score = paths.max(axis=0) + odds[beat] * begins
    state, firsts = int(score.argmax()), []
    for beat in range(len(odds) - 1, -1, -1):
        if begins[state]:
            firsts.append(beat)
        state = int(came_from[beat, state])
    return np.array(firsts[::-1], np.int64)
