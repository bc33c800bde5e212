"""Beats to hold a film against: from a list, or by an independent tracker, never from a score."""

from __future__ import annotations

import math
from pathlib import Path

import librosa
import numpy as np

from measures.curves import Times
from measures.film import SAMPLE_RATE, Unmeasurable
from measures.sound import ONSET_HOP, ONSET_RATE, Heard

_MOST_BYTES = 1 << 20  # some 50,000 beats: what is larger is something else
_BLOCK_ROWS = 60 * ONSET_RATE  # a tempogram of a whole hour would fill gigabytes


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
    """Track a sound's beats by librosa's dynamic programming (Ellis 2007).

    Returns
    -------
    (n_beats,) seconds from the sound's beginning, ascending; none in silence
    """
    if not heard.onset.any():
        return np.zeros(0)
    _, times_s = librosa.beat.beat_track(
        onset_envelope=heard.onset,
        sr=SAMPLE_RATE,
        hop_length=ONSET_HOP,
        bpm=_estimate_tempo(heard),
        units="time",
    )
    return np.asarray(times_s, np.float64)


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
