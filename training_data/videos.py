"""Music videos read with MoviePy: frames and sound, always forward and a piece at a time."""

import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from subprocess import Popen
from threading import Thread
from typing import Final, Protocol

import numpy as np
from moviepy.audio.io.readers import FFMPEG_AudioReader
from moviepy.video.io.ffmpeg_reader import FFMPEG_VideoReader
from numpy.typing import NDArray

from spectro.audio import ANALYSIS_RATE, BLOCK_SAMPLES

ENDINGS: Final = (
    *(".3g2", ".3gp", ".amv", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".m2t", ".m2ts"),
    *(".m2v", ".m4v", ".mkv", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".nut"),
    *(".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".ts", ".vob", ".webm", ".wmv", ".wtv"),
)
# Frames a second. What claims more has no rate, such as the cover of an album, and ffmpeg would
# repeat each of its frames thousands of times.
_MAX_FPS: Final = 240
_SAMPLE_BYTES: Final = 4  # with MoviePy's default of two, quiet music ends 98 dB below full scale


class UnusableVideo(Exception):  # noqa: N818, named by what it says
    """A video that nothing can be learnt from; the text goes on after "it was skipped: "."""


class _Tended:
    """A reader of MoviePy's whose ffmpeg can complain as much as it likes.

    MoviePy leaves the complaints in a pipe; when that is full, both wait for ever.
    """

    proc: Popen[bytes] | None = None
    _drain: Thread | None = None

    def _tend(self) -> None:
        """Read away from now on what ffmpeg complains of."""
        if self.proc is not None and self._drain is None:
            self._drain = Thread(target=deque, args=(self.proc.stderr, 0), daemon=True)
            self._drain.start()

    def close(self, **_options: bool) -> None:
        """End ffmpeg and close its pipes, which MoviePy does for one that runs alone."""
        if self.proc is not None:
            with self.proc as process:
                process.kill()
                if self._drain is not None:
                    self._drain.join()
        self.proc = self._drain = None


class _FrameReader(_Tended, FFMPEG_VideoReader):
    """MoviePy's reader of frames, the one of its `VideoFileClip`."""

    def read_frame(self) -> NDArray[np.uint8]:
        """Read the next frame; the first one is read when ffmpeg begins."""
        self._tend()
        return super().read_frame()


class _SoundReader(_Tended, FFMPEG_AudioReader):
    """MoviePy's reader of sound, the one of its `AudioFileClip`."""

    def initialize(self, start_time: float = 0) -> None:
        """Begin to read at a time in seconds."""
        super().initialize(start_time)
        self._tend()


class Chunks(Protocol):
    """What sound is read from: MoviePy's reader."""

    def read_chunk(self, chunksize: int) -> NDArray[np.float64]:
        """Read the next samples, (chunksize, n_channels); after the end they are zero."""


class Sound:
    """The sound of a video, mono at `ANALYSIS_RATE`, read forward; a `spectro.audio.Signal`.

    Parameters
    ----------
    reader : at the first sample
    first : number of that sample
    n_samples : length of the whole sound
    """

    def __init__(self, reader: Chunks, first: int, n_samples: int) -> None:
        self.n_samples = n_samples
        self._reader = reader
        self._held = np.zeros(0, np.float32)  # the newest samples
        self._first = first  # number of the first one held

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Read (stop - start,) float32; outside the sound is silence.

        Pieces may overlap, but neither their starts nor their ends may go back.
        """
        while (n_missing := stop - self._first - len(self._held)) > 0:
            chunk = self._reader.read_chunk(min(n_missing, BLOCK_SAMPLES))
            n_past = min(max(0, start - self._first), len(self._held))
            held = self._held[n_past:]
            self._held = np.concatenate([held, chunk.mean(axis=1, dtype=np.float32)])
            self._first += n_past
        n_before = min(max(0, self._first - start), stop - start)
        piece = self._held[max(0, start - self._first) : max(0, stop - self._first)]
        return np.pad(piece, (n_before, 0))


class Video:
    """A music video that is open for reading; see `open_video`.

    Parameters
    ----------
    path : of the video
    reader : of its frames, which has read the first one and nothing more
    counts_length : whether the length must be found by decoding all of it
    """

    def __init__(self, path: Path, reader: _FrameReader, *, counts_length: bool) -> None:
        self._path, self._reader, self._counts_length = path, reader, counts_length
        self.fps = _exact(reader.fps)  # frames a second, steady
        self.duration_s = reader.duration

    def frames(self, numbers: range) -> Iterator[NDArray[np.uint8]]:
        """Read frames by their ascending numbers, once; end where the video ends.

        They are counted from the first one: MoviePy would seek to the time of a frame less 10 µs,
        and Matroska rounds its times by up to half a millisecond.

        Yields
        ------
        (side, side, 3) uint8
        """
        reader = self._reader
        for number in numbers:
            if number < reader.pos:
                yield reader.last_read
                continue
            reader.skip_frames(number - reader.pos)
            with warnings.catch_warnings():
                # At the end MoviePy warns, and gives the last frame again.
                warnings.simplefilter("error", UserWarning)
                try:
                    frame = reader.read_frame()
                except UserWarning:
                    return
            yield frame

    @contextmanager
    def open_sound(self, first: int = 0) -> Iterator[Sound]:
        """Open the sound for one reading from a sample on, or from the start where that is later.

        ffmpeg keeps the time of a sound that sets in after the picture, but for one that sets in
        after `first`.
        """
        first = max(0, first)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about subtitles and the like
            reader = _SoundReader(
                _address(self._path),
                buffersize=BLOCK_SAMPLES,
                decode_file=self._counts_length,
                fps=ANALYSIS_RATE,
                nbytes=_SAMPLE_BYTES,
            )
        with closing(reader):
            reader.initialize(first / ANALYSIS_RATE)
            yield Sound(reader, first, round(self.duration_s * ANALYSIS_RATE))


@contextmanager
def open_video(path: Path, side: int) -> Iterator[Video]:
    """Open a music video whose frames are resized to a square.

    Parameters
    ----------
    path : of the video
    side : pixels

    Raises
    ------
    UnusableVideo
        It is broken, empty, without picture or without sound.
    """
    if path.stat().st_size == 0:
        raise UnusableVideo("it is empty")
    for counts_length in (False, True):  # some recorders do not write how long a video is
        with suppress(OSError):
            reader = _open_frames(path, side, counts_length=counts_length)
            break
    else:
        raise UnusableVideo("it is broken, or holds no picture")
    with closing(reader):
        if not reader.infos["audio_found"]:
            raise UnusableVideo("it has no sound")
        if not 0 < reader.fps <= _MAX_FPS:
            raise UnusableVideo("it has no steady frame rate")
        yield Video(path, reader, counts_length=counts_length)


def _open_frames(path: Path, side: int, *, counts_length: bool) -> _FrameReader:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about subtitles and the like
        return _FrameReader(
            _address(path),
            decode_file=counts_length,
            # ffmpeg's bicubic filter grows with what it makes smaller: it does not alias.
            target_resolution=(side, side),
            # The rate at which ffmpeg hands frames over; where the rate of a video varies, it
            # repeats some.
            fps_source="tbr",
        )


def _address(path: Path) -> str:
    # Absolute, since ffmpeg would take "Part 1: Dawn.mp4" for the address of a server.
    return str(path.absolute())


def _exact(fps: float) -> Fraction:
    """Undo the rounding of a frame rate: 59.94 is 60000/1001."""
    ntsc = Fraction(round(fps * 1.001) * 1000, 1001)
    is_ntsc = fps > 20 and abs(float(ntsc) - fps) < 0.005  # ffmpeg prints two digits
    return ntsc if is_ntsc else Fraction(fps).limit_denominator(1000)
