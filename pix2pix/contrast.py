"""How much fine detail there is in each part of a frame, wherever in it that lies."""

import torch
from torch import Tensor
from torch.nn import functional as F

from pix2pix.pyramid import peel

N_BANDS = 3  # of a Laplacian pyramid, from the finest
N_PART = 8  # pixels of a band along each side of a part
FAINTEST = 1e-5  # below it a square root is too steep to learn from


def measure_contrasts(frames: Tensor) -> list[Tensor]:
    """Return the strength of each fine band in parts of frames (B, 3, H, W), H and W even thrice.

    Returns
    -------
    Root mean squares, (B, 1, H / 8, W / 8) of the finest band, half as many a side of each next.
    """
    contrasts = []
    for _ in range(N_BANDS):
        band, frames = peel(frames)
        power = F.avg_pool2d(band.square().mean(1, keepdim=True), N_PART)
        contrasts.append((power + FAINTEST).sqrt())
    return contrasts


def compare_contrasts(painted: Tensor, true: Tensor) -> Tensor:
    """Return how far the contrasts of painted frames are from those of the true ones.

    L1 rewards leaving out what is not known to the pixel, and that is a blur. This rewards its
    strength, whatever its place: what a judge does as well, that takes far longer to learn it.
    """
    pairs = zip(measure_contrasts(painted), measure_contrasts(true), strict=True)
    return torch.stack([(ours - theirs).abs().mean() for ours, theirs in pairs]).sum()
