"""The demo song, composed by hand: intro, the beat enters, break, everybody, last chord.

bar    0 ........ 4 ........ 8 ........ 12 .............. 18
       intro      beat       break      full              end
pad    ████████████████████████████████████████████████████
keys   ██████████████████████░░░░░░░░░░████████████████████
arp    ░░░░░░░░░░░░░░░░░░░░░░▒▒▒▒▓▓▓▓██████████████████████
bass              ███████████           ████████████████████
drums             ███████████         ▒▒██████████████████
lead   ░░░░░░░░░░            ░░░░░░░░░░░████████████████████
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, sosfilt

from training_data.drums import LEVELS, make_kit
from training_data.harmony import Chord, Key
from training_data.instruments import SAMPLE_RATE, VOICES, Sound, play
from training_data.mixing import Buses, Desk, master, pan
from training_data.songs import Section, Song

TEMPO_BPM = 96.0
N_BARS = 18
TAIL_S = 2.0  # for the last chord
STEP_S = 60 / TEMPO_BPM / 4
BAR_S = 16 * STEP_S
_SWING = 0.12  # delay of the off-steps, of a step
_SECTIONS = {"intro": 0, "beat": 4, "break": 8, "full": 12, "end": 17}  # name: first bar
_KIT_SEED = 5  # a round kick and a short, bright snare


@dataclass(frozen=True, kw_only=True)
class _Harmony:
    """A chord as it is played."""

    degree: int  # of D minor
    bass: int  # MIDI notes
    notes: tuple[int, ...]


_DM9 = _Harmony(degree=0, bass=38, notes=(53, 57, 60, 64))
_BB = _Harmony(degree=5, bass=34, notes=(53, 57, 58, 62))
_F = _Harmony(degree=2, bass=41, notes=(52, 55, 57, 60))
_C = _Harmony(degree=6, bass=36, notes=(52, 55, 60, 62))
_GM = _Harmony(degree=3, bass=43, notes=(53, 55, 58, 62))
_HARMONIES = (_DM9, _BB, _F, _C) * 2 + (_BB, _F, _GM, _C) + (_DM9, _BB, _F, _C) + (_BB, _DM9)

_Note = tuple[int, int, int]  # step, MIDI note, length in steps
_CALL: tuple[tuple[_Note, ...], ...] = (
    ((0, 69, 6), (6, 72, 2), (8, 74, 8)),
    ((0, 70, 4), (4, 69, 2), (6, 65, 10)),
    ((0, 67, 4), (4, 69, 4), (8, 72, 6), (14, 69, 2)),
    ((0, 67, 6), (6, 64, 2), (8, 62, 8)),
)
_ANSWER: tuple[tuple[_Note, ...], ...] = (
    ((0, 77, 6), (6, 76, 2), (8, 74, 4), (12, 72, 4)),
    ((0, 74, 6), (6, 72, 2), (8, 70, 4), (12, 69, 4)),
    ((0, 72, 8), (8, 74, 2), (10, 76, 2), (12, 77, 4)),
    ((0, 79, 6), (6, 76, 2), (8, 72, 8)),
    ((0, 74, 4), (4, 77, 4), (8, 76, 4), (12, 72, 4)),
)
_LAST: tuple[_Note, ...] = ((0, 74, 20),)

_LIGHT_BEAT = {
    "kick": "X.....x...X.....",
    "snare": "....X.......X..o",
    "hat": "x.o.x.oox.o.x.o.",
    "shaker": "o.xoo.xoo.xoo.xo",
}
_FULL_BEAT = {
    "kick": "X...X...X...X..o",
    "clap": "....X.......X...",
    "snare": "....x..o.o..x...",
    "hat": "xoxoxoxoxoxoxoxo",
    "open hat": "..x...x...x...x.",
}
_FILL = {"kick": "X...X...X.X.X.X.", "snare": "..........ooxxXX", "low tom": "....x..x........"}
_DRUM_LEVELS = {"kick": 0.45, "snare": 0.26, "clap": 0.24, "hat": 0.09, "open hat": 0.09,
                "shaker": 0.07, "low tom": 0.3, "cymbal": 0.2}  # fmt: skip
_PLACES = {"hat": 0.3, "open hat": -0.3, "shaker": -0.4, "low tom": -0.2}  # left to right

_DESK = Desk(
    reverb_s=2.4,
    wetness=0.2,
    echo_s=3 * STEP_S,
    echo_level=0.24,
    pump=0.35,
    drive=1.1,
    floor_db=-84.0,
    tilt_db=5.0,
    lowpass_hz=None,
    peak=0.89,
)


class _Stage:
    """The musicians' instruments and the desk's inputs."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(_KIT_SEED)
        self.buses = Buses(round((N_BARS * BAR_S + TAIL_S) * SAMPLE_RATE))
        self.kit = make_kit(self.rng)
        self.kicks_s: list[float] = []
        self._played: dict[tuple[str, int, int, float], Sound] = {}

    def note(self, voice: str, bar: int, note: _Note, brightness: float, gains: Sound) -> None:
        """Play a note; equal notes are synthesised once."""
        step, pitch, length = note
        wanted = (voice, pitch, length, brightness)
        if wanted not in self._played:
            self._played[wanted] = play(
                VOICES[voice], pitch, 0.95 * length * STEP_S, brightness, self.rng
            )
        self.buses.add(self.buses.music, self._played[wanted], _time_s(bar, step), gains)

    def drum(self, name: str, bar: int, step: int, level: float) -> None:
        """Hit a drum."""
        gains = pan(level * _DRUM_LEVELS[name], _PLACES.get(name, 0.0))
        self.buses.add(self.buses.drums, self.kit[name], _time_s(bar, step), gains)
        if name == "kick":
            self.kicks_s.append(_time_s(bar, step))


def _time_s(bar: int, step: int) -> float:
    """When a step sounds; off-steps swing."""
    return bar * BAR_S + (step + _SWING * (step % 2)) * STEP_S


def _play_pad(stage: _Stage) -> None:
    for bar, harmony in enumerate(_HARMONIES):
        voice = "strings" if 8 <= bar < 12 else "warm pad"
        for note in harmony.notes:
            stage.note(voice, bar, (0, note, 16 if bar < 17 else 22), 0.5, pan(0.16, 0.0))
        if bar >= 12:
            stage.note("choir", bar, (0, harmony.notes[-1] + 12, 16), 0.6, pan(0.09, 0.0))


def _play_keys(stage: _Stage) -> None:
    for bar, harmony in enumerate(_HARMONIES[:17]):
        if 9 <= bar < 12:
            continue
        strokes = ((0, 7),) if bar < 4 else ((0, 5), (6, 3), (11, 4))
        for step, length in strokes:
            for i, note in enumerate(harmony.notes):
                stage.note(
                    "electric piano", bar, (step, note, length), 0.5, pan(0.28, 0.3 - 0.2 * i)
                )


def _play_arpeggio(stage: _Stage) -> None:
    """Broken chords whose filter opens over the break."""
    for bar, harmony in enumerate(_HARMONIES[:17]):
        ladder = (*harmony.notes, *(note + 12 for note in harmony.notes))
        for i, step in enumerate(range(0, 16, 1 if bar >= 10 else 2)):
            opened = (bar - 8 + step / 16) / 4 if 8 <= bar < 12 else 0.6 if bar >= 12 else 0.15
            brightness = round(0.1 + 0.7 * opened, 1)
            place = 0.6 if i % 2 else -0.6
            level = 0.2 if bar < 8 else 0.3
            note = ladder[(0, 2, 4, 6, 3, 5, 7, 5)[i % 8]] + 12
            stage.note("pluck", bar, (step, note, 2), brightness, pan(level, place))


def _play_bass(stage: _Stage) -> None:
    for bar, harmony in enumerate(_HARMONIES[:17]):
        if bar < 4 or 8 <= bar < 12:
            continue
        steps: tuple[_Note, ...] = ((0, 0, 3), (3, 0, 2), (6, 0, 4), (10, 7, 2), (12, 0, 3))
        if bar >= 12:
            steps = (
                (0, 0, 2),
                (2, 12, 2),
                (4, 0, 2),
                (6, 0, 3),
                (10, 12, 2),
                (12, 0, 2),
                (14, 7, 2),
            )
        for step, above, length in steps:
            stage.note(
                "finger bass", bar, (step, harmony.bass + above, length), 0.5, pan(0.65, 0.0)
            )
    stage.note("sub bass", 17, (0, _HARMONIES[17].bass, 16), 0.3, pan(0.5, 0.0))


def _play_drums(stage: _Stage) -> None:
    for bar in (*range(4, 8), 11, *range(12, 17)):
        beat = _FILL if bar in (7, 11) else _LIGHT_BEAT if bar < 8 else _FULL_BEAT
        for drum, steps in beat.items():
            for step, mark in enumerate(steps):
                if mark != ".":
                    level = LEVELS[mark] * stage.rng.uniform(0.9, 1.05)
                    stage.drum(drum, bar, step, level)
    for bar in (4, 12, 17):
        stage.drum("cymbal", bar, 0, 1.0)
    stage.drum("kick", 17, 0, 1.0)


def _play_lead(stage: _Stage) -> None:
    melodies = [(bar, "flute", notes) for bar, notes in zip(range(4), _CALL, strict=True)]
    melodies += [(bar + 8, "flute", notes) for bar, notes in enumerate(_CALL[:3])]
    melodies += [(bar + 12, "saw lead", notes) for bar, notes in enumerate(_ANSWER)]
    melodies += [(17, "flute", _LAST)]
    for bar, voice, notes in melodies:
        level = 0.3 if voice == "flute" else 0.22
        for note in notes:
            stage.note(voice, bar, note, 0.55, pan(level, 0.1))


def _play_riser(stage: _Stage) -> None:
    """Wind that swells through the last two bars of the break."""
    n_samples = round(2 * BAR_S * SAMPLE_RATE)
    noise = stage.rng.standard_normal((n_samples, 2), np.float32)
    low = sosfilt(butter(2, (300, 1_500), "bandpass", fs=SAMPLE_RATE, output="sos"), noise, axis=0)
    high = sosfilt(
        butter(1, (2_000, 7_000), "bandpass", fs=SAMPLE_RATE, output="sos"), noise, axis=0
    )
    rise = np.linspace(0, 1, n_samples)[:, None] ** 2
    wind = np.asarray(rise * (low * (1 - rise) + 0.5 * high * rise), np.float32)
    wind[-2_000:] *= np.linspace(1, 0, 2_000, dtype=np.float32)[:, None]
    stage.buses.add(stage.buses.music, wind, 10 * BAR_S, pan(0.14, 0.0))


def compose_demo() -> Song:
    """Compose the demo song, 47 s, always the same."""
    stage = _Stage()
    for play_part in (
        _play_pad, _play_keys, _play_arpeggio, _play_bass, _play_drums, _play_lead, _play_riser,
    ):  # fmt: skip
        play_part(stage)
    samples = master(stage.buses, _DESK, stage.kicks_s, stage.rng)
    starts = [*_SECTIONS.values(), N_BARS]
    return Song(
        samples=samples,
        sample_rate=SAMPLE_RATE,
        style="demo",
        key=Key(tonic=2, mode="minor"),
        tempo_bpm=TEMPO_BPM,
        beats_per_bar=4,
        beat_times_s=np.arange(4.0 * N_BARS) * 60 / TEMPO_BPM,
        downbeat_times_s=np.arange(float(N_BARS)) * BAR_S,
        chords=tuple(
            Chord(
                start_s=bar * BAR_S,
                stop_s=(bar + 1) * BAR_S,
                degree=harmony.degree,
                pitch_classes=(harmony.bass % 12, *(note % 12 for note in harmony.notes)),
            )
            for bar, harmony in enumerate(_HARMONIES)
        ),
        sections=tuple(
            Section(start_s=start * BAR_S, stop_s=stop * BAR_S, name=name)
            for name, start, stop in zip(_SECTIONS, starts, starts[1:], strict=False)
        ),
    )
