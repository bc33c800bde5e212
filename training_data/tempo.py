"""Other tempi for the made songs, and tempi that do not stand still."""

from dataclasses import replace
from typing import Final

import numpy as np

from training_data.players import Bar
from training_data.songs import Plan, draw_plan

LOWEST_BPM: Final = 55.0
HIGHEST_BPM: Final = 190.0
COURSES: Final = ("steady", "drift", "rubato", "jump")
_SHARES: Final = (0.55, 0.15, 0.15, 0.15)  # of the songs
_DRIFT: Final = 0.18  # at most, from the first bar to the last
_RUBATO: Final = 0.12  # of a bar's length, from bar to bar, at most
_JUMP: Final = (0.72, 1.35)  # of the tempo, at a new section


def draw_retimed_plan(
    rng: np.random.Generator, duration_s: float, *, held_out: bool = False
) -> tuple[Plan, str]:
    """Draw a song at any tempo from `LOWEST_BPM` to `HIGHEST_BPM`, and how its tempo goes on.

    Returns
    -------
    The plan, and one of `COURSES`. The plan's tempo is that of the course's mean.
    """
    # Long enough to fill the time when it is played as fast as it may be.
    plan = draw_plan(rng, duration_s * HIGHEST_BPM / 40.0, held_out=held_out)
    tempo_bpm = float(np.exp(rng.uniform(np.log(LOWEST_BPM), np.log(HIGHEST_BPM))))
    course = str(rng.choice(COURSES, p=_SHARES))
    bar_s = plan.bars[0].length_s * plan.tempo_bpm / tempo_bpm
    n_bars = max(2, int(duration_s / bar_s) + 2)
    bars = plan.bars[:n_bars]
    lengths_s = bar_s / _draw_pace(rng, bars, course)
    starts_s = plan.bars[0].start_s + np.concatenate([[0.0], np.cumsum(lengths_s)[:-1]])
    retimed = [
        replace(bar, start_s=float(start_s), length_s=float(length_s))
        for bar, start_s, length_s in zip(bars, starts_s, lengths_s, strict=True)
        if start_s < duration_s
    ]
    return replace(plan, tempo_bpm=tempo_bpm, bars=tuple(retimed)), course


def _draw_pace(rng: np.random.Generator, bars: tuple[Bar, ...], course: str) -> np.ndarray:
    """Draw how fast each bar goes beside the song's tempo, (n_bars,), about 1 on average."""
    n = len(bars)
    pace = np.ones(n)
    if course == "drift":
        pace = np.linspace(-0.5, 0.5, n) * rng.uniform(-_DRIFT, _DRIFT) + 1.0
    elif course == "rubato":
        waves = rng.normal(size=n + 4)
        smooth = np.convolve(waves, np.ones(5) / 5, "valid")
        pace = 1.0 + _RUBATO * rng.uniform(0.4, 1.0) * np.tanh(1.5 * smooth)
    elif course == "jump":
        lasts = [place for place, bar in enumerate(bars[:-1]) if bar.is_last]
        place = int(rng.choice(lasts)) + 1 if lasts else n // 2
        pace[place:] *= rng.uniform(*_JUMP)
    return pace
