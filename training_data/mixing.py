"""The mixing desk of the made songs: buses, echo, reverb, pump, master."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, ellip, oaconvolve, sosfilt

from training_data.instruments import SAMPLE_RATE, Sound


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Settings of the desk for one song."""

    reverb_s: float  # time to fall by 60 dB
    wetness: float  # level of the reverb
    echo_s: float  # delay of the echo on the music bus
    echo_level: float
    pump: float  # share by which a kick pushes the music down
    drive: float  # gain into the limiter
    floor_db: float  # noise under everything, dB of full scale
    tilt_db: float  # of the highs against the lows
    lowpass_hz: float | None  # as an MP3 or an old recording cuts
    peak: float  # of the finished song


def draw_desk(
    rng: np.random.Generator, ranges: dict[str, tuple[float, float]], beat_s: float
) -> Desk:
    """Draw the settings from a style's ranges, and what is common to all styles."""
    cut = rng.random()
    return Desk(
        **{name: float(rng.uniform(*limits)) for name, limits in ranges.items()},
        echo_s=beat_s * float(rng.choice([0.5, 0.75, 1.0])),
        echo_level=float(rng.choice([0.0, rng.uniform(0.1, 0.4)])),
        tilt_db=float(rng.uniform(-6, 5)),
        lowpass_hz=None if cut < 0.6 else 16_000.0 if cut < 0.85 else float(rng.uniform(5e3, 12e3)),
        peak=10 ** (float(rng.choice([-0.3, rng.uniform(-14, -0.3)])) / 20),
    )


class Buses:
    """Where the notes go: drums and music, each (n, 2) float32 with room for the last tails."""

    def __init__(self, n_samples: int) -> None:
        self.n_samples = n_samples
        self.drums = np.zeros((n_samples, 2), np.float32)
        self.music = np.zeros((n_samples, 2), np.float32)

    def add(self, bus: Sound, sound: Sound, start_s: float, gains: Sound) -> None:
        """Add a stereo sound at a time, each side with its gain; what lies outside is cut."""
        first = max(0, round(start_s * SAMPLE_RATE))
        n_kept = min(len(sound), self.n_samples - first)
        if n_kept > 0:
            bus[first : first + n_kept] += sound[:n_kept] * gains


def pan(level: float, place: float) -> Sound:
    """Gains of the two sides for a place from −1 (left) to 1 (right), at equal power."""
    angle = (place + 1) * np.pi / 4
    return np.array([np.cos(angle), np.sin(angle)], np.float32) * np.float32(level * 2**0.5)


def _reverb_response(reverb_s: float, rng: np.random.Generator) -> Sound:
    """Stereo noise that falls by 60 dB in `reverb_s`, its highs three times as fast."""
    t = np.arange(int(reverb_s * SAMPLE_RATE)) / SAMPLE_RATE
    noise = rng.standard_normal((len(t), 2)).astype(np.float32)
    dark = sosfilt(butter(1, 2_500, fs=SAMPLE_RATE, output="sos"), noise, axis=0)
    decay = np.exp(-6.9 * t / reverb_s)[:, None]
    response = dark * decay + (noise - dark) * decay**3 * 0.6
    response = sosfilt(butter(1, 180, "highpass", fs=SAMPLE_RATE, output="sos"), response, axis=0)
    response *= np.minimum(1, t / 0.015)[:, None]
    return np.asarray(response / np.sqrt((response**2).sum() / 2), np.float32)


def _add_echo(music: Sound, delay_s: float, level: float) -> None:
    """Add three repeats, sides swapped each time."""
    dry = music.copy()
    for repeat in (1, 2, 3):
        shift = int(repeat * delay_s * SAMPLE_RATE)
        side = slice(None, None, -1 if repeat % 2 else 1)
        music[shift:] += level**repeat * dry[: max(0, len(dry) - shift), side]


def _pump(n_samples: int, kicks_s: list[float], depth: float) -> Sound:
    """Gain (n, 1) that each kick pushes down and that comes back within a fifth of a second."""
    gain = np.ones((n_samples, 1), np.float32)
    dip = 1 - depth * np.exp(-np.arange(int(0.6 * SAMPLE_RATE)) / (0.1 * SAMPLE_RATE))
    dip[:100] = np.linspace(1, dip[100], 100)  # no click where it starts
    for kick_s in kicks_s:
        first = max(0, round(kick_s * SAMPLE_RATE))
        part = gain[first : first + len(dip), 0]
        np.minimum(part, dip[: len(part)], out=part)
    return gain


def _pink(n_samples: int, rng: np.random.Generator) -> Sound:
    """Noise of RMS 1 that falls by about 3 dB an octave: three leaky integrators on white noise."""
    white = rng.standard_normal((n_samples, 2), np.float32)
    sos = butter(1, 900, fs=SAMPLE_RATE, output="sos").astype(np.float32)
    noise = white * np.float32(0.25) + sosfilt(sos, white, axis=0)
    return np.asarray(noise / np.std(noise[:SAMPLE_RATE]), np.float32)


def _tilt(sound: NDArray[np.floating], tilt_db: float) -> Sound:
    """Shelve the highs above 1.5 kHz."""
    sos = butter(1, 1_500, fs=SAMPLE_RATE, output="sos").astype(np.float32)
    low = sosfilt(sos, sound, axis=0)
    return np.asarray(low + np.float32(10 ** (tilt_db / 20)) * (sound - low), np.float32)


def master(buses: Buses, desk: Desk, kicks_s: list[float], rng: np.random.Generator) -> Sound:
    """Mix the buses down.

    Returns
    -------
    (n, 2) float32 in [−1, 1] with its peak at `desk.peak`, from and to silence
    """
    music = buses.music
    if desk.echo_level:
        _add_echo(music, desk.echo_s, desk.echo_level)
    if desk.pump and kicks_s:
        music *= _pump(len(music), kicks_s, desk.pump)
    send = music + np.float32(0.3) * buses.drums
    response = _reverb_response(desk.reverb_s, rng)
    # Each side in one piece of memory halves the time of the transforms.
    wet = oaconvolve(np.ascontiguousarray(send.T), np.ascontiguousarray(response.T), axes=1)
    wet = wet[:, : len(send)].T
    sound = _tilt(music + buses.drums + np.float32(desk.wetness) * wet, desk.tilt_db)
    rumble = butter(2, 25, "highpass", fs=SAMPLE_RATE, output="sos").astype(np.float32)
    sound = sosfilt(rumble, sound, axis=0)
    loud = np.percentile(np.abs(sound[::101]), 99.5) + 1e-9
    sound = np.tanh(sound * np.float32(0.5 * desk.drive / loud))
    sound *= np.float32(1 / max(1e-9, np.abs(sound).max()))
    sound += np.float32(10 ** (desk.floor_db / 20)) * _pink(len(sound), rng)
    if desk.lowpass_hz:
        sos = ellip(8, 0.5, 70, desk.lowpass_hz, fs=SAMPLE_RATE, output="sos").astype(np.float32)
        sound = sosfilt(sos, sound, axis=0)
    fade = np.linspace(0, 1, min(len(sound), 900), dtype=np.float32)[:, None]
    sound[: len(fade)] *= fade
    sound[len(sound) - len(fade) :] *= fade[::-1]
    return np.asarray(sound * np.float32(desk.peak / max(1e-9, np.abs(sound).max())), np.float32)
