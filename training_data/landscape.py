"""The maker of landscapes: a vector of parameters becomes a picture, in torch, in batches.

Poster art: a sky, a sun or a moon, clouds, and ridges one before the other, each nearer one darker
and clearer than the one behind it, down to hills, trees, or water in which all of it is seen
again. Every picture keeps to one palette, from its darkest to its lightest colour, and a second
one for the ground. Everything is continuous in every parameter, so a walk is a film.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from training_data import palettes, textures
from training_data.parts import in_parts
from training_data.scenery import (
    Plane,
    Sky,
    Weather,
    colour,
    column,
    expose,
    inside,
    lay_out,
    noise,
    paint_sky,
    spread_water,
    sun_place,
)

N_RIDGES = 5


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What a landscape is made from; every field is (B,) in [0, 1]."""

    palette: Tensor  # place on the ring of palettes
    second_palette: Tensor  # that of the ground, as a step on the ring
    day: Tensor  # from night to full day
    contrast: Tensor  # between near and far
    saturation: Tensor  # from pastel to full colour
    place: Tensor  # where along the mountains the picture stands
    horizon: Tensor  # from low to high
    relief: Tensor  # height of the ridges
    rough: Tensor  # from dunes to crags
    mist: Tensor  # between the ridges
    snow: Tensor  # on what is high
    trees: Tensor  # on the nearest hill
    water: Tensor  # from none to a lake that fills the foreground
    ripple: Tensor  # of the water
    clouds: Tensor  # how much of the sky they cover
    cloud_place: Tensor  # where they stand
    sun_x: Tensor
    sun_y: Tensor  # from behind the ridges to high
    sun_size: Tensor
    glow: Tensor  # around the sun
    stars: Tensor


NAMES = tuple(field.name for field in fields(Parameters))
N_PARAMETERS = len(NAMES)
N_DRAWN = N_PARAMETERS  # numbers that a picture is drawn from


def unpack(vectors: Tensor) -> Parameters:
    """Name the columns of (B, N_PARAMETERS) vectors."""
    return Parameters(**dict(zip(NAMES, vectors.unbind(1), strict=True)))


def pack(parameters: Parameters) -> Tensor:
    """Put named parameters back into (B, N_PARAMETERS) vectors."""
    return torch.stack([getattr(parameters, name) for name in NAMES], dim=1)


def spread(numbers: Tensor) -> Tensor:
    """Make parameters of numbers drawn evenly, spread as one would hang pictures on a wall.

    Parameters
    ----------
    numbers : (B, N_DRAWN) in [0, 1]

    Returns
    -------
    (B, N_PARAMETERS) in [0, 1]
    """
    vectors = numbers.clone()
    drawn = unpack(vectors)
    # One stretch of the mountains, the one that films stand in: a network learns its ridges by
    # heart, where it would paint the whole range as a haze.
    drawn.place.mul_(0.25).add_(0.19)
    drawn.cloud_place.mul_(0.25).add_(0.28)
    drawn.second_palette.pow_(2.0)
    drawn.day.mul_(0.9).add_(0.1)
    drawn.saturation.mul_(0.6).add_(0.4)
    drawn.clouds.pow_(1.3)
    # Half of them without snow, a third without trees, half without water.
    drawn.snow.sub_(0.5).clamp_(min=0).mul_(2.0)
    drawn.trees.sub_(0.35).clamp_(min=0).mul_(1.5)
    drawn.water.sub_(0.45).clamp_(min=0).mul_(1.8)
    drawn.stars.sqrt_().mul_(((0.55 - drawn.day) * 2.5).clamp(0, 1))
    return vectors


@in_parts
def paint(vectors: Tensor, height: int, width: int) -> Tensor:
    """Paint landscapes from their parameters.

    Parameters
    ----------
    vectors : (B, N_PARAMETERS) in [0, 1]
    height, width : pixels; a wide picture shows more of the same land, not the same squashed

    Returns
    -------
    (B, 3, height, width) float32 in [0, 1], sRGB.
    """
    p = unpack(vectors)
    weather = Weather(
        day=p.day,
        clouds=p.clouds,
        cloud_place=p.cloud_place,
        sun_x=p.sun_x,
        sun_y=p.sun_y,
        sun_size=p.sun_size,
        glow=p.glow,
    )
    plane = lay_out(len(vectors), height, width)
    horizon = column((0.35 - 0.45 * p.horizon) * plane.half_height)
    shore = column((1.15 - 0.75 * p.water) * plane.half_height).maximum(horizon + 0.12)
    water = spread_water(plane, shore, p.ripple, p.cloud_place)
    sky = paint_sky(weather, water.seen, horizon)
    tone, chosen, glare = _raise_ridges(p, water.seen, sky, horizon, water.wet)
    path = torch.exp(-(((plane.x - sun_place(weather, plane)) / (0.12 + 0.5 * water.deep)) ** 2))
    glitter = water.wet * path * torch.relu(water.wave - 0.3)
    tone = tone * (1 - 0.16 * water.wet) + 0.25 * glitter * column(p.day)
    lab = colour(tone, chosen, p.palette, p.second_palette)
    return palettes.to_srgb(expose(lab, glare, p.day, p.saturation))


def _raise_ridges(
    p: Parameters, plane: Plane, sky: Sky, horizon: Tensor, wet: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Put stars in the sky and ridges before it; return tone, second palette's share, glare."""
    stars = textures.sample(
        textures.stars(91),
        torch.stack((1.7 * plane.x + 12 * column(p.place), 1.7 * plane.y), -1),
    )[:, 0]
    stars = stars * column(p.stars) * sky.height.sqrt() * (1 - sky.cover)
    tone, glare = sky.tone, sky.glare + 0.9 * stars
    chosen = torch.zeros_like(tone)
    dark, far = 0.30 - 0.22 * column(p.contrast), 0.60 + 0.20 * column(p.day)
    for place in range(N_RIDGES):
        near = (place + 1) / N_RIDGES
        base = horizon - 0.03 + (0.05 + 0.95 * near**1.6) * (plane.half_height - horizon) * 0.62
        top = base - _rise(p, plane.x, place, near)
        below = plane.y - top
        shape = inside(below, plane.pixel)
        if place == N_RIDGES - 1:
            shape = shape * (1 - wet)  # the nearest hill does not stand in the water
        flank = _light_flank(p, plane.x, below.clamp(min=0), place, near)
        foot = (below / 0.5).clamp(0, 1)
        ground = torch.lerp(far, dark, near**0.8)
        own = ground + 0.13 * flank * (1 - 0.6 * foot) * (1.2 - 0.7 * near)
        own = own + 0.9 * column(p.mist) * foot * (1 - 0.75 * near) * (0.98 * sky.clear - ground)
        line = base - plane.y - column(0.22 * p.relief) * (1.2 - near) + 0.16 * flank
        snow = column(p.snow) * torch.sigmoid(22 * line) * (1 - near**3)
        own = own + snow * (0.93 - own) * (0.72 + 0.28 * flank)
        tone = torch.lerp(tone, own, shape)
        chosen = torch.lerp(chosen, torch.full_like(chosen, near), shape)
        glare = glare * (1 - shape * (0.8 + 0.2 * near))
    return tone, chosen, glare


def _along(p: Parameters, x: Tensor, place: int, near: float) -> Tensor:
    """Return where along the mountains a ridge is seen, in cells of noise."""
    return x * (0.55 + 0.5 * near) + 12 * column(p.place) + 3.1 * place


def _rise(p: Parameters, x: Tensor, place: int, near: float) -> Tensor:
    """Return how far a ridge rises above its base, (B, H, W)."""
    along = _along(p, x, place, near)
    row = torch.full_like(along, 1.7 * place)
    soft = noise(1, 31, 0.7 * along, 0.7 * row)
    crag = 1 - 2 * noise(5, 37, 0.9 * along, 0.9 * row).abs()
    fine = noise(4, 41, 3 * along, 3 * row)
    rough = column(p.rough) * (1 - 0.55 * near)
    height = column(0.10 + 0.42 * p.relief) * (1 - 0.6 * near)
    rise = height * (0.55 + 0.55 * soft + rough * (0.75 * crag + 0.16 * fine))
    return rise + _grow_trees(p, x) if place == N_RIDGES - 1 else rise


def _grow_trees(p: Parameters, x: Tensor) -> Tensor:
    """Return the height of the trees on the nearest hill, (B, H, W): firs, in groups."""
    group = noise(2, 61, 5 * x + 9 * column(p.place), torch.zeros_like(x))
    tree = 17 * x + 1.5 * group
    fir = 1 - 2 * (tree - tree.floor() - 0.5).abs()
    height = torch.sigmoid(4 * (group - 0.2)) * (0.55 + 0.45 * torch.sin(2.4 * tree.floor()))
    return 0.22 * column(p.trees) * height * fir.clamp(0, 1) ** 1.2


def _light_flank(p: Parameters, x: Tensor, down: Tensor, place: int, near: float) -> Tensor:
    """Return how a flank is lit from the left, about −1 to 1; its folds run downhill."""
    u = 1.1 * _along(p, x, place, near) + 0.55 * down
    v = 0.8 * down + 5 * near
    fold = noise(5, 37, u, v) - noise(5, 37, u + 0.07, v - 0.03)
    return torch.tanh(2.2 * fold) * (0.25 + column(p.rough) * (1 - 0.55 * near))
