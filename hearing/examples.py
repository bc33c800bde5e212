"""Made songs as the beat network hears them, with the beats that are known of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spectro.hearing import read_bands
from spectro.spectrum import COLUMN_HOP
from spectro.windows import measure_reference_db
from training_data.listening import opened
from training_data.songs import render
from training_data.tempo import draw_retimed_plan

SONG_S = 30.0
FIRST_SEED = 5_000_000
HELD_OUT_SEED = 6_000_000  # from here on songs are for measuring only
BEATLESS = ("speech",)  # styles in which nobody would tap


@dataclass(frozen=True, kw_only=True)
class Example:
    """One song."""

    bands: NDArray[np.float16]  # (n, N_BANDS), see `spectro.hearing`
    beat_times_s: NDArray[np.float64]
    downbeat_times_s: NDArray[np.float64]


def make_example(seed: int) -> Example:
    """Compose a song and listen to it."""
    rng = np.random.default_rng(seed)
    plan, _ = draw_retimed_plan(rng, SONG_S)
    song = render(plan, SONG_S, rng)
    with opened(song) as (_, mono):
        n = mono.n_samples // COLUMN_HOP + 1
        bands = read_bands(mono, measure_reference_db(mono), 0, n)
    none = np.zeros(0)
    is_beatless = song.style in BEATLESS
    return Example(
        bands=bands.astype(np.float16),
        beat_times_s=none if is_beatless else song.beat_times_s,
        downbeat_times_s=none if is_beatless else song.downbeat_times_s,
    )


def load_examples(
    folder: Path, first: int, n: int, tell: Callable[[int, int], None]
) -> list[Example]:
    """Return n examples from a seed on; those that lie in the folder are read, others made."""
    folder.mkdir(parents=True, exist_ok=True)
    examples = []
    for place in range(n):
        path = folder / f"{first + place}.npz"
        if not path.exists():
            example = make_example(first + place)
            partial = path.with_suffix(".partial.npz")
            np.savez(partial, **vars(example))
            partial.replace(path)
            tell(place + 1, n)
        with np.load(path) as arrays:
            examples.append(Example(**arrays))
    return examples
