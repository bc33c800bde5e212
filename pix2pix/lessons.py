"""What helps an ear to tell what it hears: more sounds out of a few, and a fitted beginning."""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

LOUDER = 0.15  # of the range from silence to white, at most; as much softer


def vary(pictures: Tensor, generator: Generator) -> Tensor:
    """Make other sounds of some: a quarter stays, the others get louder or softer.

    Of those a third each stays so, sounds at once with another one, or breaks off where another
    one goes on. What a director sees in a picture it can see in any, so each new one is a lesson.

    Parameters
    ----------
    pictures : (B, H, W) in [0, 1], newest sound at the right
    generator : on the CPU

    Returns
    -------
    (B, H, W) in [0, 1].
    """
    n, _, n_columns = pictures.shape
    others = pictures[torch.randperm(n, generator=generator)]
    kind, gain, place = torch.rand(3, n, 1, 1, generator=generator)
    louder = LOUDER * (2 * gain - 1) * (pictures > 0)  # silence stays
    changed = torch.where(kind < 0.25, pictures, (pictures + louder).clamp(0, 1))
    at_once = torch.maximum(changed, others)
    one_by_one = torch.where(torch.arange(n_columns) < place * n_columns, others, changed)
    mixed = torch.where(kind < 0.75, at_once, one_by_one)
    return torch.where(kind < 0.5, changed, mixed)


@torch.no_grad()
def fit(layer: nn.Linear, seen: Tensor, numbers: Tensor) -> None:
    """Set a layer so that it tells numbers (n, N) from what is seen (n, C), by least squares."""
    known = F.pad(seen.double().cpu(), (0, 1), value=1.0)
    # Numbers that always go together leave many answers: the smallest is taken.
    solved = torch.linalg.lstsq(known, numbers.double().cpu(), driver="gelsd").solution
    layer.weight.copy_(solved[:-1].T)
    layer.bias.copy_(solved[-1])
