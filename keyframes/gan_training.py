"""Train the generator on latent maps, against a critic that sees true ones."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F

from keyframes.networks import Critic, Decoder, Form, Generator, initialise
from keyframes.stills import Statistics, Stills, sheet
from keyframes.training import Learner, Pictures, freeze
from pix2pix.run import State, seeded, update_average


@dataclass(frozen=True, kw_only=True)
class GanSettings:
    """How the GAN learns: R3GAN's loss and penalties (Huang et al. 2024), the penalties lazily."""

    n_batch: int = 64  # a multiple of Critic.N_GROUP
    rate: float = 4e-4  # of learning, of both networks
    penalty: float = 1.0  # gamma of R1 and R2, for latents of unit variance
    penalty_every: int = 8  # steps
    n_penalised: int = 16  # maps of a batch, a multiple of Critic.N_GROUP
    half_life: int = 300  # steps, of the average generator


class GanTraining:
    """A generator, its average, and the critic.

    Parameters
    ----------
    fabric : device and precision
    form : of the networks
    settings : of the learning
    truth : what is learnt from, and how it becomes pictures
    seed : of the first weights and of all draws
    """

    def __init__(
        self, fabric: Fabric, form: Form, settings: GanSettings, truth: "Truth", seed: int
    ) -> None:
        self.fabric, self.form, self.settings = fabric, form, settings
        self.truth, self.seed = truth, seed
        self.generator, self.critic = Generator(form), Critic(form)
        for place, network in enumerate((self.generator, self.critic)):
            initialise(network, seeded(seed, -1 - place))
        self.learner = Learner(fabric, [self.generator], settings.rate)
        self.critic_learner = Learner(fabric, [self.critic], settings.rate)
        self.average = copy.deepcopy(self.generator).eval()

    def step(self, step: int, share: float) -> dict[str, float]:
        """Learn from one batch; see `keyframes.training.Training`."""
        generator = seeded(self.seed, step, self.fabric.global_rank)
        true = self._maps(generator)
        noise = torch.randn(len(true), self.form.n_noise, generator=generator).to(true.device)
        freeze([self.critic], frozen=False)
        with self.fabric.autocast():
            painted = self.generator(noise, true.shape[2], true.shape[3])
            logits_true = self.critic(true).float()
            logits_painted = self.critic(painted.detach()).float()
        # Relativistic (Jolicoeur-Martineau 2019): each true map against a painted one.
        loss = F.softplus(logits_painted - logits_true).mean()
        figures = {"critic": loss.item(), "apart": (logits_true - logits_painted).mean().item()}
        if step % self.settings.penalty_every == 0:
            slopes = self._slope(true) + self._slope(painted.detach())
            figures["slope"] = slopes.item()
            loss = loss + 0.5 * self.settings.penalty * self.settings.penalty_every * slopes
        self.critic_learner.learn(loss, step, share)

        freeze([self.critic], frozen=True)
        with self.fabric.autocast():
            logits_painted = self.critic(painted).float()
        # What the critic said of the true maps before its own step is near enough.
        loss = F.softplus(logits_true.detach() - logits_painted).mean()
        figures["generator"] = loss.item()
        self.learner.learn(loss, step, share)
        update_average(self.average, self.generator, step, self.settings.half_life)
        return figures

    def _maps(self, generator: torch.Generator) -> Tensor:
        """Draw a batch of true maps of one shape, normalised, of about equal cost in any shape."""
        likely = torch.tensor(self.truth.likely)
        chosen = int(torch.multinomial(likely, 1, generator=generator))
        maps = self.truth.maps[chosen]
        smallest = min(array.shape[2] * array.shape[3] for array in self.truth.maps)
        n_group = Critic.N_GROUP
        n = self.settings.n_batch * smallest // (maps.shape[2] * maps.shape[3])
        n = max(n_group, n // n_group * n_group)
        places = torch.randint(len(maps), (n,), generator=generator).tolist()
        batch = torch.from_numpy(np.stack([maps[place] for place in places])).float()
        normal = self.truth.statistics.normalise(batch)
        return normal.to(self.fabric.device).contiguous(memory_format=torch.channels_last)

    def _slope(self, maps: Tensor) -> Tensor:
        """Return the critic's mean squared gradient by its input, in float32 (Mescheder 2018)."""
        maps = maps[: self.settings.n_penalised].float().requires_grad_()
        (slope,) = torch.autograd.grad(self.critic(maps).sum(), maps, create_graph=True)
        return slope.square().sum((1, 2, 3)).mean()

    def sample(self) -> Tensor:
        """Return stills and walks of the average generator."""
        return sheet(self.stills())

    def stills(self) -> Stills:
        """Return the stills that the average generator has come to."""
        return Stills(
            generator=self.average,
            decoder=self.truth.decoder,
            statistics=self.truth.statistics,
            precision="float32",
        )

    def state(self) -> State:
        """Return networks, average and optimisers."""
        return {
            "generator": self.learner.state(),
            "critic": self.critic_learner.state(),
            "average": self.average.state_dict(),
        }

    def restore(self, state: State) -> None:
        """Go back to a state."""
        self.learner.restore(state["generator"])
        self.critic_learner.restore(state["critic"])
        self.average.load_state_dict(state["average"])


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What the GAN learns from."""

    maps: Sequence[Pictures]  # arrays (n, C, h, w) float16, one a shape
    likely: Sequence[float]  # how likely each shape is
    statistics: Statistics  # of the maps
    decoder: Decoder  # what turns maps into pictures, for the sample grid
