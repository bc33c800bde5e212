"""The maker of abstract pictures: a vector of parameters becomes a picture, in torch, in batches.

One field is warped twice by noise (Quilez 2002's domain warping); its height is read in five ways
at once, mixed by weight: *silk* (lit folds), *agate* (bands), *paper* (cut-out layers that cast
shadows), *glass* (cells with leaded borders) and *trails* (bright ribbons on the dark). A light
and its rays stand in front. Everything is continuous in every parameter, so a walk through
parameters is a film.
"""

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional as F

from training_data import palettes, textures
from training_data.parts import in_parts


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What a picture is made from; every field is (B,) in [0, 1]."""

    palette: Tensor  # place on the ring of palettes
    second_palette: Tensor  # that of the parts that the light does not reach, as a step on the ring
    exposure: Tensor  # from night to full light
    contrast: Tensor  # spread of tones
    saturation: Tensor  # from pastel to full colour
    place_x: Tensor  # where in the noise the picture stands
    place_y: Tensor
    place_z: Tensor  # where the warp stands
    scale: Tensor  # from vast shapes to small ones
    turn: Tensor  # rotation of the field, a half-turn
    stretch: Tensor  # from round shapes to long ones
    warp: Tensor  # how far the first warp bends
    curl: Tensor  # how far the second one does
    silk: Tensor  # weights of the readings, normalised among themselves
    agate: Tensor
    paper: Tensor
    glass: Tensor
    trails: Tensor
    n_bands: Tensor  # how many bands, layers, ribbons
    relief: Tensor  # how deep the folds are lit
    light: Tensor  # brightness of the lamp
    light_x: Tensor  # and where it stands
    light_y: Tensor
    rays: Tensor  # how much of the lamp comes as rays
    sparkle: Tensor  # fine glints on the crests


NAMES = tuple(field.name for field in fields(Parameters))
N_PARAMETERS = len(NAMES)
N_DRAWN = N_PARAMETERS + 1  # numbers that a picture is drawn from
READINGS = ("silk", "agate", "paper", "glass", "trails")


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
    vectors = numbers[:, :N_PARAMETERS].clone()
    drawn = unpack(vectors)
    # One corner of the noise, the one that films stand in: a network learns its shapes by heart.
    drawn.place_x.mul_(0.25).add_(0.03)
    drawn.place_y.mul_(0.25).add_(0.28)
    drawn.place_z.mul_(0.25)
    # One or two readings lead; an even mixture of all five would always look the same.
    lead = (numbers[:, N_PARAMETERS] * len(READINGS)).long().clamp(max=len(READINGS) - 1)
    for index, name in enumerate(READINGS):
        weight = getattr(drawn, name)
        weight.mul_(weight**2 * 0.6).add_((lead == index) * 1.0).clamp_(max=1.0)
    # Few lamps, most of them off: light is a guest.
    drawn.light.sub_(0.55).clamp_(min=0).mul_(2.0)
    drawn.exposure.mul_(0.6).add_(0.4)
    drawn.sparkle.pow_(3.0)
    drawn.second_palette.pow_(2.0)
    drawn.saturation.mul_(0.6).add_(0.4)
    return vectors


@in_parts
def paint(vectors: Tensor, height: int, width: int) -> Tensor:
    """Paint pictures from their parameters.

    Parameters
    ----------
    vectors : (B, N_PARAMETERS) in [0, 1]
    height, width : pixels; the shorter side spans the same piece of the field in every shape of
        picture, so a wide one shows more, not the same squashed.

    Returns
    -------
    (B, 3, height, width) float32 in [0, 1], sRGB.
    """
    everywhere = slice(0, height), slice(0, width)
    return paint_detail(vectors, height, width, *everywhere)


def paint_detail(vectors: Tensor, height: int, width: int, rows: slice, columns: slice) -> Tensor:
    """Paint some rows and columns of what `paint` paints, at the cost of these alone."""
    p = unpack(vectors)
    x, y = _coordinates(height, width, vectors)
    # A pixel more on each side: slopes are differences of neighbours.
    top, left = (max(side.start - 1, 0) for side in (rows, columns))
    around = slice(top, rows.stop + 1), slice(left, columns.stop + 1)
    x, y = x[around], y[around]
    painted = _paint(p, _field(p, x, y, 2 / min(height, width)), x, y)
    rows, columns = (
        slice(side.start - begun, side.stop - begun)
        for side, begun in ((rows, top), (columns, left))
    )
    return painted[:, :, rows, columns]


def _paint(p: Parameters, field: "_Field", x: Tensor, y: Tensor) -> Tensor:
    tone, shade = _read(p, field)
    lamp = _lamp(p, x, y)
    lab = palettes.colour(tone, p.palette)
    other = palettes.colour(tone, torch.remainder(p.palette + 0.3 * p.second_palette, 1.0))
    depth = torch.sigmoid(2.5 * field.depth)[:, None]
    lab = torch.lerp(lab, other, depth)
    return palettes.to_srgb(_light(p, lab, shade, lamp))


@dataclass(frozen=True, kw_only=True)
class _Field:
    height: Tensor  # (B, H, W), about unit variance
    along: Tensor  # (B, H, W), the warped coordinate that ribbons follow
    depth: Tensor  # (B, H, W), a slow second height
    border: Tensor  # (B, H, W), distance to the nearest border of a cell
    cell: Tensor  # (B, H, W) in [0, 1], the tone of the cell
    pixel: float  # side of a pixel in the units of the picture's shorter side


def _column(values: Tensor) -> Tensor:
    return values[:, None, None]


def _coordinates(height: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return x and y (H, W): the shorter side from −1 to 1, the longer one further out."""
    short = min(height, width)
    x = (torch.arange(width).to(like) + 0.5 - width / 2) * (2 / short)
    y = (torch.arange(height).to(like) + 0.5 - height / 2) * (2 / short)
    return x[None, :].expand(height, width), y[:, None].expand(height, width)


def _field(p: Parameters, x: Tensor, y: Tensor, pixel: float) -> _Field:
    angle = _column(p.turn * math.pi)
    scale = _column(0.62 * 2.6**p.scale)
    long = _column(1 / (1 + 2.2 * p.stretch**2))
    u = (x * angle.cos() + y * angle.sin()) * scale * long
    v = (y * angle.cos() - x * angle.sin()) * scale
    origin = torch.stack((p.place_x, p.place_y), dim=-1) * textures.N_CELLS
    place = torch.stack((u, v), dim=-1) + origin[:, None, None]

    drift = _column(p.place_z * textures.N_CELLS)[..., None]
    slow = textures.clouds(2, 2, 11).to(x)
    first = textures.sample(slow, place * 0.6 + drift).movedim(1, -1)
    bent = place + _column(0.15 + 0.75 * p.warp)[..., None] * first
    second = textures.sample(slow, bent * 0.9 - drift).movedim(1, -1)
    curled = bent + _column(0.6 * p.curl)[..., None] * second
    height = textures.sample(textures.clouds(1, 3, 23).to(x), curled * 0.55)[:, 0]
    border, cell = textures.sample(textures.cells(37).to(x), bent * 1.1).unbind(1)
    return _Field(
        height=height,
        along=curled[..., 1] - origin[:, 1, None, None] + 0.3 * height,
        depth=first[..., 0] + 0.4 * second[..., 1],
        border=border,
        cell=cell,
        pixel=pixel,
    )


def _read(p: Parameters, field: _Field) -> tuple[Tensor, Tensor]:
    """Read the field in five ways; return (B, H, W) tone in [0, 1] and shade, 1 where unshaded."""
    weights = torch.stack([getattr(p, name) for name in READINGS], dim=1) + 1e-3
    silk, agate, paper, glass, trails = (weights / weights.sum(1, keepdim=True)).unbind(1)
    n_bands = _column(2.5 + 6.0 * p.n_bands)
    smooth = torch.sigmoid(1.8 * field.height)

    banded = 0.5 + 0.5 * torch.sin(math.pi * n_bands * (smooth + 0.15 * field.depth))
    steps = smooth * n_bands
    edge = steps - steps.floor()
    soft = (edge / (n_bands * 3 * field.pixel)).clamp(max=1)
    layer = (steps.floor() - 1 + soft * (2 - soft)).clamp(min=0) / n_bands.ceil()
    ribbon = torch.exp(3.5 * (torch.cos(math.pi * n_bands * field.along) - 1)) * (
        0.35 + 0.65 * smooth
    )
    lead = (field.border * 7).clamp(max=1)

    tone = (
        _column(silk) * smooth
        + _column(agate) * (0.3 * smooth + 0.7 * banded)
        + _column(paper) * layer
        + _column(glass) * (0.75 * field.cell + 0.25 * smooth) * (0.25 + 0.75 * lead)
        + _column(trails) * (0.12 * smooth + 0.88 * ribbon)
    )
    # A layer lies above the one before it, and throws its shadow just outside its own edge.
    cast = torch.exp(-4.5 * (1 - edge)) * (1 - torch.exp(-(1 - edge) / (n_bands * field.pixel)))
    shadow = 1 - 1.1 * cast * _column(paper)
    mix = field.height * _column(silk + 0.35 * glass) + 0.8 * banded * _column(agate)
    folds = 1 + _column(0.9 * p.relief) * _slope(mix + 0.5 * ribbon * _column(trails), field.pixel)
    glint = torch.exp(-((field.height - 1.1) ** 2) * 30) * torch.relu(field.depth)
    tone = 0.5 + (tone - 0.45) * _column(0.9 + 0.8 * p.contrast)
    return (tone + 0.5 * _column(p.sparkle) * glint).clamp(0, 1), shadow * folds


def _slope(height: Tensor, pixel: float) -> Tensor:
    """Return how much a lamp at the upper left lightens or darkens each slope, about −1 to 1."""
    padded = F.pad(height[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    d_x = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / (2 * pixel)
    d_y = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / (2 * pixel)
    lit = (d_x + 1.3 * d_y) / (2 + (d_x**2 + d_y**2)).sqrt()
    return 0.5 * lit


def _lamp(p: Parameters, x: Tensor, y: Tensor) -> Tensor:
    """Return the light of the lamp (B, H, W), 0 to about 1."""
    d_x = x - _column(1.6 * p.light_x - 0.8)
    d_y = y - _column(1.6 * p.light_y - 0.8)
    distance = (d_x**2 + d_y**2 + 1e-4).sqrt()
    angle = torch.atan2(d_y, d_x)
    beams = 0.5 + 0.5 * torch.sin(5 * angle + 2 * torch.sin(2 * angle + 1.0))
    # Rays begin outside the lamp itself: at its very middle they would meet in a needle's eye.
    reach = _column(0.6 * p.rays) * (distance / 0.5).clamp(max=1) ** 2
    glow = 0.75 * torch.exp(-1.7 * distance) + 0.5 * torch.exp(-((distance / 0.3) ** 2))
    return _column(p.light) * glow * torch.lerp(torch.ones_like(beams), beams, reach)


def _light(p: Parameters, lab: Tensor, shade: Tensor, lamp: Tensor) -> Tensor:
    """Expose a picture in OKLab: lightness by exposure, folds and lamp, colour by saturation."""
    exposure = _column(0.4 + 0.8 * p.exposure)
    lightness = lab[:, 0] * exposure * (1 + 0.45 * (shade - 1))
    lightness = lightness + lamp * (1.02 - lightness).clamp(min=0) * 0.85
    # A shoulder in place of a cut, so that light never ends in a flat white patch.
    lightness = torch.where(
        lightness > 0.8, 0.8 + 0.2 * torch.tanh((lightness - 0.8) / 0.2), lightness
    )
    chroma = _column(0.5 + 0.75 * p.saturation) * (0.55 + 0.45 * exposure)
    glow = 1 - 0.6 * lamp.clamp(max=1)
    return torch.stack((lightness, lab[:, 1] * chroma * glow, lab[:, 2] * chroma * glow), dim=1)
