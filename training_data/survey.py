"""One look at all pictures of a user's folder: what can be learnt from, and what to expect."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from spectro.errors import TonfilmError
from training_data.copies import Fingerprint, find_originals, take_fingerprint
from training_data.folders import (
    UNREADABLE,
    TooLargeError,
    find_pictures,
    read_picture,
    read_size,
)

TOO_SMALL = 32  # pixels a side; below it is an icon
SMALL = 256  # pixels a side; below it networks learn from enlarged pictures
FEW = 30  # pictures; taste, from what unconditional GANs make of few
MANY = 300
HELD_OUT_FROM = 100  # pictures; of fewer, all are needed for learning
HELD_OUT_EVERY = 10
_LOOKED_AT = 64  # pixels: plenty for a fingerprint

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Split:
    """What is learnt from, and what is only measured against."""

    training: tuple[Path, ...]
    held_out: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a folder holds to learn from."""

    paths: tuple[Path, ...]  # of the pictures kept, in the order of their names
    n_left_out: int  # cannot be read, or have too few or too many pixels
    n_copies: int  # other sizes and compressions of pictures kept
    n_small: int  # of those kept

    def expectation(self) -> str:
        """Say in a sentence what a theme can come to with so many pictures."""
        n = len(self.paths)
        if n < FEW:
            return (
                f"Too few pictures to learn a style from ({n}): the stills may come out as copies"
                f" of them; {FEW} or more give variations."
            )
        if n < MANY:
            return (
                f"{n} pictures give their colours, light and moods in flowing shapes, and not the"
                f" things in them; {MANY} or more give more variety."
            )
        return f"{n} pictures are enough for much variety in their colours, light and moods."

    def split(self) -> Split:
        """Hold out every tenth picture where there are a hundred or more, else none.

        With none held out, figures are taken against the training pictures: they say how like
        those the stills are, and a network that copies gets the best.
        """
        every = HELD_OUT_EVERY
        if len(self.paths) < HELD_OUT_FROM:
            return Split(training=self.paths, held_out=())
        training = tuple(p for i, p in enumerate(self.paths) if i % every != every - 1)
        return Split(training=training, held_out=self.paths[every - 1 :: every])


@dataclass(frozen=True, kw_only=True)
class _Look:
    path: Path
    width: int  # pixels, as stored
    height: int
    fingerprint: Fingerprint


def survey(folder: Path, tell: Tell) -> Survey:
    """Look at every JPEG, PNG and WebP file in a folder and the folders inside it.

    Parameters
    ----------
    tell : called with a sentence for each picture that is left out, and with one for all copies
        and one for all small pictures where there are any

    Raises
    ------
    TonfilmError
        There is no such folder, no picture in it, or none that can be read.
    """
    found = find_pictures(folder)
    seen = [look for path in found if (look := _look(path, tell)) is not None]
    if not seen:
        raise TonfilmError(f"None of the pictures in {folder} can be used; put others there.")
    kept = _drop_copies(seen, tell)
    n_small = _count_small(kept, tell)
    return Survey(
        paths=tuple(look.path for look in kept),
        n_left_out=len(found) - len(seen),
        n_copies=len(seen) - len(kept),
        n_small=n_small,
    )


def _look(path: Path, tell: Tell) -> _Look | None:
    try:
        width, height = read_size(path)
        if min(width, height) < TOO_SMALL:
            tell(f"{path} is left out: it has only {width}×{height} pixels.")
            return None
        # Decoded to the end, so that a file that breaks off is found now and not while training.
        fingerprint = take_fingerprint(read_picture(path, _LOOKED_AT))
    except UNREADABLE as error:
        tell(f"{path} is left out: it {_explain(path, error)}.")
        return None
    return _Look(path=path, width=width, height=height, fingerprint=fingerprint)


def _explain(path: Path, error: Exception) -> str:
    if isinstance(error, TooLargeError | Image.DecompressionBombError):
        return "has more pixels than are read at once; save it smaller"
    if isinstance(error, PermissionError):
        return "may not be opened"
    if isinstance(error, UnidentifiedImageError):
        return "is no picture, whatever its name says" if path.stat().st_size else "is empty"
    return "is damaged or breaks off"


def _drop_copies(seen: Sequence[_Look], tell: Tell) -> list[_Look]:
    kept = find_originals(
        [look.fingerprint for look in seen], [look.width * look.height for look in seen]
    )
    n_copies = len(seen) - len(kept)
    if n_copies:
        tell(
            f"{n_copies} of {len(seen)} pictures {_are(n_copies)} left out: the same picture is"
            " there in another size or compression, and the largest is kept."
        )
    return [seen[index] for index in kept]


def _count_small(kept: Sequence[_Look], tell: Tell) -> int:
    n_small = sum(min(look.width, look.height) < SMALL for look in kept)
    if n_small:
        tell(
            f"{n_small} of {len(kept)} pictures {_are(n_small)} smaller than {SMALL} pixels and"
            f" {_are(n_small)} enlarged: expect softness."
        )
    return n_small


def _are(n: int) -> str:
    return "is" if n == 1 else "are"
