"""From the score to frames: windows, pictures, effects and planes, a batch at a time.

a thread             windows of the batches after those, by NumPy
a thread for a core  pictures and planes of batches n + 1, n + 2 …, by torch
caller               guards batch n, when those a second after it are painted, and encodes it

A core has a batch of its own, and torch one thread for it: the layers of a frame are small, and
threads that meet after each of them wait for each other most of the time.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from film import effects
from film.ahead import ahead, side_by_side
from film.engines import Duet
from film.flash_guard import Guarded, Painted, guard, reach, shrink
from film.planes import Size, to_planes
from film.report import Stopwatch
from film.segments import BATCH_FRAMES, Batch, Segment
from film.workroom import Heard
from pix2pix.threads import one_thread
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
    is_guarded: bool  # against flashes


def paint_frames(
    scene: Scene, segments: Iterable[Segment], watch: Stopwatch
) -> Generator[Guarded, None, None]:
    """Paint the frames of some segments, in the order in which they come, ahead of the caller.

    Parameters
    ----------
    segments : asked for one by one, when their painting begins, on threads of this function's own

    Yields
    ------
    The frames that a batch gives to its segment; as many of them as `Segment.batches` gives.
    """
    for run in _join_runs(iter(segments)):
        batches = _surround(scene, run)
        with (
            closing(ahead(_cut_windows(scene, batches, watch), N_AHEAD)) as windows,
            one_thread() as n_threads,
            closing(side_by_side(partial(_paint, scene, watch), windows, n_threads)) as painted,
        ):
            if scene.is_guarded:
                yield from guard(painted, scene.score.timeline.fps)
            else:
                yield from map(_leave, painted)


def _leave(painted: Painted) -> Guarded:
    return Guarded(
        segment=painted.batch.segment,
        planes=painted.planes,
        is_calmed=np.zeros(len(painted.planes), np.bool_),
    )


def _join_runs(segments: Iterator[Segment]) -> Iterator[Iterator[Segment]]:
    """Put segments together that follow upon each other; a run is read to its end, then the next.

    A segment is asked for when the one before it was taken.
    """
    following = next(segments, None)

    def run() -> Iterator[Segment]:
        nonlocal following
        while following is not None:
            segment = following
            yield segment
            following = next(segments, None)
            if following and following.first_frame != segment.stop_frame:
                return

    while following is not None:
        yield run()


def _surround(scene: Scene, run: Iterator[Segment]) -> Iterator[Batch]:
    """List a run's batches, and those around it that the guard has to see."""
    timeline = scene.score.timeline
    n_around = reach(timeline.fps) if scene.is_guarded else 0
    stop = 0
    for segment in run:
        if not stop:
            first = segment.first_frame // BATCH_FRAMES * BATCH_FRAMES
            earliest = max(0, segment.first_frame - n_around) // BATCH_FRAMES * BATCH_FRAMES
            yield from map(_look, range(earliest, first, BATCH_FRAMES))
        yield from segment.batches()
        stop = segment.stop_frame
    behind = -(-stop // BATCH_FRAMES) * BATCH_FRAMES
    yield from map(_look, range(behind, min(timeline.n_frames, stop + n_around), BATCH_FRAMES))


def _look(first_frame: int) -> Batch:
    return Batch(first_frame=first_frame)


@dataclass(frozen=True, kw_only=True)
class _Block:
    """A batch and its spectrogram pictures."""

    batch: Batch
    windows: NDArray[np.float32]  # (BATCH_FRAMES, 256, 256)


def _cut_windows(scene: Scene, batches: Iterator[Batch], watch: Stopwatch) -> Iterator[_Block]:
    features = scene.heard.features
    for batch in batches:
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
def _paint(scene: Scene, watch: Stopwatch, block: _Block) -> Painted:
    rows = _whole_rows(scene.score, block.batch)
    with watch.stage("paint"):
        pictures = scene.duet.paint(rows, block.windows)
    with watch.stage("post"):
        pictures = effects.apply(pictures, rows)
        colour = effects.colour(rows, pictures.device)
        n_heard = scene.score.timeline.n_frames - block.batch.first_frame
        small = shrink(pictures, colour)[:n_heard]
        kept = block.batch.kept
        planes = np.empty((0, 0, 0), np.uint8)  # of those that the guard alone looks at
        if kept.start < kept.stop:
            planes = to_planes(pictures, colour, scene.size)[kept]
    return Painted(batch=block.batch, planes=planes, small=small)


def _whole_rows(score: Score, batch: Batch) -> Rows:
    """Take the batch's rows; the song's last one stands for those after its end."""
    frames = np.arange(batch.first_frame, batch.first_frame + BATCH_FRAMES)
    frames = np.minimum(frames, score.timeline.n_frames - 1)
    return Rows(
        first_frame=batch.first_frame,
        keyframe=score.keyframe[frames],
        toward=score.toward[frames],
        controls=score.controls[frames],
    )
