"""What the score does to finished pictures: geometry in one sampling, filters, colour in a matrix.

Every amount is a frame's own. A frame whose amounts are neutral stays as it is, to the bit, and
an effect that is neutral for a whole batch costs nothing.
"""

import math
from collections.abc import Callable
from typing import Final

import kornia
import torch
from torch import Tensor
from torch.nn import functional as F

from film.controls import column
from spectro.routes import CONTROLS
from spectro.score import Rows

WARP_REACH: Final = 0.08  # taste: half heights that a full warp moves a pixel
WARP_WAVES: Final = (1.3, 0.9)  # taste: waves in a half height, along y and along x
# Taste, in pixels of the canvas: the softest that blur goes, and what sharpening lifts.
SOFT_SIGMA, SOFT_KERNEL = 2.0, 9
SHARPEN_GAIN: Final = 1.0  # taste
INVISIBLE: Final = 1e-4  # an amount this near to neutral is neutral: releases never quite end
GLOW_THRESHOLD: Final = 0.5  # taste: what is darker does not glow
GLOW_SIGMA, GLOW_KERNEL = 4.0, 17  # pixels at a quarter of the canvas


def apply(pictures: Tensor, rows: Rows) -> Tensor:
    """Move, blur, sharpen and light up pictures (B, 3, H, W) in [0, 1] as their rows say."""
    for names, effect in _EFFECTS.items():
        is_active = torch.zeros(len(pictures), 1, 1, 1, dtype=torch.bool, device=pictures.device)
        for name in names:
            distance = column(rows, name, pictures.device) - CONTROLS[name].neutral
            is_active |= distance.abs() > INVISIBLE
        if is_active.all():
            pictures = effect(pictures, rows)
        elif is_active.any():
            pictures = torch.where(is_active, effect(pictures, rows), pictures)
    return pictures


def colour(rows: Rows, device: torch.device) -> Tensor:
    """Fold hue, saturation, brightness and contrast into one matrix a frame.

    Returns
    -------
    (B, 3, 4) float32: a matrix and an offset for luma in [0, 1] and BT.709's two colour
    differences, where a hue is an angle and a saturation a length. For a neutral row exactly the
    identity.
    """
    hue, saturation, brightness, contrast = (
        column(rows, name, device).flatten()
        for name in ("hue_turns", "saturation", "brightness", "contrast")
    )
    matrix = torch.zeros(len(hue), 3, 4, device=device)
    matrix[:, 0, 0] = contrast
    matrix[:, 0, 3] = 0.5 - 0.5 * contrast + brightness
    cosine = contrast * saturation * torch.cos(2 * math.pi * hue)
    sine = contrast * saturation * torch.sin(2 * math.pi * hue)
    matrix[:, 1, 1], matrix[:, 1, 2] = cosine, -sine
    matrix[:, 2, 1], matrix[:, 2, 2] = sine, cosine
    return matrix


def _move(pictures: Tensor, rows: Rows) -> Tensor:
    """Zoom, spin, shift and warp in one sampling; what comes in at the edges is mirrored.

    Lengths are half heights from the middle, x to the right and y down. A place of the result is
    looked up at where it came from: shifted back, turned back, made smaller, and waved. Each of
    the two coordinates is a sum of one function of x and one of y, so nothing but that sum is
    computed for every pixel.
    """
    H, W = pictures.shape[-2:]
    device = pictures.device
    zoom, spin_deg, shift_x, shift_y, warp, phase = (
        values[:, :, 0, 0]
        for values in (
            *(column(rows, name, device) for name in _GEOMETRY),
            torch.from_numpy(rows.keyframe).to(device)[:, None, None, None],
        )
    )  # (B, 1) each
    x = (torch.arange(W, device=device) + 0.5) * (2 / H) - W / H
    y = (torch.arange(H, device=device) + 0.5) * (2 / H) - 1
    angle = torch.deg2rad(spin_deg)
    cosine, sine = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    back_x, back_y = x - 2 * shift_x, y - 2 * shift_y  # (B, W) and (B, H)
    # The waves wander with the walk between keyframes: as the music does, and whole turns a stop.
    wave_x = WARP_REACH * warp * torch.sin(2 * math.pi * (WARP_WAVES[0] * y + phase))
    wave_y = WARP_REACH * warp * torch.sin(2 * math.pi * (WARP_WAVES[1] * x - phase))
    grid = torch.empty(len(pictures), H, W, 2, device=device)
    from_x, from_y = cosine * back_x, wave_x - sine * back_y
    torch.add(from_x[:, None] * (H / W), from_y[:, :, None] * (H / W), out=grid[..., 0])
    from_x, from_y = wave_y + sine * back_x, cosine * back_y
    torch.add(from_x[:, None], from_y[:, :, None], out=grid[..., 1])
    return F.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)


def _focus(pictures: Tensor, rows: Rows) -> Tensor:
    """Blur and sharpen: towards a soft copy and away from it, so that one copy serves both."""
    kernel, sigma = (SOFT_KERNEL, SOFT_KERNEL), (SOFT_SIGMA, SOFT_SIGMA)
    soft = kornia.filters.gaussian_blur2d(pictures, kernel, sigma)
    blur, sharpen = (column(rows, name, pictures.device) for name in ("blur", "sharpen"))
    return torch.lerp(pictures, soft, blur - SHARPEN_GAIN * sharpen).clamp_(0, 1)


def _glow(pictures: Tensor, rows: Rows) -> Tensor:
    small = F.interpolate(pictures, scale_factor=0.5, mode="bilinear")
    small = F.interpolate(small, scale_factor=0.5, mode="bilinear")
    bright = (small - GLOW_THRESHOLD).clamp_(min=0) / (1 - GLOW_THRESHOLD)
    kernel, sigma = (GLOW_KERNEL, GLOW_KERNEL), (GLOW_SIGMA, GLOW_SIGMA)
    halo = kornia.filters.gaussian_blur2d(bright, kernel, sigma)
    halo = F.interpolate(halo, pictures.shape[-2:], mode="bilinear")
    # As light adds on a screen: nothing passes white.
    halo *= column(rows, "glow", pictures.device)
    return pictures + halo * (1 - pictures)


_GEOMETRY: Final = ("zoom", "spin_deg", "shift_x", "shift_y", "warp")
_EFFECTS: Final[dict[tuple[str, ...], Callable[[Tensor, Rows], Tensor]]] = {
    _GEOMETRY: _move,
    ("blur", "sharpen"): _focus,
    ("glow",): _glow,
}
