"""The analysis as a picture. The one file here that needs Matplotlib: import it where you draw."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from spectro.envelope import Envelope
from spectro.features import Features
from spectro.sections import name_kinds

_SIZE_INCHES, _DPI = (13.0, 14.0), 110
_N_COLUMNS: Final = 1200  # about what the page has pixels for
_PITCHES: Final = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
_INK, _FAINT, _GROUND = "#2b2d33", "#8b8f99", "#fbfaf7"
_BLUE, _ORANGE, _GREEN, _ROSE = "#35618f", "#d9863b", "#4c8c6b", "#b5495b"
_LEAST_STRENGTH: Final = 0.4  # of a pitch that is drawn
_QUIET_DB: Final = -72.0  # the foot of the level's panel
_HEIGHTS: Final = (1.5, 1.1, 0.9, 1.1, 0.9, 0.9, 0.9, 1.0, 1.2)


def draw(features: Features, envelope: Envelope, path: Path, title: str) -> None:
    """Draw waveform and beats, the three groups of curves, and the chroma.

    Parameters
    ----------
    envelope : of the same song
    path : a PNG to write, under a temporary name that is then renamed
    title : the song's name
    """
    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, facecolor=_GROUND, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(_HEIGHTS), 1, sharex=True, height_ratios=_HEIGHTS)
    _draw_waveform(axes[0], features, envelope, title)
    _draw_level(axes[1], axes[2], features)
    _draw_frequency(axes[3], axes[4], features)
    _draw_timbre(axes[5:8], features)
    _draw_chroma(axes[8], features)
    for panel in axes:
        _dress(panel)
    axes[-1].set_xlim(0.0, features.timeline.duration_s)
    axes[-1].xaxis.set_major_formatter(lambda x, _: f"{int(x) // 60}:{x % 60:02.0f}")
    axes[-1].set_xlabel("minutes and seconds", color=_FAINT)
    unfinished = path.with_name(f"{path.name}.part")
    figure.savefig(unfinished, format="png")
    unfinished.replace(path)


def _draw_waveform(panel: Axes, features: Features, envelope: Envelope, title: str) -> None:
    times_s = np.linspace(0.0, features.timeline.duration_s, len(envelope.lows))
    panel.fill_between(times_s, envelope.lows, envelope.highs, color=_BLUE, linewidth=0)
    reach = max(float(np.abs(envelope.lows).max()), float(np.abs(envelope.highs).max()), 1e-3)
    panel.set_ylim(-1.35 * reach, 1.1 * reach)
    foot = -1.3 * reach
    panel.vlines(features.beat_times_s, foot, -1.17 * reach, color=_FAINT, linewidth=0.8)
    panel.vlines(features.downbeat_times_s, foot, -1.08 * reach, color=_ROSE, linewidth=1.0)
    _draw_sections(panel, features, 1.1 * reach)
    tempo = f"{features.tempo_bpm:.0f} beats a minute" if features.tempo_bpm else "no beats found"
    panel.set_title(title, loc="left", color=_INK, fontsize=17, fontweight="bold", pad=12)
    panel.set_title(tempo, loc="right", color=_FAINT, fontsize=12, pad=12)
    panel.set_ylabel("waveform\nand beats")
    panel.set_yticks([])


def _draw_sections(panel: Axes, features: Features, top: float) -> None:
    """Part the song into its sections, with a letter for each kind."""
    for start_s, kind in zip(
        features.section_times_s, name_kinds(features.section_kinds), strict=True
    ):
        panel.axvline(start_s, color=_ORANGE, linewidth=1.0, alpha=0.8)
        panel.annotate(
            kind, (start_s, top), (4, -2), textcoords="offset points", va="top", color=_ORANGE
        )


def _draw_level(panel: Axes, parts: Axes, features: Features) -> None:
    _plot(panel, features, {"loudness (RMS)": features.level_db}, (_BLUE,))
    panel.set_ylim(_QUIET_DB, 3.0)
    panel.set_ylabel("SOUND\nLEVEL\ndB", color=_INK)
    onsets = panel.twinx()
    strength = _thin(features.onset, np.maximum)
    onsets.fill_between(
        _times_s(features, len(strength)), strength, color=_ORANGE, alpha=0.55, linewidth=0
    )
    onsets.set_ylim(0.0, 2.5 * max(1.0, float(strength.max())))
    onsets.set_axis_off()
    panel.fill_between([], [], color=_ORANGE, alpha=0.55, label="onsets")
    _label(panel)
    for sign, name, colour in ((1, "percussive", _ORANGE), (-1, "harmonic", _GREEN)):
        level = sign * _thin(getattr(features, name))
        times_s = _times_s(features, len(level))
        parts.fill_between(times_s, level, color=colour, alpha=0.8, linewidth=0, label=name)
    parts.axhline(0.0, color=_GROUND, linewidth=1.0)
    parts.set_ylabel("parts")
    parts.set_yticks([])
    _label(parts)


def _draw_frequency(bands: Axes, heights: Axes, features: Features) -> None:
    levels = {name: getattr(features, name) for name in ("bass", "mid", "treble")}
    decibels = {name: 20.0 * np.log10(np.maximum(v, 1e-4)) for name, v in levels.items()}
    _plot(bands, features, decibels, (_BLUE, _GREEN, _ORANGE))
    bands.set_ylabel("FREQUENCY\nCONTENT\ndB", color=_INK)
    curves = {"centroid": features.centroid_hz, "roll-off (85 %)": features.rolloff_hz}
    _plot(heights, features, curves, (_ROSE, _FAINT))
    led = features.pitch_strength > _LEAST_STRENGTH
    times_s = features.timeline.times_s()[led]
    heights.plot(
        times_s, features.pitch_hz[led], ".", color=_BLUE, markersize=2.5, label="leading pitch"
    )
    _label(heights)
    heights.set_yscale("symlog", linthresh=100.0)
    heights.set_yticks([100.0, 1000.0, 10000.0], ["100", "1 k", "10 k"])
    heights.set_ylabel("Hz")


def _draw_timbre(panels: NDArray[np.object_], features: Features) -> None:
    flatness_db = 10.0 * np.log10(np.maximum(features.flatness, 1e-6))
    _plot(panels[0], features, {"flatness: tone to noise": flatness_db}, (_ROSE,))
    panels[0].set_ylim(-62.0, 2.0)
    panels[0].set_ylabel("TIMBRE\ndB", color=_INK)
    _show(panels[1], features, features.contrast, "cividis")
    panels[1].set_yticks([0, 6], ["low", "high"])
    panels[1].set_ylabel("contrast\nof bands")
    timbre = features.mfcc[:, 1:]
    spread = np.maximum(timbre.std(axis=0), 1e-6)
    _show(panels[2], features, (timbre - timbre.mean(axis=0)) / spread, "RdBu_r")
    panels[2].set_yticks([0, 11], ["1", "12"])
    panels[2].set_ylabel("MFCC")


def _draw_chroma(panel: Axes, features: Features) -> None:
    _show(panel, features, features.chroma, "magma")
    panel.set_yticks(range(0, 12, 2), _PITCHES[::2])
    panel.set_ylabel("CHROMA", color=_INK)


def _plot(
    panel: Axes,
    features: Features,
    curves: Mapping[str, NDArray[np.floating]],
    colours: tuple[str, ...],
) -> None:
    for (name, curve), colour in zip(curves.items(), colours, strict=True):
        thin = _thin(curve)
        panel.plot(_times_s(features, len(thin)), thin, color=colour, linewidth=1.1, label=name)
    _label(panel)


def _show(panel: Axes, features: Features, rows: NDArray[np.float32], colours: str) -> None:
    """Show rows of numbers as a strip of colours, the first row at the bottom."""
    strip = _thin(rows).T
    low, high = np.percentile(strip, (1, 99))
    end_s = features.timeline.duration_s
    extent = (0.0, end_s, -0.5, len(strip) - 0.5)
    limits = {"vmin": low, "vmax": max(high, low + 1e-6)}
    panel.imshow(strip, cmap=colours, aspect="auto", origin="lower", extent=extent, **limits)


def _thin(curve: NDArray[np.floating], join: np.ufunc = np.add) -> NDArray[np.float64]:
    """Join neighbouring rows, by their mean or another way, until the page has room for them."""
    starts = np.unique(np.linspace(0, len(curve), _N_COLUMNS, endpoint=False).astype(np.int64))
    joined = join.reduceat(curve.astype(np.float64), starts, axis=0)
    if join is np.add:
        counts = np.diff(np.append(starts, len(curve)))
        joined /= counts.reshape(-1, *[1] * (curve.ndim - 1))
    return np.asarray(joined, np.float64)


def _times_s(features: Features, n: int) -> NDArray[np.float64]:
    return (np.arange(n) + 0.5) * features.timeline.duration_s / n


def _label(panel: Axes) -> None:
    # On the panel's upper edge, where the margins of `_dress` leave room.
    panel.legend(
        loc="lower right",
        bbox_to_anchor=(1.0, 0.93),
        ncols=4,
        frameon=False,
        fontsize=9,
        labelcolor=_INK,
    )


def _dress(panel: Axes) -> None:
    panel.set_facecolor(_GROUND)
    panel.tick_params(colors=_FAINT, labelsize=9, length=0)
    panel.yaxis.label.set(rotation=0, ha="left", va="center", fontsize=10)
    panel.yaxis.set_label_coords(-0.115, 0.5)
    for name in ("top", "right", "left", "bottom"):
        panel.spines[name].set_visible(False)
    panel.margins(y=0.12)
