"""Normalised curves: what a route can start from, the same for a quiet and a loud mix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from spectro.windows import SILENCE_DB

if TYPE_CHECKING:
    from spectro.features import Features  # which loads librosa; pages only name the sources

Curve = NDArray[np.float64]
Group = Literal["level", "frequency", "timbre"]  # the questions that a musician is asked


@dataclass(frozen=True, kw_only=True)
class Source:
    """A curve and how it is brought to [0, 1]."""

    group: Group
    read: Callable[[Features], Curve]  # (n_frames,), no change with the song's gain but an offset
    rest: float  # value at which a route does nothing: 0 for what strikes, 0.5 for what wanders
    least_range: float  # in the curve's own unit: less than this between low and high is no music
    meaning: str


_LOW_PERCENTILE, _HIGH_PERCENTILE = 5.0, 97.0
_SMOOTH_S: Final = 0.2  # for what is compared with a moment ago
_CHORD_S: Final = 0.8
_NOTE_S: Final = 0.15
_FAINT: Final = 0.05  # strength of pitch below which a melody rests in its middle
_QUIET_DB, _FADE_DB = 50.0, 10.0  # below the song's loud passages: what is softer drives nothing


def listen(features: Features) -> Curve:
    """Fade from 0 in what is silent beside the song's loud passages to 1 in what can be heard.

    Returns
    -------
    (n_frames,) float64 in [0, 1], the audibility
    """
    level_db = features.level_db.astype(np.float64)
    quiet_db = max(np.percentile(level_db, 95) - _QUIET_DB, SILENCE_DB + 1.0)
    return np.clip((level_db - quiet_db) / _FADE_DB, 0.0, 1.0)


def _relative(level: NDArray[np.float32], features: Features) -> Curve:
    """Divide by the song's loud passages."""
    loud_db = float(np.percentile(features.level_db, 95))
    gain = float(10.0 ** (-loud_db / 20.0))
    return level.astype(np.float64) * gain


def _harmonic_share(features: Features) -> Curve:
    both = np.maximum(features.harmonic + features.percussive, 1e-9)
    return np.asarray(features.harmonic / both, np.float64)


def _smooth(rows: NDArray[np.float32], features: Features, width_s: float) -> Curve:
    n = max(1, round(width_s * features.timeline.fps))
    smoothed: Curve = scipy.ndimage.uniform_filter1d(rows.astype(np.float64), n, axis=0)
    return smoothed


def _timbre_change(features: Features) -> Curve:
    """Measure how far the MFCC, without their loudness, move within `_SMOOTH_S`.

    To come out of silence is an onset and no change of timbre.
    """
    timbre = _smooth(features.mfcc[:, 1:], features, _SMOOTH_S)
    n = max(1, round(_SMOOTH_S * features.timeline.fps))
    change = np.zeros(len(timbre))
    change[n:] = np.linalg.norm(timbre[n:] - timbre[:-n], axis=1) * listen(features)[:-n]
    return change


def _harmony(features: Features) -> Curve:
    """Place each moment on the line along which the song's chords differ most."""
    chords = _smooth(features.chroma, features, _CHORD_S)
    chords = chords - chords.mean(axis=0)
    line = np.linalg.eigh(chords.T @ chords)[1][:, -1]
    placed: Curve = chords @ line * np.sign(line[np.argmax(np.abs(line))])
    return placed


def _pitch(features: Features) -> Curve:
    """Follow the leading voice in octaves; where nothing leads, return to the song's mean."""
    strength = features.pitch_strength.astype(np.float64) ** 2
    octaves = np.log2(np.maximum(features.pitch_hz, 1.0, dtype=np.float64))
    usual = float(np.average(octaves, weights=strength + 1e-9))
    n = max(1, round(_NOTE_S * features.timeline.fps))
    led = scipy.ndimage.uniform_filter1d(strength * octaves, n) + _FAINT**2 * usual
    return np.asarray(led / (scipy.ndimage.uniform_filter1d(strength, n) + _FAINT**2), np.float64)


def _section(features: Features) -> Curve:
    """Hold the mean level of what is heard in each section all through it."""
    fps = float(features.timeline.fps)
    starts = np.rint(features.section_times_s * fps).astype(np.int64)
    starts = np.unique(np.minimum(starts, features.timeline.n_frames - 1))
    counts = np.diff(np.append(starts, features.timeline.n_frames))
    audibility = listen(features) + 1e-9
    level = features.level_db * audibility
    means = np.add.reduceat(level, starts) / np.add.reduceat(audibility, starts)
    return np.repeat(means, counts)


def _beat(features: Features) -> Curve:
    """Strike at each beat, harder at the first of a bar."""
    strikes = np.zeros(features.timeline.n_frames)
    for times_s, weight in ((features.beat_times_s, 0.7), (features.downbeat_times_s, 1.0)):
        frames = np.rint(times_s * float(features.timeline.fps)).astype(np.int64)
        strikes[frames[frames < len(strikes)]] = weight
    return strikes


SOURCES: Final = {
    "level": Source(
        group="level",
        read=lambda f: f.level_db.astype(np.float64),
        rest=0.5,
        least_range=6.0,
        meaning="loudness",
    ),
    "onset": Source(
        group="level",
        read=lambda f: f.onset.astype(np.float64),
        rest=0.0,
        least_range=2.0,
        meaning="new notes",
    ),
    "percussive": Source(
        group="level",
        read=lambda f: _relative(f.percussive, f),
        rest=0.0,
        least_range=0.1,
        meaning="drums",
    ),
    "beat": Source(group="level", read=_beat, rest=0.0, least_range=1.0, meaning="beats and bars"),
    "section": Source(
        group="level",
        read=_section,
        rest=0.5,
        least_range=4.0,
        meaning="quiet parts to loud ones, verse to chorus",
    ),
    "novelty": Source(
        group="level",
        read=lambda f: f.novelty.astype(np.float64),
        rest=0.0,
        least_range=0.2,
        meaning="one part gives way to another",
    ),
    "bass": Source(
        group="frequency",
        read=lambda f: _relative(f.bass, f),
        rest=0.0,
        least_range=0.2,
        meaning="below 250 Hz",
    ),
    "mid": Source(
        group="frequency",
        read=lambda f: _relative(f.mid, f),
        rest=0.0,
        least_range=0.2,
        meaning="250 to 4,000 Hz",
    ),
    "treble": Source(
        group="frequency",
        read=lambda f: _relative(f.treble, f),
        rest=0.0,
        least_range=0.01,
        meaning="above 4,000 Hz",
    ),
    "centroid": Source(
        group="frequency",
        read=lambda f: np.log2(np.maximum(f.centroid_hz, 20.0, dtype=np.float64)),
        rest=0.5,
        least_range=0.5,
        meaning="dark to bright sound, in octaves",
    ),
    "harmony": Source(
        group="frequency", read=_harmony, rest=0.5, least_range=0.2, meaning="changes of chord"
    ),
    "pitch": Source(
        group="frequency",
        read=_pitch,
        rest=0.5,
        least_range=0.5,
        meaning="low to high melody, in octaves",
    ),
    "flatness": Source(
        group="timbre",
        read=lambda f: np.log10(np.maximum(f.flatness, 1e-9, dtype=np.float64)),
        rest=0.0,
        least_range=1.0,
        meaning="tones to noise",
    ),
    "harmonic": Source(
        group="timbre",
        read=_harmonic_share,
        rest=0.5,
        least_range=0.2,
        meaning="struck to sustained",
    ),
    "contrast": Source(
        group="timbre",
        read=lambda f: f.contrast.mean(axis=1, dtype=np.float64),
        rest=0.5,
        least_range=4.0,
        meaning="blurred to clear tones",
    ),
    "clarity": Source(
        group="timbre",
        read=lambda f: f.pitch_strength.astype(np.float64),
        rest=0.5,
        least_range=0.3,
        meaning="crowd or noise to a single voice",
    ),
    "change": Source(
        group="timbre", read=_timbre_change, rest=0.0, least_range=20.0, meaning="changes of timbre"
    ),
}


def normalise(features: Features, audibility: Curve) -> dict[str, Curve]:
    """Bring every source to [0, 1] by percentiles of the passages that can be heard.

    A curve without a range worth the name, and everything in silence, is at the source's rest.

    Returns
    -------
    dict of (n_frames,) float64
    """
    sounding = audibility > 0.5
    curves = {}
    for name, source in SOURCES.items():
        if not sounding.any():
            curves[name] = np.full(len(audibility), source.rest)
            continue
        curve = source.read(features)
        low, high = np.percentile(curve[sounding], (_LOW_PERCENTILE, _HIGH_PERCENTILE))
        width = max(high - low, source.least_range)
        low -= (width - (high - low)) * source.rest
        placed = np.clip((curve - low) / width, 0.0, 1.0)
        curves[name] = source.rest + audibility * (placed - source.rest)
    return curves
