"""Arms of an experiment side by side, a panel a figure, a dot a film."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench.figures import COLUMNS, Results, gather

_SIZE_INCHES, _DPI = (12.0, 6.4), 100
_N_COLUMNS: Final = 3
_INK, _FAINT, _GROUND, _BLUE, _ROSE = "#2b2d33", "#8b8f99", "#fbfaf7", "#35618f", "#b5495b"
_MARKS: Final = "osD^vPX*"  # a song each; more songs begin again
_NUDGE: Final = 0.12  # rows between the dots of neighbouring songs


def draw_arms(results: Results, names: Sequence[str], path: Path) -> None:
    """Draw a panel for each of some figures, with a row an arm; bars are the means.

    Parameters
    ----------
    names : of COLUMNS
    path : a PNG to write
    """
    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, facecolor=_GROUND, layout="constrained")
    FigureCanvasAgg(figure)
    n_rows = -(-len(names) // _N_COLUMNS)
    panels = figure.subplots(n_rows, _N_COLUMNS, sharey=True, squeeze=False).ravel()
    for panel, name in zip(panels, names, strict=False):
        _draw_panel(panel, results, name)
    figure.legend(
        *panels[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=min(len(results.songs), 5),
        frameon=False,
        labelcolor=_FAINT,
    )
    figure.savefig(path, format="png")


def _draw_panel(panel: Axes, results: Results, name: str) -> None:
    column = COLUMNS[name]
    panel.set_title(column.title, loc="left", color=_INK, fontsize=11)
    if column.by_chance is not None:
        panel.axvline(column.by_chance, color=_FAINT, linewidth=0.8)
        panel.set_title("│ by chance", loc="right", color=_FAINT, fontsize=9)
    for row, films in enumerate(results.arms.values()):
        mean = gather(films, name).mean
        panel.plot([mean, mean], [row - 0.35, row + 0.35], color=_ROSE, linewidth=2.5)
        places = row + _NUDGE * (np.arange(len(films)) - (len(films) - 1) / 2)
        for number, (film, place) in enumerate(zip(films, places, strict=True)):
            mark = _MARKS[number % len(_MARKS)]
            song = None if row else results.songs[number]  # each once in the legend
            panel.plot(film[name], place, mark, color=_BLUE, alpha=0.75, ms=4.5, label=song)
    panel.set_yticks(range(len(results.arms)), list(results.arms))
    panel.set_ylim(len(results.arms) - 0.5, -0.5)
    panel.set_facecolor(_GROUND)
    panel.tick_params(colors=_FAINT, labelsize=9, length=0)
    panel.tick_params(axis="y", labelcolor=_INK)
    for side in ("top", "right", "left", "bottom"):
        panel.spines[side].set_visible(False)
