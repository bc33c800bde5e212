"""Endless cuts out of a user's pictures, in the shapes that training wants."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as transforms

from training_data.folders import read_found

FEW = 300  # pictures; cuts of fewer stray further from them
MOST_KEPT_BYTES = 1_000_000_000  # of decoded pictures in memory


@dataclass(frozen=True, kw_only=True)
class Freedom:
    """How far a cut may stray from its picture."""

    zoom: float  # how far a cut may go into a picture, beyond what its shape asks for
    tilt_degrees: float = 0.0  # either way
    light: float = 0.0  # up or down from 1: the exponent of all tones from 0 to 1
    colour: float = 0.0  # the same, for red, green and blue each by itself


# Taste. What a GAN is shown it also paints: each cut must still pass for a picture as it was taken.
FREE = Freedom(zoom=1.5, tilt_degrees=4.0, light=0.15, colour=0.05)
STRICT = Freedom(zoom=1.3)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a cut lies in its picture."""

    zoom: float  # 1 = the largest piece that fits
    tilt: float  # radians
    down: float  # 0 to 1, of the way that the zoom leaves free
    right: float


class Cuts:
    """Pictures as an endless source of cuts: see `training_data.picture_arrays.Source`.

    A picture is read once, and kept as large as cuts of the shape asked for need it, up to a
    gigabyte of pictures; those beyond are read again for each cut.

    Parameters
    ----------
    paths : of pictures that can be read, as a survey finds them
    flipped : whether half of the cuts are mirrored, left for right
    freedom : of the cuts; if not given, FREE for few pictures and STRICT for many
    """

    def __init__(
        self, paths: Sequence[Path], *, flipped: bool, freedom: Freedom | None = None
    ) -> None:
        self._paths = tuple(paths)
        self._flipped = flipped
        self._freedom = freedom or (FREE if len(self._paths) < FEW else STRICT)
        self._kept: dict[int, Tensor] = {}
        self._n_kept_bytes = 0
        self._kept_for = (0, 0)  # height and width of the cuts

    def __call__(self, generator: Generator, n: int, height: int, width: int) -> Tensor:
        """Cut n pictures, (n, 3, height, width) uint8, out of pictures drawn at random.

        Raises
        ------
        TonfilmError
            A picture can no longer be read.
        """
        return torch.stack([self._cut(generator, height, width) for _ in range(n)])

    def _cut(self, generator: Generator, height: int, width: int) -> Tensor:
        index = int(torch.randint(len(self._paths), (1,), generator=generator))
        # As many numbers with all freedom as with none, so that an option changes one thing.
        zoom, tilt, down, right, side, light, *colours = torch.rand(9, generator=generator).tolist()
        freedom = self._freedom
        place = _Place(
            zoom=1 + (freedom.zoom - 1) * zoom,
            tilt=math.radians(freedom.tilt_degrees * (2 * tilt - 1)),
            down=down,
            right=right,
        )
        cut = _crop(self._read(index, height, width), place, height, width)
        if self._flipped and side < 0.5:
            cut = transforms.horizontal_flip(cut)
        exponents = [
            1 + freedom.light * (2 * light - 1) + freedom.colour * (2 * c - 1) for c in colours
        ]
        return _grade(cut, exponents)

    def _read(self, index: int, height: int, width: int) -> Tensor:
        """Read a picture no larger than the deepest cut needs it."""
        if self._kept_for != (height, width):
            self._kept, self._n_kept_bytes, self._kept_for = {}, 0, (height, width)
        if index in self._kept:
            return self._kept[index]
        needed = [math.ceil(side * self._freedom.zoom) for side in (height, width)]
        picture = _shrink(read_found(self._paths[index], max(needed)), *needed)
        if self._n_kept_bytes + picture.nbytes <= MOST_KEPT_BYTES:
            self._kept[index] = picture
            self._n_kept_bytes += picture.nbytes
        return picture


def _shrink(picture: Tensor, height: int, width: int) -> Tensor:
    """Scale a picture (3, H, W) down so far that it still covers height and width."""
    scale = max(height / picture.shape[1], width / picture.shape[2])
    if scale >= 1:
        return picture
    return _resize(
        picture, math.ceil(picture.shape[1] * scale), math.ceil(picture.shape[2] * scale)
    )


def _crop(picture: Tensor, place: _Place, height: int, width: int) -> Tensor:
    """Cut a piece (3, height, width) out of a picture, and enlarge or shrink it to that size.

    A tilted piece needs the upright box around it, so it lies within the picture to its corners:

        ┌──────╱╲──┐
        │  ╱      ╲│
        │╲        ╱│
        └──╲╱──────┘
    """
    cos, sin = math.cos(place.tilt), abs(math.sin(place.tilt))
    box = height * cos + width * sin, width * cos + height * sin  # of a piece at its final size
    scale = min(picture.shape[1] / box[0], picture.shape[2] / box[1]) / place.zoom
    rows, columns = (max(1, int(side * scale)) for side in box)
    top = int(place.down * (picture.shape[1] - rows + 1))
    left = int(place.right * (picture.shape[2] - columns + 1))
    found = picture[:, top : top + rows, left : left + columns]
    upright = _resize(found, round(box[0]), round(box[1]))
    return upright if place.tilt == 0 else _turn(upright, place.tilt, height, width)


def _resize(picture: Tensor, height: int, width: int) -> Tensor:
    # Bicubic: small pictures are enlarged, and stay sharper than they would with bilinear.
    resized: Tensor = transforms.resize(
        picture, [height, width], interpolation=InterpolationMode.BICUBIC, antialias=True
    )
    return resized


def _turn(box: Tensor, tilt: float, height: int, width: int) -> Tensor:
    """Take the piece (3, height, width) that lies tilted in the middle of a box around it."""
    cos, sin = math.cos(tilt), math.sin(tilt)
    # The piece's corners lie at ±1; so do the box's, whose sides are longer.
    rows, columns = box.shape[1:]
    across = [cos * width / columns, -sin * height / columns, 0.0]
    along = [sin * width / rows, cos * height / rows, 0.0]
    grid = F.affine_grid(
        torch.tensor([[across, along]]), [1, 3, height, width], align_corners=False
    )
    # The border is repeated for the fraction of a pixel that rounding may have taken.
    turned = F.grid_sample(
        box[None].float(), grid, mode="bicubic", padding_mode="border", align_corners=False
    )
    return turned[0].round().clamp(0, 255).to(torch.uint8)


def _grade(cut: Tensor, exponents: Sequence[float]) -> Tensor:
    """Raise tones to exponents, one each for red, green and blue: black and white stay."""
    tones = torch.arange(256) / 255
    tables = torch.stack([tones**exponent for exponent in exponents]).mul(255).round()
    return torch.stack(
        [table[channel.int()] for table, channel in zip(tables.to(torch.uint8), cut, strict=True)]
    )
