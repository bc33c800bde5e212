"""From the score to frames: windows, pictures, effects and planes, a batch at a time.

a thread             windows of the batches after those, by NumPy
a thread for a core  pictures and planes of batches n + 1, n + 2 …, by torch
caller               encodes batch n

A core has a batch of its own, and torch one thread for it: the layers of a frame are small, and
threads that meet after each of them wait for each other most of the time.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from film import effects
from film.ahead import ahead, side_by_side
from film.engines import Duet
from film.planes import Size, to_planes
from film.report import Stopwatch
from film.segments import BATCH_FRAMES, Batch, Segment
from film.workroom import Heard
from spectro.score import Rows, Score
from spectro.windows import slice_windows

N_AHEAD = 2  # batches that wait for the next stage: enough to even out, little memory


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What all frames of a film are painted from."""

    duet: Duet
    score: Score
    heard: Heard
    size: Size


def paint_frames(
    scene: Scene, segments: Sequence[Segment], watch: Stopwatch
) -> Generator[NDArray[np.uint8], None, None]:
    """Paint the frames of some segments, in order, ahead of the caller.

    Yields
    ------
    (n, height * 3 / 2, width) uint8, the frames that a batch gives to its segment, as the
    encoder takes them; as many of them as `Segment.batches` gives
    """
    with (
        closing(ahead(_cut_windows(scene, segments, watch), N_AHEAD)) as windows,
        _one_thread_each() as n_threads,
        closing(side_by_side(partial(_paint, scene, watch), windows, n_threads)) as frames,
    ):
        yield from frames


@contextmanager
def _one_thread_each() -> Iterator[int]:
    """Let torch work with one thread; give the number that it had."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield n_threads
    finally:
        torch.set_num_threads(n_threads)


@dataclass(frozen=True, kw_only=True)
class _Block:
    """A batch and its spectrogram pictures."""

    batch: Batch
    windows: NDArray[np.float32]  # (BATCH_FRAMES, 256, 256)


def _cut_windows(scene: Scene, segments: Sequence[Segment], watch: Stopwatch) -> Iterator[_Block]:
    features = scene.heard.features
    for segment in segments:
        for batch in segment.batches():
            with watch.stage("windows"):
                windows = slice_windows(
                    scene.heard.mono,
                    features.window_reference_db,
                    features.timeline,
                    batch.first_frame,
                    BATCH_FRAMES,
                )
            yield _Block(batch=batch, windows=windows)


@torch.inference_mode()
def _paint(scene: Scene, watch: Stopwatch, block: _Block) -> NDArray[np.uint8]:
    rows = _whole_rows(scene.score, block.batch)
    with watch.stage("paint"):
        pictures = scene.duet.paint(rows, block.windows)
    with watch.stage("post"):
        pictures = effects.apply(pictures, rows)
        colour = effects.colour(rows, pictures.device)
        planes = to_planes(pictures, colour, scene.size)
    return planes[block.batch.kept]


def _whole_rows(score: Score, batch: Batch) -> Rows:
    """Take the batch's rows; the song's last one stands for those after its end."""
    frames = np.arange(batch.first_frame, batch.first_frame + BATCH_FRAMES)
    frames = np.minimum(frames, score.timeline.n_frames - 1)
    return Rows(
        first_frame=batch.first_frame,
        keyframe=score.keyframe[frames],
        controls=score.controls[frames],
    )
