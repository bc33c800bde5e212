"""The instruments of the made songs: pitched voices from wave tables, and drums.

A voice is one period of a waveform, made from its partials and read at the wanted pitch: two such
tables, a bright and a dark one, crossfaded over the note, do what a filter envelope does.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

Sound = NDArray[np.float32]
SAMPLE_RATE = 44_100
_TABLE = 8_192  # samples a period; read without interpolation, its error lies near −80 dB
_TOP_HZ = 17_000.0  # partials above are left out, so that nothing folds back
_AIR = butter(1, (400, 3_000), "bandpass", fs=SAMPLE_RATE, output="sos").astype(np.float32)
_TENTHS = 10  # partials are counted in tenths of the pitch, so that bells fit in a period


@dataclass(frozen=True, kw_only=True)
class Voice:
    """How one pitched instrument sounds."""

    slope_db: float = 6.0  # fall of the partials, dB an octave (6 is a sawtooth)
    even: float = 1.0  # level of the even partials beside the odd ones, 0 is a square or a clarinet
    partials: tuple[tuple[int, float], ...] = ()  # (tenths of the pitch, amplitude); () is a series
    formants: tuple[
        tuple[float, float], ...
    ] = ()  # (centre in Hz, gain in dB), a third octave wide
    attack_s: float = 0.005
    decay_s: float = 0.6  # time constant from the peak down to `sustain`
    sustain: float = 0.0  # level held, of the peak
    release_s: float = 0.12
    darken_s: float = 0.25  # time constant from the bright to the dark table
    darkest: float = 0.35  # cut-off of the dark table, of the bright one
    vibrato_cents: float = 0.0
    detune_cents: float = 0.0  # spread of the unison; above 0 there are four strands, two a side
    breath: float = 0.0  # level of the air that sounds with the note
    drive: float = 0.0  # gain into a soft limiter, 0 is clean
    scoop_cents: float = 0.0  # the pitch starts this far below
    gain: float = 1.0


_CHURCH_BELL = (
    (5, 0.5),
    (10, 1.0),
    (12, 0.8),
    (15, 0.5),
    (20, 0.9),
    (25, 0.3),
    (30, 0.3),
    (42, 0.2),
)
_DRAWBARS = (
    (5, 0.6),
    (10, 1.0),
    (15, 0.7),
    (20, 0.6),
    (30, 0.35),
    (40, 0.25),
    (60, 0.12),
    (80, 0.1),
)
_AH = ((730.0, 12.0), (1090.0, 9.0), (2440.0, 6.0))
_OO = ((320.0, 12.0), (870.0, 8.0), (2240.0, 2.0))

VOICES: dict[str, Voice] = {
    # struck and plucked
    "piano": Voice(slope_db=8.0, decay_s=1.1, darken_s=0.3, release_s=0.2, detune_cents=1.5),
    "electric piano": Voice(
        partials=((10, 1.0), (20, 0.25), (30, 0.12), (140, 0.1)),
        decay_s=1.3,
        darken_s=0.2,
        detune_cents=3.0,
    ),
    "pluck": Voice(decay_s=0.22, darken_s=0.09, detune_cents=6.0, darkest=0.1),
    "guitar": Voice(slope_db=7.0, decay_s=0.7, darken_s=0.16, darkest=0.12, breath=0.01),
    "harp": Voice(slope_db=11.0, decay_s=0.9, darken_s=0.2, release_s=0.5),
    "marimba": Voice(partials=((10, 1.0), (40, 0.3), (100, 0.12)), decay_s=0.25, darken_s=0.05),
    "bell": Voice(partials=_CHURCH_BELL, decay_s=1.6, darken_s=0.7, release_s=0.8),
    # held
    "organ": Voice(partials=_DRAWBARS, decay_s=1.0, sustain=0.9, detune_cents=4.0, release_s=0.06),
    "strings": Voice(
        attack_s=0.18,
        sustain=0.9,
        release_s=0.45,
        detune_cents=9.0,
        vibrato_cents=9.0,
        breath=0.012,
        formants=((500.0, 5.0), (2800.0, 4.0)),
    ),
    "warm pad": Voice(
        slope_db=8.0, attack_s=0.5, sustain=0.9, release_s=0.8, detune_cents=10.0, darken_s=1.5
    ),
    "saw pad": Voice(attack_s=0.06, sustain=0.9, release_s=0.3, detune_cents=16.0, darken_s=1.0),
    "choir": Voice(
        formants=_AH, attack_s=0.25, sustain=0.9, release_s=0.6, detune_cents=12.0, breath=0.03
    ),
    "brass": Voice(
        formants=((1_100.0, 6.0), (2_300.0, 4.0)),
        attack_s=0.05,
        sustain=0.8,
        detune_cents=6.0,
        scoop_cents=40.0,
        darken_s=0.5,
    ),
    "power chord": Voice(slope_db=4.0, sustain=0.8, drive=5.0, detune_cents=7.0, darken_s=2.0),
    # leading
    "trumpet": Voice(
        slope_db=5.0,
        formants=((1_200.0, 8.0), (2_500.0, 5.0)),
        attack_s=0.03,
        decay_s=0.5,
        sustain=0.75,
        vibrato_cents=14.0,
        scoop_cents=35.0,
        breath=0.015,
        darken_s=0.6,
        darkest=0.5,
    ),
    "violin": Voice(
        formants=((450.0, 6.0), (1_500.0, 3.0), (3_000.0, 6.0)),
        attack_s=0.07,
        sustain=0.9,
        vibrato_cents=18.0,
        breath=0.02,
    ),
    "flute": Voice(
        slope_db=16.0, attack_s=0.06, sustain=0.9, vibrato_cents=12.0, breath=0.06, darken_s=1.0
    ),
    "clarinet": Voice(slope_db=9.0, even=0.08, attack_s=0.04, sustain=0.9, breath=0.015),
    "saw lead": Voice(attack_s=0.01, sustain=0.7, vibrato_cents=10.0, detune_cents=8.0),
    "square lead": Voice(even=0.02, attack_s=0.004, sustain=0.6, decay_s=0.3, darken_s=0.4),
    "fuzz lead": Voice(sustain=0.9, drive=8.0, vibrato_cents=16.0, scoop_cents=80.0),
    "vocal": Voice(
        formants=_OO, attack_s=0.05, sustain=0.9, vibrato_cents=22.0, scoop_cents=60.0, breath=0.03
    ),
    # low
    "sub bass": Voice(slope_db=18.0, sustain=0.9, release_s=0.06, darken_s=0.1),
    "finger bass": Voice(slope_db=10.0, decay_s=0.8, darken_s=0.12, release_s=0.06),
    "saw bass": Voice(sustain=0.6, decay_s=0.3, darken_s=0.2, darkest=0.15, detune_cents=4.0),
    "acid bass": Voice(sustain=0.4, decay_s=0.2, darken_s=0.09, darkest=0.05, drive=3.0),
    "upright bass": Voice(slope_db=12.0, decay_s=0.5, darken_s=0.07, breath=0.01, scoop_cents=20.0),
}


def _partials(voice: Voice, frequency_hz: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Positions (in tenths of the pitch) and amplitudes of a voice's partials at a pitch."""
    if voice.partials:
        tenths = np.array([tenth for tenth, _ in voice.partials])
        return tenths, np.array([amplitude for _, amplitude in voice.partials])
    number = np.arange(1, max(2, int(_TOP_HZ / frequency_hz)))
    amplitudes = number ** (-voice.slope_db / 6.02)
    return number * _TENTHS, np.where(number % 2 == 0, voice.even, 1.0) * amplitudes


def _tables(voice: Voice, frequency_hz: float, cutoff_hz: float) -> list[Sound]:
    """Return the bright and the dark table of a voice: ten periods each, of RMS 0.2."""
    tenths, amplitudes = _partials(voice, frequency_hz)
    hertz = tenths * frequency_hz / _TENTHS
    kept = (hertz < _TOP_HZ) & (tenths < _TABLE // 2)
    tenths, amplitudes, hertz = tenths[kept], amplitudes[kept], hertz[kept]
    for centre_hz, gain_db in voice.formants:
        octaves = np.log2(hertz / centre_hz)
        amplitudes = amplitudes * 10 ** (gain_db / 20 * np.exp(-((octaves / 0.33) ** 2)))
    phases = np.exp(1j * np.pi * np.arange(len(tenths)) ** 2 / max(1, len(tenths)))  # Schroeder
    tables = []
    for cut in (cutoff_hz, max(cutoff_hz * voice.darkest, 1.5 * frequency_hz)):
        spectrum = np.zeros(_TABLE // 2 + 1, np.complex128)
        spectrum[tenths] = amplitudes * phases / (1 + (hertz / cut) ** 2)  # 12 dB an octave
        table = np.fft.irfft(spectrum)
        tables.append((0.2 * table / (np.std(table) + 1e-12)).astype(np.float32))
    return tables


def _envelope(voice: Voice, duration_s: float, n_samples: int) -> Sound:
    """Attack, exponential decay to the held level, and a release that ends at zero."""
    t = np.arange(n_samples, dtype=np.float32) / SAMPLE_RATE
    level = voice.sustain + (1 - voice.sustain) * np.exp(-t / voice.decay_s)
    attack = max(voice.attack_s, 0.002)  # shorter clicks
    n_attack = min(n_samples, int(attack * SAMPLE_RATE))
    level[:n_attack] *= np.sin(0.5 * np.pi * t[:n_attack] / attack) ** 2
    first = min(n_samples - 1, int(duration_s * SAMPLE_RATE))
    level[first:] *= np.cos(np.linspace(0, 0.5 * np.pi, n_samples - first)) ** 2
    return np.asarray(level, np.float32)


def _cycles(voice: Voice, frequency_hz: float, n_samples: int) -> NDArray[np.float64]:
    """Phase of the note in periods, with its scoop and its vibrato."""
    t = np.arange(n_samples) / SAMPLE_RATE
    cycles = frequency_hz * t
    if voice.scoop_cents:
        cycles -= frequency_hz * voice.scoop_cents / 1731 * 0.06 * (1 - np.exp(-t / 0.06))
    if voice.vibrato_cents:
        depth = frequency_hz * voice.vibrato_cents / 1731 / (2 * np.pi * 5.4)  # 5.4 Hz, as singers
        cycles += depth * np.minimum(1, t / 0.4) * np.sin(2 * np.pi * 5.4 * t)
    return cycles


def play(
    voice: Voice, pitch: int, duration_s: float, brightness: float, noise: np.random.Generator
) -> Sound:
    """Play one note.

    Parameters
    ----------
    pitch : MIDI note number, 69 is 440 Hz
    duration_s : until the release begins; the sound is longer by the release
    brightness : in [0, 1], cut-off from 700 Hz to 22 kHz, following the pitch a little
    noise : source of the breath and of the strands' phases

    Returns
    -------
    (n, 2) float32, RMS about 0.2 at the peak, ending at zero
    """
    frequency_hz = 440.0 * 2 ** ((pitch - 69) / 12)
    n_samples = int((duration_s + voice.release_s) * SAMPLE_RATE)
    cutoff_hz = 700.0 * 2 ** (5 * brightness) * (frequency_hz / 260) ** 0.4
    bright, dark = _tables(voice, frequency_hz, cutoff_hz)
    cycles = _cycles(voice, frequency_hz, n_samples)
    fade = np.exp(-np.arange(n_samples, dtype=np.float32) / (voice.darken_s * SAMPLE_RATE))
    spread = voice.detune_cents / 1731
    strands = ((-1.0, 0.35), (0.4, -1.0)) if spread else ((0.0,),)
    sides = []
    for side in strands:
        sound = np.zeros(n_samples, np.float32)
        for strand in side:
            position = cycles * (1 + spread * strand) + (noise.random() if spread else 0.0)
            index = (position * (_TABLE / _TENTHS)).astype(np.int64) & (_TABLE - 1)
            sound += dark[index] + fade * (bright[index] - dark[index])
        sides.append(sound / np.sqrt(len(side)))
    sound = np.stack(sides if spread else sides * 2, axis=1)
    if voice.breath:
        air = noise.standard_normal((n_samples, 2), np.float32)
        sound += voice.breath * sosfilt(_AIR, air, axis=0)
    if voice.drive:
        sound = 0.25 * np.tanh(voice.drive * 4 * sound)
    envelope = _envelope(voice, duration_s, n_samples)
    return np.asarray(voice.gain * sound * envelope[:, None], np.float32)
