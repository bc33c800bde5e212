"""Arrays of a song with their timeline in one .npz, which holds numbers and no code."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectro.timeline import Timeline


class Archive(NamedTuple):
    """What an .npz holds."""

    timeline: Timeline
    arrays: dict[str, NDArray[Any]]


def save_arrays(path: Path, timeline: Timeline, arrays: Mapping[str, ArrayLike]) -> None:
    """Write an .npz under a temporary name and rename it."""
    numbers = [*timeline.fps.as_integer_ratio(), timeline.n_samples, timeline.sample_rate]
    unfinished = path.with_name(f"{path.name}.part")
    with unfinished.open("wb") as file:  # given a name, NumPy would add .npz to it
        np.savez_compressed(file, allow_pickle=False, timeline=np.array(numbers), **dict(arrays))
    unfinished.replace(path)


def load_arrays(path: Path) -> Archive:
    """Read what `save_arrays` has written."""
    with np.load(path) as archive:
        arrays = dict(archive)
    numerator, denominator, n_samples, sample_rate = (int(n) for n in arrays.pop("timeline"))
    timeline = Timeline(
        fps=Fraction(numerator, denominator), n_samples=n_samples, sample_rate=sample_rate
    )
    return Archive(timeline=timeline, arrays=arrays)
