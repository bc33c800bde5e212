"""The players of the made songs: each plays one part of one bar onto the desk's buses."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.signal import butter, sosfilt

from training_data.drums import LEVELS, make_kit
from training_data.harmony import Key, draw_melody, voice_chord
from training_data.held_out import HELD_OUT_VOICES
from training_data.instruments import SAMPLE_RATE, VOICES, Sound, play
from training_data.mixing import Buses, pan

_VOWELS_HZ = (
    (730, 1090, 2440),
    (530, 1840, 2480),
    (270, 2290, 3010),
    (570, 840, 2410),
    (300, 870, 2240),
)
_CENTRES = {"chords": 60, "bass": 36, "lead": 72, "arpeggio": 72}  # MIDI notes
# In the mix.
_LEVELS = {"chords": 0.5, "bass": 0.6, "lead": 0.85, "arpeggio": 0.55, "drone": 0.3}
_VOICES = VOICES | HELD_OUT_VOICES


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar of a plan."""

    start_s: float
    length_s: float
    degree: int  # of its chord
    section: str
    is_last: bool  # of its section
    energy: float  # 1 is full, a tenth is 1.6 dB
    parts: frozenset[str]

    @property
    def level(self) -> float:
        """Gain of the bar."""
        return float(10 ** (16 * (self.energy - 1) / 20))


@dataclass(kw_only=True)
class Studio:
    """What the players of one song share: instruments, habits, and the sounds played so far."""

    rng: np.random.Generator
    n_samples: int
    key: Key
    voices: dict[str, str]
    patterns: list[dict[str, str]]  # of the drums, for quiet and for loud sections
    n_beats: int
    swing: float
    density: float
    kicks_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = self.rng
        self.buses = Buses(self.n_samples)
        self.kit = make_kit(rng)
        self.n_steps = {4: 16, 3: 12, 2: 12}[self.n_beats]
        self.brightness = float(rng.uniform(0.3, 0.75))
        self.sweep_s = float(rng.uniform(4, 20))  # period of the slow filter sweep
        self.sweep_depth = float(rng.choice([0.0, rng.uniform(0.1, 0.35)]))
        self.places = {
            part: float(rng.uniform(-0.5, 0.5)) for part in ("lead", "arpeggio", "chords")
        }
        self.octaves = {
            part: int(rng.choice([-24, -12, -12, 0, 0, 0, 12])) for part in ("lead", "arpeggio")
        }
        # None for the drone: one draw more would change every song that has been learnt from.
        self.levels = {part: rng.uniform(0.6, 1.3) for part in (*_CENTRES, "drums")}
        self.rhythms: dict[tuple[str, str], list[int]] = {}
        self.melodies: dict[tuple[str, int], list[int]] = {}
        self.notes: dict[tuple[str, int, int, int], Sound] = {}
        self.chord_notes = int(rng.integers(3, 5))

    def rhythm(self, part: str, bar: Bar, density: float) -> list[int]:
        """Return the steps on which a part plays; a section keeps its rhythm."""
        known = self.rhythms.get((part, bar.section))
        if known is None:
            steps = np.arange(self.n_steps)
            per_beat = self.n_steps // self.n_beats
            weight = np.where(steps % per_beat == 0, 1.2, np.where(steps % 2 == 0, 0.8, 0.35))
            weight[0] = 4.0
            known = [int(step) for step in steps[self.rng.random(self.n_steps) < density * weight]]
            self.rhythms[(part, bar.section)] = known = known or [0]
        return known

    def time_s(self, bar: Bar, step: float) -> float:
        """When a step sounds, with the swing and a few milliseconds of a human hand."""
        late = self.swing if step % 2 == 1 else 0.0
        hand_s = float(self.rng.normal(0, 0.003))
        return bar.start_s + max(0, (step + late) * bar.length_s / self.n_steps + hand_s)

    def note(self, part: str, bar: Bar, step: int, pitch: int, n_steps: int) -> None:
        """Play a note of a part on a step; equal notes are synthesised once."""
        sweep = np.sin(2 * np.pi * bar.start_s / self.sweep_s)
        bright = self.brightness + 0.4 * (bar.energy - 0.7) + self.sweep_depth * sweep
        shade = int(np.clip(round(8 * bright), 1, 8))
        name = self.voices[part]
        duration_s = 0.92 * n_steps * bar.length_s / self.n_steps
        wanted = (name, pitch, n_steps, shade)
        if wanted not in self.notes:
            self.notes[wanted] = play(_VOICES[name], pitch, duration_s, shade / 8, self.rng)
        accent = 1.0 if step % (self.n_steps // self.n_beats) == 0 else 0.8
        level = bar.level * accent * self.levels.get(part, 1.0) * _LEVELS[part]
        level *= self.rng.uniform(0.85, 1.1)
        gains = pan(level, self.places.get(part, 0.0))
        self.buses.add(self.buses.music, self.notes[wanted], self.time_s(bar, step), gains)


def _gaps(steps: list[int], n_steps: int) -> list[int]:
    """Count the steps from each note to the next, from the last to the end of the bar."""
    return [after - step for step, after in zip(steps, [*steps[1:], n_steps], strict=True)]


def _play_drums(studio: Studio, bar: Bar) -> None:
    pattern = studio.patterns[bar.energy > 0.7]
    level = bar.level * studio.levels["drums"]
    for drum, steps in pattern.items():
        for step, mark in enumerate(steps):
            is_fill = bar.is_last and step >= 0.75 * studio.n_steps and drum != "hat"
            if mark == "." or is_fill:
                continue
            start_s = studio.time_s(bar, step)
            gains = pan(level * LEVELS[mark] * studio.rng.uniform(0.85, 1.1), 0.0)
            studio.buses.add(studio.buses.drums, studio.kit[drum], start_s, gains)
            if drum == "kick":
                studio.kicks_s.append(start_s)
    if bar.is_last:
        for step in range(3 * studio.n_steps // 4, studio.n_steps):
            drum = str(studio.rng.choice(["snare", "high tom", "low tom", "kick"]))
            gains = pan(level * studio.rng.uniform(0.2, 0.9), studio.rng.uniform(-0.5, 0.5))
            studio.buses.add(studio.buses.drums, studio.kit[drum], studio.time_s(bar, step), gains)


def _play_bass(studio: Studio, bar: Bar) -> None:
    steps = studio.rhythm("bass", bar, 0.2 + 0.7 * studio.density)
    for step, n_steps in zip(steps, _gaps(steps, studio.n_steps), strict=True):
        degree = bar.degree + int(studio.rng.choice([0, 0, 0, 4, 7]) if step else 0)
        pitch = voice_chord(studio.key, degree, n_notes=1, centre=_CENTRES["bass"])[0]
        studio.note("bass", bar, step, pitch, min(n_steps, 6))


def _play_chords(studio: Studio, bar: Bar) -> None:
    held = _VOICES[studio.voices["chords"]].attack_s > 0.1
    steps = [0] if held else studio.rhythm("chords", bar, 0.5 * studio.density)
    pitches = voice_chord(
        studio.key, bar.degree, n_notes=studio.chord_notes, centre=_CENTRES["chords"]
    )
    for step, n_steps in zip(steps, _gaps(steps, studio.n_steps), strict=True):
        for pitch in pitches:
            studio.note("chords", bar, step, pitch, n_steps)


def _play_lead(studio: Studio, bar: Bar) -> None:
    steps = studio.rhythm("lead", bar, 0.8 * studio.density)
    wanted = (bar.section, bar.degree)
    if wanted not in studio.melodies or studio.rng.random() < 0.3:
        previous = next(reversed(studio.melodies.values()), [2])[-1]
        studio.melodies[wanted] = draw_melody(studio.rng, bar.degree, len(steps), previous)
    melody = studio.melodies[wanted]
    for step, n_steps, degree in zip(steps, _gaps(steps, studio.n_steps), melody, strict=True):
        pitch = studio.key.pitch(degree, 4) + studio.octaves["lead"]
        studio.note("lead", bar, step, pitch, min(n_steps, studio.n_steps // 2))


def _play_arpeggio(studio: Studio, bar: Bar) -> None:
    steps = studio.rhythm("arpeggio", bar, 0.4 + 0.9 * studio.density)
    ladder = studio.key.chord_degrees(bar.degree, 3)
    for i, (step, n_steps) in enumerate(zip(steps, _gaps(steps, studio.n_steps), strict=True)):
        degree = ladder[i % 3] + 7 * ((i // 3) % 2)
        pitch = studio.key.pitch(degree, 4) + studio.octaves["arpeggio"]
        studio.note("arpeggio", bar, step, pitch, min(n_steps, 4))


def _play_drone(studio: Studio, bar: Bar) -> None:
    """Hold the tonic and its fifth; where the voice fades, pluck them in turn and let them ring."""
    tonic = voice_chord(studio.key, 0, n_notes=1, centre=48)[0]
    if _VOICES[studio.voices["drone"]].sustain:
        for pitch in (tonic - 12, tonic, tonic + 7):
            studio.note("drone", bar, 0, pitch, studio.n_steps + 2)  # into the next bar
        return
    for place, pitch in enumerate((tonic - 5, tonic, tonic, tonic - 12)):
        studio.note("drone", bar, place * studio.n_steps // 4, pitch, studio.n_steps)


def _play_risers(studio: Studio, bar: Bar) -> None:
    """Play noise whose band rises from bar to bar of the build, louder towards a bar's end."""
    low_hz = 300 * 2 ** (4 * max(0.0, bar.energy - 0.3))
    n_samples = int(bar.length_s * SAMPLE_RATE)
    sos = butter(1, (low_hz, min(18_000, 5 * low_hz)), "bandpass", fs=SAMPLE_RATE, output="sos")
    noise = sosfilt(sos, studio.rng.standard_normal((n_samples, 2)), axis=0)
    shape = np.linspace(0.3, 1, n_samples) * np.minimum(1, np.arange(n_samples)[::-1] / 2_000)
    sound = np.asarray(noise * shape[:, None], np.float32)
    studio.buses.add(studio.buses.music, sound, bar.start_s, pan(0.3 * bar.level, 0.0))


def _play_noise(studio: Studio, bar: Bar) -> None:
    """Play a swell of wind or machine noise over the bar."""
    n_samples = int(bar.length_s * SAMPLE_RATE)
    low_hz = float(studio.rng.uniform(80, 3_000))
    sos = butter(1, (low_hz, 4 * low_hz), "bandpass", fs=SAMPLE_RATE, output="sos")
    noise = sosfilt(sos, studio.rng.standard_normal((n_samples, 2)), axis=0)
    shape = np.sin(np.linspace(0, np.pi, n_samples)) ** 2
    sound = np.asarray(noise * shape[:, None], np.float32)
    studio.buses.add(studio.buses.music, sound, bar.start_s, pan(0.12 * bar.level, 0.0))


def _play_speech(studio: Studio, bar: Bar) -> None:
    """Speak syllables: gliding vowels, hisses between them, pauses now and then."""
    rng = studio.rng
    base = int(studio.places["lead"] * 16) + 50  # a speaker keeps the register
    place_s = bar.start_s + rng.uniform(0, 0.2)
    while place_s < bar.start_s + bar.length_s - 0.1:
        first, second, third = _VOWELS_HZ[rng.integers(len(_VOWELS_HZ))]
        voice = replace(
            VOICES["vocal"],
            formants=((first, 16.0), (second, 12.0), (third, 8.0)),
            scoop_cents=float(rng.uniform(-250, 250)),
            vibrato_cents=0.0,
            slope_db=9.0,
            attack_s=0.02,
            release_s=0.06,
        )
        length_s = float(rng.uniform(0.07, 0.24))
        vowel = play(voice, base + int(rng.integers(-3, 5)), length_s, rng.uniform(0.5, 0.8), rng)
        gains = pan(bar.level * rng.uniform(0.4, 1.1), 0.0)
        studio.buses.add(studio.buses.music, vowel, place_s, gains)
        if rng.random() < 0.45:
            hiss = _hiss(rng)
            studio.buses.add(studio.buses.music, hiss, place_s - 0.06, gains)
        place_s += length_s + float(rng.choice([0.03, 0.08, rng.uniform(0.2, 0.6)]))


def _hiss(rng: np.random.Generator) -> Sound:
    """Make an s or an f."""
    n_samples = int(rng.uniform(0.04, 0.12) * SAMPLE_RATE)
    low_hz = float(rng.uniform(2_500, 6_000))
    sos = butter(2, (low_hz, 2 * low_hz), "bandpass", fs=SAMPLE_RATE, output="sos")
    noise = sosfilt(sos, rng.standard_normal(n_samples)) * np.sin(np.linspace(0, np.pi, n_samples))
    return np.asarray(0.25 * np.stack([noise, noise], 1), np.float32)


PLAYERS: dict[str, Callable[[Studio, Bar], None]] = {
    "drums": _play_drums,
    "bass": _play_bass,
    "chords": _play_chords,
    "lead": _play_lead,
    "arpeggio": _play_arpeggio,
    "drone": _play_drone,
    "risers": _play_risers,
    "noise": _play_noise,
    "speech": _play_speech,
}
