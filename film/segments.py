"""How a film is cut: segments of a few seconds, and in them the batches that are painted.

Both lie on a grid of absolute frame numbers of the whole song, so that a frame is painted in the
same company whether the film is whole, an excerpt or resumed (a convolution's last bits can
change with the batch):

    frame     0       8      16      24      ...     96     104
    batch     |-------|-------|-------|---- ... -----|-------|--
    segment   |--------------- 96 frames, 4 s -------|----------
    excerpt              |----- 13 to 99 ---------------|
                      its first batch is painted whole, and frames 8 to 12 are dropped
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from spectro.errors import TonfilmError
from spectro.timeline import Timeline

BATCH_FRAMES: Final = 8  # measured: one frame a batch paints half as fast, 16 no faster
SEGMENT_S: Final = 4  # what a kill can lose, and the distance between places to jump to
# The first segments are short and grow: who waits sees something sooner.
FIRST_S: Final = (Fraction(1, 3), Fraction(1))  # where the first two end


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """The part of a song that becomes a film."""

    first_frame: int  # of the whole song's timeline
    stop_frame: int  # one after the last
    first_sample: int  # of the song at its own rate, at the first frame's exact time
    stop_sample: int  # one after the last

    @property
    def n_frames(self) -> int:
        """Count the film's frames."""
        return self.stop_frame - self.first_frame


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Frames that are painted at once: always `BATCH_FRAMES`, of which some may be dropped."""

    first_frame: int  # a multiple of BATCH_FRAMES
    # Which of the batch's frames belong to its segment.
    kept: slice = field(default_factory=lambda: slice(0, 0))
    segment: "Segment | None" = None  # none for what the flash guard alone looks at


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Frames that are encoded into one file."""

    first_frame: int
    stop_frame: int  # one after the last

    @property
    def n_frames(self) -> int:
        """Count the segment's frames."""
        return self.stop_frame - self.first_frame

    @property
    def file_name(self) -> str:
        """Name the segment's file, so that names sort as the film runs."""
        return f"{self.first_frame:08d}-{self.stop_frame:08d}.mp4"

    def batches(self) -> Iterator[Batch]:
        """Walk through the batches that hold the segment's frames."""
        first = self.first_frame // BATCH_FRAMES * BATCH_FRAMES
        for batch in range(first, self.stop_frame, BATCH_FRAMES):
            kept = slice(
                max(self.first_frame - batch, 0), min(self.stop_frame - batch, BATCH_FRAMES)
            )
            yield Batch(first_frame=batch, kept=kept, segment=self)


def cut_excerpt(timeline: Timeline, start_s: float, duration_s: float | None) -> Excerpt:
    """Find the frames and the samples of an excerpt; frame and sample bounds agree exactly.

    Raises
    ------
    TonfilmError
        The excerpt starts after the song's end.
    """
    first = round(Fraction(str(start_s)) * timeline.fps)
    if first >= timeline.n_frames:
        raise TonfilmError(
            f"The film would start at {start_s:g} s, but the song is only "
            f"{timeline.duration_s:.3f} s long: choose an earlier start."
        )
    stop = timeline.n_frames
    if duration_s is not None:
        stop = min(stop, first + max(1, math.ceil(Fraction(str(duration_s)) * timeline.fps)))
    samples_a_frame = timeline.sample_rate / timeline.fps
    is_open = stop == timeline.n_frames
    # Rounded inwards, so that the sound never asks for one frame more than there are; but not
    # where the last frame hangs on that very sample.
    first_sample = math.ceil(first * samples_a_frame)
    if is_open and math.ceil((timeline.n_samples - first_sample) / samples_a_frame) < stop - first:
        first_sample = math.floor(first * samples_a_frame)
    return Excerpt(
        first_frame=first,
        stop_frame=stop,
        first_sample=min(first_sample, timeline.n_samples - 1),
        stop_sample=timeline.n_samples if is_open else math.floor(stop * samples_a_frame),
    )


def plan(first_frame: int, stop_frame: int, fps: Fraction) -> tuple[Segment, ...]:
    """Cut a film into segments of about `SEGMENT_S`, whole batches of the absolute grid.

    What comes first is parted further, after about `FIRST_S`.
    """
    n, *early = (
        max(1, round(s * fps / BATCH_FRAMES)) * BATCH_FRAMES for s in (SEGMENT_S, *FIRST_S)
    )
    usual = [*range((first_frame // n + 1) * n, stop_frame, n)]
    begin = first_frame // BATCH_FRAMES * BATCH_FRAMES
    short = {begin + n_frames for n_frames in early}
    starts = [first_frame, *sorted(s for s in short if s < [*usual, stop_frame][0]), *usual]
    return tuple(
        Segment(first_frame=start, stop_frame=stop)
        for start, stop in zip(starts, [*starts[1:], stop_frame], strict=True)
    )
