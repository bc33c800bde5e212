"""A camera on pictures: where it looks, and how what it sees is developed. All in torch."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional as F

_LEAST_ZOOM = 1.12  # leaves room to pan, also in a picture of the frame's own shape
_MOST_ZOOM = 1.6
_BLUR_SHRINK = 8  # pixels in one of the blurred copy
_LUMA = (0.2126, 0.7152, 0.0722)  # Rec. 709


@dataclass(frozen=True, kw_only=True)
class Shot:
    """How pictures are taken and developed; every field is (B,) in [0, 1]."""

    zoom: Tensor  # from the whole picture to two thirds of it
    pan: Tensor  # from one side to the other
    rise: Tensor  # from the lower edge to the upper
    exposure: Tensor  # from night to full light
    contrast: Tensor
    saturation: Tensor  # from pale to more than the picture's own
    warmth: Tensor  # of the light, .5 = the picture's own
    glow: Tensor  # around what is light
    blur: Tensor


NAMES = tuple(field.name for field in fields(Shot))


def unpack(vectors: Tensor) -> Shot:
    """Name the columns of (B, 9) vectors."""
    return Shot(**dict(zip(NAMES, vectors.unbind(1), strict=True)))


def pack(shot: Shot) -> Tensor:
    """Put named columns back into (B, 9) vectors."""
    return torch.stack([getattr(shot, name) for name in NAMES], dim=1)


def take(picture: Tensor, shot: Shot, height: int, width: int) -> Tensor:
    """Take pictures (B, 3, height, width) of one picture (3, H, W); nothing is stretched."""
    aspect = (picture.shape[2] / picture.shape[1]) / (width / height)
    zoom = _LEAST_ZOOM * (_MOST_ZOOM / _LEAST_ZOOM) ** shot.zoom
    # Half the extent of what is seen, where the picture spans −1 to 1.
    half_x, half_y = min(1.0, 1 / aspect) / zoom, min(1.0, aspect) / zoom
    x, y = (2 * shot.pan - 1) * (1 - half_x), (1 - 2 * shot.rise) * (1 - half_y)
    none = torch.zeros_like(zoom)
    frame = torch.stack((half_x, none, x, none, half_y, y), dim=1).view(-1, 2, 3)
    grid = F.affine_grid(frame, [len(zoom), 3, height, width], align_corners=False)
    return F.grid_sample(
        picture.expand(len(zoom), -1, -1, -1), grid, padding_mode="border", align_corners=False
    )


def see_light(pictures: Tensor) -> Tensor:
    """Return the luma of pictures, (B, 1, H, W)."""
    return (pictures * torch.tensor(_LUMA)[:, None, None]).sum(1, keepdim=True)


def develop(pictures: Tensor, shot: Shot) -> Tensor:
    """Expose, colour, soften and light up pictures (B, 3, H, W) in [0, 1]."""
    pictures = _colour(_expose(pictures, shot), shot)
    small = F.avg_pool2d(pictures, _BLUR_SHRINK, ceil_mode=True, count_include_pad=False)
    # Twice, and so the small one's pixels are not seen in the large.
    small = F.avg_pool2d(small, 3, stride=1, padding=1, count_include_pad=False)
    soft = F.interpolate(small, pictures.shape[2:], mode="bicubic", align_corners=False)
    pictures = torch.lerp(pictures, soft, 0.6 * _over(shot.blur))
    halo = _over(shot.glow) * 1.8 * soft.clamp(0, 1).square()
    return (pictures + halo * (1 - pictures)).clamp(0, 1)


def _expose(pictures: Tensor, shot: Shot) -> Tensor:
    """Spread the tones about their mean, and bring it near to the exposure's tone."""
    middle = _bring_mean(pictures, torch.full_like(shot.exposure, 0.5), 1.0)
    curve = middle * middle * (3 - 2 * middle)  # darks darker, lights lighter
    spread = torch.lerp(middle, curve, 0.8 * _over(shot.contrast))
    return _bring_mean(spread, 0.11 + 0.45 * shot.exposure, 0.9)


def _bring_mean(pictures: Tensor, aim: Tensor, share: float) -> Tensor:
    """Bring the mean tone to an aim (B,), or a share of the way; black and white stay."""
    mean = pictures.mean((1, 2, 3)).clamp(0.02, 0.98)
    exponent = (aim.log() / mean.log()).clamp(0.2, 5.0) ** share
    return pictures.clamp(1e-4, 1) ** _over(exponent)


def _colour(pictures: Tensor, shot: Shot) -> Tensor:
    light = see_light(pictures)
    pictures = light + (pictures - light) * _over(0.65 + 0.75 * shot.saturation)
    lean = 0.36 * (shot.warmth - 0.5)
    gains = torch.stack((1 + lean, 1 - 0.2 * lean, 1 - lean), dim=1)
    return (pictures * gains[:, :, None, None]).clamp(0, 1)


def _over(values: Tensor) -> Tensor:
    """Lay one value a picture over its pixels."""
    return values[:, None, None, None]
