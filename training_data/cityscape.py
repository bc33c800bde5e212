"""The maker of cityscapes: a vector of parameters becomes a picture, in torch, in batches.

Skylines one before the other, each nearer one darker and clearer than the one behind it; windows
that light up one by one as it gets dark; neon along roofs and walls; in front of it all a river
with a bridge, or a wet street that runs towards the houses, in which the city is seen again. Walls
and sky keep to one palette and a second one beside it; lamps have colours of their own.
"""

from dataclasses import dataclass, fields
from functools import cache

import torch
from torch import Tensor

from training_data import palettes
from training_data.parts import in_parts
from training_data.scenery import (
    Plane,
    Sky,
    Water,
    Weather,
    colour,
    column,
    expose,
    inside,
    lay_out,
    noise,
    paint_sky,
    spread_water,
)

N_ROWS = 4
N_LAMP_POSTS = 6  # on each side of the street
_N_HOUSES = 512  # after these a row repeats
_N_LAMPS = 2**17


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What a cityscape is made from; every field is (B,) in [0, 1]."""

    palette: Tensor  # place on the ring of palettes
    second_palette: Tensor  # that of the houses, as a step on the ring
    day: Tensor  # from night to full day
    contrast: Tensor  # between near and far
    saturation: Tensor  # from pastel to full colour
    place: Tensor  # where along the street the picture stands
    scale: Tensor  # from a far skyline to near houses
    tall: Tensor  # height of the towers
    windows: Tensor  # how many are lit
    lamps: Tensor  # colour of the lamps, from amber to rose
    neon: Tensor  # how many signs are lit
    haze: Tensor  # between the rows
    clouds: Tensor  # how much of the sky they cover
    cloud_place: Tensor  # where they stand
    sun_x: Tensor
    sun_y: Tensor  # from behind the houses to high
    sun_size: Tensor
    glow: Tensor  # around the sun
    water: Tensor  # from none to a river that fills the foreground
    ripple: Tensor  # of the water
    bridge: Tensor  # from none to high above the water
    street: Tensor  # from none to one that runs to the horizon, in place of the water
    traffic: Tensor  # light of the cars on it


NAMES = tuple(field.name for field in fields(Parameters))
N_PARAMETERS = len(NAMES)
N_DRAWN = N_PARAMETERS  # numbers that a picture is drawn from


@dataclass(frozen=True, kw_only=True)
class _Row:
    """One row of houses; every field is (B, H, W)."""

    shape: Tensor  # how much of a pixel the houses cover
    foot: Tensor  # 0 at the roof, 1 at the ground
    wall: Tensor  # how light a wall is beside the others, about −1 to 1
    windows: Tensor  # light in the windows, 0 to 1
    signs: Tensor  # light of the neon


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
    # One quarter, the one that films stand in: a network learns its houses by heart, where it
    # would paint the whole city as a haze.
    drawn.place.mul_(0.1).add_(0.32)
    drawn.cloud_place.mul_(0.25).add_(0.28)
    drawn.second_palette.pow_(2.0)
    drawn.day.mul_(0.9).add_(0.1)
    drawn.saturation.mul_(0.6).add_(0.4)
    # Lamps are for the night.
    drawn.windows.mul_(0.6).add_(0.9 * (0.75 - drawn.day)).clamp_(0, 1)
    drawn.neon.pow_(2.0).mul_(1.4 - 1.5 * drawn.day).clamp_(0, 1)
    drawn.water.sub_(0.3).clamp_(min=0).mul_(1.4)
    # A third of them with a street, a third with a bridge where there is water and no street.
    drawn.street.sub_(0.65).mul_(8.0).clamp_(0, 1)
    drawn.bridge.sub_(0.55).mul_(6.0).clamp_(0, 1).mul_(1 - drawn.street)
    return vectors


@in_parts
def paint(vectors: Tensor, height: int, width: int) -> Tensor:
    """Paint cityscapes from their parameters.

    Parameters
    ----------
    vectors : (B, N_PARAMETERS) in [0, 1]
    height, width : pixels; a wide picture shows more of the same city, not the same squashed

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
    bank = column((1.02 - 0.82 * p.water.maximum(0.75 * p.street)) * plane.half_height)
    water = spread_water(plane, bank, p.ripple, p.cloud_place)
    sky = paint_sky(weather, water.seen, bank)
    tone, chosen, glare, lit = _build(p, water.seen, sky, bank)
    tone, glare = _span_bridge(p, water.seen, bank, tone, glare)
    tone, glare, lit = _pave_street(p, plane, water, tone, glare, lit)
    tone = tone * (1 - 0.18 * water.wet)
    lab = colour(tone, chosen, p.palette, p.second_palette)
    lab = expose(lab, glare, p.day, p.saturation)
    windows, signs = (lit * (1 - 0.35 * water.wet[:, None])).clamp(0, 1).chunk(2, 1)
    lab = torch.lerp(lab, _lamp_colour(0.29 + 0.12 * p.lamps, tone, 0.78, 1.0), 0.92 * windows)
    lab = torch.lerp(lab, _lamp_colour(0.62 + 0.30 * p.lamps, tone, 0.62, 1.5), signs)
    return palettes.to_srgb(lab)


def _lamp_colour(palette: Tensor, like: Tensor, tone: float, strength: float) -> Tensor:
    """Return the colour of lamps, OKLab (B, 3, H, W)."""
    lab = palettes.colour(torch.full_like(like, tone), palette)
    return torch.cat((lab[:, :1], strength * lab[:, 1:]), 1)


def _build(
    p: Parameters, plane: Plane, sky: Sky, bank: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Put the rows before the sky; return tone, second palette's share, glare, lamps (B, 2, …)."""
    tone, glare = sky.tone, sky.glare
    chosen = torch.zeros_like(tone)
    lit = torch.zeros_like(tone)[:, None].repeat(1, 2, 1, 1)
    dark, far = 0.26 - 0.18 * column(p.contrast), 0.53 + 0.25 * column(p.day)
    for place in range(N_ROWS):
        near = (place + 1) / N_ROWS
        row = _build_row(p, plane, bank, place)
        haze = column(p.haze) * (1 - near)
        wall = torch.lerp(far, dark, near**0.8) + row.wall * (0.10 - 0.03 * near)
        mist = 0.9 * column(p.haze) * row.foot * (1 - 0.7 * near)
        wall = wall + mist * (0.97 * sky.clear - wall)
        tone = torch.lerp(tone, wall, row.shape)
        chosen = torch.lerp(chosen, torch.full_like(chosen, 0.3 + 0.7 * near), row.shape)
        glare = glare * (1 - row.shape * (0.82 + 0.18 * near))
        own = torch.stack((row.windows * (0.45 + 0.55 * near), row.signs * near), 1)
        shape = row.shape[:, None]
        lit = lit * (1 - shape) + own * shape * (1 - 0.8 * haze)[:, None]
    return tone, chosen, glare, lit


def _span_bridge(
    p: Parameters, plane: Plane, bank: Tensor, tone: Tensor, glare: Tensor
) -> tuple[Tensor, Tensor]:
    """Hang a bridge over the water, before the houses; return tone and glare."""
    raised = column(p.bridge * (4 * p.water - 1).clamp(0, 1)) * (plane.half_height + bank)
    span = 0.8
    deck = bank - 0.16 * raised
    # From −1 to 1 between two towers, and so on beyond them.
    across = torch.remainder(plane.x / span + 2 * column(p.place), 2) - 1
    cable = deck - 0.42 * raised * (0.08 + 0.92 * across.square())
    hanger = (torch.remainder(across * 9, 1) - 0.5).abs() / 9 * span
    tower = (1 - across.abs()) * span
    pixel = plane.pixel
    road = inside(0.02 * raised.clamp(max=0.5) + 0.2 * pixel - (plane.y - deck).abs(), pixel)
    rope = inside(0.9 * pixel - (plane.y - cable).abs() / (1 + across.abs()), pixel)
    hangers = 0.7 * inside(0.5 * pixel - hanger, pixel) * ((plane.y > cable) & (plane.y < deck))
    stands = (plane.y > deck - 0.46 * raised) & (plane.y < bank + 0.02)
    # A gate in the tower's upper half.
    gate = (tower < 0.3 * 0.05) & (plane.y < deck - 0.06 * raised)
    gate = gate & (plane.y > deck - 0.36 * raised)
    towers = inside(0.05 - tower, pixel) * stands * ~gate
    shape = torch.stack((road, rope, hangers, towers)).amax(0)
    shape = shape * (raised / 0.1).clamp(0, 1)
    dark = 0.22 - 0.16 * column(p.contrast)
    return torch.lerp(tone, dark.expand_as(tone), shape), glare * (1 - shape)


def _pave_street(
    p: Parameters, plane: Plane, water: Water, tone: Tensor, glare: Tensor, lit: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Lay a wet street where the water would be; return tone, glare and lamps."""
    street = column(p.street)
    paved = street * water.wet
    deep = water.deep + 0.02
    # 0 in the middle of the road, −1 and 1 at its kerbs; it narrows towards the horizon.
    across = plane.x / (1.15 * deep)
    sharp = plane.pixel / deep
    # The wet road keeps some of what is seen in it.
    asphalt = 0.10 + 0.14 * column(p.day) + 0.10 * (across.abs() > 1)
    tone = torch.lerp(tone, asphalt.expand_as(tone), 0.88 * paved)
    kerb = inside(0.03 - (across.abs() - 1).abs(), sharp)
    dash = inside(0.03 - across.abs(), sharp) * (torch.remainder(0.9 / deep, 1) < 0.55)
    tone = tone + paved * (0.4 * kerb + 0.8 * dash) * (0.8 - tone)
    # Cars come on one side and go on the other: light drawn out along the lane.
    beam = 0.06 * (1 + 1.5 * torch.sin(2.3 / deep + 9 * column(p.traffic)).clamp(min=0))
    come, go = (
        torch.exp(-((((across - lane).abs() - 0.13).abs() / beam) ** 2)) for lane in (-0.5, 0.5)
    )
    shine = paved * column((0.3 + 0.9 * p.traffic) * (1.25 - p.day)) * (deep / 0.12).clamp(max=1)
    # What is seen in the road is darker than what is seen in the river.
    lit = lit * (1 - 0.7 * paved)[:, None] + shine[:, None] * torch.stack((come, go), 1)
    posts, bulbs = _line_street(plane, water, street)
    tone = torch.lerp(tone, torch.full_like(tone, 0.08), posts)
    night = column(1.1 - p.day).clamp(max=1)
    lit = lit * (1 - posts)[:, None]
    lit = torch.cat((lit[:, :1].maximum((night * bulbs)[:, None]), lit[:, 1:]), 1)
    return tone, glare * (1 - posts.maximum(0.6 * paved)), lit


def _line_street(plane: Plane, water: Water, street: Tensor) -> tuple[Tensor, Tensor]:
    """Return the posts along the kerbs and the light of their lamps, both (B, H, W)."""
    posts, bulbs = torch.zeros_like(plane.y), torch.zeros_like(plane.y)
    shore = plane.y - water.deep  # of the pixels below it; the others are mirrored at nothing
    shore = shore.amax((1, 2), keepdim=True)
    for place in range(N_LAMP_POSTS):
        deep = 0.75 * 0.62**place
        foot, high, aside = shore + deep, 1.15 * deep, 1.28 * deep
        away = (plane.x.abs() - aside).abs()
        rises = (plane.y < foot) & (plane.y > foot - high)
        posts = posts.maximum(inside(0.014 * deep - away, plane.pixel) * rises)
        d_x = plane.x.abs() - aside + 0.16 * deep  # the lamp hangs over the road
        d_y = plane.y - foot + high
        arm = inside(0.014 * deep - d_y.abs(), plane.pixel) * (d_x > 0) * (plane.x.abs() < aside)
        posts = posts.maximum(arm)
        distance = (d_x.square() + d_y.square()).sqrt()
        bulb = inside(0.035 * deep - distance, plane.pixel)
        bulbs = bulbs.maximum(bulb.maximum(0.5 * torch.exp(-distance / (0.11 * deep))))
    return posts * street, bulbs * street


def _build_row(p: Parameters, plane: Plane, bank: Tensor, place: int) -> _Row:
    near = (place + 1) / N_ROWS
    street = _part_street(p, plane, place)
    house = street.house
    height = _raise_houses(p, street, place) * (plane.half_height + bank)
    below = plane.y - bank + height
    margin = 0.04 + 0.12 * house.gap
    panes = 3 + (4 * house.panes).floor()
    storey = (0.045 + 0.03 * near) * column(0.7 + 0.7 * p.scale)
    a = (street.across - margin) / (1 - 2 * margin) * panes
    b = (bank - plane.y) / storey + 100
    pane = _draw_pane(a, street.broad / panes, plane.pixel) * _draw_pane(b, storey, plane.pixel)
    within = ((street.body > 0) & (below > 0.02)).to(pane)
    # Each window is lit by a number of its own.
    lamp = _draw_lamp(11 * street.plot + a.floor() + 3_000 * place, b.floor())
    shine = 0.55 + 0.45 * _draw_lamp(b.floor(), 7 * street.plot + a.floor())
    lit = torch.sigmoid(40 * (1.15 * column(p.windows) - 0.12 - lamp)) * shine
    # Neon: along the roof, and down one wall.
    on = torch.sigmoid(30 * (column(p.neon) - house.sign))
    along_roof = torch.exp(-(below - 0.02).abs() / (1.6 * plane.pixel)) * (street.body > 0)
    from_wall = (street.across - margin - 0.06).abs() * street.broad
    down_wall = torch.exp(-from_wall / (1.4 * plane.pixel)) * ((below > 0) & (below < 0.45))
    return _Row(
        shape=inside(below, plane.pixel),
        foot=(below / (height + 0.3)).clamp(0, 1),
        wall=1.2 * (house.gap - 0.5) + 0.35 * (street.across - 0.5) - 0.25 * pane,
        windows=pane * lit * within,
        signs=on * (along_roof + 0.8 * down_wall * (house.gap > 0.4)),
    )


@dataclass(frozen=True, kw_only=True)
class _House:
    """What sets a house apart from the others; every field is (B, H, W) in [0, 1]."""

    rank: Tensor  # among the heights
    gap: Tensor  # to its neighbours
    setback: Tensor  # above .55 the sides are lower
    mast: Tensor  # above .78 it bears one
    slant: Tensor  # above .8 the roof slopes
    shed: Tensor  # height of what stands in the gaps
    panes: Tensor  # how many windows across
    sign: Tensor  # how much neon there must be before it has any


@dataclass(frozen=True, kw_only=True)
class _Street:
    """Where pixels lie along a row of houses; every field but one is (B, H, W)."""

    plot: Tensor  # number of the house
    across: Tensor  # place in it from left to right, 0 to 1
    body: Tensor  # distance from its walls, above 0 within
    broad: Tensor  # (B, 1, 1), its width
    house: _House


def _part_street(p: Parameters, plane: Plane, place: int) -> _Street:
    """Part a row into plots."""
    broad = (0.11 + 0.13 * (place + 1) / N_ROWS) * column(0.7 + 0.9 * p.scale)
    along = plane.x / broad + 60 * column(p.place) + 17.3 * place + 256
    plot = along.floor()
    across = along - plot
    number = torch.remainder(plot.long(), _N_HOUSES)
    names = (field.name for field in fields(_House))
    drawn = dict(zip(names, _draw_houses(place), strict=True))
    house = _House(**{name: row[number] for name, row in drawn.items()})
    margin = 0.04 + 0.12 * house.gap
    body = torch.minimum(across - margin, 1 - margin - across)
    return _Street(plot=plot, across=across, body=body, broad=broad, house=house)


def _raise_houses(p: Parameters, street: _Street, place: int) -> Tensor:
    """Return how high the houses stand, (B, H, W), in parts of the sky above the bank."""
    near, house = (place + 1) / N_ROWS, street.house
    plot = street.plot
    district = noise(1, 31, 0.21 * plot + 3.7 * place, torch.full_like(plot, 1.3 * place))
    rise = 0.25 + 0.9 * house.rank ** (1.6 - 0.3 * near)
    rise = 0.20 + 0.75 * column(p.tall) * rise * (0.65 + 0.3 * district.clamp(-1, 1.5))
    rise = rise * (0.84 - 0.34 * near)
    shoulder = (house.setback > 0.55) & (street.body < 0.16)
    mast = (house.mast > 0.78) & ((street.across - 0.5).abs() < 0.035)
    slope = (house.slant > 0.8) * (street.across - 0.5) * 0.08
    height = rise * (1 - 0.18 * shoulder + 0.22 * mast) + slope
    return torch.where(street.body > 0, height, 0.05 + 0.05 * house.shed)


def _draw_pane(place: Tensor, size: Tensor, pixel: float) -> Tensor:
    """Return how much of a pixel lies in a pane, along one side of the grid."""
    distance = (0.27 - (place - place.floor() - 0.5).abs()) * size
    return torch.sigmoid(distance * (2.2 / pixel))


@cache
def _draw_houses(row: int) -> Tensor:
    """Draw the fields of `_House` for the houses of a row, (8, _N_HOUSES) in [0, 1]."""
    return torch.rand(8, _N_HOUSES, generator=torch.Generator().manual_seed(row))


@cache
def _draw_lamps() -> Tensor:
    return torch.rand(_N_LAMPS, generator=torch.Generator().manual_seed(5))


def _draw_lamp(one: Tensor, other: Tensor) -> Tensor:
    """Return a number in [0, 1] for each pair of whole numbers, always the same."""
    a, b = one.long(), other.long()
    return _draw_lamps()[torch.remainder(73 * a + 6151 * b + 31 * (a * b % 97), _N_LAMPS)]
