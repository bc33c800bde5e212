"""The folder of an unfinished film: what a run that was stopped leaves to the next one. No torch.

work/
  lock                   held by the run that works here
  recipe.json            of the film that the rest belongs to
  mono.f32, features.npz the analysis, and of a stem mono-drums.f32, features-drums.npz
  00000000-00000096.mp4  segments, each whole
  00000000-00000096.calmed  how many of its frames the flash guard calmed
  latest.jpg             the newest frame, for those who wait
"""

import fcntl
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from threadpoolctl import threadpool_limits

from film.disk import write_whole
from film.encoding import is_whole
from film.recipe import PICTURES_VERSION, Recipe
from film.segments import Segment
from spectro.audio import Audio, Mono, open_mono, write_mono
from spectro.errors import TonfilmError
from spectro.features import Features, extract, load_features
from spectro.timeline import Timeline


class TakenError(TonfilmError):
    """Another run is at work in the folder."""


@dataclass(frozen=True, kw_only=True)
class Sound:
    """A sound that was listened to."""

    mono: Mono
    features: Features


@dataclass(frozen=True, kw_only=True)
class Heard(Sound):
    """What was found out about a song."""

    stems: Mapping[str, Features]  # by their names


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Where a sound that was listened to is kept; each file is renamed when it is whole."""

    mono: Path
    features: Path  # these come last


def listen(
    audio: Audio, kept: Kept, timeline: Timeline, progress: Callable[[int, int], None]
) -> Sound:
    """Listen to a sound, or recall what was heard.

    Parameters
    ----------
    timeline : of the song, which the sound may be a stem of
    """
    if kept.features.is_file():
        return Sound(mono=open_mono(kept.mono), features=load_features(kept.features))
    mono = write_mono(audio, kept.mono, Fraction(timeline.n_samples, timeline.sample_rate))
    # Shared out between threads, products of matrices come out with other last bits.
    with threadpool_limits(1, user_api="blas"):
        features = extract(mono, timeline, progress)
    features.save(kept.features)
    return Sound(mono=mono, features=features)


def recall(path: Path, timeline: Timeline) -> Features | None:
    """Read features that were kept, if they are there and of this timeline."""
    if not path.is_file():
        return None
    features = load_features(path)
    return features if features.timeline == timeline else None


class Workroom:
    """The files of an unfinished film; made by `open_workroom`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def hear(
        self,
        song: Audio,
        stems: Mapping[str, Audio],
        timeline: Timeline,
        progress: Callable[[int, int], None],
        known: Path | None = None,
    ) -> Heard:
        """Listen to the song and its stems, or recall what was heard.

        Parameters
        ----------
        known : what `listen` has kept of the song before, if anything
        """
        features = None if known is None else recall(known, timeline)
        if features and not self._place("").features.is_file():
            write_mono(song, self._place("").mono)
            features.save(self._place("").features)
        sound = listen(song, self._place(""), timeline, progress)
        parts = {
            name: listen(stem, self._place(f"-{name}"), timeline, progress).features
            for name, stem in stems.items()
        }
        return Heard(mono=sound.mono, features=sound.features, stems=parts)

    def _place(self, ending: str) -> Kept:
        return Kept(
            mono=self._folder / f"mono{ending}.f32",
            features=self._folder / f"features{ending}.npz",
        )

    def segment_path(self, segment: Segment) -> Path:
        """Name a segment's file."""
        return self._folder / segment.file_name

    def has(self, segment: Segment) -> bool:
        """Claim that a segment is here and whole."""
        return is_whole(self.segment_path(segment), segment.n_frames)

    def note_calmed(self, segment: Segment, n_frames: int) -> None:
        """Write down, before a segment is whole, how many of its frames were calmed."""
        write_whole(self.segment_path(segment).with_suffix(".calmed"), str(n_frames).encode())

    def count_calmed(self, segment: Segment) -> int:
        """Look up how many frames of a whole segment were calmed."""
        return int(self.segment_path(segment).with_suffix(".calmed").read_text())

    def show(self, still: bytes) -> None:
        """Put up the newest frame, a JPEG."""
        write_whole(self._folder / "latest.jpg", still)


@contextmanager
def open_workroom(folder: Path, recipe: Recipe) -> Iterator[Workroom]:
    """Make the folder, or enter the one that a stopped run has left, alone.

    What is there is kept if it belongs to this recipe, bound to its song, and thrown away if not.
    Left in peace the folder is removed; left by an exception it stays for the next run.

    Raises
    ------
    TakenError
        Another run is at work here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # The system lets go of the lock however the process ends.
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TakenError(
                f"This film is being made already: wait for it, or stop the run in {folder}."
            ) from error
        _settle(folder, recipe)
        yield Workroom(folder)
        shutil.rmtree(folder)


def enter_workroom(folder: Path, recipe: Recipe) -> Workroom:
    """Enter a folder that another run has opened, and has listened to the song in.

    Raises
    ------
    FileNotFoundError
        There is none, or it belongs to another recipe.
    """
    path = folder / "recipe.json"
    if path.read_text() != _stamp(recipe):
        raise FileNotFoundError(f"{path} holds another recipe")
    return Workroom(folder)


def _settle(folder: Path, recipe: Recipe) -> None:
    path = folder / "recipe.json"
    if path.is_file() and path.read_text() == _stamp(recipe):
        return
    for stale in folder.iterdir():
        if stale.name != "lock":
            stale.unlink()
    write_whole(path, _stamp(recipe).encode())


def _stamp(recipe: Recipe) -> str:
    return f"{PICTURES_VERSION}\n{recipe.to_json()}\n"
