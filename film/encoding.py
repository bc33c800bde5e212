"""Frames into segments: one encoder run and one file each. No torch.

A run starts with a picture that needs no other and ends with all of its pictures out, so no
frame of one segment leans on another, and segments can be joined without encoding again.
"""

from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import av
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from numpy import uint8
from numpy.typing import NDArray

from film.disk import name_unfinished, settle_file

# Neither preset weighs macroblocks by what later frames take from them ("mbtree"). From veryfast on
# x264 does, and then the same frames gave other bytes from run to run (seen at 64 pixels' width).
QUALITIES: Final[dict[str, dict[str, str]]] = {
    "draft": {"preset": "ultrafast", "crf": "23"},
    "final": {"preset": "superfast", "crf": "18"},
}
# x264's result depends on how many threads share the work, so the number is fixed, not the
# machine's: a film goes on elsewhere as it began.
ENCODER_THREADS: Final = 2
STILL_WIDTH: Final = 640  # pixels, at most, of the picture of the latest frame


@dataclass(frozen=True, kw_only=True)
class VideoForm:
    """What all segments of a film have in common."""

    width: int  # pixels, even
    height: int  # pixels, even
    fps: Fraction
    quality: Literal["draft", "final"]


class SegmentWriter:
    """Encodes one segment; its file stands under its name only when it is whole.

    Used as a context; leaving it before `finish` leaves no file behind.
    """

    def __init__(self, path: Path, form: VideoForm, n_frames: int) -> None:
        self._path = path
        self._unfinished = name_unfinished(path)
        self._n_frames = n_frames
        self._n_written = 0
        self._container = av.open(self._unfinished, "w", format="mp4")
        self._stream = _add_video(self._container, form)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._unfinished.unlink(missing_ok=True)
        # What is left unfinished may fail to close too, and its error is not the one to show.
        with suppress(OSError):
            self._container.close()

    def write(self, planes: NDArray[uint8]) -> None:
        """Encode some frames.

        Parameters
        ----------
        planes : (n, height * 3 / 2, width) uint8, each frame's Y, U and V plane packed one after
            another, BT.709 in limited range
        """
        for packed in planes:
            frame = VideoFrame.from_ndarray(packed, format="yuv420p")
            frame.pts = self._n_written
            self._n_written += 1
            self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """End the file, check it, and give it its name.

        Raises
        ------
        RuntimeError
            Another number of frames was written than promised.
        """
        self._container.mux(self._stream.encode(None))
        self._container.close()
        if self._n_written != self._n_frames or not is_whole(self._unfinished, self._n_frames):
            raise RuntimeError(
                f"{self._path.name} was given {self._n_written} frames of {self._n_frames}"
            )
        settle_file(self._unfinished, self._path)


def is_whole(path: Path, n_frames: int) -> bool:
    """Claim that a segment's file stands, can be opened and holds this many frames.

    Only the index at the file's end is read, which is written last.
    """
    if not path.is_file():
        return False
    try:
        with av.open(path) as container:
            return container.streams.video[0].frames == n_frames
    except (av.error.InvalidDataError, IndexError):
        return False


def encode_still(planes: NDArray[uint8]) -> bytes:
    """Encode one frame as a JPEG of at most `STILL_WIDTH` pixels' width.

    Parameters
    ----------
    planes : (height * 3 / 2, width) uint8, as for `SegmentWriter.write`
    """
    frame = VideoFrame.from_ndarray(planes, format="yuv420p")
    width = min(STILL_WIDTH, frame.width)
    small = frame.reformat(
        width=width,
        height=max(2, round(frame.height * width / frame.width / 2) * 2),
        format="yuvj420p",
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU601,  # what readers of JPEG take for granted
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
    )
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = small.width, small.height, "yuvj420p"
    encoder.time_base = Fraction(1, 25)  # of no meaning in a still, but asked for
    return b"".join(bytes(packet) for packet in [*encoder.encode(small), *encoder.encode(None)])


def _add_video(container: OutputContainer, form: VideoForm) -> VideoStream:
    # One group of pictures a segment: players jump to the segments' starts.
    options = {**QUALITIES[form.quality], "g": "100000", "forced-idr": "1"}
    stream = container.add_stream("libx264", rate=form.fps, options=options)
    stream.width, stream.height, stream.pix_fmt = form.width, form.height, "yuv420p"
    context = stream.codec_context
    context.time_base = 1 / form.fps
    context.thread_count = ENCODER_THREADS
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    context.colorspace = Colorspace.ITU709
    context.color_range = ColorRange.MPEG
    return stream
