"""Tileable noise, baked once into textures that are then sampled at any place, scale and warp.

Sampling a baked texture costs one ``grid_sample``, where the noise itself would cost dozens of
operations a pixel: that is what makes pictures by the hundred a second.
"""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

SIZE = 768  # texels a side of a texture
N_CELLS = 12  # lattice cells a side of the coarsest octave: the texture repeats after these
_N_STARS = 1_500


def sample(texture: Tensor, place: Tensor) -> Tensor:
    """Sample a tileable texture.

    Parameters
    ----------
    texture : (1, C, SIZE + 1, SIZE + 1), its last row and column repeat the first.
    place : (B, H, W, 2) in lattice cells, any range: the texture repeats every N_CELLS.

    Returns
    -------
    (B, C, H, W)
    """
    grid = place / N_CELLS
    # In place: on a processor, new memory costs more than the arithmetic.
    grid.sub_(grid.floor()).mul_(2).sub_(1)
    return F.grid_sample(texture.expand(len(place), -1, -1, -1), grid, align_corners=True)


@cache
def clouds(n_channels: int, n_octaves: int, seed: int) -> Tensor:
    """Return fractal value noise of unit variance (Perlin 1985's sum of octaves)."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(1, n_channels, SIZE, SIZE)
    for octave in range(n_octaves):
        n = N_CELLS * 2**octave
        lattice = torch.randn(1, n_channels, n, n, generator=generator)
        padded = F.pad(lattice, (2, 3, 2, 3), mode="circular")
        scale = SIZE // n
        smooth = F.interpolate(padded, scale_factor=scale, mode="bicubic", align_corners=False)
        start = 2 * scale
        total += 0.5**octave * smooth[:, :, start : start + SIZE, start : start + SIZE]
    return _close((total - total.mean((2, 3), keepdim=True)) / total.std((2, 3), keepdim=True))


@cache
def cells(seed: int) -> Tensor:
    """Return cellular noise (Worley 1996): distance to the borders, and each cell's tone.

    Returns
    -------
    (1, 2, SIZE + 1, SIZE + 1): distance to the second nearest point minus that to the nearest, in
    cells; and a random tone in [0, 1] that is the same all over a cell, its edge softened.
    """
    generator = torch.Generator().manual_seed(seed)
    n = N_CELLS
    jitter = torch.rand(n, n, 2, generator=generator) * 0.8 + 0.1
    tones = torch.rand(n, n, generator=generator)
    axis = (torch.arange(SIZE) + 0.5) * n / SIZE
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    home_y, home_x = y.long(), x.long()
    distances, candidates = [], []
    for step_y in range(-2, 3):
        for step_x in range(-2, 3):
            row, column = (home_y + step_y) % n, (home_x + step_x) % n
            point = jitter[row, column]
            d_y = home_y + step_y + point[..., 0] - y
            d_x = home_x + step_x + point[..., 1] - x
            distances.append((d_y**2 + d_x**2).sqrt())
            candidates.append(tones[row, column])
    stacked, tone = torch.stack(distances), torch.stack(candidates)
    nearest = stacked.topk(2, dim=0, largest=False).values
    border = nearest[1] - nearest[0]
    weight = torch.softmax(-stacked * 18, dim=0)  # taste: an edge as soft as watercolour
    return _close(torch.stack((border, (weight * tone).sum(0)))[None])


@cache
def stars(seed: int) -> Tensor:
    """Return a sky of stars, few of them bright, (1, 1, SIZE + 1, SIZE + 1) in [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    sky = torch.zeros(1, 1, SIZE, SIZE)
    y, x = torch.randint(SIZE, (2, _N_STARS), generator=generator)
    sky[0, 0, y, x] = 0.25 + 1.5 * torch.rand(_N_STARS, generator=generator) ** 3
    d = torch.arange(-5.0, 6.0)
    disc = torch.exp(-(d[:, None].square() + d.square()) / 3.2)
    sky = F.conv2d(F.pad(sky, (5, 5, 5, 5), mode="circular"), disc[None, None])
    return _close(sky.clamp(max=1))


def _close(texture: Tensor) -> Tensor:
    return F.pad(texture, (0, 1, 0, 1), mode="circular").contiguous()
