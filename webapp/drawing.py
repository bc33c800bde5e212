"""The drawn song: curves as the paths of small SVG pictures that the page stretches to its width.

0 ─────────────── WIDTH
│  y grows downwards, │
│  time to the right  │
HEIGHT ────────────────
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from webapp.curves import Analysis, Group
from webapp.route_forms import SLIDERS
from webapp.wording import clock

WIDTH, HEIGHT = 1000, 100
MAX_TICKS = 400  # more beats than this are a grey mass: then bars alone are drawn
N_LABELS = 5
N_SHADES = 4


@dataclass(frozen=True, kw_only=True)
class Line:
    """One curve of a strip."""

    name: str
    path: str  # of the curve
    area: str  # of what lies below it


@dataclass(frozen=True, kw_only=True)
class Strip:
    """The curves of one of the three questions."""

    group: Group
    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the song, such as a verse."""

    x: float  # where it begins, of WIDTH
    width: float
    shade: int  # 0 to N_SHADES − 1; alike where the same part comes again
    letter: str  # A for the first, and wherever it comes again
    start: str  # as on a clock
    stop: str

    @property
    def words(self) -> str:
        """Name it."""
        return f"Part {self.letter}, {self.start} to {self.stop}"


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """Everything that is drawn of a song."""

    waveform: str
    beats: str  # small ticks
    bars: str  # longer ones, where the downbeats are
    sections: tuple[Section, ...]  # none where the song is one
    strips: tuple[Strip, ...]
    labels: tuple[str, ...]  # times, equally spaced from the start to the end
    tempo_bpm: float
    n_beats: int


def draw(analysis: Analysis) -> Drawing:
    """Draw an analysis."""
    beats_s = analysis.beats_s if len(analysis.beats_s) <= MAX_TICKS else ()
    duration_s = analysis.duration_s
    return Drawing(
        waveform=_waveform(analysis.lowest, analysis.highest),
        beats=_ticks(beats_s, duration_s, 4),
        bars=_ticks(analysis.downbeats_s, duration_s, 9),
        sections=part(analysis),
        strips=tuple(_strip(analysis, group) for group in ("level", "frequency", "timbre")),
        labels=tuple(clock(duration_s * i / (N_LABELS - 1)) for i in range(N_LABELS)),
        tempo_bpm=analysis.tempo_bpm,
        n_beats=len(analysis.beats_s),
    )


def draw_soundtrack() -> str:
    """Draw the sound of an old film as it runs beside the pictures, 40 wide and 600 high."""
    steps = range(0, 601, 3)
    swings = [
        18 * abs(math.sin(y / 5.5) * math.sin(y / 71)) * (0.45 + 0.55 * math.sin(y / 190) ** 2)
        for y in steps
    ]
    left = [f"{20 - 1 - swing:.1f} {y}" for y, swing in zip(steps, swings, strict=True)]
    right = [f"{20 + 1 + swing:.1f} {y}" for y, swing in zip(steps, swings, strict=True)]
    return "M" + "L".join([*left, *reversed(right)]) + "Z"


def part(analysis: Analysis) -> tuple[Section, ...]:
    """Lay the sections along the song; they are named as musicians do: A, B, A, C."""
    starts = analysis.sections_s
    if len(starts) < 2:
        return ()
    stops = [*starts[1:], analysis.duration_s]
    return tuple(
        Section(
            x=round(WIDTH * start / analysis.duration_s, 1),
            width=round(WIDTH * (stop - start) / analysis.duration_s, 1),
            shade=kind % N_SHADES,
            letter=ascii_uppercase[kind % 26],
            start=clock(start),
            stop=clock(stop),
        )
        for start, stop, kind in zip(starts, stops, analysis.section_kinds, strict=True)
    )


def _strip(analysis: Analysis, group: Group) -> Strip:
    return Strip(
        group=group,
        title=SLIDERS[group][0],
        lines=tuple(
            Line(name=curve.name, path=_polyline(curve.points), area=_area(curve.points))
            for curve in analysis.curves
            if curve.group == group
        ),
    )


def _polyline(points: Sequence[float]) -> str:
    # A song of one point is a level line.
    last = max(len(points) - 1, 1)
    corners = [
        f"{WIDTH * i / last:.1f} {HEIGHT * (0.96 - 0.92 * value):.1f}"
        for i, value in enumerate(points if len(points) > 1 else [*points, *points])
    ]
    return "M" + "L".join(corners)


def _area(points: Sequence[float]) -> str:
    return f"{_polyline(points)}L{WIDTH} {HEIGHT}L0 {HEIGHT}Z"


def _waveform(lowest: Sequence[float], highest: Sequence[float]) -> str:
    """Draw one bar a column, from the lowest sample to the highest, never thinner than a hair."""
    step = WIDTH / len(lowest)
    middle = HEIGHT / 2
    bars = []
    for i, (low, high) in enumerate(zip(lowest, highest, strict=True)):
        top, bottom = middle * (1 - 0.94 * high), middle * (1 - 0.94 * low)
        x = step * (i + 0.5)
        bars.append(f"M{x:.1f} {min(top, middle - 0.4):.1f}V{max(bottom, middle + 0.4):.1f}")
    return "".join(bars)


def _ticks(times_s: Sequence[float], duration_s: float, length: float) -> str:
    return "".join(f"M{WIDTH * time / duration_s:.1f} {HEIGHT}v-{length}" for time in times_s)
