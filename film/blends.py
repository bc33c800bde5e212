"""Ways to bring the painted frame and the keyframe together, each from the one to the other.

A blend takes keyframes and painted frames (B, 3, H, W) in [0, 1] and amounts (B, 1, 1, 1) in
[0, 1]; with 0 it gives the keyframes and with 1 the painted frames. A mean of two pictures is
duller than either, so each blend gives the lost contrast back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import kornia
import torch
from torch import Tensor
from torch.nn import functional as F

from film.colours import from_rgb

BEND_REACH: Final = 0.35  # taste: how far a painted edge pulls, in half heights per unit of slope
N_PYRAMID_LEVELS: Final = 3
STATISTICS_STRIDE: Final = 4  # every fourth pixel along each side tells mean and deviation
MAX_GAIN: Final = 4.0  # taste: a flat keyframe is not blown up into noise
MAX_CONTRAST: Final = 1.5  # the mean of two unrelated pictures has 1 / 1.41 of their contrast


def crossfade(keyframes: Tensor, painted: Tensor, amount: Tensor) -> Tensor:
    """Mix the two."""
    return _restore_contrast(torch.lerp(keyframes, painted, amount), keyframes, painted, amount)


def pyramid(keyframes: Tensor, painted: Tensor, amount: Tensor) -> Tensor:
    """Let the painted frame in from its large shapes to its fine detail.

    A Laplacian pyramid (Burt and Adelson 1983) whose bands have weights of their own. It is
    linear in its picture, so one pyramid, of the difference, is enough; and a sum of bands with
    weights w is a sum of the levels, enlarged, with the steps between the weights:

        Σ w_l (D_l − up(D_{l+1}))  =  w_0 D_0 + Σ (w_l − w_{l−1}) up(D_l)

    A level is halved by the mean of 2×2 pixels and enlarged bilinearly: Kornia's 5×5 kernels
    look the same here and take ten times as long.
    """
    levels = [painted - keyframes]
    for _ in range(N_PYRAMID_LEVELS - 1):
        levels.append(_halve(levels[-1]))
    # From amount² for the finest band to √amount for the coarsest.
    exponents = torch.logspace(1, -1, N_PYRAMID_LEVELS, base=2.0).tolist()
    weights = [amount**exponent for exponent in exponents]
    coarse = levels[-1] * (weights[-1] - weights[-2])
    for n in range(N_PYRAMID_LEVELS - 2, -1, -1):
        coarse = F.interpolate(coarse, levels[n].shape[-2:], mode="bilinear")
        step = weights[n] - weights[n - 1] if n else weights[0]
        coarse.addcmul_(levels[n], step)
    return _restore_contrast(coarse.add_(keyframes), keyframes, painted, amount)


def colour(keyframes: Tensor, painted: Tensor, amount: Tensor) -> Tensor:
    """Give the keyframe the painted frame's colours first, and its shapes after.

    The colours are mean and deviation of luma and of the two colour differences (Reinhard et al.
    2001, but in BT.709's space, which is linear, so that all is one matrix).
    """
    to_luma = from_rgb(keyframes.device)
    source, target = _statistics(keyframes, to_luma), _statistics(painted, to_luma)
    gain = (target.deviation / source.deviation).clamp(1 / MAX_GAIN, MAX_GAIN)
    to_rgb = to_luma.inverse()
    matrix = to_rgb @ (gain * to_luma)
    offset = to_rgb @ (target.mean - gain * source.mean)
    toned = torch.baddbmm(offset, matrix, keyframes.flatten(2)).view_as(keyframes).clamp_(0, 1)
    toned = torch.lerp(keyframes, toned, (2 * amount).clamp(max=1))
    return crossfade(toned, painted, amount**2)


def displace(keyframes: Tensor, painted: Tensor, amount: Tensor) -> Tensor:
    """Bend the keyframe by the painted frame, then mix."""
    return crossfade(bend(keyframes, painted, amount), painted, amount)


BLENDS: Final[dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]]] = {
    "crossfade": crossfade,
    "pyramid": pyramid,
    "colour": colour,
    "displace": displace,
}


def bend(keyframes: Tensor, painted: Tensor, amount: Tensor) -> Tensor:
    """Pull the keyframe along the painted frame's slopes of luma, as glass with that relief would.

    Parameters
    ----------
    keyframes, painted : (B, 3, H, W) in [0, 1]
    amount : (B, 1, 1, 1) in [0, 1]; where it is 0 the keyframe stays as it is, to the bit
    """
    is_bent = amount.flatten() != 0
    if not is_bent.any():
        return keyframes
    H, W = keyframes.shape[-2:]
    luma = kornia.color.rgb_to_grayscale(_halve(_halve(painted)))
    # At a quarter of the size, where broad shapes have slopes and grain has none.
    slope = kornia.filters.spatial_gradient(luma)[:, 0]  # (B, 2, h, w), to the right and down
    pull = F.interpolate(slope * (amount * BEND_REACH), (H, W), mode="bilinear")
    x, y = _centres(W, keyframes.device), _centres(H, keyframes.device)
    # One unit is half the height, along both axes.
    grid = torch.stack([x + pull[:, 0] * (H / W), y[:, None] + pull[:, 1]], -1)
    bent = F.grid_sample(keyframes, grid, padding_mode="reflection", align_corners=False)
    return torch.where(is_bent[:, None, None, None], bent, keyframes)


@dataclass(frozen=True, kw_only=True)
class _Statistics:
    """Of luma, and of the colour differences if asked for, over each picture: (B, 1 or 3, 1)."""

    mean: Tensor
    deviation: Tensor  # above 0


def _statistics(pictures: Tensor, to_luma: Tensor) -> _Statistics:
    sample = pictures[:, :, ::STATISTICS_STRIDE, ::STATISTICS_STRIDE].flatten(2)
    planes = to_luma @ sample
    return _Statistics(
        mean=planes.mean(2, keepdim=True),
        deviation=planes.std(2, keepdim=True, correction=0).clamp(min=1 / 255),
    )


def _restore_contrast(
    blended: Tensor, keyframes: Tensor, painted: Tensor, amount: Tensor
) -> Tensor:
    """Bring the deviation of luma to where it should be between those of the two pictures."""
    luma_of = from_rgb(blended.device)[:1]
    wanted = torch.lerp(
        _statistics(keyframes, luma_of).deviation,
        _statistics(painted, luma_of).deviation,
        amount[:, 0],
    )
    gain = (wanted / _statistics(blended, luma_of).deviation).clamp(1, MAX_CONTRAST)
    grey = blended[:, :, ::STATISTICS_STRIDE, ::STATISTICS_STRIDE].mean((2, 3), keepdim=True)
    return torch.lerp(grey, blended, gain[..., None]).clamp_(0, 1)


def _halve(pictures: Tensor) -> Tensor:
    """Halve the sides; with even ones each pixel is the mean of four."""
    return F.interpolate(pictures, scale_factor=0.5, mode="bilinear")


def _centres(n: int, device: torch.device) -> Tensor:
    """Return where n pixels' centres lie between the edges −1 and 1, as grid_sample counts."""
    return (torch.arange(n, device=device) * 2 + 1) / n - 1
