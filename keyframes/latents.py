"""What a still is painted from: a style, and fields of its own where it shows the user's picture.

A mixture of two is one too, so a walk between a picture and a seed's still is a straight line:

    picture ●───────────────○ seed's still
    fields  the picture's   those that the style gives
    share   1 · · · · · ½ · · · · · 0
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from keyframes.knots import KNOT, Knots, spline_rows
from keyframes.land import sink
from keyframes.layers import spline, spread

EPSILON = 1e-4  # of a variance, as in `layers.normalise`


@dataclass(frozen=True, kw_only=True)
class Portrait:
    """A user's own picture, as a theme's generator paints it."""

    style: Tensor  # (D,) float32
    knots: Tensor  # (n_fields, n, m) float32, of the fields that are read with the style


@dataclass(frozen=True, kw_only=True)
class OwnFields:
    """Fields that stand in the place of those that styles give, in part or wholly."""

    knots: Tensor  # (B, n_fields, n, m) float32, weighed with the shares
    spreads: Tensor  # (B, n_fields, 1, 1), standard deviations over the plane, weighed so too
    shares: Tensor  # (B, 1, 1, 1) in [0, 1]: 0 is a seed's still, 1 a user's own picture

    def mix_into(self, given: Knots) -> Knots:
        """Mix with the fields (B, n_fields, n, m) that styles give, of variance 1.

        A mean of two fields varies less than they do and would be painted flat, so the mixture is
        brought to a variation between theirs. A picture of the user's has no fine fields and no
        lines: those of a still fade away; its ridges sink out of sight, and its sky clears up.
        """
        fields = given.coarse
        away = 1 - self.shares.to(fields)
        mixed = away * fields + self.knots.to(fields)
        variance, mean = torch.var_mean(mixed, (2, 3), correction=0, keepdim=True)
        spreads = away + self.spreads.to(fields)
        coarse = mean + (mixed - mean) * spreads * torch.rsqrt(variance + EPSILON)
        faded = given.map(lambda knots: knots * spread(away[:, :, 0, 0], knots))
        land = None if given.land is None else sink(given.land, 1 - away[:, :, 0])
        return replace(faded, coarse=coarse, land=land)


@dataclass(frozen=True, kw_only=True)
class Latents:
    """Latents of some stills."""

    styles: Tensor  # (B, D) float32
    own: OwnFields | None  # None where no still shows a picture of the user's

    def at(self, positions: Tensor, toward: Tensor | None = None) -> "Latents":
        """Return the latents (n) between some of these.

        Parameters
        ----------
        positions : (n,) float32: 2.5 is half way from the third to the one that follows
        toward : (n,) int64, which one that is, 0 the first; by default the next along the ring
        """
        before = positions.floor()
        start = before.long() % len(self.styles)
        end = (start + 1) % len(self.styles) if toward is None else toward
        way = positions - before

        def walk(stops: Tensor) -> Tensor:
            weight = way.reshape(-1, *[1] * (stops.ndim - 1))
            return torch.lerp(stops[start], stops[end], weight)

        if self.own is None:
            return Latents(styles=walk(self.styles), own=None)
        own = OwnFields(
            knots=walk(self.own.knots),
            spreads=walk(self.own.spreads),
            shares=walk(self.own.shares),
        )
        return Latents(styles=walk(self.styles), own=own)


def gather(stills: Sequence[Portrait | Tensor]) -> Latents:
    """Put the latents of some stills together: portraits of one size, and styles (D,) of seeds."""
    styles = [still.style if isinstance(still, Portrait) else still for still in stills]
    knots = [still.knots if isinstance(still, Portrait) else None for still in stills]
    return Latents(styles=torch.stack(styles), own=_gather_own(knots))


def _gather_own(knots: Sequence[Tensor | None]) -> OwnFields | None:
    shape = next((some.shape for some in knots if some is not None), None)
    if shape is None:
        return None
    all_knots = torch.stack([torch.zeros(shape) if some is None else some for some in knots])
    shares = torch.tensor([float(some is not None) for some in knots]).reshape(-1, 1, 1, 1)
    variance = all_knots.var((2, 3), correction=0, keepdim=True)
    return OwnFields(knots=all_knots, spreads=shares * (variance + EPSILON).sqrt(), shares=shares)


def cut_anew(portrait: Portrait, old: tuple[int, int], new: tuple[int, int]) -> Portrait:
    """Fit a portrait to pictures of another shape.

    What it shows is enlarged until it covers the new shape; what stands out is cut off.

    Parameters
    ----------
    old, new : height and width in pixels
    """
    scale = max(new[0] / old[0], new[1] / old[1])
    down, across = (_lay_anew(*sides, scale) for sides in zip(old, new, strict=True))
    return Portrait(style=portrait.style, knots=down @ portrait.knots @ across.T)


def _lay_anew(n_old: int, n_new: int, scale: float) -> Tensor:
    """Return the weights (n, m) of the old knots of one side for each of its new ones.

    The new spline comes as near to the old one as it can, at the pixels of the new picture.
    """
    n_knots = spline_rows(n_old).coarse.shape[1]
    first = (n_knots * KNOT - n_old) // 2
    seen = (torch.arange(n_new, dtype=torch.float64) + 0.5 - n_new / 2) / scale + n_old / 2
    read = spline(n_knots, (first + seen) / KNOT - 0.5)
    # Knots far beyond the border hardly weigh on any pixel: let them be small, not huge.
    inverse = torch.linalg.pinv(spline_rows(n_new).coarse.double(), rtol=1e-3)
    weights: Tensor = (inverse @ read.double()).float()
    return weights
