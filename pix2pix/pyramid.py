"""The step of a Laplacian pyramid that losses take: means of two by two, and what they lack."""

from torch import Tensor
from torch.nn import functional as F


def peel(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Part pictures (B, C, H, W) into their finest band, and the rest (B, C, H / 2, W / 2)."""
    coarse = F.avg_pool2d(pictures, 2)
    return pictures - F.interpolate(coarse, pictures.shape[2:], mode="bilinear"), coarse
