"""Whether a film moves with its music: S1 to S5, each beside what chance gives.

All on one clock that starts with the first picture. The change of the picture and the onset
strength are both spread by the same bell before they are compared, so that neither is sharper.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import librosa
import numpy as np
from mir_eval.util import match_events
from numpy.typing import NDArray
from scipy.signal import find_peaks

from measures.curves import (
    FPS,
    AgainstChance,
    Curve,
    Times,
    correlate,
    hold_against,
    roll_times,
    spread,
    standardise,
)
from measures.film import SAMPLE_RATE
from measures.sight import BIN_S, LEAST_RANGE, Seen
from measures.sound import ONSET_HOP, ONSET_RATE, ROW_RATE, Heard

BEAT_WINDOWS_S: Final = (0.045, 0.070)
_FINE_RATE: Final = 600  # Hz: 24, 25, 30, 50 and 60 frames a second are whole steps apart
_MOST_LAG_S: Final = 0.2
_SMALLEST_SIGMA_S: Final = 0.025  # steady motion at 24 frames a second ripples by less than 1 %
_SIGMA_FRAMES: Final = 0.6  # the same at lower rates
_STILL_LEVELS: Final = 1.0  # of 255; measured: encoders change a still by up to .8 at a key frame
_LEAST_PROMINENCE: Final = 0.1  # levels; taste: below nobody sees a beat
_BEAT_GAP_S: Final = 0.15
_ALIGNMENT_SIGMA_S: Final = 0.05
_AV_ALIGN_S: Final = 0.05
_LEAST_APART_S: Final = 2.0
_MOST_BINS: Final = 1200  # pairs grow with the square

Rows = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Moments:
    """What happens when, on a clock that starts with the first picture."""

    duration_s: float
    motion: Curve  # (n,) change of the picture, levels of 255 in a thirtieth of a second, 30 fps
    onset: Curve  # (20 n,) onset strength, spread like the motion, 600 a second
    video_beats_s: Times  # peaks of the motion
    onsets_s: Times  # peaks of the onset strength, by librosa


@dataclass(frozen=True, kw_only=True)
class OnsetMotion:
    """S1: whether the picture changes when sounds begin."""

    r: float  # Pearson's, at lag 0
    best_lag_ms: float  # within ±200; above 0 the picture is late
    z: float | None  # r in standard deviations from the shifted mean; None: too short to shift


@dataclass(frozen=True, kw_only=True)
class BeatHits:
    """S2: whether video beats meet the beats, one to one."""

    window_ms: float
    f1: AgainstChance
    corrected: float | None  # (F − F0) / (1 − F0)


@dataclass(frozen=True, kw_only=True)
class BeatAlignment:
    """S3: how near the beats lie to video beats, and these to the beats; 1 is upon each other."""

    of_beats: AgainstChance
    of_video_beats: AgainstChance


@dataclass(frozen=True, kw_only=True)
class Synchrony:
    """S1 to S5."""

    onset_motion: OnsetMotion
    beat_hits: tuple[BeatHits, ...]  # at ±45 and ±70 ms
    beat_alignment: BeatAlignment
    av_align: AgainstChance  # S4: intersection over union of onsets and video beats
    colour_harmony: AgainstChance  # S5: r of the self-similarities of colours and chroma


def find_moments(seen: Seen, heard: Heard) -> Moments:
    """Put motion, onsets and their peaks on one clock."""
    n = max(1, round(seen.duration_s * FPS))
    sigma_s = max(_SMALLEST_SIGMA_S, _SIGMA_FRAMES * seen.interval_s)
    is_still = seen.change.max() < _STILL_LEVELS
    change = np.zeros_like(seen.change) if is_still else seen.change
    motion = spread(seen.times_s - seen.start_s, change, n, FPS, sigma_s)
    rows_s = np.arange(len(heard.onset)) / ONSET_RATE
    return Moments(
        duration_s=seen.duration_s,
        motion=motion,
        onset=spread(rows_s, heard.onset, n * _FINE_RATE // FPS, _FINE_RATE, sigma_s),
        video_beats_s=_find_video_beats(motion),
        onsets_s=_find_onsets(heard),
    )


def measure_synchrony(
    seen: Seen, heard: Heard, moments: Moments, beats_s: Times, shifts_s: Times | None
) -> Synchrony:
    """Measure S1 to S5.

    Parameters
    ----------
    moments : of the same film
    beats_s : (n_beats,) on the moments' clock, ascending
    shifts_s : by how much the sound is rolled for the null; None: not at all
    """

    def against_chance(judge: Callable[[Times], float], times_s: Times) -> AgainstChance:
        shifted = None
        if shifts_s is not None:
            rolled = [roll_times(times_s, shift_s, moments.duration_s) for shift_s in shifts_s]
            shifted = [judge(times) for times in rolled]
        return hold_against(judge(times_s), shifted)

    video_s = moments.video_beats_s
    return Synchrony(
        onset_motion=_measure_onset_motion(moments, shifts_s),
        beat_hits=tuple(
            _correct(window_s, against_chance(partial(_f1, video_s, window_s), beats_s))
            for window_s in BEAT_WINDOWS_S
        ),
        beat_alignment=BeatAlignment(
            of_beats=against_chance(partial(_nearness, others_s=video_s), beats_s),
            of_video_beats=against_chance(partial(_nearness, video_s), beats_s),
        ),
        av_align=against_chance(partial(_intersection_over_union, video_s), moments.onsets_s),
        colour_harmony=_measure_colour_harmony(seen, heard, shifts_s),
    )


def _find_video_beats(motion: Curve) -> Times:
    deviation = float(np.median(np.abs(motion - np.median(motion))))
    peaks, _ = find_peaks(
        motion,
        prominence=max(deviation, _LEAST_PROMINENCE),
        distance=int(np.ceil(_BEAT_GAP_S * FPS)),
    )
    # The top of a parabola through a peak and its neighbours: rows are 33 ms apart, hits 45.
    before, top, after = motion[peaks - 1], motion[peaks], motion[peaks + 1]
    bend = before - 2 * top + after
    offset = np.divide(before - after, 2 * bend, out=np.zeros_like(top), where=bend < 0)
    return np.asarray((peaks + offset) / FPS, np.float64)


def _find_onsets(heard: Heard) -> Times:
    if not heard.onset.any():
        return np.zeros(0)
    times_s = librosa.onset.onset_detect(
        onset_envelope=heard.onset, sr=SAMPLE_RATE, hop_length=ONSET_HOP, units="time"
    )
    return np.asarray(times_s, np.float64)


def _measure_onset_motion(moments: Moments, shifts_s: Times | None) -> OnsetMotion:
    step = _FINE_RATE // FPS
    onset = moments.onset[::step]
    r, z = correlate(onset, moments.motion), None
    if shifts_s is not None:
        rolled = [np.roll(onset, round(shift_s * FPS)) for shift_s in shifts_s]
        shifted = [correlate(curve, moments.motion) for curve in rolled]
        deviation = float(np.std(shifted))
        z = (r - float(np.mean(shifted))) / deviation if deviation > 0 else 0.0
    return OnsetMotion(r=r, best_lag_ms=_find_best_lag_ms(moments), z=z)


def _find_best_lag_ms(moments: Moments) -> float:
    """Find by how much later the sound would have to come to fit best."""
    most = round(_MOST_LAG_S * _FINE_RATE)
    rows = np.arange(len(moments.motion)) * (_FINE_RATE // FPS)
    best_r, best_lag = 0.0, 0
    for lag in sorted(range(-most, most + 1), key=abs):  # of equal ones the smallest
        heard_at = rows - lag
        inside = (heard_at >= 0) & (heard_at < len(moments.onset))
        if inside.any():
            r = correlate(moments.onset[heard_at[inside]], moments.motion[inside])
            if r > best_r + 1e-9:
                best_r, best_lag = r, lag
    return 1_000 * best_lag / _FINE_RATE


def _f1(video_beats_s: Times, window_s: float, beats_s: Times) -> float:
    n_both = len(beats_s) + len(video_beats_s)
    return 2 * len(match_events(beats_s, video_beats_s, window_s)) / n_both if n_both else 0.0


def _correct(window_s: float, f1: AgainstChance) -> BeatHits:
    corrected = None
    if f1.by_chance is not None and f1.above_chance is not None:
        corrected = f1.above_chance / (1 - f1.by_chance) if f1.by_chance < 1 else 0.0
    return BeatHits(window_ms=1_000 * window_s, f1=f1, corrected=corrected)


def _nearness(times_s: Times, others_s: Times) -> float:
    """Return the mean of exp(−d² / 2σ²), d to the nearest other time; 0 where either has none."""
    if not len(times_s) or not len(others_s):
        return 0.0
    after = np.searchsorted(others_s, times_s).clip(1, max(1, len(others_s) - 1))
    neighbours = others_s[np.stack([after - 1, after.clip(max=len(others_s) - 1)])]
    distance_s = np.abs(neighbours - times_s).min(axis=0)
    return float(np.exp(-(distance_s**2) / (2 * _ALIGNMENT_SIGMA_S**2)).mean())


def _intersection_over_union(video_beats_s: Times, onsets_s: Times) -> float:
    """AV-Align (Yariv et al. 2024), its peaks matched one to one."""
    n_matched = len(match_events(onsets_s, video_beats_s, _AV_ALIGN_S))
    n_all = len(onsets_s) + len(video_beats_s) - n_matched
    return n_matched / n_all if n_all else 0.0


def _measure_colour_harmony(seen: Seen, heard: Heard, shifts_s: Times | None) -> AgainstChance:
    """Compare which moments look alike with which sound alike (self-similarity, Foote 1999)."""
    chroma = _average(heard.chroma, round(BIN_S * ROW_RATE))
    n_bins = min(len(chroma), len(seen.histograms))
    n_joined = -(-n_bins // _MOST_BINS)
    chroma = _average(chroma[:n_bins], n_joined)
    colours = _average(seen.histograms[:n_bins], n_joined)
    bin_s = n_joined * BIN_S
    pairs = np.triu_indices(len(chroma), int(_LEAST_APART_S / bin_s) + 1)
    if not len(pairs[0]):
        return hold_against(0.0, None if shifts_s is None else [0.0])
    # Histogram intersection (Swain and Ballard 1991), a row at a time: all pairs would be large.
    alike = np.stack([np.minimum(colours, row).sum(axis=1) for row in colours])
    are_still = np.ptp(alike[pairs]) < LEAST_RANGE["histograms"]
    colours_alike = np.zeros(len(pairs[0])) if are_still else standardise(alike[pairs])
    lengths = np.linalg.norm(chroma, axis=1, keepdims=True)
    chroma = chroma / np.where(lengths > 0, lengths, 1)

    def judge(shift_s: float) -> float:
        rolled = np.roll(chroma, round(shift_s / bin_s), axis=0)
        return float(standardise((rolled @ rolled.T)[pairs]) @ colours_alike)

    shifted = None if shifts_s is None else [judge(shift_s) for shift_s in shifts_s]
    return hold_against(judge(0.0), shifted)


def _average(rows: Rows, n_joined: int) -> Rows:
    """Average each n_joined rows to one; the last may have fewer."""
    starts = np.arange(0, len(rows), n_joined)
    counts = np.diff(np.append(starts, len(rows)))
    return np.asarray(np.add.reduceat(rows, starts, axis=0) / counts[:, None], np.float64)
