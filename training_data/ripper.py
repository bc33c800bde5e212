"""Music videos ripped into pairs of spectrogram picture and frame, by the published recipe."""

import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spectro.audio import ANALYSIS_RATE
from spectro.errors import TonfilmError
from spectro.windows import (
    N_BINS,
    N_COLUMNS,
    N_WINDOW_SAMPLES,
    batch_pictures,
    measure_reference_db,
)
from training_data.pair_index import Entry, Index
from training_data.videos import ENDINGS, UnusableVideo, Video, open_video

RIPPING_NAME: Final = "ripping.json"  # the numbers that a folder's pairs were ripped with
PREVIEW_NAME: Final = "preview.npz"
_MIN_SIDE: Final = 16

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Ripping:
    """What is taken out of each video; all but the preview is the published recipe's.

    Raises
    ------
    ValueError
        A field is out of its range.
    """

    every_n_frames: int = 45
    from_s: float = 30.0  # the first frame starts here or next after it
    to_s: float = 90.0  # all frames start before
    side: int = 256  # pixels, of the frames
    preview_s: float = 10.0  # length of the excerpt with all its frames

    def __post_init__(self) -> None:
        if self.every_n_frames < 1:
            raise ValueError(f"every_n_frames is at least 1, not {self.every_n_frames}.")
        if not 0 <= self.from_s < self.to_s < math.inf:
            raise ValueError(
                f"from_s is at least 0 and less than to_s, not {self.from_s:g} and {self.to_s:g}."
            )
        if self.side < _MIN_SIDE:
            raise ValueError(f"side is at least {_MIN_SIDE} pixels, not {self.side}.")
        if not 0 < self.preview_s < math.inf:
            raise ValueError(f"preview_s is more than 0, not {self.preview_s}.")

    def numbers(self, fps: Fraction) -> range:
        """Return the numbers of the frames that are taken out of a long video."""
        # Milliseconds, since a float such as 0.4 is a little more than it says.
        times_s = (Fraction(round(1000 * s), 1000) for s in (self.from_s, self.to_s))
        first, end = (math.ceil(time_s * fps) for time_s in times_s)
        return range(first, max(end, first + 1), self.every_n_frames)


@dataclass(frozen=True, kw_only=True)
class Ripped:
    """What a ripping has come to."""

    n_pairs: int  # that the folder holds now
    n_videos: int  # that they are from
    n_skipped: int  # videos that were found and could not be used


@dataclass(frozen=True, kw_only=True)
class Found:
    """A video in the user's folder."""

    path: Path
    video: str  # path inside that folder, with /
    n_bytes: int
    modified_ns: int

    def is_in(self, entries: list[Entry]) -> bool:
        """Claim that the pairs are of this video as it is now."""
        stamp = (self.n_bytes, self.modified_ns)
        return any((entry.n_bytes, entry.modified_ns) == stamp for entry in entries)

    def name_at(self, time_s: float) -> str:
        """Name a pair. A video that has changed gives new names, so none is overwritten."""
        word = re.sub("[^a-z0-9]+", "-", self.path.stem.lower()).strip("-")[:24].strip("-")
        told = os.fsencode(f"{self.video}\n{self.n_bytes}\n{self.modified_ns}")
        return f"{word or 'video'}-{hashlib.sha256(told).hexdigest()[:8]}-{time_s:08.3f}s"


@dataclass(frozen=True, kw_only=True)
class _Moment:
    """A frame, and the sound before it."""

    number: int  # of the frame
    spectrogram: NDArray[np.uint8]  # (256, 256)
    frame: NDArray[np.uint8]  # (side, side, 3)


def rip(videos: Path, folder: Path, ripping: Ripping, tell: Tell) -> Ripped:
    """Rip all music videos of a folder into pairs, those that are new or have changed.

    The pairs of a video count from when all of them are written, so an interrupted ripping goes on
    with the video that it was at.

    Parameters
    ----------
    videos : searched with all folders inside it
    folder : of the pairs, as `training_data.pair_index` describes it; and `preview.npz`, all frames
        of some seconds: spectrograms (n, 256, 256) uint8, frames (n, 3, side, side) uint8, fps as
        a fraction in words, sound (n_samples,) int16 at `ANALYSIS_RATE` from the first frame to the
        end of the last, video, time_s of the first frame
    tell : called with a sentence a video

    Raises
    ------
    TonfilmError
        There is no folder of videos, or no video in it that can be used; or the folder of pairs
        was begun with other numbers.
    """
    found = find_videos(videos)
    index = Index(folder)
    _check_same(folder, index, ripping)
    n_skipped = 0
    for one in found:
        try:
            if not one.is_in(index.videos.get(one.video, [])):
                _add(one, folder, index, ripping)
                tell(f"{one.video}: {len(index.videos[one.video])} pairs.")
            if not (folder / PREVIEW_NAME).exists():
                _save_preview(one, index.videos[one.video], folder, ripping)
        except UnusableVideo as reason:
            tell(f"{one.video} was skipped: {reason}.")
            n_skipped += 1
    if n_skipped == len(found):
        raise TonfilmError(
            f"None of the {n_skipped} videos in {videos} can be used: put others there that have"
            f" picture and sound and are longer than {ripping.from_s:g} s."
        )
    return Ripped(n_pairs=index.n_pairs, n_videos=len(index.videos), n_skipped=n_skipped)


def find_videos(videos: Path) -> list[Found]:
    """Find what seems to be a video in a folder; raises as `rip` does."""
    if not videos.is_dir():
        raise TonfilmError(f"There is no folder {videos}; name one that holds music videos.")
    paths = sorted(
        path
        for path in videos.rglob("*")
        # A leading dot is how systems mark what is no file of the user's.
        if path.suffix.lower() in ENDINGS and not path.name.startswith(".") and path.is_file()
    )
    if not paths:
        raise TonfilmError(f"No video lies in {videos}; put MP4, MKV, MOV or WebM files there.")
    return [
        Found(
            path=path,
            video=path.relative_to(videos).as_posix(),
            n_bytes=path.stat().st_size,
            modified_ns=path.stat().st_mtime_ns,
        )
        for path in paths
    ]


def _check_same(folder: Path, index: Index, ripping: Ripping) -> None:
    """See to it that what a folder holds was ripped with the same numbers."""
    path = folder / RIPPING_NAME
    if not index.videos or not path.exists():
        return
    begun = json.loads(path.read_text("utf-8"))
    if begun != asdict(ripping):
        numbers = ", ".join(f"{name} {value}" for name, value in begun.items())
        raise TonfilmError(
            f"{folder} was ripped with {numbers}: use the same numbers or another folder."
        )


def _add(one: Found, folder: Path, index: Index, ripping: Ripping) -> None:
    """Rip a video, then enter it in the index in place of what was known of it."""
    outdated = index.videos.get(one.video, [])
    entries = _rip_video(one, folder, ripping)
    if not index.videos:
        (folder / RIPPING_NAME).write_text(json.dumps(asdict(ripping)) + "\n", "utf-8")
    index.put(one.video, entries)
    for entry in outdated:
        entry.spectrogram(folder).unlink(missing_ok=True)
        entry.picture(folder).unlink(missing_ok=True)


def _rip_video(one: Found, folder: Path, ripping: Ripping) -> list[Entry]:
    """Write the pictures of a video."""
    entries = []
    with open_video(one.path, ripping.side) as video:
        if video.duration_s < ripping.from_s + 1 / video.fps:
            raise UnusableVideo(
                f"it is too short, {video.duration_s:g} s, where ripping begins at"
                f" {ripping.from_s:g} s"
            )
        with video.open_sound() as sound:
            white_db = measure_reference_db(sound)  # of the whole song, as in a film
        for moment in _watch(video, ripping.numbers(video.fps), white_db):
            time_s = float(moment.number / video.fps)
            entry = Entry(
                name=one.name_at(time_s),
                video=one.video,
                time_s=time_s,
                frame=moment.number,
                fps=str(video.fps),
                white_db=white_db,
                n_bytes=one.n_bytes,
                modified_ns=one.modified_ns,
            )
            _save_picture(entry.spectrogram(folder), moment.spectrogram)
            _save_picture(entry.picture(folder), moment.frame)
            entries.append(entry)
    if not entries:  # the sound is longer, or the end of the file is missing
        raise UnusableVideo(f"its picture ends before {ripping.from_s:g} s")
    return entries


def _watch(video: Video, numbers: range, white_db: float) -> Iterator[_Moment]:
    """Read some frames, each with the spectrogram of the 1.5 s of sound that end at it."""
    start = _sample_at(numbers[0], video.fps) - N_WINDOW_SAMPLES
    with video.open_sound(start) as sound:
        for number, frame in zip(numbers, video.frames(numbers), strict=False):
            end = _sample_at(number, video.fps)
            heard = sound.read(end - N_WINDOW_SAMPLES, end)
            picture = batch_pictures(heard[None], np.array([white_db]))[0]
            spectrogram = np.rint(picture * 255).astype(np.uint8)
            yield _Moment(number=number, spectrogram=spectrogram, frame=frame)


def _save_preview(one: Found, entries: list[Entry], folder: Path, ripping: Ripping) -> None:
    """Write all frames from the middle of what was ripped out of a video."""
    with open_video(one.path, ripping.side) as video:
        n = max(1, round(ripping.preview_s * video.fps))
        first = max(entries[0].frame, (entries[0].frame + entries[-1].frame - n) // 2)
        numbers = range(first, min(first + n, ripping.numbers(video.fps).stop))
        spectrograms = np.empty((len(numbers), N_BINS, N_COLUMNS), np.uint8)
        frames = np.empty((len(numbers), 3, ripping.side, ripping.side), np.uint8)
        n_read = 0
        for moment in _watch(video, numbers, entries[0].white_db):
            spectrograms[n_read] = moment.spectrogram
            frames[n_read] = moment.frame.transpose(2, 0, 1)
            n_read += 1
        start, stop = (_sample_at(number, video.fps) for number in (first, first + n_read))
        with video.open_sound(start) as sound:
            samples = np.clip(sound.read(start, stop), -1, 1)
        fps = video.fps
    unfinished = folder / f"{PREVIEW_NAME}.part"
    with unfinished.open("wb") as file:  # given a name, NumPy would add .npz to it
        np.savez_compressed(
            file,
            allow_pickle=False,
            spectrograms=spectrograms[:n_read],
            frames=frames[:n_read],
            fps=np.array(str(fps)),
            sound=np.rint(samples * 32767).astype(np.int16),
            video=np.array(one.video),
            time_s=np.array(float(first / fps)),
        )
    unfinished.replace(folder / PREVIEW_NAME)


def _sample_at(number: int, fps: Fraction) -> int:
    return round(number * ANALYSIS_RATE / fps)


def _save_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)
