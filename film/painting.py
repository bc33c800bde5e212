"""From the score to frames: windows, pictures, effects and planes, a batch at a time.

a thread             windows of the batches after those, by NumPy
a thread for a core  pictures and planes of batches n + 1, n + 2 …, by torch
caller               guards batch n, when those a second after it are painted, and encodes it

A core has a batch of its own, and torch one thread for it: the layers of a frame are small, and
threads that meet after each of them wait for each other most of the time.
"""

from collections.abc import Generator, Iterator, Sequence
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
    scene: Scene, segments: Sequence[Segment], watch: Stopwatch
) -> Generator[Guarded, None, None]:
    """Paint the frames of some segments, in order, ahead of the caller.

    Yields
    ------
    The frames that a batch gives to its segment; as many of them as `Segment.batches` gives.
    """
    for run in _join_runs(segments):
        batches = _surround(scene, run)
        with (
            closing(ahead(_cut_windows(scene, batches, watch), N_AHEAD)) as windows,
            one_thread() as n_threads,
            closing(side_by_side(partial(_paint, scene, watch), windows, n_threads)) as painted,
        ):
            if scene.is_guarded:
                yield from guard(painted, scene.score.timeline.fps)
            else:
                yield from (_leave(batch) for batch in painted)


def _leave(batch: Painted) -> Guarded:
    return Guarded(planes=batch.planes, is_calmed=np.zeros(len(batch.planes), np.bool_))


def _join_runs(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Put segments together that follow upon each other."""
    runs: list[list[Segment]] = []
    for segment in segments:
        if runs and runs[-1][-1].stop_frame == segment.first_frame:
            runs[-1].append(segment)
        else:
            runs.append([segment])
    return runs


def _surround(scene: Scene, run: Sequence[Segment]) -> list[Batch]:
    """List a run's batches, and those around it that the guard has to see."""
    inside = [batch for segment in run for batch in segment.batches()]
    if not scene.is_guarded:
        return inside
    timeline = scene.score.timeline
    n_around = reach(timeline.fps)
    first, last = inside[0].first_frame, inside[-1].first_frame
    earliest = max(0, run[0].first_frame - n_around) // BATCH_FRAMES * BATCH_FRAMES
    stop = min(timeline.n_frames, run[-1].stop_frame + n_around)
    nothing = slice(0, 0)
    before = range(earliest, first, BATCH_FRAMES)
    after = range(last + BATCH_FRAMES, stop, BATCH_FRAMES)
    return [
        *(Batch(first_frame=frame, kept=nothing) for frame in before),
        *inside,
        *(Batch(first_frame=frame, kept=nothing) for frame in after),
    ]


@dataclass(frozen=True, kw_only=True)
class _Block:
    """A batch and its spectrogram pictures."""

    batch: Batch
    windows: NDArray[np.float32]  # (BATCH_FRAMES, 256, 256)


def _cut_windows(scene: Scene, batches: Sequence[Batch], watch: Stopwatch) -> Iterator[_Block]:
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
    return Painted(first_frame=block.batch.first_frame, planes=planes, kept=kept, small=small)


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
