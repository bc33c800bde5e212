"""Stills of the GAN beside held-out pictures: how near, how varied, how new."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from keyframes.stills import Stills, paint_all
from measures import pictures as picture_measures
from themes.arrays import N_AT_ONCE, Bytes, save_sheet, split, to_bytes
from training_data.pairs import Progress


@dataclass(frozen=True, kw_only=True)
class Library:
    """Pictures that stand for the theme, (n, 3, side, side) uint8."""

    training: Bytes
    held_out: Bytes


def measure_stills(
    stills: Stills, library: Library, sheets: Path, progress: Progress
) -> dict[str, Any]:
    """Compare as many stills as pictures are held out, and look for copies of training pictures."""
    n, side = len(library.held_out), library.held_out.shape[-1]
    painted = np.concatenate(list(_paint(stills, n, side, progress)))
    training = library.training[:n]
    sets: dict[str, Callable[[], Iterator[Bytes]]] = {
        "training": lambda: split(training),
        "stills": lambda: split(painted),
        "Gaussian": lambda: split(picture_measures.draw_gaussian(training, seed=0)),
    }
    judge = picture_measures.Judge(split(library.held_out))
    verdicts = {label: judge.compare(batches()) for label, batches in sets.items()}
    floor = verdicts["training"].sliced_wasserstein
    save_sheet(sheets / "stills.jpg", picture_measures.to_unit(painted[:24]), 6)
    return {
        "n_pictures": n,
        "sliced_wasserstein": {
            label: verdict.sliced_wasserstein for label, verdict in verdicts.items()
        },
        "sliced_wasserstein_over_that_of_training": {
            label: {
                level: distance / floor[level]
                for level, distance in verdict.sliced_wasserstein.items()
            }
            for label, verdict in verdicts.items()
        },
        "coarsest_patches": {
            label: asdict(verdict.coarsest) for label, verdict in verdicts.items()
        },
        "memorising": _measure_memorising(painted, library, sheets),
    }


def _paint(stills: Stills, n: int, side: int, progress: Progress) -> Iterator[Bytes]:
    for start in range(0, n, N_AT_ONCE):
        seeds = range(start, min(n, start + N_AT_ONCE))
        styles = torch.stack([stills.style(seed) for seed in seeds])
        yield to_bytes(paint_all(stills, styles, side, side))
        progress(seeds.stop, n)


def _measure_memorising(stills: Bytes, library: Library, sheets: Path) -> dict[str, float]:
    """Compare the stills' nearest training pictures with those of held-out pictures."""
    shelves = np.concatenate([picture_measures.shrink(b) for b in split(library.training)])
    made, held_out = (
        picture_measures.find_nearest(
            np.concatenate([picture_measures.shrink(batch) for batch in split(pictures)]), shelves
        )
        for pictures in (stills, library.held_out)
    )
    closest = np.argsort(made.distances)[:8]  # the most suspicious ones first
    order = np.concatenate([closest, np.arange(8)])
    twins = np.concatenate([library.training[i : i + 1] for i in made.indices[order]])
    rows = [stills[order[:8]], twins[:8], stills[order[8:]], twins[8:]]
    save_sheet(sheets / "nearest.jpg", picture_measures.to_unit(np.concatenate(rows)), 8)
    return {
        "nearest_median": float(np.median(made.distances)),
        "nearest_smallest": float(made.distances.min()),
        "held_out_nearest_median": float(np.median(held_out.distances)),
        "held_out_nearest_smallest": float(held_out.distances.min()),
    }
