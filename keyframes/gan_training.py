"""Train the generator against two critics: of whole pictures, and of details.

Where it is known what numbers a picture was made from, the generator also learns to paint that
very picture from them: roughly, as seen from afar. Its critics see to the rest. Where the pictures
show land that is kept (`keyframes.ridges`), or noise (`keyframes.warp`), it copies details too
before they come.
"""

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F

from keyframes.copying import Copying, Lesson
from keyframes.critic import Critic
from keyframes.critic_files import load_critics, save_critics
from keyframes.form import Form
from keyframes.gan_settings import GanSettings
from keyframes.generator import Generator
from keyframes.knots import Knots, Reading, spline_rows
from keyframes.layers import initialise
from keyframes.learner import Learner, Pace, freeze
from keyframes.material import Batch, Material, take_own
from keyframes.noise import to_noise
from keyframes.stills import Stills, paint_all, save_generator, sheet
from keyframes.views import Sight, View, cut, draw_views, look_near
from pix2pix.run import State, seeded, update_average
from pix2pix.weights import Weights

# How often square, wide and tall pictures are seen. Square is what galleries show; wide is what
# most films are.
LIKELY = (0.6, 0.25, 0.15)
SOFT = 0.1  # hardness of lines at the beginning, as a part of that at the end
N_MEASURED = 256  # stills that are compared with what was held out


@dataclass(frozen=True, kw_only=True)
class Base:
    """What a training begins with."""

    generator: Generator | None  # None: its weights are drawn
    critics: Weights | None  # as `GanTraining.export_critics` writes them


@dataclass(frozen=True, kw_only=True)
class _Canvas:
    """Fields laid over pictures, to be read where somebody looks."""

    generator: Generator
    styles: Tensor
    knots: Knots
    rows: Reading
    columns: Reading

    def read(self, view: View, some: slice) -> Tensor:
        seen = self.rows[view.rows], self.columns[view.columns]
        pictures = self.generator.read(self.knots[some], self.styles[some], *seen)
        return self.generator.soften(pictures) if view.is_near else pictures


class GanTraining:
    """A generator, its average, and the critics.

    Parameters
    ----------
    fabric : device and precision
    form : of the networks
    settings : of the learning
    material : to learn from
    seed : of the first weights and of all draws
    base : a generator that was trained before, to begin with, and critics: new ones would first
        unteach it what it knows
    """

    def __init__(
        self,
        fabric: Fabric,
        form: Form,
        settings: GanSettings,
        material: Material,
        seed: int,
        base: Base | None = None,
    ) -> None:
        self.fabric, self.form, self.settings = fabric, form, settings
        self.material, self.seed = material, seed
        self.generator = Generator(form)
        self.whole_critic = Critic(form.whole_width, 1, fine=False)
        self.detail_critic = Critic(form.detail_width, 2, fine=True)
        networks = (self.generator, self.whole_critic, self.detail_critic)
        for place, network in enumerate(networks):
            initialise(network, seeded(seed, -1 - place))
        self.critics = [self.whole_critic, self.detail_critic]
        self.learner = Learner(fabric, [self.generator])
        self.critic_learner = Learner(fabric, self.critics)
        begun_with = None if base is None else base.generator
        self.copies_alone = material.numbers is not None and begun_with is None
        self.has_land = self.copies_alone and form.n_ridges > 0
        self.keeps = self.has_land or (self.copies_alone and form.warped)
        alone = settings.alone_on_land if self.keeps else settings.alone
        self.contest_from = alone if self.copies_alone else 0.0
        if begun_with is not None:
            self.generator.load_state_dict(begun_with.state_dict())
        if base is not None and base.critics is not None:
            load_critics(base.critics, self.critic_learner.networks)
        self.average = copy.deepcopy(self.generator).eval()
        self.copying = Copying(fabric, self.generator, settings, material)
        self._harden(0.0)

    def step(self, step: int, share: float) -> dict[str, float]:
        """Learn from one batch; see `pix2pix.loop.Training`."""
        self._harden(share)
        lesson = self._prepare(seeded(self.seed, step), step, share)
        self.learner.learn(lesson.loss, share, lesson.pace)
        update_average(self.average, self.generator, step, self.settings.half_life)
        return lesson.figures

    def _prepare(self, random: torch.Generator, step: int, share: float) -> Lesson:
        settings, endless = self.settings, self.material.endless
        if self.copies_alone and endless and share < settings.small:
            return self.copying.copy_small(endless, random, share)
        batch = self._draw(random)
        views = draw_views(random, *batch.pictures.shape[2:])
        true = cut(batch.pictures, views, self.fabric.device)
        if self.has_land and share < settings.land:
            return self.copying.find_land(batch, views, true, share)
        canvas, n = self._lay(batch), len(batch.noise)
        if self.keeps and share < self.contest_from:
            if endless:
                details = self.copying.paint_details(endless, random)
            else:
                details = look_near(canvas.read, views, n) - true.details
            rate = settings.alone_rate
            return self.copying.copy(canvas.read, views, true, details, share, rate)
        whole = canvas.read(views.whole, slice(n))
        figures, loss = self.copying.compare(whole, true.whole)
        if share < self.contest_from:
            pace = Pace(rate=settings.alone_rate, momentum=settings.alone_momentum)
            return Lesson(figures=figures, loss=loss, pace=pace)
        details = look_near(canvas.read, views, n)
        painted = self.show(Sight(whole=whole, details=details))
        true = self.show(true)
        of_true, told = self._teach_critics(true, painted.detach(), step, share)
        contest = self._contest(of_true, painted)
        figures |= told | {"generator": contest.item()}
        return Lesson(figures=figures, loss=loss + contest, pace=Pace(rate=settings.rate))

    def show(self, sight: Sight) -> Sight:
        """Return what the critics are shown of true, and of painted pictures."""
        return sight

    def _harden(self, share: float) -> None:
        """Harden the lines with the share of the budget that is spent.

        What is hard teaches nothing of where it should lie instead.
        """
        full = self.form.hardness
        part = min(1.0, share / self.settings.hard_from)
        for network in (self.generator, self.average):
            network.hardness = full * (SOFT + (1 - SOFT) * part)

    def _autocast(self) -> torch.autocast:
        device = self.fabric.device.type
        return torch.autocast(device, torch.bfloat16, enabled=self.settings.bf16)

    def _draw(self, generator: torch.Generator) -> Batch:
        """Draw a batch of one shape, of about equal cost in any."""
        chosen = int(torch.multinomial(torch.tensor(LIKELY), 1, generator=generator))
        pictures = self.material.pictures[chosen]
        smallest = min(array.shape[2] * array.shape[3] for array in self.material.pictures)
        n_group = 2 * Critic.N_GROUP
        n = self.settings.n_batch * smallest // (pictures.shape[2] * pictures.shape[3])
        n = max(n_group, n // n_group * n_group)
        n_all = n * self.fabric.world_size
        places = torch.randint(len(pictures), (n_all,), generator=generator)
        if self.material.numbers is None:
            noise = torch.randn(n_all, self.form.n_noise, generator=generator)
        else:
            noise = to_noise(self.material.numbers[chosen][places], generator)
        own = np.stack([pictures[place] for place in take_own(self.fabric, places).tolist()])
        return Batch(pictures=torch.from_numpy(own), noise=take_own(self.fabric, noise))

    def _lay(self, batch: Batch) -> _Canvas:
        """Lay fields for new pictures of the shape of the true ones."""
        height, width = batch.pictures.shape[2:]
        density = self.material.density
        with self._autocast():
            styles = self.generator.style(batch.noise.to(self.fabric.device))
            knots = self.generator.fields(styles, height, width, density)
        return _Canvas(
            generator=self.generator,
            styles=styles,
            knots=knots,
            rows=spline_rows(height, density),
            columns=spline_rows(width, density),
        )

    def _judge(self, *sights: Sight) -> list[Tensor]:
        """Return the critics' logits (2, B) of each sight, in float32."""
        with self._autocast():
            whole = self.whole_critic(torch.cat([sight.whole for sight in sights]))
            details = self.detail_critic(torch.cat([sight.details for sight in sights]))
        heads = [_choose_heads(part) for part in details.float().chunk(len(sights))]
        return [
            torch.stack([of_whole[:, 0], of_details])
            for of_whole, of_details in zip(whole.float().chunk(len(sights)), heads, strict=True)
        ]

    def _teach_critics(
        self, true: Sight, painted: Sight, step: int, share: float
    ) -> tuple[Tensor, dict[str, float]]:
        """Teach the critics to tell painted from true pictures; return what they said of these."""
        freeze(self.critics, frozen=False)
        of_true, of_painted = self._judge(true, painted)
        # Relativistic (Jolicoeur-Martineau 2019): each true picture against a painted one.
        loss = F.softplus(of_painted - of_true).sum(0).mean()
        apart = (of_true - of_painted).mean(1)
        figures = {
            "critics": loss.item(),
            "whole_apart": apart[0].item(),
            "details_apart": apart[1].item(),
        }
        settings = self.settings
        if step % settings.penalty_every == 0:
            n = settings.n_penalised
            slopes = self._slope(true.begin(n)) + self._slope(painted.begin(n))
            figures["slope"] = slopes.item()
            loss = loss + 0.5 * settings.penalty * settings.penalty_every * slopes
        self.critic_learner.learn(loss, share, Pace(rate=settings.critics_rate))
        return of_true.detach(), figures

    def _contest(self, of_true: Tensor, painted: Sight) -> Tensor:
        """Return how far the critics are from taking what is painted for true."""
        freeze(self.critics, frozen=True)
        (of_painted,) = self._judge(painted)
        # What the critics said of the true pictures before their own step is near enough.
        return F.softplus(of_true - of_painted).sum(0).mean()

    def _slope(self, sight: Sight) -> Tensor:
        """Return the critics' mean squared gradient by what they see (Mescheder et al. 2018)."""
        whole, details = (x.float().requires_grad_() for x in (sight.whole, sight.details))
        # In float32: the second derivative of bf16 is mostly noise.
        logits = self.whole_critic(whole)[:, 0] + _choose_heads(self.detail_critic(details))
        slopes = torch.autograd.grad(logits.sum(), (whole, details), create_graph=True)
        return torch.stack([slope.square().sum((1, 2, 3)).mean() for slope in slopes]).sum()

    def sample(self) -> Tensor:
        """Return stills and walks of the average generator."""
        return sheet(self.stills())

    def measure(self) -> float:
        """Compare stills of the average generator with what was held out."""
        stills = self.stills()
        styles = torch.stack([stills.style(seed) for seed in range(N_MEASURED)])
        side = min(self.material.pictures[0].shape[2:])
        return self.material.judge(paint_all(stills, styles, side, side, self.material.density))

    def export(self, path: Path) -> str:
        """Write the average generator; return the file's SHA-256."""
        return save_generator(path, self.average)

    def export_critics(self, path: Path) -> str:
        """Write the critics, for a theme that begins with this one; return the file's SHA-256."""
        return save_critics(path, self.critic_learner.networks)

    def stills(self) -> Stills:
        """Return the stills that the average generator has come to."""
        return Stills(self.average)

    def state(self) -> State:
        """Return networks, average and optimisers."""
        return {
            "generator": self.learner.state(),
            "critics": self.critic_learner.state(),
            "average": self.average.state_dict(),
            "hardness": self.generator.hardness,
        }

    def restore(self, state: State) -> None:
        """Go back to a state."""
        self.learner.restore(state["generator"])
        self.critic_learner.restore(state["critics"])
        self.average.load_state_dict(state["average"])
        self.generator.hardness = self.average.hardness = state["hardness"]


def _choose_heads(logits: Tensor) -> Tensor:
    """Take the first opinion (B, 2) on what is seen near by, the second on the other half."""
    near, middle = logits.chunk(2)
    return torch.cat([near[:, 0], middle[:, 1]])
