"""Land and sky that are kept, and how pixels see them.

A network keeps what all its pictures share: shapes of ridges, what is to be seen below them,
clouds, stars, waves, a street. A picture says where it stands in all that, in numbers that are laid
over its columns.

                stars, on a dome ·   ·  ─ ─ ─ clouds, on a plane above
                                  ·       ○ sun
    horizon ──────────────────────────────────────
               ╱╲    ridges, with folds below them
    shore  ───╱──╲────────────────────────────────
           all of it again, bent by waves; or paving
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

UNIT = 128  # pixels from the middle of a picture to coordinate 1
SUNK = 4.0  # units below the middle of a picture: a ridge, or a sun, that is not there
DEEPEST = 1.5  # units below a ridge to which it has folds
HIGHEST = 2.0  # units above the ground to which houses have windows, where they are not scaled
WETNESS = 100.0  # of what lies a unit below the shore, as a logit
DRY = 0.1  # units above the shore from which on that is taken for nothing
CALM = 0.22  # of the waves' height, at the shore itself, to that a unit below it
# Waves lie on water as it is seen from the shore on: how far one is goes by the logarithm of its
# depth below the shore, in units, beside that at the shore itself; and how far to each side.
AT_SHORE, DEEPEST_WAVE, ALONG_WAVES = 0.06, 1.6, 2.7
# Clouds lie on a plane, and how far away one is goes by one over its height above the horizon, in
# parts of the sky, beside that of the horizon itself; and how high above it one looks at most.
LIFT, TALLEST = 0.25, 1.2
# Of the plane of the clouds: how far it reaches to each side, and from where to where away.
ACROSS, NEAREST_CLOUD, FARTHEST_CLOUD = 10.5, 0.4, 4.3
# Of the stars: how far they reach to each side, and from how far above the middle to how far below.
ALONG_STARS, STARRY = 2.7, (-1.85, 0.45)
# Of a street: how far it reaches to each side, and from how far above its shore to how far below.
ALONG_SHORE, PAVED = 1.9, (-0.25, 1.5)


class Laid(NamedTuple):
    """What pictures say of land and sky; (B, 1, 1, w) each, in units where nothing else is said."""

    tops: Tensor  # (B, n_ridges, 1, w), y of the ridges, far to near
    along: Tensor  # (B, n_ridges, 1, w), where along their land a column is, −1 to 1
    shore: Tensor  # y, below which all is seen again
    size: Tensor  # of houses
    ripple: Tensor  # how far waves bend what is seen in the water
    drift: Tensor  # how far they have drifted
    sun_y: Tensor
    sun_x: Tensor
    horizon: Tensor  # y
    above: Tensor  # from there to the upper edge
    across: Tensor  # how far the clouds have drifted, in depths of a sky
    away: Tensor
    turn: Tensor  # how far the stars have turned
    seen: Tensor  # how much of clouds and stars is seen


N_FLAT = len(Laid._fields) - 2  # what is laid beside the ridges and their places


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is kept of land and sky, the same for all pictures."""

    # (n_ridges, n, down, along), from its ridge to `DEEPEST` below, or, of houses, from the ground
    # to `HIGHEST` above: windows, then walls.
    folds: Tensor
    has_houses: bool
    waves: Tensor  # (1, away, along), their heights
    clouds: Tensor  # (n, away, across)
    stars: Tensor | None  # (n, up, along)
    paving: Tensor | None  # (n, down, across), of what lies before a shore


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Land as pixels see it, (B, ..., h, w) or what broadcasts to it."""

    y: Tensor  # as seen in water where there is any
    ground: Tensor  # how far below each ridge, whether it is wet, and the waves
    laid: Laid


def unpack(land: Tensor) -> Laid:
    """Name what is laid over pictures, (B, 2 n_ridges + N_FLAT, w), in the order of `Laid`."""
    n = (land.shape[1] - N_FLAT) // 2
    return Laid(*torch.split(land[:, :, None], [n, n, *[1] * N_FLAT], 1))


def sink(land: Tensor, share: Tensor) -> Tensor:
    """Let ridges sink out of sight, the sun set, clouds and stars fade, by shares (B, 1, 1)."""
    laid = unpack(land)
    share = share[..., None]
    gone = {
        name: torch.lerp(y, torch.full_like(y, SUNK), share)
        for name, y in (("tops", laid.tops), ("shore", laid.shore), ("sun_y", laid.sun_y))
    }
    sunk = laid._replace(**gone, seen=laid.seen * (1 - share))
    return torch.cat(list(sunk), 1)[:, :, 0]


def look(y: Tensor, x: Tensor, land: Tensor, kept: Kept) -> Seen:
    """See land at rows y (h) and columns x (w), where it was laid over those (B, n, w)."""
    laid = unpack(land)
    if y.max() < laid.shore.min() - DRY:  # most of most pictures
        dry = torch.zeros(len(land), 1, len(y), len(x)).to(land)
        high = y[:, None].expand_as(dry)
        return Seen(y=high, ground=torch.cat([high - laid.tops, dry, dry], 1), laid=laid)
    y = y[:, None]
    deep = (y - laid.shore).clamp(min=0)
    wet = torch.sigmoid(WETNESS * (y - laid.shore))
    y = torch.where(y > laid.shore, 2 * laid.shore - y, y)
    near, far = math.log(AT_SHORE), math.log(AT_SHORE + DEEPEST_WAVE)
    away = ((deep + AT_SHORE).log() - near) / (far - near)
    wave = wet * _read(kept.waves, (x + laid.drift) / ALONG_WAVES, away, beyond="border")
    y = y + laid.ripple * wave * (CALM + deep)  # waves grow towards the viewer
    return Seen(y=y, ground=torch.cat([y - laid.tops, wet, wave], 1), laid=laid)


def read_folds(seen: Seen, kept: Kept) -> Tensor:
    """Read what is to be seen below ridges: (B, n · n_ridges, h, w) of n each."""
    laid = seen.laid
    n_ridges = laid.tops.shape[1]
    down = seen.ground[:, :n_ridges] / DEEPEST
    if kept.has_houses:
        down = ((laid.shore - seen.y) / laid.size / HIGHEST).expand_as(down)
    places = torch.stack([laid.along.expand_as(down), 2 * down - 1], 4)
    # A ridge after the other, as so many pictures of n channels.
    of_each = places.transpose(0, 1).flatten(1, 2)  # (n_ridges, B · h, w, 2)
    read = F.grid_sample(kept.folds, of_each, padding_mode="border", align_corners=True)
    B, _, h, w = down.shape
    return read.reshape(n_ridges, -1, B, h, w).permute(2, 1, 0, 3, 4).flatten(1, 2)


def read_sky(seen: Seen, x: Tensor, kept: Kept) -> Tensor:
    """Read how high in the sky pixels are, clouds, and stars, if there are any; (B, n, h, w)."""
    laid, y = seen.laid, seen.y
    height = ((laid.horizon - y) / laid.above).clamp(0, TALLEST)
    distance = 1 / (height + LIFT)
    across = (x * distance + laid.across) / ACROSS
    away = (distance + laid.away - NEAREST_CLOUD) / (FARTHEST_CLOUD - NEAREST_CLOUD)
    read = [height, laid.seen * _read(kept.clouds, across, away, beyond="border")]
    if kept.stars is not None:
        up = (y - STARRY[0]) / (STARRY[1] - STARRY[0])
        read.append(laid.seen * _read(kept.stars, (x + laid.turn) / ALONG_STARS, up))
    return torch.cat(read, 1)


def read_paving(paving: Tensor, y: Tensor, x: Tensor, laid: Laid) -> Tensor:
    """Read kept paving where pixels at rows y (h) and columns x (w) see it; (B, n, h, w)."""
    if y.max() < laid.shore.min() + PAVED[0]:
        return paving.new_zeros(len(laid.shore), len(paving), len(y), len(x))
    down = (y[:, None] - laid.shore - PAVED[0]) / (PAVED[1] - PAVED[0])
    return _read(paving, x / ALONG_SHORE, down)


def _read(kept: Tensor, across: Tensor, down: Tensor, beyond: str = "zeros") -> Tensor:
    """Read a kept plane (n, H, W); (B, n, h, w).

    Parameters
    ----------
    across : −1 to 1 from end to end, (B, 1, h, w) or what broadcasts to it
    down : 0 to 1, (B, 1, h, w)
    beyond : what is there: "zeros", or the "border" again
    """
    B, _, h, w = down.shape
    places = torch.stack([across.expand_as(down), 2 * down - 1], 4).reshape(1, B * h, w, 2)
    read = F.grid_sample(kept[None], places, padding_mode=beyond, align_corners=True)
    return read.reshape(-1, B, h, w).transpose(0, 1)
