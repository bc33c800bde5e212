"""What a theme's networks learn from, and what is held out from them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from keyframes.material import Pictures
from pix2pix.grids import SQUARE
from pix2pix.pairs import PairSource
from spectro.errors import TonfilmError
from themes.arrays import Bytes
from themes.plan import Plan
from training_data.collage import Collage
from training_data.cuts import STRICT, Cuts
from training_data.endless import MARBLED, Endless
from training_data.excerpts import Excerpt, make_excerpts
from training_data.made import MADE, Shared
from training_data.pair_folders import FolderPairs
from training_data.pairs import DIRECTIONS, HELD_OUT_SEED, MadePairs, Progress, Union
from training_data.picture_arrays import Joined, Shape, cache
from training_data.ripper import PREVIEW_NAME, find_videos, rip
from training_data.survey import survey

CACHE = Path(".cache")  # what the makers make is the same for every run
# How many pictures stills are learnt from: square, 16:9 and 9:16.
N_SQUARE, N_WIDE, N_TALL = 8_000, 1_200, 900
LONG = 29 / 16  # of the short side: 464 pixels to 256, 16:9 in multiples of 16

Tell = Callable[[str], None]


class ThemeSource(Protocol):
    """What a theme is made from."""

    @property
    def has_lines(self) -> bool:
        """Whether things in the pictures are straight, upright or level, as houses are."""

    @property
    def shared(self) -> Shared | None:
        """What all pictures show, if anything."""

    def pictures(self, side: int, progress: Progress) -> Iterator[Pictures]:
        """Give square, wide and tall pictures of a short side in pixels, made when asked for."""

    def numbers(self, n_noise: int) -> list[Tensor] | None:
        """Return what those pictures were made from, where that is known.

        Each (n, n_noise) in [0, 1]; NaN in places that say nothing of a picture.
        """

    def endless(self, n_noise: int) -> Endless | None:
        """Return what paints ever new pictures, where that costs next to nothing."""

    def held_out(self, n: int, side: int, progress: Progress) -> Bytes:
        """Return n squares (n, 3, side, side) that nothing is learnt from, where there are any."""

    def pairs(self, progress: Progress, *, held_out: bool) -> PairSource:
        """Return pairs to learn from, or others to compare with."""

    @property
    def tell(self) -> Callable[[Tensor], Tensor] | None:
        """Give what maps spectrogram pictures to the numbers behind frames, where that is known.

        From (B, 256, 256) to (B, N), both in [0, 1].
        """

    def excerpts(self, n_songs: int, n_frames: int) -> list[Excerpt]:
        """Return frames in a row of so many songs, fewer where there are not as many."""


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
        tell(survey(plan.pictures, tell).expectation())
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
        return OwnPictures(plan, plan.pictures, tell)
    if plan.videos:
        return MusicVideos(plan, plan.videos, tell)
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
        self.has_lines = any(MADE[name].has_lines for name in names)
        self.shared = MADE[names[0]].shared if len(names) == 1 else None

    def pictures(self, side: int, progress: Progress) -> Iterator[Pictures]:
        """Give pictures of all makers."""
        for place, shape in enumerate(_shapes(side)):
            folders = [(CACHE / "pictures" / name, MADE[name]) for name in self.names]
            yield Joined([cache(folder, shape, made, place, progress) for folder, made in folders])

    def numbers(self, n_noise: int) -> list[Tensor]:
        """Return what those pictures were made from; of several makers, the last one says which."""
        counts = [shape.n for shape in _shapes(SQUARE)]
        return [
            torch.cat([self._place(maker, MADE[name].numbers(n, place), n_noise)
                       for maker, name in enumerate(self.names)])
            for place, n in enumerate(counts)
        ]  # fmt: skip

    def endless(self, n_noise: int) -> Endless | None:
        """Return what paints ever new pictures of one maker, if its pictures show kept noise."""
        if self.shared is None or not self.shared.warped:
            return None
        return Endless(MARBLED[self.names[0]], n_noise)

    def _place(self, maker: int, drawn: Tensor, n_noise: int) -> Tensor:
        numbers = torch.full((len(drawn), n_noise), torch.nan)
        numbers[:, : drawn.shape[1]] = drawn
        if len(self.names) > 1:
            numbers[:, -1] = (maker + 0.5) / len(self.names)
        return numbers

    def held_out(self, n: int, side: int, progress: Progress) -> Bytes:
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
        return Union(sources) if len(sources) > 1 else sources[0]

    @property
    def tell(self) -> Callable[[Tensor], Tensor] | None:
        """Give the director of one maker; several have different numbers."""
        return DIRECTIONS[self.names[0]].direct if len(self.names) == 1 else None

    def excerpts(self, n_songs: int, n_frames: int) -> list[Excerpt]:
        """Return frames in a row of made songs, which the makers share."""
        n = -(-n_songs // len(self.names))
        made = (make_excerpts(DIRECTIONS[name], n, n_frames) for name in self.names)
        return list(chain.from_iterable(made))


def _cut(source: Cuts, plan: Plan, side: int, progress: Progress) -> Iterator[Pictures]:
    """Cut square, wide and tall pictures out of a user's own, once for a run."""
    for place, shape in enumerate(_shapes(side)):
        yield cache(plan.folder / "pictures", shape, source, plan.seed + place, progress)


def _cut_held_out(source: Cuts, plan: Plan, shape: Shape, progress: Progress) -> Bytes:
    return cache(plan.folder / "held-out", shape, source, HELD_OUT_SEED, progress)


class OwnPictures:
    """A user's folder of pictures; frames are made of them to the project's songs."""

    has_lines = True  # for all that is known
    shared = None

    def __init__(self, plan: Plan, folder: Path, tell: Tell) -> None:
        self.plan = plan
        found = survey(folder, tell)
        tell(found.expectation())
        self.split = found.split()
        self.direction = Collage(self.split.training)

    def pictures(self, side: int, progress: Progress) -> Iterator[Pictures]:
        """Give cuts of the pictures."""
        return _cut(Cuts(self.split.training, flipped=True), self.plan, side, progress)

    def numbers(self, n_noise: int) -> None:
        """Return nothing: nobody knows what they were made from."""

    def endless(self, n_noise: int) -> None:
        """Return nothing either."""

    def held_out(self, n: int, side: int, progress: Progress) -> Bytes:
        """Return cuts of the pictures kept apart; of the learnt ones where there are too few."""
        source = Cuts(self.split.held_out or self.split.training, flipped=True)
        return _cut_held_out(source, self.plan, Shape(n=n, height=side, width=side), progress)

    def pairs(self, progress: Progress, *, held_out: bool) -> PairSource:
        """Return pairs of made songs."""
        source = MadePairs(self.direction, self.plan.folder / "pairs", held_out=held_out)
        source.prepare(progress)
        return source

    @property
    def tell(self) -> None:
        """Give nothing: nobody knows what is behind these frames."""

    def excerpts(self, n_songs: int, n_frames: int) -> list[Excerpt]:
        """Return frames in a row of made songs."""
        return list(make_excerpts(self.direction, n_songs, n_frames))


class MusicVideos:
    """A user's music videos: their sound, and their frames, which are the pictures as well."""

    has_lines = True  # for all that is known
    shared = None

    def __init__(self, plan: Plan, folder: Path, tell: Tell) -> None:
        self.plan = plan
        self.ripped = plan.folder / "pairs"
        ripping = replace(plan.ripping, side=max(plan.size, SQUARE))
        found = rip(folder, self.ripped, ripping, tell)
        tell(f"{found.n_pairs} pairs of {found.n_videos} videos; {found.n_skipped} were skipped.")

    def pictures(self, side: int, progress: Progress) -> Iterator[Pictures]:
        """Give cuts of the frames that are learnt."""
        source = Cuts(FolderPairs(self.ripped).frames, flipped=True, freedom=STRICT)
        return _cut(source, self.plan, side, progress)

    def numbers(self, n_noise: int) -> None:
        """Return nothing: nobody knows what they were made from."""

    def endless(self, n_noise: int) -> None:
        """Return nothing either."""

    def held_out(self, n: int, side: int, progress: Progress) -> Bytes:
        """Return cuts of the frames at the end of each video."""
        frames = FolderPairs(self.ripped, held_out=True).frames
        source = Cuts(frames, flipped=True, freedom=STRICT)
        return _cut_held_out(source, self.plan, Shape(n=n, height=side, width=side), progress)

    def pairs(self, progress: Progress, *, held_out: bool) -> PairSource:
        """Return pairs of sound and frame."""
        source = FolderPairs(self.ripped, held_out=held_out)
        source.prepare(progress)
        return source

    @property
    def tell(self) -> None:
        """Give nothing: nobody knows what is behind these frames."""

    def excerpts(self, n_songs: int, n_frames: int) -> list[Excerpt]:  # noqa: ARG002
        """Return frames in a row of the one video that a preview was kept of."""
        with np.load(self.ripped / PREVIEW_NAME) as kept:
            heard, frames = (torch.from_numpy(kept[part]) for part in ("spectrograms", "frames"))
        size = [SQUARE, SQUARE]
        frames = transforms.resize(frames[:n_frames], size, antialias=True).float() / 255
        return [Excerpt(style="video", spectrograms=heard[:n_frames].float() / 255, frames=frames)]
