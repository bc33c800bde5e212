"""Train the generator on latent maps, against a critic that sees true ones."""

import copy
from dataclasses import dataclass, field

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F

from keyframes.networks import Critic, Form, Generator, Stylist, initialise
from keyframes.patches import PatchJudge, PatchSettings, Truth
from keyframes.stills import Stills, sheet
from keyframes.training import Learner, freeze
from pix2pix.run import State, seeded, update_average


@dataclass(frozen=True, kw_only=True)
class GanSettings:
    """How the GAN learns: first by copying, then against a critic.

    A GAN alone needs a hundred thousand maps before its pictures hang together. So for a part of
    the budget a stylist names the style of true maps, and the generator paints them again from
    that, as in a variational autoencoder: blurred, but soon whole. Then noise takes the place of
    the stylist, its eyes become the critic's, and the GAN begins where it stands (after Larsen
    et al. 2016). The GAN itself is R3GAN's (Huang et al. 2024), with its penalties now and then.
    """

    n_batch: int = 32  # a multiple of Critic.N_GROUP
    copy_share: float = 0.4  # of the budget spent on copying
    copy_rate: float = 5e-4  # of learning; falls in the second half of the copying
    copy_every: int = 2  # steps between two of copying, once the critic has come
    style_noise: float = 0.3  # deviation of the posterior; the KL term pulls the mean to 0
    kl_weight: float = 3e-3
    n_fitted: int = 2048  # maps whose styles the noise is fitted to
    rate: float = 3e-4  # of learning, of the critic and of the generator against it
    n_critic_first: int = 100  # steps that the critic learns alone, so that it has something to say
    penalty: float = 2.0  # gamma of R1 and R2, for latents of unit variance
    penalty_every: int = 4  # steps
    n_penalised: int = 16  # maps of a batch, a multiple of Critic.N_GROUP
    half_life: int = 300  # steps, of the average generator
    patches: PatchSettings = field(default_factory=PatchSettings)  # of the critic of pictures


class GanTraining:
    """A generator, its average, the stylist it copies with, and the critic.

    Parameters
    ----------
    fabric : device and precision
    form : of the networks
    settings : of the learning
    truth : what is learnt from, and how it becomes pictures
    seed : of the first weights and of all draws
    """

    def __init__(
        self, fabric: Fabric, form: Form, settings: GanSettings, truth: Truth, seed: int
    ) -> None:
        self.fabric, self.form, self.settings = fabric, form, settings
        self.truth, self.seed = truth, seed
        self.generator, self.stylist, self.critic = Generator(form), Stylist(form), Critic(form)
        for place, network in enumerate((self.generator, self.stylist, self.critic)):
            initialise(network, seeded(seed, -1 - place))
        self.copier = Learner(
            fabric, [self.generator, self.stylist], settings.copy_rate, contest=False
        )
        self.learner = Learner(fabric, [self.generator], settings.rate, contest=True)
        self.critic_learner = Learner(fabric, [self.critic], settings.rate, contest=True)
        self.judge = PatchJudge(fabric, settings.patches, truth, seed)
        self.average = copy.deepcopy(self.generator).eval()
        self.n_copied: int | None = None  # steps of copying alone, once that is over
        self.can_copy = True  # False where the generator came without the stylist that it knows

    def begin_with(self, generator: Generator) -> None:
        """Take over a generator that was trained before; it has nothing to copy any more."""
        self.generator.load_state_dict(generator.state_dict())
        self.average.load_state_dict(generator.state_dict())
        self.n_copied, self.can_copy = 0, False

    def step(self, step: int, share: float) -> dict[str, float]:
        """Learn from one batch; see `keyframes.training.Training`."""
        generator = seeded(self.seed, step, self.fabric.global_rank)
        true = self._maps(generator)
        if self.n_copied is None and share >= self.settings.copy_share:
            self._change_over(step)
        figures: dict[str, float] = {}
        if self.n_copied is None:
            figures = self._copy(true, generator, step, share / self.settings.copy_share)
        else:
            if step % self.settings.copy_every == 0 and self.can_copy:
                # What hangs together must go on doing so while it gets crisp.
                figures = self._copy(true, generator, step, share)
            figures |= self._compete(true, generator, step - self.n_copied, share)
        update_average(self.average, self.generator, step, self.settings.half_life)
        return figures

    def _copy(
        self, true: Tensor, generator: torch.Generator, step: int, share: float
    ) -> dict[str, float]:
        """Paint true maps again, from the styles that the stylist finds in them."""
        settings = self.settings
        with self.fabric.autocast():
            styles = self.stylist(true)
            noise = torch.randn(styles.shape, generator=generator).to(true.device)
            painted = self.generator(
                styles + settings.style_noise * noise, true.shape[2], true.shape[3]
            )
        error = F.mse_loss(painted.float(), true)
        kl = styles.float().square().mean()
        self.copier.learn(error + settings.kl_weight * kl, step, share)
        return {"copy": error.item(), "kl": kl.item()}

    def _change_over(self, step: int) -> None:
        """Put noise in the stylist's place, and the stylist's eyes into the critic."""
        self.n_copied = step
        self._fit_noise(self.average)
        self.generator.load_state_dict(self.average.state_dict())
        self.critic.trunk.load_state_dict(self.stylist.trunk.state_dict())

    @torch.no_grad()
    def _fit_noise(self, copied: Generator) -> None:
        """Let noise give a generator such styles as the stylist finds."""
        generator = seeded(self.seed, -10)
        styles = []
        for _ in range(self.settings.n_fitted // self.settings.n_batch):
            with self.fabric.autocast():
                styles.append(self.stylist(self._maps(generator)).float())
        copied.fit_styles(torch.cat(styles))

    def _compete(
        self, true: Tensor, generator: torch.Generator, step: int, share: float
    ) -> dict[str, float]:
        """Teach the critic to tell painted maps from true ones, and the generator to fool it."""
        noise = torch.randn(len(true), self.form.n_noise, generator=generator).to(true.device)
        freeze([self.critic], frozen=False)
        with self.fabric.autocast():
            painted = self.generator(self.generator.style(noise), true.shape[2], true.shape[3])
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
        if step < self.settings.n_critic_first:
            return figures

        freeze([self.critic], frozen=True)
        shown = painted.detach().float().requires_grad_()
        with self.fabric.autocast():
            logits_painted = self.critic(shown).float()
        # What the critic said of the true maps before its own step is near enough.
        loss = F.softplus(logits_true.detach() - logits_painted).mean()
        windows = self.judge.look(shown, generator)
        with torch.no_grad():
            true_windows = self.judge.look(true, generator)
        figures["patches"] = self.judge.teach(true_windows, windows.detach(), step, share)
        complaint = self.judge.complain(windows)
        figures |= {"generator": loss.item(), "complaint": complaint.item()}
        wish = self._weigh(loss, complaint, shown)
        self.learner.learn((painted * wish).sum(), step - self.settings.n_critic_first, share)
        return figures

    def _weigh(self, loss: Tensor, complaint: Tensor, shown: Tensor) -> Tensor:
        """Return how both critics together want the maps changed.

        They are weighed by the lengths of their slopes (Esser et al. 2021), since the scale of
        one means nothing beside that of the other.
        """
        (by_maps,) = torch.autograd.grad(loss, shown)
        (by_patches,) = torch.autograd.grad(complaint, shown)
        say = self.settings.patches.weight * by_maps.norm() / (by_patches.norm() + 1e-12)
        wish: Tensor = by_maps + say * by_patches
        return wish

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
        shown = copy.deepcopy(self.average)
        if self.n_copied is None:
            self._fit_noise(shown)
        return Stills(
            generator=shown,
            decoder=self.truth.decoder,
            statistics=self.truth.statistics,
            precision="float32",
        )

    def state(self) -> State:
        """Return networks, average and optimisers."""
        return {
            "n_copied": self.n_copied,
            "copier": self.copier.state(),
            "generator": self.learner.memory(),
            "critic": self.critic_learner.state(),
            "judge": self.judge.learner.state(),
            "average": self.average.state_dict(),
        }

    def restore(self, state: State) -> None:
        """Go back to a state."""
        self.n_copied = state["n_copied"]
        self.copier.restore(state["copier"])
        self.learner.recall(state["generator"])
        self.critic_learner.restore(state["critic"])
        self.judge.learner.restore(state["judge"])
        self.average.load_state_dict(state["average"])
