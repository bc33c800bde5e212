"""The leading pitch."""

import numpy as np
import pytest
from spectro_sounds import hear, noise, sine, strike, times_s

INNER = slice(6, -6)  # frames whose windows lie within the sound


def voice(duration_s: float, hz: float, overtones: range = range(1, 13)) -> np.ndarray:
    """Make a tone with overtones; a clarinet has the odd ones alone."""
    return sum(0.2 / n * np.sin(2 * np.pi * n * hz * times_s(duration_s)) for n in overtones)


def cents(found_hz: np.ndarray, true_hz: float) -> np.ndarray:
    return 1200 * np.log2(found_hz / true_hz)


@pytest.mark.parametrize("hz", [65.4, 98.0, 146.8, 220.0, 415.3, 622.3, 987.8, 1480.0])
@pytest.mark.parametrize("overtones", [range(1, 13), range(1, 13, 2)], ids=["all", "odd ones"])
def test_a_voice_is_heard_at_its_own_pitch(hz: float, overtones: range) -> None:
    features = hear(voice(1.5, hz, overtones) + noise(1.5, 0.001))
    assert np.abs(cents(features.pitch_hz[INNER], hz)).max() < 30
    assert features.pitch_strength[INNER].min() > 0.6


def test_the_louder_of_two_voices_leads() -> None:
    features = hear(voice(1.5, 440.0) + 0.1 * voice(1.5, 277.2))
    assert np.abs(cents(features.pitch_hz[INNER], 440.0)).max() < 30


@pytest.mark.parametrize(
    "samples", [noise(2.0), strike(np.arange(0.2, 1.9, 0.25), 2.0), np.zeros(88_200)]
)
def test_noise_drums_and_silence_have_no_pitch(samples: np.ndarray) -> None:
    assert np.median(hear(samples).pitch_strength) < 0.15


def test_a_pure_tone_counts_as_a_voice() -> None:
    features = hear(sine(1.5, 330.0))
    assert np.abs(cents(features.pitch_hz[INNER], 330.0)).max() < 30
