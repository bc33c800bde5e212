"""A user's own picture, read from its file by a memory-safe decoder. No torch."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from kornia_rs.image import Image
from numpy.typing import NDArray

from spectro.errors import TonfilmError

MIN_SIDE: Final = 32  # pixels; smaller ones show nothing at the size of a film
# The shorter side that is kept, at least: more than any canvas has, so nothing is lost.
KEPT_SIDE: Final = 640
MAX_BYTES: Final = 1 << 28  # of a file; what is larger is no photograph
MAX_PNG_SIDE: Final = 1 << 14  # pixels, as the decoder itself demands of a JPEG and a WebP

_PNG: Final = b"\x89PNG\r\n\x1a\n"
# How the decoder is asked for a PNG by its colour type; it knows no palettes.
_PNG_MODES: Final = {0: ("L",), 2: ("RGB",), 6: ("RGBA",)}
_EXIF_TAG: Final = 0x0112  # the orientation
# What turns a picture upright, by Exif 2.3: whether it is mirrored, then quarter turns to the left.
_UPRIGHT: Final = {
    2: (True, 0),
    3: (False, 2),
    4: (True, 2),
    5: (True, 1),
    6: (False, 3),
    7: (True, 3),
    8: (False, 1),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureFile:
    """A picture that has been read; like itself alone, so that it can be a key."""

    name: str
    pixels: NDArray[np.uint8]  # (h, w, 3), upright; the shorter side under 2 × `KEPT_SIDE`


def read_picture(path: Path) -> PictureFile:
    """Read a JPEG, a PNG or a WebP as it is to be seen.

    Raises
    ------
    TonfilmError
        There is no such file, it is no picture that can be read, or it is too small.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise TonfilmError(
            f"There is no picture {str(path)!r}: check the name; one with a comma in it cannot be "
            "given."
        ) from error
    except OSError as error:
        raise TonfilmError(f"The picture {path} cannot be read: {error.strerror}.") from error
    pixels = _shrink(_decode(path.name, data))
    height, width = pixels.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise TonfilmError(
            f"{path.name} is too small ({width}×{height}): choose a picture of {MIN_SIDE} pixels "
            "a side or more."
        )
    name = path.name.encode(errors="replace").decode()  # not every system's names are text
    return PictureFile(name=name, pixels=_turn(pixels, _read_orientation(data)))


def _decode(name: str, data: bytes) -> NDArray[np.uint8]:
    """Decode to (h, w, 3), on white where the picture is transparent."""
    for mode in _choose_modes(data):
        try:
            pixels = Image.decode(data, mode).numpy()
        except Exception:  # noqa: S112, the decoder raises nothing more special
            continue
        if pixels.dtype == np.uint16:
            pixels = (pixels >> 8).astype(np.uint8)
        if pixels.shape[2] == 4:
            pixels = _lay_on_white(pixels)
        return pixels if pixels.shape[2] == 3 else np.repeat(pixels, 3, axis=2)
    raise TonfilmError(
        f"{name} is no picture that can be read: save it as a JPEG, a PNG without a palette or a "
        "WebP, of at most 16,384 pixels a side."
    )


def _choose_modes(data: bytes) -> tuple[str, ...]:
    """Return the forms in which the decoder may be asked for a picture."""
    if len(data) > MAX_BYTES:
        return ()
    if not data.startswith(_PNG):
        return "RGB", "RGBA"  # the second for a WebP that is transparent
    if len(data) < 26 or max(struct.unpack_from(">II", data, 16)) > MAX_PNG_SIDE:
        return ()
    return _PNG_MODES.get(data[25], ())


def _lay_on_white(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    opacity = pixels[..., 3:].astype(np.float32) / 255
    laid: NDArray[np.uint8] = np.rint(pixels[..., :3] * opacity + 255 * (1 - opacity)).astype(
        np.uint8
    )
    return laid


def _shrink(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Take the mean of squares of pixels, as long as the shorter side stays long enough."""
    n = min(pixels.shape[:2]) // KEPT_SIDE
    if n < 2:
        return pixels
    height, width = pixels.shape[0] // n, pixels.shape[1] // n
    total = np.zeros((height, width, 3), np.uint32)
    for row in range(n):
        for column in range(n):
            total += pixels[row::n, column::n][:height, :width]
    means: NDArray[np.uint8] = ((total + n * n // 2) // (n * n)).astype(np.uint8)
    return means


def _turn(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    is_mirrored, n_turns = _UPRIGHT.get(orientation, (False, 0))
    turned = np.rot90(pixels[:, ::-1] if is_mirrored else pixels, n_turns)
    return turned.copy()  # what the decoder gave is its own


def _read_orientation(data: bytes) -> int:
    """Return how a JPEG's camera was held, 1 to 8 by Exif; 1 where nothing is said.

    The decoder gives pixels as they were stored, and phones store all of them lying.
    """
    start = data.find(b"Exif\0\0", 0, 1 << 16) + 6  # in the first segment of that name
    if not data.startswith(b"\xff\xd8") or start < 6:
        return 1
    try:
        order = {b"II": "<", b"MM": ">"}[data[start : start + 2]]
        first = start + struct.unpack_from(f"{order}I", data, start + 4)[0]
        for entry in range(struct.unpack_from(f"{order}H", data, first)[0]):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", data, first + 2 + 12 * entry)
            if tag == _EXIF_TAG:
                return int(value)
    except (KeyError, struct.error):  # damaged; the picture itself need not be
        pass
    return 1
