"""A critic that looks at what painted maps become: patches of decoded pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F

from keyframes.networks import Decoder, PatchCritic, initialise
from keyframes.stills import Statistics
from keyframes.training import Learner, Pictures, freeze
from pix2pix.run import seeded


@dataclass(frozen=True, kw_only=True)
class PatchSettings:
    """How closely, and how much, pictures are looked at."""

    width: int = 32  # of the critic
    rate: float = 2e-4  # of its learning
    n_windows: int = 8  # of a batch, one a map
    side: int = 8  # of a window, in places of a map; 16 times that in pixels
    weight: float = 1.0  # of its opinion, beside that of the critic of maps


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What the GAN learns from."""

    maps: Sequence[Pictures]  # arrays (n, C, h, w) float16, one a shape
    likely: Sequence[float]  # how likely each shape is
    statistics: Statistics  # of the maps
    decoder: Decoder  # what turns maps into pictures, for the sample grid


class PatchJudge:
    """Tell windows of decoded painted maps from windows of decoded true ones.

    The critic of maps sees whether a map as a whole could be true; what a wrong number in it does
    to the picture it learns slowly. Patches of pictures show that at once, and there are
    thousands in a batch.
    """

    def __init__(
        self,
        fabric: Fabric,
        settings: PatchSettings,
        truth: Truth,
        seed: int,
    ) -> None:
        self.fabric, self.settings, self.statistics = fabric, settings, truth.statistics
        self.decoder = truth.decoder.to(fabric.device).requires_grad_(requires_grad=False)
        self.critic = PatchCritic(settings.width)
        initialise(self.critic, seeded(seed, -20))
        self.learner = Learner(fabric, [self.critic], settings.rate, contest=True)

    def look(self, maps: Tensor, generator: torch.Generator) -> Tensor:
        """Cut a window out of each map (B, C, h, w) and decode it, (n, 3, 16 side, 16 side)."""
        side = min(self.settings.side, *maps.shape[2:])
        spare = torch.tensor([maps.shape[2] - side, maps.shape[3] - side])
        windows = []
        for one in maps[: self.settings.n_windows]:
            top, left = (torch.rand(2, generator=generator) * (spare + 1)).long().tolist()
            windows.append(one[:, top : top + side, left : left + side])
        batch = self.statistics.restore(torch.stack(windows))
        with self.fabric.autocast():
            pictures: Tensor = self.decoder(batch.contiguous(memory_format=torch.channels_last))
        return pictures.float()

    def teach(self, true: Tensor, painted: Tensor, step: int, share: float) -> float:
        """Let the critic learn from windows, by the hinge loss; return it."""
        freeze([self.critic], frozen=False)
        with self.fabric.autocast():
            logits_true, logits_painted = self.critic(torch.cat([true, painted])).float().chunk(2)
        loss = (F.relu(1 - logits_true) + F.relu(1 + logits_painted)).mean()
        self.learner.learn(loss, step, share)
        return loss.item()

    def complain(self, painted: Tensor) -> Tensor:
        """Return how untrue painted windows look."""
        freeze([self.critic], frozen=True)
        with self.fabric.autocast():
            realism: Tensor = self.critic(painted).float().mean()
        return -realism
