"""The noise behind a picture, where it is known what the picture was made from."""

import torch
from torch import Generator as RandomGenerator
from torch import Tensor

FARTHEST = 0.9999  # of a number from the middle of its range, as noise: there it would be infinite


def to_noise(numbers: Tensor, generator: RandomGenerator) -> Tensor:
    """Turn the numbers that pictures were made from into noise for the same pictures.

    Parameters
    ----------
    numbers : (B, n_noise) drawn evenly from [0, 1]; NaN where none says anything of a picture
    generator : on the CPU, of the noise in those places

    Returns
    -------
    (B, n_noise), normal, each row of the length that the generator of stills brings noise to, so
    that it sees the numbers as they are.
    """
    drawn = torch.randn(numbers.shape, generator=generator)
    is_free = numbers.isnan()
    middle = (2 * numbers - 1).clamp(-FARTHEST, FARTHEST)
    known = torch.where(is_free, 0.0, 2**0.5 * middle.erfinv())
    free = torch.where(is_free, drawn, 0.0)
    length = (numbers.shape[1] - known.square().sum(1, keepdim=True)).clamp(min=1.0)
    return known + free * torch.sqrt(length / free.square().sum(1, keepdim=True).clamp(min=1e-8))
