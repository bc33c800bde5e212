"""Train the codec: pictures through latent maps and back, first faithful, then crisp."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F
from torchvision.utils import make_grid

from keyframes.networks import Decoder, Encoder, Form, PatchCritic, initialise
from keyframes.training import Learner, Pictures, draw, freeze
from pix2pix.run import State, seeded, update_average

N_SHOWN = 16  # pictures of the sample grid


@dataclass(frozen=True, kw_only=True)
class CodecSettings:
    """How the codec learns.

    Small crops teach as much a pixel as whole pictures, and give four times the steps.
    """

    n_batch: int = 16
    crop: int = 128  # pixels, a multiple of 16
    rate: float = 1e-3  # of learning
    critic_rate: float = 2e-4
    critic_width: int = 32
    critic_from: float = 0.5  # share of the budget after which the critic joins
    edge_weight: float = 0.5  # of the error of differences between neighbours, beside the L1
    critic_weight: float = 0.01
    # The posterior's deviation is fixed, and its KL term is then the mean square of its mean.
    noise: float = 0.1
    kl_weight: float = 1e-3
    half_life: int = 200  # steps, of the averages


class CodecTraining:
    """An encoder, a decoder, their averages, and the critic of patches.

    Parameters
    ----------
    fabric : device and precision
    form : of the networks
    settings : of the learning
    pictures : arrays (n, 3, H, W) uint8; sides of at least `settings.crop`
    seed : of the first weights and of all draws
    """

    def __init__(
        self,
        fabric: Fabric,
        form: Form,
        settings: CodecSettings,
        pictures: Sequence[Pictures],
        seed: int,
    ) -> None:
        self.fabric, self.settings, self.pictures, self.seed = fabric, settings, pictures, seed
        self.encoder, self.decoder = Encoder(form), Decoder(form)
        self.critic = PatchCritic(settings.critic_width)
        for place, network in enumerate((self.encoder, self.decoder, self.critic)):
            initialise(network, seeded(seed, -1 - place))
        self.learner = Learner(fabric, [self.encoder, self.decoder], settings.rate, contest=False)
        self.critic_learner = Learner(fabric, [self.critic], settings.critic_rate, contest=True)
        self.average_encoder = copy.deepcopy(self.encoder).eval()
        self.average_decoder = copy.deepcopy(self.decoder).eval()

    def begin_with(self, encoder: Encoder, decoder: Decoder) -> None:
        """Take over networks that were trained before."""
        for ours, theirs in (
            (self.encoder, encoder),
            (self.average_encoder, encoder),
            (self.decoder, decoder),
            (self.average_decoder, decoder),
        ):
            ours.load_state_dict(theirs.state_dict())

    def step(self, step: int, share: float) -> dict[str, float]:
        """Learn from one batch of crops; see `keyframes.training.Training`."""
        settings = self.settings
        generator = seeded(self.seed, step, self.fabric.global_rank)
        true = self._crops(generator)
        with self.fabric.autocast():
            latents = self.encoder(true)
            noise = torch.randn(latents.shape, generator=generator).to(true.device)
            painted = self.decoder(latents + settings.noise * noise)
        painted = painted.float()
        error = painted - true
        pixel = error.abs().mean()
        edge = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
        kl = latents.float().square().mean()
        loss = pixel + settings.edge_weight * edge + settings.kl_weight * kl
        figures = {"l1": pixel.item(), "edge": edge.item(), "kl": kl.item()}
        if share >= settings.critic_from:
            figures["critic"] = self._teach_critic(true, painted.detach(), step, share)
            freeze([self.critic], frozen=True)
            with self.fabric.autocast():
                realism = -self.critic(painted).float().mean()
            figures["realism"] = realism.item()
            loss = loss + settings.critic_weight * realism
        self.learner.learn(loss, step, share)
        update_average(self.average_encoder, self.encoder, step, settings.half_life)
        update_average(self.average_decoder, self.decoder, step, settings.half_life)
        return figures

    def _teach_critic(self, true: Tensor, painted: Tensor, step: int, share: float) -> float:
        """Let the critic learn to tell both apart, by the hinge loss; return it."""
        freeze([self.critic], frozen=False)
        with self.fabric.autocast():
            logits_true, logits_painted = self.critic(torch.cat([true, painted])).float().chunk(2)
        loss = (F.relu(1 - logits_true) + F.relu(1 + logits_painted)).mean()
        self.critic_learner.learn(loss, step, share)
        return loss.item()

    def _crops(self, generator: torch.Generator) -> Tensor:
        """Draw a batch (B, 3, crop, crop) in [−1, 1]."""
        side = self.settings.crop
        crops = []
        for picture in draw(self.pictures, generator, self.settings.n_batch):
            spare = torch.tensor([picture.shape[1] - side, picture.shape[2] - side])
            place = (torch.rand(2, generator=generator) * (spare + 1)).long().tolist()
            crops.append(picture[:, place[0] : place[0] + side, place[1] : place[1] + side])
        batch = torch.from_numpy(np.stack(crops)).to(self.fabric.device)
        return to_range(batch).contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def sample(self) -> Tensor:
        """Return some pictures, each beside its round trip through the averages."""
        shown = torch.from_numpy(np.array(self.pictures[0][:N_SHOWN])).to(self.fabric.device)
        true = to_range(shown)
        with self.fabric.autocast():
            painted = self.average_decoder(self.average_encoder(true)).float()
        pairs = torch.stack([true, painted], 1).flatten(0, 1)
        grid: Tensor = make_grid((pairs.clamp(-1, 1) + 1) / 2, nrow=8)
        return grid

    def state(self) -> State:
        """Return networks, averages and optimisers."""
        return {
            "codec": self.learner.state(),
            "critic": self.critic_learner.state(),
            "average_encoder": self.average_encoder.state_dict(),
            "average_decoder": self.average_decoder.state_dict(),
        }

    def restore(self, state: State) -> None:
        """Go back to a state."""
        self.learner.restore(state["codec"])
        self.critic_learner.restore(state["critic"])
        self.average_encoder.load_state_dict(state["average_encoder"])
        self.average_decoder.load_state_dict(state["average_decoder"])


def to_range(pictures: Tensor) -> Tensor:
    """Bring uint8 pictures to the networks' range, float32 in [−1, 1]."""
    return pictures.float().div_(127.5).sub_(1)
