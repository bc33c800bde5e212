"""Pictures become planes of the right colours, sizes and shapes."""

import numpy as np
import pytest
import torch
from torch import Tensor

from film.planes import SHORT_SIDE, Size, canvas_size, to_planes

NEUTRAL = torch.eye(3, 4)[None]


def flat(colour: tuple[float, float, float], film: Size) -> Tensor:
    canvas = canvas_size(film)
    return torch.tensor(colour).view(1, 3, 1, 1).expand(1, 3, canvas.height, canvas.width)


@pytest.mark.parametrize(
    ("colour", "codes"),
    [  # ITU-R BT.709-6: 8-bit codes of luma, blue and red difference
        ((0.0, 0.0, 0.0), (16, 128, 128)),
        ((1.0, 1.0, 1.0), (235, 128, 128)),
        ((1.0, 0.0, 0.0), (63, 102, 240)),
        ((0.0, 1.0, 0.0), (173, 42, 26)),
        ((0.0, 0.0, 1.0), (32, 240, 118)),
    ],
)
@pytest.mark.parametrize("film", [Size(height=360, width=640), Size(height=64, width=64)])
def test_colours_are_those_of_the_standard(
    colour: tuple[float, float, float], codes: tuple[int, int, int], film: Size
) -> None:
    planes = to_planes(flat(colour, film), NEUTRAL, film)[0].reshape(-1)
    n_luma, n_colour = film.height * film.width, film.height * film.width // 4
    luma, blue, red = np.split(planes, [n_luma, n_luma + n_colour])
    for plane, code in zip((luma, blue, red), codes, strict=True):
        assert (plane == code).all()


def test_nothing_leaves_the_limited_range() -> None:
    film = Size(height=512, width=512)
    noise = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(0)).round()
    loud = torch.tensor([[[2.0, 0, 0, 0.3], [0, 2.0, 0, 0], [0, 0, 2.0, 0]]])
    planes = to_planes(noise, loud, film)[0].reshape(-1)
    assert planes.min() == 16
    assert planes[: 512 * 512].max() == 235
    assert planes[512 * 512 :].max() == 240


@pytest.mark.parametrize(
    "film",
    [
        Size(height=720, width=1280),
        Size(height=1280, width=720),
        Size(height=256, width=256),
        Size(height=632, width=640),
        Size(height=64, width=160),
    ],
)
def test_a_disc_stays_a_disc_in_every_shape(film: Size) -> None:
    canvas = canvas_size(film)
    assert min(canvas.height, canvas.width) == SHORT_SIDE
    assert canvas.height % 8 == canvas.width % 8 == 0
    y = torch.arange(canvas.height).view(-1, 1) + 0.5 - canvas.height / 2
    x = torch.arange(canvas.width) + 0.5 - canvas.width / 2
    disc = (x**2 + y**2 < 100**2).float().expand(1, 3, -1, -1).contiguous()
    planes = to_planes(disc, NEUTRAL, film)
    assert planes.shape == (1, film.height * 3 // 2, film.width)
    luma = planes[0, : film.height] > 125
    wide, tall = luma[film.height // 2].sum(), luma[:, film.width // 2].sum()
    expected = 200 * min(film.height, film.width) / SHORT_SIDE
    assert wide == pytest.approx(expected, abs=max(2, 0.01 * expected))
    assert tall == pytest.approx(wide, abs=max(2, 0.01 * expected))
