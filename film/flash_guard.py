"""The flash guard: no more than three flashes in any second (WCAG 2.x, success criterion 2.3.1).

What is done to a frame depends on small pictures of the frames within a second of it alone, as
they are before the guard. So films cut in any way agree.

    unguarded  ▁█▁█▁█▁█▁█▁▁▁▁█▁▁▁▁     small pictures, their cells' luminance
    second     └── too many ──┘        every second that a frame lies in is counted
    guarded    ▄▄▅▄▅▄▅▄▅▄▄▁▁▁█▁▁▁▁     large shapes are brought to their mean over a second

Only what is large is calmed: edges and detail stay. What flashes on a small part of the picture
is left alone, as the criterion does.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from film.colours import BLUE, GREEN, RED, from_rgb
from film.segments import Batch, Segment

LONG_SIDE: Final = 64  # cells of the small pictures; with half as many fine patterns got through
# Three flashes, as the criterion allows; where a second is calmed in part, its border may add a
# seventh transition, which is still three.
MOST_TRANSITIONS: Final = 6
AREA: Final = 0.22  # of the picture; the criterion has a quarter
CHANGE: Final = 0.09  # of the largest relative luminance; the criterion has a tenth
DARKER: Final = 0.82  # the darker state is below this; the criterion has .8
# Of saturated red, as in WCAG 2.0 and 2.1, with the same margins.
RED_SHARE, RED_CHANGE = 0.75, 16.0 / 320.0
KEPT: Final = 0.04  # share of a large shape's swing that is left in a frame that is calmed


@dataclass(frozen=True, kw_only=True)
class Painted:
    """A batch before the guard."""

    batch: Batch
    planes: NDArray[np.uint8]  # (n, height * 3 / 2, width), of those frames that are kept
    small: NDArray[np.float32]  # (up to BATCH_FRAMES, 3, h, w), of those that the song has


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """What a batch gives to its segment."""

    segment: Segment | None
    planes: NDArray[np.uint8]  # (n, height * 3 / 2, width)
    is_calmed: NDArray[np.bool_]  # (n,)


def shrink(pictures: Tensor, colour: Tensor) -> NDArray[np.float32]:
    """Return small pictures of frames as the film shows them, (B, 3, h, w) in BT.709.

    Parameters
    ----------
    pictures : (B, 3, H, W) in [0, 1]
    colour : (B, 3, 4), from `effects.colour`
    """
    height, width = pictures.shape[2:]
    scale = min(1.0, LONG_SIDE / max(height, width))
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    cells = F.adaptive_avg_pool2d(pictures, (h, w)).flatten(2)
    seen = torch.baddbmm(colour[:, :, 3:], colour[:, :, :3] @ from_rgb(cells.device), cells)
    return seen.view(-1, 3, h, w).cpu().numpy()


def reach(fps: Fraction) -> int:
    """Return how many frames to either side of a frame decide what is done to it."""
    return math.ceil(fps)


def guard(batches: Iterable[Painted], fps: Fraction) -> Iterator[Guarded]:
    """Calm what flashes too often.

    Parameters
    ----------
    batches : in a row, in order, from `reach` frames before the first that the film has to as
        many after the last one, as far as the song goes

    Yields
    ------
    What is left of each batch that the film has frames of.
    """
    n_around = reach(fps)
    waiting = deque[Painted]()
    seen = np.zeros((0,), np.float32)
    first_seen = 0
    for batch in batches:
        if not waiting and not len(seen):
            first_seen, seen = batch.batch.first_frame, batch.small[:0]
        seen = np.concatenate([seen, batch.small])
        waiting.append(batch)
        while first_seen + len(seen) >= _stop(waiting[0]) + n_around:
            yield from _let_out(waiting.popleft(), seen, first_seen, n_around)
            if not waiting:
                break
            n_old = max(0, waiting[0].batch.first_frame - n_around - first_seen)
            seen, first_seen = seen[n_old:], first_seen + n_old
    for batch in waiting:  # nothing comes after them
        yield from _let_out(batch, seen, first_seen, n_around)


def _stop(painted: Painted) -> int:
    return painted.batch.first_frame + int(painted.batch.kept.stop)


def _let_out(
    painted: Painted, seen: NDArray[np.float32], first_seen: int, n_around: int
) -> Iterator[Guarded]:
    if not len(painted.planes):
        return
    batch = painted.batch
    first, stop = batch.first_frame + batch.kept.start - first_seen, _stop(painted) - first_seen
    around = slice(max(0, first - n_around), stop + n_around)
    is_unsafe = find_unsafe(seen[around], n_around)[first - around.start : stop - around.start]
    planes = painted.planes.copy() if is_unsafe.any() else painted.planes
    for place in np.flatnonzero(is_unsafe):
        t = first + int(place)
        usual = seen[max(0, t - n_around // 2) : t + n_around // 2 + 1].mean(0, np.float64)
        _add(planes[place], ((1 - KEPT) * (usual - seen[t])).astype(np.float32))
    yield Guarded(segment=batch.segment, planes=planes, is_calmed=is_unsafe)


def find_unsafe(seen: NDArray[np.float32], n_window: int) -> NDArray[np.bool_]:
    """Tell which frames lie in a second with too many flashes.

    Parameters
    ----------
    seen : (n, 3, h, w), small pictures
    n_window : frames of a second

    Returns
    -------
    (n,) bool
    """
    luminance, redness, is_red = _see(seen)
    dark = luminance < DARKER
    n = len(seen)
    starts = np.arange(max(1, n - n_window + 1))
    unsafe = np.zeros(n, np.bool_)
    for values, marked, change in ((luminance, dark, CHANGE), (redness, is_red, RED_CHANGE)):
        lively = starts[_find_lively(values, change, starts, n_window)]
        counts = _count(values, marked, change, lively, n_window)
        for start in lively[counts > MOST_TRANSITIONS]:
            unsafe[start : start + n_window] = True
    return unsafe


def _find_lively(
    values: NDArray[np.float32], change: float, starts: NDArray[np.int64], n_window: int
) -> NDArray[np.bool_]:
    """Tell which windows change enough in all for too many transitions; most films have none."""
    changes = np.abs(np.diff(values, axis=0, prepend=values[:1]))
    so_far = changes.cumsum(0, np.float64)
    stops = np.minimum(starts + n_window, len(values)) - 1
    needed = (MOST_TRANSITIONS + 1) * change * (1 - 1e-6)
    enough = so_far[stops] - so_far[starts] >= needed
    return np.asarray(enough.mean(1) >= AREA * (1 - 1e-6))


def _see(
    seen: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Return relative luminance, redness, and what is saturated red, (n, cells) each."""
    to_rgb = torch.linalg.inv(from_rgb(torch.device("cpu"))).numpy()
    flat = seen.reshape(len(seen), 3, -1)
    rgb = np.clip(np.einsum("ij,njk->nik", to_rgb, flat), 0.0, 1.0)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    red, green, blue = linear[:, 0], linear[:, 1], linear[:, 2]
    luminance = RED * red + GREEN * green + BLUE * blue
    redness = np.maximum(red - green - blue, 0.0)
    is_red = (red >= RED_SHARE * (red + green + blue)) & (red > 0.005)
    return luminance.astype(np.float32), redness.astype(np.float32), is_red


def _count(
    values: NDArray[np.float32],
    marked: NDArray[np.bool_],
    change: float,
    starts: NDArray[np.int64],
    n_window: int,
) -> NDArray[np.int64]:
    """Count the transitions that `AREA` of the picture has at least in each window, (n_windows,).

    All windows go forward together. A cell has a transition when it has come far enough from its
    highest or lowest value since the last one; two opposing ones are a flash.
    """
    high, low = values[starts].copy(), values[starts].copy()
    high_marked, low_marked = marked[starts].copy(), marked[starts].copy()
    direction = np.zeros(high.shape, np.int8)
    n_transitions = np.zeros(high.shape, np.int16)
    for step in range(1, n_window):
        at = np.minimum(starts + step, len(values) - 1)
        now, is_marked = values[at], marked[at]
        falls = (high - now >= change) & (is_marked | high_marked) & (direction >= 0)
        rises = (now - low >= change) & (is_marked | low_marked) & (direction <= 0) & ~falls
        turned = falls | rises
        n_transitions += turned
        direction = np.where(falls, -1, np.where(rises, 1, direction)).astype(np.int8)
        is_high, is_low = turned | (now > high), turned | (now < low)
        high, low = np.where(is_high, now, high), np.where(is_low, now, low)
        high_marked = np.where(is_high, is_marked, high_marked)
        low_marked = np.where(is_low, is_marked, low_marked)
    n_needed = math.ceil(AREA * values[0].size)
    ranked = np.partition(n_transitions, -n_needed, axis=1)
    return np.asarray(ranked[..., -n_needed], np.int64)


def _add(planes: NDArray[np.uint8], change: NDArray[np.float32]) -> None:
    """Add a small picture (3, h, w) to a frame's planes (height * 3 / 2, width), in place."""
    height, width = planes.shape[-2] * 2 // 3, planes.shape[-1]
    pieces = np.split(planes.reshape(-1), (height * width, height * width * 5 // 4))
    scales = ((219.0, 235), (224.0, 240), (224.0, 240))
    for place, (piece, (scale, highest)) in enumerate(zip(pieces, scales, strict=True)):
        half = 1 if place == 0 else 2
        small = torch.from_numpy(scale * change[place])[None, None]
        large = F.interpolate(small, (height // half, width // half), mode="bilinear")
        piece[:] = np.clip(np.rint(piece + large.numpy().ravel()), 16, highest)
