"""What pictures are like beside each other: light or dark, warm or cold, fine or plain."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as transforms

from training_data import palettes

SIDE = 96  # pixels: what a glance takes in


@dataclass(frozen=True, kw_only=True)
class Character:
    """What a viewer sees of pictures at first sight; every field is (n,)."""

    light: Tensor
    warm: Tensor  # red and gold against blue and violet
    detail: Tensor
    contrast: Tensor
    colour: Tensor  # from grey to full colour


NAMES = tuple(field.name for field in fields(Character))


def pack(character: Character) -> Tensor:
    """Put a character into vectors, (n, 5)."""
    return torch.stack([getattr(character, name) for name in NAMES], dim=1)


def measure(pictures: Tensor) -> Character:
    """Measure pictures (n, 3, H, W) uint8 of any size, in units of OKLab."""
    small = transforms.resize(pictures, [SIDE, SIDE], antialias=True)
    light, red, gold = palettes.to_oklab(small.float() / 255).unbind(1)
    smooth = F.avg_pool2d(light[:, None], 5, stride=1, padding=2, count_include_pad=False)[:, 0]
    return Character(
        light=light.mean((1, 2)),
        # Violet is red and blue, and is cold: gold against blue counts more.
        warm=(gold + 0.5 * red).mean((1, 2)),
        detail=(light - smooth).abs().mean((1, 2)),
        contrast=light.std((1, 2)),
        colour=torch.hypot(red, gold).mean((1, 2)),
    )


def rank(vectors: Tensor) -> Tensor:
    """Return the place of each vector among all in each column, (n, 5) in (0, 1), evenly spread.

    Places and not measures, for a folder of nights has lighter and darker nights: all of the
    sound's range is to be seen in any folder.
    """
    places = vectors.argsort(dim=0, stable=True).argsort(dim=0)
    return (places + 0.5) / len(vectors)


def choose_unlike(vectors: Tensor, n: int) -> list[int]:
    """Choose n of some vectors (N, D), or all if there are fewer, that are most unlike each other.

    Farthest-point sampling (Gonzalez 1985): from the one nearest the middle on, always the one
    that is farthest from all chosen before.
    """
    chosen = [int((vectors - vectors.mean(0)).norm(dim=1).argmin())]
    distance = torch.full((len(vectors),), torch.inf)
    while len(chosen) < min(n, len(vectors)):
        distance = torch.minimum(distance, (vectors - vectors[chosen[-1]]).norm(dim=1))
        distance[chosen] = -1.0  # of equals each is chosen once
        chosen.append(int(distance.argmax()))
    return chosen
