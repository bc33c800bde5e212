"""From a user's own picture to the style and fields with which a theme paints it.

They are found by descent, as in Karras et al. 2020: from those of the seed whose still is nearest,
a few hundred steps down the difference. The generator itself stays as it is.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from keyframes.knots import Knots, spline_rows
from keyframes.land import sink
from keyframes.latents import Portrait
from keyframes.stills import Stills

# Chosen by trying on photographs of 256×456. On [−1, 1] it comes within 0.005 to 0.06 of them, and
# 0.12 where all is fine grain, in some six seconds on one thread; half as fast a tenth less near.
N_STEPS = 250
KNOTS_RATE, STYLE_RATE = 0.1, 0.02
LAST_RATE = 0.05  # of the first ones, at the end: the steps become small
# Fields begin at half their height and are shaken at first: else contours of the still that they
# come from stay behind as scars.
HEIGHT = 0.5
SHAKE, SHAKEN = 0.3, 0.7  # how strongly, and for what part of the steps

N_TRIED = 256  # seeds whose stills the picture is compared with
N_AT_ONCE = 8  # of them
COARSE = 16  # pixels of the picture to one of the comparison, along each side


def fit(stills: Stills, picture: Tensor, tell: Callable[[int, int], None]) -> Portrait:
    """Find what a theme paints a picture from; the same on the same machine.

    Parameters
    ----------
    picture : (3, h, w) float32 in [0, 1]; `COARSE` pixels a side or more
    tell : called with the steps done and all of them; raises to cancel

    Returns
    -------
    Portrait
        On the CPU, for pictures of this size.
    """
    n_before = N_TRIED // N_AT_ONCE
    n_all = n_before + N_STEPS
    target = picture.to(stills.device)[None] * 2 - 1
    style = _find_nearest(stills, target, lambda done: tell(done, n_all))
    knots = _descend(stills, target, style, lambda done: tell(n_before + done, n_all))
    return Portrait(style=style.detach()[0].cpu(), knots=knots.detach()[0].cpu())


def _descend(stills: Stills, target: Tensor, style: Tensor, tell: Callable[[int], None]) -> Tensor:
    """Bring a style (1, D) near to a target (1, 3, h, w), in place, and return its knots."""
    height, width = target.shape[2:]
    rows, columns = spline_rows(height), spline_rows(width)
    with torch.no_grad():
        fields = stills.generator.fields(style, height, width)
        knots = fields.coarse * HEIGHT
        gone = torch.ones(1, 1, 1, device=stills.device)
        land = None if fields.land is None else sink(fields.land, gone)
    optimiser = torch.optim.Adam(
        [
            {"params": [knots.requires_grad_()], "lr": KNOTS_RATE},
            {"params": [style.requires_grad_()], "lr": STYLE_RATE},
        ]
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, _slow_down)
    random = torch.Generator().manual_seed(0)
    for step in range(N_STEPS):
        strength = SHAKE * max(0.0, 1 - step / (SHAKEN * N_STEPS)) ** 2
        shaken = knots + strength * torch.randn(knots.shape, generator=random).to(knots)
        down, right = divmod(step % 4, 2)  # a quarter of the pixels is enough for a step
        seen = rows[down::2], columns[right::2]
        bare = Knots(coarse=shaken, land=land)
        painted = stills.generator.read(bare, style, *seen)
        loss = F.l1_loss(painted, target[:, :, down::2, right::2])
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
        tell(step + 1)
    return knots


def _slow_down(step: int) -> float:
    """Return the factor of a step's rates: half a cosine from 1 to `LAST_RATE`."""
    return LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * step / N_STEPS)) / 2


@torch.no_grad()
def _find_nearest(stills: Stills, target: Tensor, tell: Callable[[int], None]) -> Tensor:
    """Return the style (1, D) of the seed whose still is like the target (1, 3, h, w) from afar."""
    height, width = target.shape[2:]
    seen = F.avg_pool2d(target, COARSE)
    rows = spline_rows(height)[COARSE // 2 :: COARSE][: seen.shape[2]]
    columns = spline_rows(width)[COARSE // 2 :: COARSE][: seen.shape[3]]
    styles = torch.stack([stills.style(seed) for seed in range(N_TRIED)]).to(stills.device)
    distances = []
    for done, some in enumerate(torch.split(styles, N_AT_ONCE), 1):
        knots = stills.generator.fields(some, height, width)
        stills_seen = stills.generator.read(knots, some, rows, columns)
        distances.append((stills_seen - seen).abs().mean((1, 2, 3)))
        tell(done)
    return styles[torch.cat(distances).argmin()][None].clone()
