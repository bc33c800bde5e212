"""Pictures at the networks' size into the film's planes of luma and colour at its full size.

The networks paint on a canvas whose shorter side is 256. What all frames need happens there in
one matrix (colour effects and BT.709 at once); only then are the planes enlarged, luma to the
film's size and colour to half of it, in 8 bits, as the encoder takes them:

    picture (B, 3, 256, 456) ─ 3×3 ─ Y  (B, 1, 256, 455) ─ enlarge ─ (B, 1, 720, 1280)
                                     UV (B, 2, 256, 455) ─ enlarge ─ (B, 2, 360,  640)
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from film.colours import from_rgb

SHORT_SIDE: Final = 256  # pixels, what the networks have learnt
MULTIPLE: Final = 8  # of the canvas's sides, so that it can be halved three times

# ITU-R BT.709-6, 3.5: luma takes the 8-bit values 16 to 235, colour differences 16 to 240.
_SCALE: Final = ((219.0,), (224.0,), (224.0,))
_OFFSET: Final = ((16.0,), (128.0,), (128.0,))
_LOWEST, _HIGHEST = 16, (235, 240)


@dataclass(frozen=True, kw_only=True)
class Size:
    """Sides of a picture in pixels."""

    height: int
    width: int


def canvas_size(film: Size) -> Size:
    """Return the size at which a film is painted: it covers the film's shape, a little wider."""
    exact = _exact_canvas(film)
    return Size(height=_round_up(exact.height), width=_round_up(exact.width))


def to_planes(pictures: Tensor, colour: Tensor, film: Size) -> NDArray[np.uint8]:
    """Colour and enlarge pictures into the frames that the encoder takes.

    Parameters
    ----------
    pictures : (B, 3, height, width) float32 in [0, 1], of `canvas_size(film)`
    colour : (B, 3, 4) float32, from `effects.colour`
    film : even sides

    Returns
    -------
    (B, film.height * 3 / 2, film.width) uint8: the Y, U and V planes of each frame packed one
    after another, BT.709 in limited range
    """
    exact = _exact_canvas(film)
    cut = _cut(pictures, exact).flatten(2)
    scale, offset = (torch.tensor(values, device=cut.device) for values in (_SCALE, _OFFSET))
    matrix = scale * (colour[:, :, :3] @ from_rgb(cut.device))
    # Half a step more, since turning into whole numbers cuts off.
    offset = scale * colour[:, :, 3:] + offset + 0.5
    planes = torch.baddbmm(offset, matrix, cut).view(-1, 3, exact.height, exact.width)
    luma = _enlarge(planes[:, :1], film.height, film.width, _HIGHEST[0])
    differences = _enlarge(planes[:, 1:], film.height // 2, film.width // 2, _HIGHEST[1])
    packed = torch.cat([luma.flatten(1), differences.flatten(1)], 1)
    return packed.view(-1, film.height * 3 // 2, film.width).numpy()


def _enlarge(planes: Tensor, height: int, width: int, highest: int) -> Tensor:
    """Bring float planes to whole numbers and to their size, on the processor.

    In 8 bits from here: five times as fast as in float32, and within one step of it.
    """
    whole = planes.clamp(_LOWEST, highest).to("cpu", torch.uint8)
    # With antialias, which a small film needs; a large one gets the softer cubic of the two that
    # torch has, with fewer stairs along slanting edges.
    enlarged = F.interpolate(whole, (height, width), mode="bicubic", antialias=True)
    return enlarged.clamp_(_LOWEST, highest)  # a cubic swings past the edges it meets


def _exact_canvas(film: Size) -> Size:
    """Return the canvas of the film's own shape, to the pixel."""
    shorter = min(film.height, film.width)
    return Size(
        height=round(Fraction(SHORT_SIDE * film.height, shorter)),
        width=round(Fraction(SHORT_SIDE * film.width, shorter)),
    )


def _cut(pictures: Tensor, size: Size) -> Tensor:
    """Cut the middle out of pictures."""
    top = (pictures.shape[-2] - size.height) // 2
    left = (pictures.shape[-1] - size.width) // 2
    return pictures[:, :, top : top + size.height, left : left + size.width]


def _round_up(n: int) -> int:
    return -(-n // MULTIPLE) * MULTIPLE
