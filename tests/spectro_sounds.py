"""Made sounds and hand-made WAVs for the tests of spectro."""

import struct
from fractions import Fraction

import numpy as np

from spectro.audio import HeldMono
from spectro.features import Features, extract
from spectro.timeline import Timeline

RATE = 44_100


def times_s(duration_s: float) -> np.ndarray:
    return np.arange(round(duration_s * RATE)) / RATE


def sine(duration_s: float, hz: float, amplitude: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * hz * times_s(duration_s))


def noise(duration_s: float, amplitude: float = 0.1, seed: int = 0) -> np.ndarray:
    return amplitude * np.random.default_rng(seed).standard_normal(round(duration_s * RATE))


def strike(at_s: np.ndarray, duration_s: float, amplitude: float = 0.5) -> np.ndarray:
    """Make a noise burst of 20 ms at each time."""
    samples = np.zeros(round(duration_s * RATE))
    burst = np.random.default_rng(1).standard_normal(882) * np.exp(-np.arange(882) / 200)
    for start in np.rint(at_s * RATE).astype(int):
        room = len(samples) - start
        samples[start : start + 882] += amplitude * burst[:room]
    return samples


def band(duration_s: float) -> np.ndarray:
    """Make a little band at 120 beats a minute in four: drums, a bass, changing chords."""
    t = times_s(duration_s)
    beats = np.arange(0.25, duration_s - 0.1, 0.5)
    drums = strike(beats, duration_s, 0.15) + strike(beats[::4], duration_s, 0.4)
    roots = np.array([55.0, 73.4, 82.4, 65.4])[(t // 2.0).astype(int) % 4]
    phase = 2 * np.pi * np.cumsum(roots) / RATE
    bass = 0.2 * np.sin(phase) * np.exp(-2 * np.mod(t - 0.25, 1.0))
    chord = 0.06 * (np.sin(4 * phase) + np.sin(5 * phase) + np.sin(6 * phase))
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * t / 9.0)
    return swell * (drums + bass + chord) + noise(duration_s, 0.002)


def hold(samples: np.ndarray) -> HeldMono:
    return HeldMono(samples=samples.astype(np.float32))


def timeline(n_samples: int, fps: int | Fraction = 24) -> Timeline:
    return Timeline(fps=Fraction(fps), n_samples=n_samples, sample_rate=RATE)


def hear(samples: np.ndarray, fps: int | Fraction = 24) -> Features:
    return extract(hold(samples), timeline(len(samples), fps))


def pack_wav(
    form: bytes,
    sound: bytes,
    *,
    magic: bytes = b"RIFF",
    extra: bytes = b"",
    size: int | None = None,
) -> bytes:
    """Put a WAV together by hand; `size` is what the data chunk claims to hold."""
    chunks = extra + b"fmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(sound) if size is None else size) + sound
    claim = 0xFFFFFFFF if magic == b"RF64" else 4 + len(chunks)
    return magic + struct.pack("<I", claim) + b"WAVE" + chunks


def pack_form(
    coding: int, *, n_channels: int = 1, rate: int = RATE, block: int = 2, bits: int = 16
) -> bytes:
    return struct.pack("<HHIIHH", coding, n_channels, rate, rate * block, block, bits)
