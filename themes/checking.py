"""Check a theme: figures into its card, sheets to look at, and a table to read."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from film.cards import CARD_NAME, theme_folder
from film.segments import BATCH_FRAMES
from film.theme import Theme, load_theme
from spectro.errors import TonfilmError
from themes.frames_figures import SIDE, measure_frames, measure_music
from themes.install import read_card_file, write_card
from themes.plan import Plan, build_plan, load_plan
from themes.preview import write_preview
from themes.sources import ThemeSource, open_source
from themes.stills_figures import Library, measure_stills
from training_data.pairs import Progress
from training_data.ripper import PREVIEW_NAME

N_LIBRARY = 8_000  # training pictures among which a still's nearest is looked for
N_SONGS, N_RUNNING = 10, 48  # held-out songs, and frames in a row of each: 2 s
N_TIMED = 5


def check_theme(
    name: str, n_pictures: int, sheets: Path, say: Callable[[str], None], progress: Progress
) -> dict[str, Any]:
    """Take all figures of a theme, write them into its card, and draw its sheets.

    Parameters
    ----------
    n_pictures : how many stills are compared with as many held-out pictures
    sheets : folder for stills.jpg, nearest.jpg and frames.jpg; preview.mp4 of music videos

    Raises
    ------
    TonfilmError
        There is no such theme, or what it learnt from is not there any more.
    """
    theme = load_theme(name)
    plan = find_plan(name)
    source = open_source(plan, say)
    with torch.inference_mode():
        figures = {
            "frames": _check_frames(theme, source, sheets, progress),
            "stills": _check_stills(theme, source, n_pictures, sheets, progress),
            "networks": measure_networks(theme, theme_folder(name)),
        }
        if plan.videos:
            write_preview(
                plan.folder / "pairs" / PREVIEW_NAME, theme.painter, sheets / "preview.mp4"
            )
    rounded: dict[str, Any] = json.loads(
        json.dumps(figures), parse_float=lambda text: round(float(text), 4)
    )
    path = theme_folder(name) / CARD_NAME
    write_card(path, {**read_card_file(path), "figures": rounded})
    return rounded


def find_plan(name: str) -> Plan:
    """Return the plan of a theme: that of its run, or what its card says of it.

    Raises
    ------
    TonfilmError
        It learnt from somebody's own pictures or videos, and its run is gone.
    """
    card = read_card_file(theme_folder(name) / CARD_NAME)
    training = card.get("training", {})
    try:
        plan = load_plan(name)
        if plan.begun == training.get("begun"):
            return plan
    except TonfilmError:
        pass
    if not training.get("made"):
        raise TonfilmError(
            f"The theme {name!r} was not trained here, so there is nothing to compare it with."
        )
    return build_plan(name=name, made=training["made"], steps=1)


def _check_frames(
    theme: Theme, source: ThemeSource, sheets: Path, progress: Progress
) -> dict[str, Any]:
    held_out = source.pairs(progress, held_out=True)
    learnt = source.pairs(progress, held_out=False)
    excerpts = source.excerpts(N_SONGS, N_RUNNING)
    return {
        **measure_frames(theme.painter, learnt, held_out, sheets),
        **measure_music(theme.painter, excerpts),
    }


def _check_stills(
    theme: Theme, source: ThemeSource, n: int, sheets: Path, progress: Progress
) -> dict[str, Any]:
    squares = next(iter(source.pictures(SIDE, progress)))
    n_library = min(N_LIBRARY, len(squares))
    places = np.linspace(0, len(squares) - 1, n_library).astype(int).tolist()
    library = Library(
        training=np.stack([squares[place] for place in places]),
        held_out=source.held_out(min(n, n_library), SIDE, progress),
    )
    return measure_stills(theme.stills, library, sheets, progress)


def measure_networks(theme: Theme, folder: Path) -> dict[str, Any]:
    """Measure size, multiply-adds and speed of both networks at 256×256."""
    spectrograms = torch.zeros(BATCH_FRAMES, SIDE, SIDE)
    styles = torch.stack([theme.stills.style(seed) for seed in range(BATCH_FRAMES)])
    return {
        "n_threads": torch.get_num_threads(),
        "megabytes": {file: (folder / file).stat().st_size / 1e6 for file in theme.card.weights},
        "pix2pix": _cost(lambda: theme.painter.paint(spectrograms, SIDE, SIDE)),
        "keyframes": _cost(lambda: theme.stills.paint(styles, SIDE, SIDE)),
    }


def _cost(paint: Callable[[], Tensor]) -> dict[str, float]:
    with FlopCounterMode(display=False) as counter:
        paint()
    times_s = []
    for _ in range(N_TIMED):
        begun_s = time.perf_counter()
        paint()
        times_s.append(time.perf_counter() - begun_s)
    return {
        "gigaflop_a_frame": counter.get_total_flops() / BATCH_FRAMES / 1e9,
        "frames_a_second": BATCH_FRAMES / median(times_s),
    }
