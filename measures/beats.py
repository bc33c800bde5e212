"""Beats to hold a film against: from a list, or by an independent tracker, never from a score."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import librosa
import numpy as np
from numpy.typing import NDArray

from measures.curves import Curve, Times
from measures.film import SAMPLE_RATE, Unmeasurable
from measures.sound import ONSET_HOP, ONSET_RATE, Heard

_MOST_BYTES = 1 << 20  # some 50,000 beats: what is larger is something else
_BLOCK_ROWS = 60 * ONSET_RATE  # a tempogram of a whole hour would fill gigabytes
# Of the tracker, as librosa has them.
_SHARPNESS: Final = 32.0  # a beat's strength is spread by a period over this
_TIGHTNESS: Final = 100.0  # what it costs when a step is not a period
_FIRST: Final = 0.01  # of the greatest strength, from which on beats begin


Rows = NDArray[np.int64]


def read_beats(path: Path) -> Times:
    """Read a list of beats: a time in seconds a line, what follows it ignored, # for comments.

    Returns
    -------
    (n_beats,) seconds, ascending, at least one

    Raises
    ------
    Unmeasurable
        There is no such file, or it is no list of times.
    """
    try:
        with path.open(encoding="utf-8") as file:
            lines = file.read(_MOST_BYTES).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Unmeasurable(f"The beats {path} cannot be read: name a text file.") from error
    times_s = [
        _read_time(words[0], path, number)
        for number, line in enumerate(lines, 1)
        if (words := line.partition("#")[0].split())
    ]
    if not times_s:
        raise Unmeasurable(f"{path.name} holds no beats: write a time in seconds on each line.")
    return np.unique(times_s)


def _read_time(word: str, path: Path, number: int) -> float:
    try:
        time_s = float(word)
    except ValueError:
        time_s = math.nan
    if not math.isfinite(time_s):
        raise Unmeasurable(
            f"Line {number} of {path.name} begins with {word[:20]!r}: write a time in seconds."
        )
    return time_s


def track_beats(heard: Heard) -> Times:
    """Track a sound's beats by dynamic programming (Ellis 2007).

    It finds the beats of `librosa.beat.beat_track`, without the second and more that loading that
    takes in each process.

    Returns
    -------
    (n_beats,) seconds from the sound's beginning, ascending; none in silence
    """
    onset = heard.onset
    if not np.diff(onset[1:]).any():
        return np.zeros(0)
    n_period = round(60 * ONSET_RATE / _estimate_tempo(heard))
    # Strength in its own deviations, spread a little: a beat may lie a thirtieth of a period off.
    offsets = np.arange(-n_period, n_period + 1)
    bell = np.exp(-0.5 * (_SHARPNESS * offsets / n_period) ** 2)
    counted = np.concatenate([[0.0], onset[1:]]) / onset.std(ddof=1)  # the first row never counts
    local = np.convolve(counted, bell)[n_period : n_period + len(onset)]
    beats = _trim(_find_best_path(local, n_period), local)
    return np.asarray(beats / ONSET_RATE, np.float64)


def _find_best_path(local: Curve, n_period: int) -> Rows:
    """Find the rows whose strengths are largest, less what uneven steps between them cost."""
    steps = np.arange(round(n_period / 2), 2 * n_period + 1)
    costs = _TIGHTNESS * np.log(steps / n_period) ** 2
    totals, links = local.copy(), np.full(len(local), -1)
    for row in range(steps[0], len(local)):
        before = row - steps[: row - steps[0] + 1]
        sums = totals[before] - costs[: len(before)]
        best = int(sums.argmax())
        totals[row] += sums[best]
        links[row] = before[best]
    links[: np.argmax(local >= _FIRST * local.max())] = -1
    path = [_find_last(totals)]
    while links[path[-1]] >= 0:
        path.append(int(links[path[-1]]))
    return np.array(path[::-1])


def _find_last(totals: Curve) -> int:
    """Find the last of the peaks that are half as high as usual."""
    fenced = np.concatenate([totals[:1], totals, totals[-1:]])
    peaks = np.flatnonzero((totals > fenced[:-2]) & (totals >= fenced[2:]))
    high = peaks[totals[peaks] >= np.median(totals[peaks]) / 2] if len(peaks) else peaks
    return int(high[-1]) if len(high) else len(totals) - 1


def _trim(beats: Rows, local: Curve) -> Rows:
    """Leave out what comes before and after all that is loud enough to be a beat."""
    smooth = np.convolve(local[beats], np.hanning(5))[2:]
    loud = np.flatnonzero(local > 0.5 * np.sqrt(np.mean(smooth**2)))
    return np.asarray(beats[(beats >= loud[0]) & (beats <= loud[-1])], np.int64)


def _estimate_tempo(heard: Heard) -> float:
    """Estimate the tempo of a whole film from tempograms of its minutes, in beats a minute."""
    starts = range(0, len(heard.onset), _BLOCK_ROWS)
    tempogram = sum(
        librosa.feature.tempogram(
            onset_envelope=heard.onset[start : start + _BLOCK_ROWS],
            sr=SAMPLE_RATE,
            hop_length=ONSET_HOP,
            win_length=8 * ONSET_RATE,  # seconds, librosa's own for a tempo
        ).sum(axis=1)
        for start in starts
    )
    (tempo_bpm,) = librosa.feature.tempo(
        tg=np.asarray(tempogram)[:, None], sr=SAMPLE_RATE, hop_length=ONSET_HOP
    )
    return float(tempo_bpm)
