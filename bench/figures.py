"""What experiments measure on each finished film, and how many films' figures become one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy import stats

from measures.curves import Times
from measures.report import judge, read_film

LEVEL: Final = 0.95  # of confidence

Figures = dict[str, float]  # by the names in COLUMNS; NaN: cannot be told of this film


@dataclass(frozen=True, kw_only=True)
class Column:
    """How a figure stands in a table."""

    title: str
    form: str  # a format for numbers
    by_chance: float | None = None  # what a film gets that has nothing to do with its sound


COLUMNS: Final = {
    "r": Column(title="S1 r", form=".2f"),
    "z": Column(title="S1 z", form=".1f", by_chance=0.0),
    "lag_ms": Column(title="best lag, ms", form=".0f"),
    "off_ms": Column(title="off by, ms", form=".0f"),  # the best lag without its sign
    "f1": Column(title="S2 F1", form=".2f"),
    "corrected": Column(title="S2 F1, corrected", form=".2f", by_chance=0.0),
    "av_align": Column(title="AV-Align − shifted", form=".2f", by_chance=0.0),
    "off_beat": Column(title="calm off the beat", form=".3f"),
    "flashes": Column(title="most flashes in 1 s", form=".1f"),
    "change": Column(title="picture change, levels", form=".2f"),
    "calmed": Column(title="calmed by the guard", form=".0%"),
}


@dataclass(frozen=True, kw_only=True)
class Results:
    """What an experiment found."""

    songs: tuple[str, ...]  # their names
    arms: Mapping[str, Sequence[Figures]]  # by the arm's name, a film a song


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean, and where that of all such films lies (Student's t, 95 %)."""

    mean: float
    low: float  # NaN, like high, where one film alone tells no spread
    high: float

    def show(self, form: str) -> str:
        """Write it as "1.2 [0.8, 1.6]"."""
        if math.isnan(self.mean):
            return "–"
        mean, low, high = (format(value, form) for value in (self.mean, self.low, self.high))
        return mean if math.isnan(self.low) else f"{mean} [{low}, {high}]"


def measure(film: Path, beats_s: Times) -> Figures:
    """Measure a finished film.

    Parameters
    ----------
    film : longer than 10 s
    beats_s : (n_beats,) seconds on the player's clock, of the sound that is in the film
    """
    watched = read_film(film)
    report = judge(watched, beats_s, None)
    motion, hits = report.synchrony.onset_motion, report.synchrony.beat_hits[0]
    flashes = report.flashes
    return {
        "r": motion.r,
        "z": _number(motion.z),
        "lag_ms": motion.best_lag_ms,
        "off_ms": abs(motion.best_lag_ms),
        "f1": hits.f1.measured,
        "corrected": _number(hits.corrected),
        "av_align": _number(report.synchrony.av_align.above_chance),
        "off_beat": _number(report.calm.off_beat),
        "flashes": max(flashes.general.most_within_1_s, flashes.red.most_within_1_s),
        "change": float(watched.seen.change[1:].mean()),
    }


def gather(films: Sequence[Figures], name: str) -> Interval:
    """Take the mean of one figure over some films, and its interval."""
    values = np.array([film[name] for film in films])
    values = values[np.isfinite(values)]
    n = len(values)
    if n < 2:
        return Interval(mean=float(values[0]) if n else math.nan, low=math.nan, high=math.nan)
    mean = float(values.mean())
    half = float(stats.t.ppf((1 + LEVEL) / 2, n - 1) * values.std(ddof=1) / math.sqrt(n))
    return Interval(mean=mean, low=mean - half, high=mean + half)


def describe(figures: Figures) -> str:
    """Put a film's figures on a line."""
    return ", ".join(
        f"{COLUMNS[name].title} {format(value, COLUMNS[name].form)}"
        for name, value in figures.items()
    )


def _number(figure: float | None) -> float:
    return math.nan if figure is None else figure
