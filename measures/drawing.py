"""A judged film as a picture. The one file here that needs Matplotlib: import it where you draw."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from measures.curves import Curve
from measures.flashes import Flashes
from measures.report import Film, FilmReport
from measures.sound import ONSET_RATE, ROW_RATE

_SIZE_INCHES, _DPI = (13.0, 8.0), 110
_N_COLUMNS: Final = 1200  # about what the page has pixels for
_INK, _FAINT, _GROUND = "#2b2d33", "#8b8f99", "#fbfaf7"
_BLUE, _ORANGE, _GREEN, _ROSE = "#35618f", "#d9863b", "#4c8c6b", "#b5495b"
_QUIET_DB: Final = -60.0  # the foot of the level's panel


def draw(film: Film, report: FilmReport, path: Path) -> None:
    """Draw level, onset strength, change of the picture and its luma, with beats and flashes.

    Parameters
    ----------
    report : of the same film
    path : a PNG to write
    """
    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, facecolor=_GROUND, layout="constrained")
    FigureCanvasAgg(figure)
    level, onset, motion, luma = figure.subplots(4, 1, sharex=True, height_ratios=(1, 1, 1.3, 0.8))
    seen, heard, moments = film.seen, film.heard, film.moments
    start_s = seen.start_s
    _fill(level, heard.curves["level"], ROW_RATE, start_s, _BLUE)
    level.set_ylim(_QUIET_DB, 3.0)
    level.set_ylabel("level\ndB")
    level.set_title(film.name, loc="left", color=_INK, fontsize=17, fontweight="bold", pad=12)
    _fill(onset, heard.onset, ONSET_RATE, start_s, _ORANGE)
    onset.set_ylabel("onset\nstrength\ndB")
    frames_s = seen.times_s
    motion.plot(frames_s, seen.change, color=_GREEN, linewidth=0.9)
    motion.set_ylim(bottom=0.0)
    motion.set_ylabel("change of\nthe picture\nlevels")
    beats = moments.video_beats_s + start_s
    motion.plot(beats, np.interp(beats, frames_s, seen.change), "v", color=_ROSE, markersize=4)
    luma.plot(frames_s, seen.curves["luma"], color=_INK, linewidth=0.9)
    luma.set_ylim(0.0, 255.0)
    luma.set_ylabel("luma\nlevels")
    for panel in (level, onset, motion, luma):
        _dress(panel)
        for beat_s in report.beats_s:
            panel.axvline(beat_s, color=_FAINT, linewidth=0.5, alpha=0.6, zorder=0)
        _mark_flashes(panel, report.flashes)
    motion.set_title("▼ video beats    │ beats", loc="right", color=_FAINT, fontsize=9)
    luma.set_title(_describe_flashes(report.flashes), loc="right", color=_FAINT, fontsize=9)
    luma.set_xlim(start_s, seen.end_s)
    luma.xaxis.set_major_formatter(lambda x, _: f"{int(x) // 60}:{x % 60:04.1f}")
    luma.set_xlabel("minutes and seconds", color=_FAINT)
    figure.savefig(path, format="png")


def _fill(panel: Axes, curve: Curve, rate: int, start_s: float, colour: str) -> None:
    """Fill below a curve, thinned to its highest values where the page has no room for all."""
    starts = np.unique(np.linspace(0, len(curve), _N_COLUMNS, endpoint=False).astype(np.int64))
    tops = np.maximum.reduceat(curve, starts)
    foot = min(float(tops.min()), _QUIET_DB) if tops.min() < 0 else 0.0
    panel.fill_between(starts / rate + start_s, tops, foot, color=colour, linewidth=0)
    panel.set_ylim(bottom=foot)


def _mark_flashes(panel: Axes, flashes: Flashes) -> None:
    for kind, colour in ((flashes.general, _ORANGE), (flashes.red, _ROSE)):
        for span_s in kind.unsafe_spans_s:
            panel.axvspan(*span_s, color=colour, alpha=0.25, linewidth=0, zorder=0)


def _describe_flashes(flashes: Flashes) -> str:
    general, red = flashes.general.most_within_1_s, flashes.red.most_within_1_s
    counts = f"most flashes within a second: {general}, red ones: {red}"
    return counts if flashes.are_safe else f"{counts}; dangerous where shaded"


def _dress(panel: Axes) -> None:
    panel.set_facecolor(_GROUND)
    panel.tick_params(colors=_FAINT, labelsize=9, length=0)
    panel.yaxis.label.set(rotation=0, ha="left", va="center", fontsize=10, color=_INK)
    panel.yaxis.set_label_coords(-0.1, 0.5)
    for name in ("top", "right", "left", "bottom"):
        panel.spines[name].set_visible(False)
