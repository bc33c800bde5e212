"""Beats lie where they are struck."""

import numpy as np
import pytest
from spectro_sounds import RATE, band, hear, noise, sine, strike, times_s


def nearest(found_s: np.ndarray, at_s: np.ndarray) -> np.ndarray:
    """Tell how late the found beat nearest to each time is."""
    return found_s[np.abs(found_s[:, None] - at_s).argmin(axis=0)] - at_s


@pytest.mark.parametrize("bpm", [75.0, 90.0, 120.0, 133.0])
def test_clicks_are_beats(bpm: float) -> None:
    at_s = np.arange(0.31, 19.5, 60 / bpm)
    features = hear(strike(at_s, 20.0))
    late_s = nearest(features.beat_times_s, at_s[1:-1])
    assert np.abs(late_s).max() < 1 / 24
    assert abs(np.mean(late_s)) < 1 / 60
    assert len(features.beat_times_s) == pytest.approx(len(at_s), abs=2)
    assert features.tempo_bpm == pytest.approx(bpm, rel=0.01)


def test_beats_follow_a_tempo_that_drifts() -> None:
    at_s = [0.5]
    while at_s[-1] < 23:
        at_s.append(at_s[-1] + 60 / (105 + 30 * at_s[-1] / 24))
    features = hear(strike(np.array(at_s), 24.0) + noise(24.0, 0.005))
    late_s = nearest(features.beat_times_s, np.array(at_s[1:-1]))
    assert np.mean(np.abs(late_s) < 0.05) > 0.95


@pytest.mark.parametrize("metre", [3, 4])
def test_bars_begin_where_the_bass_is_struck(metre: int) -> None:
    beats = np.arange(0.25, 23.5, 0.5)
    firsts = beats[1::metre]  # the song begins in the middle of a bar
    samples = strike(beats, 24.0, 0.2) + strike(firsts, 24.0, 0.3)
    for first in firsts:
        start = round(first * RATE)
        boom = 0.4 * np.sin(2 * np.pi * 60 * times_s(0.3)) * np.linspace(1, 0, round(0.3 * RATE))
        samples[start : start + len(boom)] += boom[: len(samples) - start]
    features = hear(samples)
    assert np.abs(nearest(features.downbeat_times_s, firsts[1:-1])).max() < 1 / 24
    assert len(features.downbeat_times_s) == pytest.approx(len(firsts), abs=1)


def test_bars_begin_on_beats() -> None:
    features = hear(band(12.0))
    assert set(features.downbeat_times_s) <= set(features.beat_times_s)
    assert 100 < features.tempo_bpm < 140


@pytest.mark.parametrize("samples", [np.zeros(5 * RATE), sine(10.0, 440.0), noise(10.0)])
def test_where_nothing_is_struck_there_is_no_beat(samples: np.ndarray) -> None:
    features = hear(samples)
    assert features.tempo_bpm == 0.0
    assert len(features.beat_times_s) == len(features.downbeat_times_s) == 0


def test_a_second_of_music_has_no_tempo() -> None:
    assert hear(band(1.0)).tempo_bpm == 0.0
