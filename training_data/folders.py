"""Pictures from a user's own folder: finding them, and reading them as they are to be seen."""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import ExifTags, Image
from torch import Tensor

from spectro.errors import TonfilmError

ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
MOST_PIXELS = 50_000_000  # in memory at once: a large camera's picture, 150 MB as colours
# Pillow's, for whatever ails a file.
UNREADABLE = (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError)
_TURNS: dict[object, Image.Transpose] = {  # EXIF orientation: what puts the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class TooLargeError(ValueError):
    """A picture has more pixels than are read at once."""


def find_pictures(folder: Path) -> list[Path]:
    """List the picture files in a folder and the folders inside it, in the order of their names.

    Hidden files are left alone: they are what systems and programs keep beside the pictures.

    Raises
    ------
    TonfilmError
        There is no such folder, or no picture in it.
    """
    if folder.is_file():
        raise TonfilmError(f"{folder} is a file; name the folder that holds it.")
    if not folder.is_dir():
        raise TonfilmError(f"There is no folder {folder}; name one that holds pictures.")
    found = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in ENDINGS
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    if not found:
        raise TonfilmError(f"No picture lies in {folder}; put JPEG, PNG or WebP files there.")
    return sorted(found)


def read_size(path: Path) -> tuple[int, int]:
    """Read width and height in pixels as they are stored, without the picture.

    Raises
    ------
    UNREADABLE
        It is no picture.
    """
    with _open(path) as image:
        return image.size


def read_picture(path: Path, at_least: int | None = None) -> Tensor:
    """Read a picture as it is to be seen: upright, without transparency, of the first frame.

    What is clear becomes white, as on the page that such drawings and cut-outs are made for; what
    lies hidden under it is often black or leftover. Colour profiles are not heeded.

    Parameters
    ----------
    at_least : pixels that the shorter side must keep: a JPEG with far more is decoded smaller,
        which costs a fraction of the time and memory

    Returns
    -------
    (3, H, W) uint8

    Raises
    ------
    UNREADABLE
        It cannot be read.
    """
    with _open(path) as image:
        _shrink(image, at_least)
        if image.width * image.height > MOST_PIXELS:
            raise TooLargeError(f"{path} has {image.width}×{image.height} pixels")
        upright = _turn(_to_rgb(image), _read_orientation(image))
    return torch.from_numpy(np.array(upright)).permute(2, 0, 1)


def read_found(path: Path, at_least: int) -> Tensor:
    """Read a picture that a survey has found, as `read_picture` does.

    Raises
    ------
    TonfilmError
        It is no longer what it was.
    """
    try:
        return read_picture(path, at_least)
    except UNREADABLE as error:
        message = f"{path} can no longer be read; put it back and begin again."
        raise TonfilmError(message) from error


@contextmanager
def _open(path: Path) -> Iterator[Image.Image]:
    # Pillow warns of many pixels, which are bounded here, and of odd metadata, which is not used.
    with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
        yield image


def _shrink(image: Image.Image, at_least: int | None) -> None:
    """Ask the decoder of a JPEG, no other can, for a half, a quarter or an eighth of the size."""
    if at_least is not None:
        image.draft(None, (at_least, at_least))
    elif image.width * image.height > MOST_PIXELS:
        image.draft(None, (image.width // 2, image.height // 2))


def _read_orientation(image: Image.Image) -> object:
    try:
        return image.getexif().get(ExifTags.Base.Orientation)
    except UNREADABLE:  # a picture is worth more than what stands beside it
        return None


def _turn(image: Image.Image, orientation: object) -> Image.Image:
    # By hand: Pillow's own way writes all the metadata again, and fails where any of it is odd.
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut off at 255
        high_bytes = np.asarray(image, np.int64) // 256
        image = Image.fromarray(high_bytes.clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    return image.convert("RGB")
