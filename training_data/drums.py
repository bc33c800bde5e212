"""The drums of the made songs: a kit is drawn once a song, each drum is a short stereo sound."""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from training_data.instruments import SAMPLE_RATE, Sound


def _seconds(duration_s: float) -> Sound:
    """Return the times of a drum's samples, (n, 1)."""
    times_s = np.arange(int(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    return np.asarray(times_s[:, None], np.float32)


def _finish(sound: NDArray[np.floating]) -> Sound:
    """Bring the peak to 0.8 and fade the end to zero."""
    sound = sound * (0.8 / (np.abs(sound).max() + 1e-9))
    sound[-400:] *= np.linspace(1, 0, 400)[:, None]
    return np.asarray(sound, np.float32)


def _band(rng: np.random.Generator, n_samples: int, band_hz: tuple[float, float]) -> Sound:
    """Noise (n, 2) between two frequencies; the sides share most of it, so mono holds."""
    sos = butter(2, band_hz, "bandpass", fs=SAMPLE_RATE, output="sos")
    noise = rng.standard_normal((n_samples, 1)) + 0.4 * rng.standard_normal((n_samples, 2))
    return np.asarray(sosfilt(sos, noise, axis=0), np.float32)


def _falling_tone(t: Sound, from_hz: float, to_hz: float, fall_s: float) -> Sound:
    """Sine whose pitch falls exponentially, the body of kicks and toms."""
    cycles = to_hz * t + (from_hz - to_hz) * fall_s * (1 - np.exp(-t / fall_s))
    return np.asarray(np.sin(2 * np.pi * cycles), np.float32)


def _kick(rng: np.random.Generator) -> Sound:
    decay_s = rng.uniform(0.09, 0.28)
    t = _seconds(4 * decay_s)
    to_hz = rng.uniform(42, 62)
    body = _falling_tone(t, to_hz * rng.uniform(3, 7), to_hz, rng.uniform(0.012, 0.035))
    click = _band(rng, len(t), (1_500, 9_000)) * np.exp(-t / 0.004) * rng.uniform(0.05, 0.5)
    return _finish(np.tanh(1.8 * body * np.exp(-t / decay_s)) + click)


def _snare(rng: np.random.Generator) -> Sound:
    decay_s = rng.uniform(0.05, 0.16)
    t = _seconds(5 * decay_s)
    body_hz = rng.uniform(160, 240)
    body = _falling_tone(t, 1.5 * body_hz, body_hz, 0.015) * np.exp(-t / (0.5 * decay_s))
    wires = _band(rng, len(t), (900, rng.uniform(7_000, 14_000))) * np.exp(-t / decay_s)
    return _finish(body * rng.uniform(0.3, 0.9) + 1.2 * wires)


def _clap(rng: np.random.Generator) -> Sound:
    t = _seconds(0.3)
    starts = (0.0, 0.011, 0.023, 0.034)
    hands = sum((np.exp(-np.maximum(t - s, 0) / 0.006) * (t >= s) for s in starts), 0 * t)
    tail = 0.6 * np.exp(-np.maximum(t - 0.034, 0) / 0.07) * (t >= 0.034)
    return _finish(_band(rng, len(t), (900, 6_000)) * (hands + tail))


def _hat(rng: np.random.Generator, decay_s: float) -> Sound:
    t = _seconds(6 * decay_s)
    ratios = np.array([2.0, 3.0, 4.16, 5.43, 6.79, 8.21])  # of the TR-808's square waves
    metal = np.sign(np.sin(2 * np.pi * rng.uniform(380, 560) * ratios * t)).sum(1, keepdims=True)
    sos = butter(4, rng.uniform(5_500, 8_000), "highpass", fs=SAMPLE_RATE, output="sos")
    noise = _band(rng, len(t), (3_000, 18_000))
    return _finish(sosfilt(sos, 0.25 * metal + noise, axis=0) * np.exp(-t / decay_s))


def _cymbal(rng: np.random.Generator) -> Sound:
    t = _seconds(2.2)
    wash = _band(rng, len(t), (3_000, 16_000)) * np.exp(-t / 0.55)
    body = _band(rng, len(t), (500, 4_000)) * np.exp(-t / 0.2)
    return _finish(wash + 0.4 * body)


def _tom(rng: np.random.Generator, to_hz: float) -> Sound:
    t = _seconds(0.55)
    skin = _band(rng, len(t), (200, 3_000)) * np.exp(-t / 0.02)
    return _finish(_falling_tone(t, 1.7 * to_hz, to_hz, 0.04) * np.exp(-t / 0.14) + 0.3 * skin)


def _shaker(rng: np.random.Generator) -> Sound:
    t = _seconds(0.12)
    grains = (t / 0.03) * np.exp(1 - t / 0.03)
    return _finish(_band(rng, len(t), (4_000, 12_000)) * grains)


def make_kit(rng: np.random.Generator) -> dict[str, Sound]:
    """Draw a kit.

    Returns
    -------
    name of the drum : (n, 2) float32 with a peak of 0.8, ending at zero
    """
    tom_hz = rng.uniform(70, 100)
    return {
        "kick": _kick(rng),
        "snare": _snare(rng),
        "clap": _clap(rng),
        "hat": _hat(rng, rng.uniform(0.015, 0.05)),
        "open hat": _hat(rng, rng.uniform(0.1, 0.25)),
        "cymbal": _cymbal(rng),
        "low tom": _tom(rng, tom_hz),
        "high tom": _tom(rng, 1.6 * tom_hz),
        "shaker": _shaker(rng),
    }


# One character a step: X loud, x played, o soft, . rest. Steps are quarters of a beat in 4/4 and
# 3/4, sixths of a (dotted) beat in 6/8. A bar is written whole.
Pattern = dict[str, str]
PATTERNS: dict[str, tuple[Pattern, ...]] = {
    "4/4": (
        {
            "kick": "X...X...X...X...",
            "clap": "....X.......X...",
            "hat": "..x...x...x...x.",
            "open hat": "..o...o...o...o.",
        },
        {"kick": "X.......X.......", "snare": "....X.......X...", "hat": "x.o.x.o.x.o.x.o."},
        {"kick": "X..o..X...x.....", "snare": "....X..o.o..X...", "hat": "xoxoxoxoxoxoxoxo"},
        {
            "kick": "X.....x.X.......",
            "snare": "........X.......",
            "hat": "x.x.x.x.x.x.x.x.",
            "shaker": "xoxoxoxoxoxoxoxo",
        },
        {
            "kick": "X.....X...X.....",
            "snare": "....X.......X..o",
            "hat": "x.x.x.x.x.x.x.x.",
            "open hat": "..............x.",
        },
        {
            "kick": "X...............",
            "high tom": "......x.....x...",
            "low tom": "...x......x...x.",
            "shaker": "x.xox.xox.xox.xo",
        },
        {
            "kick": "X.X...X.X.X...X.",
            "snare": "....X.......X...",
            "cymbal": "x...............",
            "hat": "X.x.X.x.X.x.X.x.",
        },
        {"kick": "o.......o.......", "snare": "....o.......o...", "hat": "x...x..xx...x..x"},
        {"shaker": "xoxoxoxoxoxoxoxo", "clap": "....x.......x..."},
        {"kick": "X.........X.....", "snare": "....X..o.o..X...", "hat": "..x...x...x...x."},
    ),
    "3/4": (
        {"kick": "X...........", "snare": "....x...x...", "hat": "x...x...x..."},
        {"kick": "X.....x.....", "snare": "........X...", "hat": "x.o.x.o.x.o."},
        {"low tom": "X...........", "high tom": "....o...o...", "shaker": "x.o.x.o.x.o."},
    ),
    "6/8": (
        {"kick": "X...........", "snare": "......X.....", "hat": "x.o.o.x.o.o."},
        {"kick": "X...x.....x.", "snare": "......X.....", "hat": "x.x.x.x.x.x."},
        {"low tom": "X...o.x.....", "shaker": "x.o.o.x.o.o.", "clap": "......x....."},
    ),
}
LEVELS = {"X": 1.0, "x": 0.7, "o": 0.35}
