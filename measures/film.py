"""A finished film, decoded: small pictures with their times, and its sound, piece by piece.

Nothing is kept here, so a long film needs no more memory than a short one. Times are those of the
player's clock, on which pictures and sound may begin at different moments.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

PICTURE_SIDE: Final = 256  # pixels, the long side of the pictures that change is measured in
SMALL_SIDE: Final = 64  # pixels, the long side of those for flashes, colours and flow
SAMPLE_RATE: Final = 24_000  # Hz: rows of 100 and of 20 a second are whole samples apart
_GAP_S: Final = 0.05  # what a sound's times may be off by, rounded to the container's clock

Pixels = NDArray[np.uint8]


class Unmeasurable(ValueError):  # noqa: N818, named by what is wrong
    """A film or a list of times that cannot be measured; its text is one sentence to show."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A frame of a film, as it is seen."""

    time_s: float  # when it appears
    end_s: float  # when it is over, by its own duration
    pixels: Pixels  # (h, w, 3), sRGB, the long side `PICTURE_SIDE` or the film's own
    small: Pixels  # (h, w, 3), sRGB, the long side `SMALL_SIDE` or the film's own


class _Piece(NamedTuple):
    start: int  # index of its first sample; negative before the part that is wanted
    samples: NDArray[np.float32]  # (n,)


def check_film(path: Path) -> int:
    """See that a file is a film with moving pictures and sound.

    Returns
    -------
    How many pictures it promises; 0 where it does not say.

    Raises
    ------
    Unmeasurable
        It is not.
    """
    with _opened(path) as container:
        _find_sound(container, path)
        return _find_pictures(container, path).frames


def decode_pictures(path: Path) -> Iterator[Picture]:
    """Decode a film's pictures in the order of their times.

    Raises
    ------
    Unmeasurable
        There is no film, it has no moving pictures, or it is damaged.
    """
    with _opened(path) as container:
        stream = _find_pictures(container, path)
        stream.thread_type = "AUTO"
        # One for each size: they keep what they computed for it.
        to_medium, to_small = VideoReformatter(), VideoReformatter()
        is_empty = True
        for frame in container.decode(stream):
            is_empty = False
            if frame.pts is None:
                raise Unmeasurable(f"{path.name} tells no times of its pictures: make it an MP4.")
            medium = _shrink(to_medium, frame, PICTURE_SIDE)
            yield Picture(
                time_s=frame.time,
                end_s=frame.time + float(frame.duration * (frame.time_base or 0)),
                pixels=np.asarray(medium.to_ndarray(), np.uint8),
                small=np.asarray(_shrink(to_small, medium, SMALL_SIDE).to_ndarray(), np.uint8),
            )
        if is_empty:
            raise Unmeasurable(f"{path.name} holds no pictures: make or copy it again.")


def decode_sound(path: Path, start_s: float, n_samples: int) -> Iterator[NDArray[np.float32]]:
    """Decode a film's sound, mixed to one channel.

    Parameters
    ----------
    start_s : the time of the first sample wanted
    n_samples : how many at `SAMPLE_RATE`; silence where the film has no sound

    Yields
    ------
    (n,) float32, full scale = 1, n_samples in all
    """
    n_done = 0
    for piece in _decode_pieces(path, start_s):
        start = max(piece.start, n_done)
        samples = piece.samples[start - piece.start : max(0, n_samples - piece.start)]
        if len(samples):
            yield np.zeros(start - n_done, np.float32)
            yield samples
            n_done = start + len(samples)
    yield np.zeros(n_samples - n_done, np.float32)


def _decode_pieces(path: Path, start_s: float) -> Iterator[_Piece]:
    with _opened(path) as container:
        stream = _find_sound(container, path)
        resampler, due_s, position = None, 0.0, 0
        for frame in container.decode(stream):
            time_s = due_s if frame.time is None else frame.time
            if resampler is None or abs(time_s - due_s) > _GAP_S:
                resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
                position = round((time_s - start_s) * SAMPLE_RATE)
            due_s = time_s + frame.samples / frame.sample_rate
            frame.pts = None  # the resampler need not know of rounded times
            for resampled in resampler.resample(frame):
                samples = np.asarray(resampled.to_ndarray()[0], np.float32)
                yield _Piece(start=position, samples=samples)
                position += len(samples)


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    if not path.is_file():
        raise Unmeasurable(f"There is no film {path}: name an MP4.")
    try:
        with av.open(path) as container:
            yield container
    except av.error.FFmpegError as error:
        raise Unmeasurable(f"{path.name} is not a film, or is damaged: name an MP4.") from error


def _find_pictures(container: InputContainer, path: Path) -> VideoStream:
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:  # the cover of an album
            return stream
    raise Unmeasurable(f"{path.name} holds no moving pictures: name a film.")


def _find_sound(container: InputContainer, path: Path) -> AudioStream:
    for stream in container.streams.audio:
        return stream
    raise Unmeasurable(f"{path.name} has no sound track: name a film with its music.")


def _shrink(reformatter: VideoReformatter, frame: VideoFrame, side: int) -> VideoFrame:
    scale = min(1.0, side / max(frame.width, frame.height))
    # Two pixels at least, so that there is a difference along each side.
    width, height = (max(2, round(pixels * scale)) for pixels in (frame.width, frame.height))
    return reformatter.reformat(
        frame,
        width=width,
        height=height,
        format="rgb24",
        interpolation=Interpolation.AREA,  # averages, so that nothing fine flickers
        threads=1,  # measured: starting more takes ten times as long as the work
    )
