"""What landscapes and cityscapes share: the plane they stand on, sky and sun, water, exposure."""

from dataclasses import dataclass

import torch
from torch import Tensor

from training_data import palettes, textures


@dataclass(frozen=True, kw_only=True)
class Plane:
    """Where the pixels of some pictures lie: x to the right, y down, from the middle."""

    x: Tensor  # (B, H, W); the shorter side of the picture spans −1 to 1
    y: Tensor
    pixel: float  # side of a pixel
    half_height: float
    half_width: float


@dataclass(frozen=True, kw_only=True)
class Weather:
    """What stands in the sky; every field is (B,) in [0, 1]."""

    day: Tensor  # from night to full day
    clouds: Tensor  # how much they cover
    cloud_place: Tensor  # where they stand
    sun_x: Tensor
    sun_y: Tensor  # from just above the ground to high
    sun_size: Tensor
    glow: Tensor  # around the sun


@dataclass(frozen=True, kw_only=True)
class Sky:
    """A sky without what stands before it; every field is (B, H, W)."""

    tone: Tensor  # from the palette's darkest to its lightest, with clouds
    clear: Tensor  # the same without clouds: what haze takes its colour from
    cover: Tensor  # how much cloud there is, 0 to 1
    glare: Tensor  # light of sun or moon, 0 to 1
    height: Tensor  # 0 at the horizon and below, 1 at the upper edge


@dataclass(frozen=True, kw_only=True)
class Water:
    """A surface in which what stands behind it is seen again; every field is (B, H, W)."""

    seen: Plane  # where what a pixel shows stands, without the mirror
    wet: Tensor  # 1 on the water, 0 above it
    deep: Tensor  # distance from the shore
    wave: Tensor  # height of the waves, of about unit variance


def column(values: Tensor) -> Tensor:
    """Lay one value a picture over its pixels."""
    return values[:, None, None]


def lay_out(n: int, height: int, width: int) -> Plane:
    """Return the plane of n pictures of a size in pixels."""
    short = min(height, width)
    pixel = 2 / short
    x = (torch.arange(width) + 0.5 - width / 2) * pixel
    y = (torch.arange(height) + 0.5 - height / 2) * pixel
    return Plane(
        x=x.expand(n, height, width),
        y=y[:, None].expand(n, height, width),
        pixel=pixel,
        half_height=height / short,
        half_width=width / short,
    )


def inside(distance: Tensor, pixel: float | Tensor) -> Tensor:
    """Return how much of a pixel lies within a shape, from its distance to the border."""
    return torch.sigmoid(distance * (1.5 / pixel))


def noise(n_octaves: int, seed: int, x: Tensor, y: Tensor) -> Tensor:
    """Return fractal noise of unit variance at places in lattice cells, (B, H, W)."""
    return textures.sample(textures.clouds(1, n_octaves, seed), torch.stack((x, y), -1))[:, 0]


def sun_place(weather: Weather, plane: Plane) -> Tensor:
    """Return x of sun or moon, (B, 1, 1)."""
    return column((1.5 * weather.sun_x - 0.75) * plane.half_width)


def paint_sky(weather: Weather, plane: Plane, horizon: Tensor) -> Sky:
    """Paint a sky above a horizon (B, 1, 1)."""
    day = column(weather.day)
    above = plane.half_height + horizon
    height = ((horizon - plane.y) / above).clamp(0, 1.2)
    clear = 0.93 - (0.30 + 0.45 * (1 - day)) * height**0.75 - 0.18 * (1 - day)
    # Clouds lie in a flat layer: smaller and flatter towards the horizon.
    near = 0.9 / (height + 0.25)
    x = 0.44 * plane.x * near + 9.6 * column(weather.cloud_place)
    y = 1.9 * near + 3.1 * column(weather.cloud_place)
    bend = 0.25 * noise(2, 11, x * 0.9, y * 0.9)
    cloud = noise(4, 53, x + bend, y + bend)
    lit = noise(4, 53, x + bend + 0.09, y + bend + 0.09)
    cover = torch.sigmoid((cloud - 1.6 + 2.4 * column(weather.clouds)) * 2.2)
    tone = clear + cover * (0.10 * (cloud - lit) + 0.10 * day - 0.10 * (1 - day) + 0.02)
    d_x = plane.x - sun_place(weather, plane)
    d_y = plane.y - horizon + column(0.05 + 0.75 * weather.sun_y) * above
    distance = (d_x.square() + d_y.square() + 1e-6).sqrt()
    size = column(0.06 + 0.16 * weather.sun_size)
    disc = inside(size - distance, plane.pixel) * (1 - 0.75 * cover)
    glow = column(0.15 + 0.6 * weather.glow) * torch.exp(-1.6 * distance / (0.5 + size))
    glare = 0.9 * disc + 0.6 * glow * (0.35 + 0.65 * day) * (1 - 0.4 * cover)
    return Sky(tone=tone, clear=clear, cover=cover, glare=glare, height=height)


def spread_water(plane: Plane, shore: Tensor, ripple: Tensor, place: Tensor) -> Water:
    """Lay water below a shore.

    Parameters
    ----------
    shore : (B, 1, 1), y of the far edge; beyond the lower edge of the picture there is none
    ripple : (B,) in [0, 1], how far the waves bend what is seen
    place : (B,), where in the noise the waves stand
    """
    deep = (plane.y - shore).clamp(min=0)
    # Waves get longer towards the viewer.
    wave = noise(2, 71, 1.4 * plane.x + 7 * column(place), 3 + 9 * torch.log(deep + 0.06))
    wet = inside(plane.y - shore, plane.pixel)
    bend = column(0.02 + 0.13 * ripple) * wave * (0.22 + deep)
    seen = Plane(
        x=plane.x + 0.33 * wet * bend,
        y=torch.where(plane.y > shore, 2 * shore - plane.y + bend, plane.y),
        pixel=plane.pixel,
        half_height=plane.half_height,
        half_width=plane.half_width,
    )
    return Water(seen=seen, wet=wet, deep=deep, wave=wave)


def colour(tone: Tensor, chosen: Tensor, palette: Tensor, second_palette: Tensor) -> Tensor:
    """Colour tones (B, H, W) from two palettes; `chosen` is 1 where the second one counts."""
    tone = tone.clamp(0, 1)
    first = palettes.colour(tone, palette)
    second = palettes.colour(tone, torch.remainder(palette + 0.3 * second_palette, 1.0))
    return torch.lerp(first, second, chosen[:, None])


def expose(lab: Tensor, glare: Tensor, day: Tensor, saturation: Tensor) -> Tensor:
    """Expose OKLab (B, 3, H, W) by the hour and add the glare, as OKLab."""
    exposure = column(0.44 + 0.6 * day)
    light = lab[:, 0] * exposure
    light = light + glare * (1 - light).clamp(min=0)
    # A shoulder in place of a cut, so that light never ends in a flat white patch.
    light = torch.where(light > 0.8, 0.8 + 0.2 * torch.tanh((light - 0.8) / 0.2), light)
    chroma = column(0.55 + 0.7 * saturation) * (0.6 + 0.4 * exposure) * (1 - 0.5 * glare)
    return torch.stack((light, lab[:, 1] * chroma, lab[:, 2] * chroma), 1)
