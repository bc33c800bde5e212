"""What a theme's networks learn from, and what is held out from them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from training_data.collage import Collage
from training_data.directions import DIRECTIONS, Direction
from training_data.ripper import Ripping, rip

from keyframes.gan_training import Pictures
from pix2pix.pairs import PairSource
from spectro.errors import TonfilmError
from themes.plan import Plan
from training_data.folders import Folder, survey
from training_data.pairs import HELD_OUT_SEED, MadePairs, Progress, Union
from training_data.picture_arrays import MADE, Joined, Shape, cache

CACHE = Path(".cache")  # what the makers make is the same for every run
# How many pictures stills are learnt from: square, 16:9 and 9:16, about as often as they are seen.
N_SQUARE, N_WIDE, N_TALL = 8_000, 2_600, 2_000
LONG = 29 / 16  # of the short side: 464 pixels to 256, 16:9 in multiples of 16

Tell = Callable[[str], None]


class ThemeSource(Protocol):
    """What a theme is made from."""

    direction: Direction | None  # what frames of made songs look like; None for music videos

    def pictures(self, side: int, progress: Progress) -> Sequence[Pictures]:
        """Return square, wide and tall pictures of a short side in pixels to learn from."""

    def held_out(self, n: int, side: int, progress: Progress) -> NDArray[np.uint8]:
        """Return n squares (n, 3, side, side) that nothing is learnt from, where there are any."""

    def pairs(self, progress: Progress, *, held_out: bool) -> PairSource:
        """Return pairs to learn from, or others to compare with."""


def _shapes(side: int) -> tuple[Shape, Shape, Shape]:
    """Return square, wide and tall, of equal short sides."""
    long = round(side * LONG)
    return (
        Shape(n=N_SQUARE, height=side, width=side),
        Shape(n=N_WIDE, height=side, width=long),
        Shape(n=N_TALL, height=long, width=side),
    )


def look(plan: Plan, tell: Tell) -> None:
    """Say what there is to learn from, and touch nothing; raises as `open_source` does."""
    if plan.pictures:
        OwnPictures(plan, tell)
    elif plan.videos:
        n_videos = len(find_videos(plan.videos))
        tell(f"{n_videos} videos lie in {plan.videos}; those that cannot be used will be named.")
    else:
        Makers(plan.made)


def open_source(plan: Plan, tell: Tell) -> ThemeSource:
    """Open what a plan names.

    Raises
    ------
    TonfilmError
        There is no such maker or folder, or nothing in it can be used.
    """
    if plan.pictures:
        return OwnPictures(plan, tell)
    if plan.videos:
        return MusicVideos(plan, tell)
    return Makers(plan.made)


class Makers:
    """The project's own makers of pictures, one or several."""

    def __init__(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in MADE:
                raise TonfilmError(
                    f"There is no maker {name!r}: choose among {', '.join(sorted(MADE))}."
                )
        self.names = names
        self.direction = DIRECTIONS[names[0]] if len(names) == 1 else None

    def pictures(self, side: int, progress: Progress) -> Sequence[Pictures]:
        """Return pictures of all makers."""
        return [
            Joined([cache(CACHE / "pictures" / name, shape, MADE[name], place, progress)
                    for name in self.names])
            for place, shape in enumerate(_shapes(side))
        ]  # fmt: skip

    def held_out(self, n: int, side: int, progress: Progress) -> NDArray[np.uint8]:
        """Return pictures of all makers, made from another seed."""
        shape = Shape(n=-(-n // len(self.names)), height=side, width=side)
        arrays = [
            cache(CACHE / "held-out" / name, shape, MADE[name], HELD_OUT_SEED, progress)
            for name in self.names
        ]
        return np.concatenate(arrays)[:n]

    def pairs(self, progress: Progress, *, held_out: bool) -> PairSource:
        """Return pairs of all makers, of made songs."""
        sources = [
            MadePairs(DIRECTIONS[name], CACHE / "pairs" / name, held_out=held_out)
            for name in self.names
        ]
        for source in sources:
            source.prepare(progress)
        return Union(sources)


class OwnPictures:
    """A user's folder of pictures; frames are made of them to the project's songs."""

    def __init__(self, plan: Plan, tell: Tell) -> None:
        assert plan.pictures
        self.folder, self.seed = plan.folder, plan.seed
        found = survey(plan.pictures, tell)
        for sentence in found.sentences():
            tell(sentence)
        self.learnt, self.kept_apart = found.split()
        self.direction: Direction | None = Collage(self.learnt)

    def pictures(self, side: int, progress: Progress) -> Sequence[Pictures]:
        """Return cuts of the pictures."""
        source = Folder(self.learnt)
        return [
            cache(self.folder / "pictures", shape, source, self.seed + place, progress)
            for place, shape in enumerate(_shapes(side))
        ]

    def held_out(self, n: int, side: int, progress: Progress) -> NDArray[np.uint8]:
        """Return cuts of the pictures kept apart; of the learnt ones where there are too few."""
        source = Folder(self.kept_apart or self.learnt)
        shape = Shape(n=n, height=side, width=side)
        return cache(self.folder / "held-out", shape, source, HELD_OUT_SEED, progress)

    def pairs(self, progress: Progress, *, held_out: bool) -> PairSource:
        """Return pairs of made songs."""
        assert self.direction
        source = MadePairs(self.direction, self.folder / "pairs", held_out=held_out)
        source.prepare(progress)
        return source


class MusicVideos:
    """A user's music videos: their frames and sound."""

    direction: Direction | None = None

    def __init__(self, plan: Plan, tell: Tell) -> None:
        assert plan.videos
        self.folder, self.seed = plan.folder, plan.seed
        ripping = Ripping(**plan.ripping.model_dump(), side=plan.size)
        rip(plan.videos, self.folder / "pairs", ripping, tell)
