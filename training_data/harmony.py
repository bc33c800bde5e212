"""Keys, chords and melodies of the made songs."""

from dataclasses import dataclass

import numpy as np

MODES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "whole tone": (0, 2, 4, 6, 8, 10, 12),
    "bhairav": (0, 1, 4, 5, 7, 8, 11),
    "pelog": (0, 1, 3, 6, 7, 8, 10),  # the nearest semitones; no two gamelans are tuned alike
}
_COMMON = {  # how often, beside the others
    "major": 6,
    "minor": 6,
    "dorian": 3,
    "mixolydian": 2,
    "phrygian": 1,
    "lydian": 1,
    "harmonic minor": 2,
    "whole tone": 0.5,
}
# Degrees of the scale (0 is the tonic), one chord each.
PROGRESSIONS = (
    (0, 4, 5, 3), (5, 3, 0, 4), (0, 5, 3, 4), (0, 3, 4, 3), (1, 4, 0, 0), (0, 6, 5, 4),
    (0, 2, 3, 4), (0, 6, 3, 0), (0, 5, 1, 4), (0, 3, 0, 4), (0, 0, 5, 5), (0, 1), (0,),
    (0, 4, 5, 2, 3, 0, 3, 4), (0, 0, 3, 0, 4, 3, 0, 4),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Chord:
    """A chord and when it sounds."""

    start_s: float
    stop_s: float
    degree: int  # of the scale, 0 is the tonic
    pitch_classes: tuple[int, ...]  # root first, 0 is C


@dataclass(frozen=True, kw_only=True)
class Key:
    """A tonic and a mode."""

    tonic: int  # 0 is C
    mode: str

    def pitch(self, degree: int, octave: int) -> int:
        """Return the MIDI number of a degree of the scale; degrees run on over the octaves."""
        scale = MODES[self.mode]
        return 12 * (octave + 1 + degree // 7) + self.tonic + scale[degree % 7]

    def chord_degrees(self, degree: int, n_notes: int) -> list[int]:
        """Return the degrees of a chord piled up in thirds."""
        return [degree + 2 * i for i in range(n_notes)]


def draw_key(rng: np.random.Generator, modes: tuple[str, ...]) -> Key:
    """Draw a key in one of the modes; with none given, major and minor are the most common."""
    names = modes or tuple(_COMMON)
    weights = np.array([1.0] * len(modes) or list(_COMMON.values()))
    tonic = int(rng.integers(12))
    return Key(tonic=tonic, mode=names[rng.choice(len(names), p=weights / weights.sum())])


def voice_chord(key: Key, degree: int, *, n_notes: int, centre: int) -> list[int]:
    """Spread a chord near a MIDI note, so that one chord leads into the next with small steps."""
    pitches = []
    for step in key.chord_degrees(degree, n_notes):
        pitch = key.pitch(step, 0)
        pitches.append(pitch + 12 * round((centre - pitch) / 12))
    return sorted(set(pitches))


def draw_melody(rng: np.random.Generator, degree: int, n_notes: int, previous: int) -> list[int]:
    """Walk along the scale from `previous`, leaning towards the notes of a chord.

    Returns
    -------
    degrees of the scale, n_notes of them, between −4 and 11
    """
    melody = []
    place = previous
    for _ in range(n_notes):
        place += int(rng.choice([-3, -2, -1, -1, 0, 1, 1, 2, 3]))
        place = min(11, max(-4, place))
        if rng.random() < 0.45:  # to the nearest note of the chord
            place += min(((degree + t - place + 3) % 7 - 3 for t in (0, 2, 4)), key=abs)
        melody.append(place)
    return melody
