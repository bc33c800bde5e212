"""The curves that the song page draws: what the worker writes and the web process reads."""

from fractions import Fraction
from typing import Literal

from pydantic import BaseModel, ConfigDict

FPS = Fraction(24)  # at which songs are listened to: films usually have it, and need not again
N_POINTS = 600  # taste: about two pixels a point on a wide screen

Group = Literal["level", "frequency", "timbre"]


class Curve(BaseModel):
    """One curve over the whole song, made comparable with the others by its own range."""

    model_config = ConfigDict(frozen=True)

    name: str
    group: Group
    points: tuple[float, ...]  # (n_points,) in [0, 1], equally spaced over the song


class Analysis(BaseModel):
    """A song as the page shows it."""

    model_config = ConfigDict(frozen=True)

    duration_s: float
    tempo_bpm: float  # 0 where no beat was found
    beats_s: tuple[float, ...]
    downbeats_s: tuple[float, ...]
    sections_s: tuple[float, ...] = ()  # their starts, the first at 0
    section_kinds: tuple[int, ...] = ()  # 0 for the first; equal where it comes again
    lowest: tuple[float, ...]  # (n_points,) in [-1, 0], the waveform's lower edge
    highest: tuple[float, ...]  # (n_points,) in [0, 1], its upper edge
    curves: tuple[Curve, ...]
