"""Compose songs with known beats, chords and sections, for the networks to learn from.

draw_plan ─→ Plan: style, tempo, metre, key, bars ─→ a player for each part ─→ Buses ─→ master
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training_data.drums import PATTERNS
from training_data.harmony import PROGRESSIONS, Chord, Key, draw_key
from training_data.held_out import HELD_OUT_STYLES
from training_data.instruments import SAMPLE_RATE, Sound
from training_data.mixing import Desk, draw_desk, master
from training_data.players import PLAYERS, Bar, Studio
from training_data.styles import FORMS, SCENES, STYLES, Style

_DESK_RANGES = ("reverb_s", "wetness", "drive", "pump", "floor_db")
_VOICED = ("chords", "bass", "lead", "arpeggio", "drone")  # parts that a style has voices for
_STYLES = STYLES | HELD_OUT_STYLES


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the form, such as a verse."""

    start_s: float
    stop_s: float
    name: str


@dataclass(frozen=True, kw_only=True)
class Song:
    """A made song and what is known of it."""

    samples: Sound  # (n_samples, 2) float32 in [−1, 1]
    sample_rate: int
    style: str
    key: Key
    tempo_bpm: float  # in beats; in 6/8 a beat is a dotted quarter
    beats_per_bar: int
    beat_times_s: NDArray[np.float64]
    downbeat_times_s: NDArray[np.float64]
    chords: tuple[Chord, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything about a song but its sound."""

    style: str
    key: Key
    metre: str
    tempo_bpm: float
    bars: tuple[Bar, ...]
    voices: dict[str, str]  # part: name of its voice
    desk: Desk

    @property
    def beats_per_bar(self) -> int:
        """Beats that a listener taps: 4, 3, or 2 dotted quarters."""
        return {"4/4": 4, "3/4": 3, "6/8": 2}[self.metre]


def _draw_bars(
    rng: np.random.Generator, style: Style, bar_s: float, duration_s: float
) -> list[Bar]:
    """Lay sections over the song, from a random place in a form on, and chords over the bars."""
    form = FORMS[rng.integers(len(FORMS))].split()
    place = int(rng.integers(len(form) - 1))
    length = 8 if bar_s * 8 < 13 and rng.random() < 0.4 else 4 if bar_s * 4 < 13 else 2
    own_parts = {part for part in _VOICED if getattr(style, part)}
    own_parts |= set(style.extra)
    progressions = [PROGRESSIONS[i] for i in rng.integers(len(PROGRESSIONS), size=2)]
    bars: list[Bar] = []
    start_s = float(rng.choice([0.0, min(rng.uniform(0, 0.6), duration_s / 4)]))
    while start_s < duration_s:
        name = form[place % len(form)]
        scene = SCENES[name]
        parts = own_parts & {part for part in scene.parts if rng.random() < 0.88}
        parts = (parts or own_parts) | own_parts & {"drone"}  # somebody plays
        progression = progressions[name in ("chorus", "build")]
        energies = np.linspace(*scene.energy, length)
        bars += [
            Bar(
                start_s=start_s + i * bar_s,
                length_s=bar_s,
                degree=progression[i % len(progression)],
                section=name,
                is_last=i == length - 1,
                energy=float(energies[i]),
                parts=frozenset(parts),
            )
            for i in range(length)
        ]
        start_s += length * bar_s
        place += 1
    return [bar for bar in bars if bar.start_s < duration_s]


def _draw_style(rng: np.random.Generator, *, held_out: bool) -> str:
    """Draw a style's name by weight; of the held-out ones half the time, or never."""
    weights = {name: style.weight for name, style in STYLES.items()}
    if held_out:
        known, rare = (
            sum(style.weight for style in styles.values()) for styles in (STYLES, HELD_OUT_STYLES)
        )
        weights |= {name: style.weight * known / rare for name, style in HELD_OUT_STYLES.items()}
    shares = np.array(list(weights.values()))
    return list(weights)[rng.choice(len(weights), p=shares / shares.sum())]


def draw_plan(rng: np.random.Generator, duration_s: float, *, held_out: bool = False) -> Plan:
    """Draw everything about a song but its sound; see `compose` for held-out ones."""
    name = _draw_style(rng, held_out=held_out)
    style = _STYLES[name]
    metre = style.metres[rng.integers(len(style.metres))]
    tempo_bpm = round(float(rng.uniform(*style.tempo_bpm)), 2)
    if metre == "6/8":
        tempo_bpm = max(60.0, round(tempo_bpm / 1.5, 2))  # its beats are longer
    beat_s = 60 / tempo_bpm
    n_beats = {"4/4": 4, "3/4": 3, "6/8": 2}[metre]
    voices = {
        part: options[rng.integers(len(options))]
        for part in _VOICED
        if (options := getattr(style, part))
    }
    ranges = {field: getattr(style, field) for field in _DESK_RANGES}
    return Plan(
        style=name,
        key=draw_key(rng, style.modes),
        metre=metre,
        tempo_bpm=tempo_bpm,
        bars=tuple(_draw_bars(rng, style, n_beats * beat_s, duration_s)),
        voices=voices,
        desk=draw_desk(rng, ranges, beat_s),
    )


def _drum_patterns(rng: np.random.Generator, plan: Plan) -> list[dict[str, str]]:
    """Draw two patterns that go together: one for quiet sections, one for loud ones."""
    patterns = PATTERNS[plan.metre]
    allowed = _STYLES[plan.style].patterns if plan.metre == "4/4" else ()
    choices = [patterns[i] for i in allowed] or list(patterns)
    return [choices[rng.integers(len(choices))] for _ in range(2)]


def _sections(bars: tuple[Bar, ...]) -> tuple[Section, ...]:
    """Join neighbouring bars of one section."""
    starts = [bar for before, bar in zip((None, *bars), bars, strict=False)
              if before is None or before.is_last]  # fmt: skip
    stops = [bar.start_s for bar in starts[1:]] + [bars[-1].start_s + bars[-1].length_s]
    return tuple(
        Section(start_s=bar.start_s, stop_s=stop_s, name=bar.section)
        for bar, stop_s in zip(starts, stops, strict=True)
    )


def render(plan: Plan, duration_s: float, rng: np.random.Generator) -> Song:
    """Let the players play a plan, and mix it down."""
    n_samples = int(duration_s * SAMPLE_RATE)
    style = _STYLES[plan.style]
    studio = Studio(
        rng=rng,
        n_samples=n_samples,
        key=plan.key,
        voices=plan.voices,
        patterns=_drum_patterns(rng, plan),
        n_beats=plan.beats_per_bar,
        swing=float(rng.uniform(*style.swing)),
        density=float(rng.uniform(*style.density)),
    )
    for bar in plan.bars:
        for part in sorted(bar.parts):
            PLAYERS[part](studio, bar)
    samples = master(studio.buses, plan.desk, studio.kicks_s, rng)
    beats_s = np.array([
        bar.start_s + beat * bar.length_s / plan.beats_per_bar
        for bar in plan.bars for beat in range(plan.beats_per_bar)
    ])  # fmt: skip
    return Song(
        samples=samples,
        sample_rate=SAMPLE_RATE,
        style=plan.style,
        key=plan.key,
        tempo_bpm=plan.tempo_bpm,
        beats_per_bar=plan.beats_per_bar,
        beat_times_s=beats_s[beats_s < duration_s],
        downbeat_times_s=np.array([bar.start_s for bar in plan.bars]),
        chords=tuple(
            Chord(
                start_s=bar.start_s,
                stop_s=bar.start_s + bar.length_s,
                degree=bar.degree,
                pitch_classes=tuple(
                    plan.key.pitch(step, 0) % 12 for step in plan.key.chord_degrees(bar.degree, 3)
                ),
            )
            for bar in plan.bars
        ),
        sections=_sections(plan.bars),
    )


def compose(seed: int, duration_s: float, *, held_out: bool = False) -> Song:
    """Compose a song; the same seed and duration give the same samples.

    Parameters
    ----------
    held_out : let half of the songs be of `HELD_OUT_STYLES`, which nothing is to learn from
    """
    if duration_s <= 0:
        raise ValueError(f"duration_s must be positive, not {duration_s}")
    rng = np.random.default_rng(seed)
    return render(draw_plan(rng, duration_s, held_out=held_out), duration_s, rng)
