"""Films made to be measured; for the clock each in a process of its own, with its own memory."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

from film.pipeline import Song, make_film
from film.recipe import Recipe, build_recipe, choose_keyframes
from film.report import Report
from spectro.audio import Limits
from training_data.demo_song import compose_demo

LONGEST_S = 4 * 3600.0  # far beyond what the bench asks for


def make_recipe(size: tuple[int, int], **choices: object) -> Recipe:
    """Build the default recipe for a size, width and height, with some choices changed."""
    width, height = size
    values = {"keyframes": choose_keyframes(0, 6), "width": width, "height": height}
    return build_recipe(values | choices)


def time_film(song: Path, film: Path, recipe: Recipe) -> Report:
    """Make a film in a new process and return its report."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(make_here, song, film, recipe).result()


def write_demo_song(path: Path, n_times: int) -> None:
    """Write the demo song, so many times after itself, block by block."""
    song = compose_demo()
    samples = np.round(song.samples * 32767).astype(np.int16)
    with soundfile.SoundFile(path, "w", song.sample_rate, 2, "PCM_16") as file:
        for _ in range(n_times):
            file.write(samples)


def make_here(song: Path, film: Path, recipe: Recipe) -> Report:
    """Make a film in this process, and report to nobody on the way."""
    return make_film(
        Song(path=song, limits=Limits(max_duration_s=LONGEST_S, max_bytes=2**40)),
        film,
        recipe,
        work=film.with_suffix(".work"),
        progress=_ignore,
    )


def _ignore(stage: str, done: int, total: int) -> None:
    """Report to nobody."""
