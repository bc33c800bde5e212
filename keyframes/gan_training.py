"""Train the generator against two critics: of whole pictures, and of details.

Where it is known what numbers a picture was made from, the generator also learns to paint that
very picture from them: roughly, as seen from afar. Its critics see to the rest. Where the pictures
show land that is kept (`keyframes.ridges`), or noise (`keyframes.warp`), it copies details too
before they come.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from keyframes.critic import Critic
from keyframes.critic_files import load_critics, save_critics
from keyframes.form import Form
from keyframes.generator import Generator
from keyframes.knots import Knots, Reading, spline_rows
from keyframes.layers import initialise
from keyframes.learner import Learner, Pace, freeze
from keyframes.noise import to_noise
from keyframes.stills import Stills, paint_all, save_generator, sheet
from keyframes.views import View, Views, draw_views
from pix2pix.pyramid import peel
from pix2pix.run import State, seeded, update_average
from pix2pix.weights import Weights

# How often square, wide and tall pictures are seen. Square is what galleries show; wide is what
# most films are.
LIKELY = (0.6, 0.25, 0.15)
SMALLEST_BAND = 4  # pixels of the coarsest band, along the shorter side
SOFT = 0.1  # hardness of lines at the beginning, as a part of that at the end
# Share of the time for the land in which ridges stand still: one of a colour that is still wrong
# would hide, and what is hidden teaches nothing.
STILL = 0.05
# Share of the time for the land in which it has no folds, walls or windows: a wall that ends where
# it likes paints a town before any roof has found its place.
BARE = 0.5
# Small pictures that are bent by less than this come first, for a part of their share of the time,
# all of them from another part on: where little is bent, noise is soon found, and then how it is
# bent. All at once nothing is where it seems to be.
EASY, EASY_UNTIL, ALL_FROM = 0.15, 0.15, 0.5
N_MEASURED = 256  # stills that are compared with what was held out


class Pictures(Protocol):
    """Many pictures of one shape, mapped from a disk or in memory."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, 3, H, W)."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, place: int) -> NDArray[Any]:
        """One of them, (3, H, W) uint8."""


@dataclass(frozen=True, kw_only=True)
class Small:
    """Many pictures that are small, from which a generator learns what all of them share."""

    pictures: Pictures
    numbers: Tensor  # (n, n_noise), what they were made from
    density: float  # of their pixels, see `Material`


@dataclass(frozen=True, kw_only=True)
class Material:
    """What a generator learns from, and what it is compared with."""

    pictures: Sequence[Pictures]  # square, wide, tall
    density: float  # of their pixels: 1 where the short side has 256
    # How far stills (n, 3, H, W) in [0, 1] are from held-out pictures; lower is better.
    judge: Callable[[Tensor], float]
    # What the pictures were made from, (n, n_noise) for each shape; see `keyframes.noise`.
    numbers: Sequence[Tensor] | None = None
    small: Small | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the GAN learns: R3GAN's loss (Huang et al. 2024), its penalties now and then."""

    n_batch: int = 16  # square pictures; a multiple of twice Critic.N_GROUP
    rate: float = 5e-4  # of learning, of the generator
    critics_rate: float = 3e-4
    copying: float = 100.0  # weight of painting known pictures
    alone: float = 0.35  # share of a training from nothing in which known pictures are all there is
    alone_rate: float = 8e-4  # of learning, in it
    alone_momentum: float = 0.9
    land: float = 0.2  # share of all, at first, with nothing but land, where there is any
    land_rate: float = 2e-3  # of learning, in it
    n_small: int = 32  # small pictures in a batch
    small: float = 0.6  # share of all, at first, with nothing but these, where there are any
    small_rate: float = 2e-3  # of learning, in it
    small_amounts: float = 0.4  # share of it from which they are copied by amounts
    amounts: float = 20.0  # weight of painting known pictures with land by amounts
    amounts_from: float = 0.4  # share of all from which they are copied so
    alone_on_land: float = 0.7  # in place of `alone`, where there is land or a warp
    hard_from: float = 0.3  # share of a training from which lines and ridges are as hard as told
    penalty: float = 0.5  # gamma of R1 and R2
    penalty_every: int = 8  # steps
    n_penalised: int = 16  # pictures of a batch; a multiple of twice Critic.N_GROUP
    half_life: int = 200  # steps, of the average generator
    bf16: bool = False  # convolve in bfloat16, a third faster where the processor knows it


@dataclass(frozen=True, kw_only=True)
class Base:
    """What a training begins with."""

    generator: Generator | None  # None: its weights are drawn
    critics: Weights | None  # as `GanTraining.export_critics` writes them


@dataclass(frozen=True, kw_only=True)
class _Batch:
    """True pictures, and the noise to paint as many from."""

    pictures: Tensor  # (B, 3, H, W) uint8, on the CPU
    noise: Tensor  # (B, n_noise); what these pictures were made from, where that is known


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


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What the critics see of a batch: the first half near by, the second from half-way."""

    whole: Tensor  # (B, 3, h, w)
    details: Tensor  # (B, 3, SIDE, SIDE)

    def detach(self) -> "Sight":
        """Return the same, to learn nothing through."""
        return Sight(whole=self.whole.detach(), details=self.details.detach())

    def begin(self, n: int) -> "Sight":
        """Return the sight of n pictures."""
        near, middle = self.details.chunk(2)
        details = torch.cat([near[: n // 2], middle[: n // 2]])
        return Sight(whole=self.whole[:n], details=details)


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
        settings: Settings,
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
        if material.small is not None:
            bends = [form.told[name] for name in ("warp", "curl")]
            self.bent = material.small.numbers[:, bends].amax(1)
            self.easiest = self.bent.argsort()
        self._harden(0.0)

    def step(self, step: int, share: float) -> dict[str, float]:
        """Learn from one batch; see `pix2pix.loop.Training`."""
        generator = seeded(self.seed, step)
        settings = self.settings
        self._harden(share)
        if self.copies_alone and self.material.small and share < settings.small:
            return self._copy_small(generator, self.material.small, step, share)
        batch = self._draw(generator)
        views = draw_views(generator, *batch.pictures.shape[2:])
        true = _cut(batch.pictures, views, self.fabric.device)
        if self.has_land and share < settings.land:
            return self._find_land(batch, views, true, step, share)
        canvas = self._lay(batch)
        if self.keeps and share < self.contest_from:
            return self._copy(canvas.read, views, true, step, share, settings.alone_rate)
        whole = canvas.read(views.whole, slice(len(batch.noise)))
        figures, loss = self._compare(whole, true.whole)
        pace = Pace(rate=settings.alone_rate, momentum=settings.alone_momentum)
        if share >= self.contest_from:
            pace = Pace(rate=settings.rate)
            details = _look_near(canvas.read, views, len(batch.noise))
            painted = self.show(Sight(whole=whole, details=details))
            true = self.show(true)
            of_true, told = self._teach_critics(true, painted.detach(), step, share)
            contest = self._contest(of_true, painted)
            figures |= told | {"generator": contest.item()}
            loss = loss + contest
        self._learn(loss, step, share, pace)
        return figures

    def _find_land(
        self, batch: _Batch, views: Views, true: Sight, step: int, share: float
    ) -> dict[str, float]:
        """Learn where ridges are and what lies below them.

        Once fields and hazes have painted a mountain as a haze, no ridge finds its place any more.
        """
        height, width = batch.pictures.shape[2:]
        density = self.material.density
        rows, columns = (spline_rows(side, density) for side in (height, width))
        styles = self.generator.style(batch.noise.to(self.fabric.device))
        land = self.generator.lay_land(styles, height, width, density)
        settings = self.settings
        if share < STILL * settings.land:
            land = land.detach()
        bare = share < BARE * settings.land

        def read(view: View, some: slice) -> Tensor:
            seen = rows[view.rows], columns[view.columns]
            return self.generator.paint_land(styles[some], land[some], *seen, bare=bare)

        return self._copy(read, views, true, step, share, settings.land_rate)

    def _copy_small(
        self, generator: torch.Generator, small: Small, step: int, share: float
    ) -> dict[str, float]:
        """Learn to paint small pictures that are known, to find what all of them share.

        Many see more of it than a few large ones, and cost as little.
        """
        settings = self.settings
        n = settings.n_small * self.fabric.world_size
        n_known = self._count_easy(share / settings.small)
        places = self.easiest[torch.randint(n_known, (n,), generator=generator)]
        noise = self._own(to_noise(small.numbers[places], generator)).to(self.fabric.device)
        drawn = np.stack([small.pictures[place] for place in self._own(places).tolist()])
        true = _to_numbers(torch.from_numpy(drawn), self.fabric.device)
        styles = self.generator.style(noise)
        height, width = true.shape[2:]
        knots = self.generator.fields(styles, height, width, small.density)
        sides = (spline_rows(side, small.density) for side in (height, width))
        apart = self.generator.read(knots, styles, *sides) - true
        if share < settings.small_amounts * settings.small:
            bands = [band.square().mean() for band in _part(apart)]
            loss = settings.copying * torch.stack(bands).sum()
        else:
            loss = self._by_amounts(apart)
        # It falls from the start: at its height for long, waves ran away.
        rate = settings.small_rate * (1 - share / settings.small)
        pace = Pace(rate=rate, momentum=settings.alone_momentum)
        self._learn(loss, step, share, pace)
        return {"copying": apart.abs().mean().item()}

    def _count_easy(self, share: float) -> int:
        """Return how many of the small pictures are bent so little that they are shown by now."""
        risen = (share - EASY_UNTIL) / (ALL_FROM - EASY_UNTIL)
        limit = EASY + (1 - EASY) * min(1.0, max(0.0, risen))
        return max(1, int((self.bent <= limit).sum()))

    def _copy(
        self,
        read: Callable[[View, slice], Tensor],
        views: Views,
        true: Sight,
        step: int,
        share: float,
        rate: float,
    ) -> dict[str, float]:
        """Learn to paint known pictures, wholes and details: where things are, then where they end.

        By squares, what is not where it should be is drawn there; by amounts, edges become sharp.
        """
        settings, n = self.settings, len(true.whole)
        whole, details = read(views.whole, slice(n)), _look_near(read, views, n)
        apart = [whole - true.whole, details - true.details]
        if share < settings.amounts_from:
            _, loss = self._compare(whole, true.whole)
            loss = loss + settings.copying * apart[1].square().mean()
        else:
            loss = self._by_amounts(*apart)
        self._learn(loss, step, share, Pace(rate=rate, momentum=settings.alone_momentum))
        whole_apart, details_apart = (x.abs().mean().item() for x in apart)
        return {"copying": whole_apart, "details": details_apart}

    def _by_amounts(self, *apart: Tensor) -> Tensor:
        """Return the loss of what pictures are apart, large shapes and small ones."""
        bands = [band.abs().mean() for x in apart for band in _part(x)]
        return self.settings.amounts * torch.stack(bands).sum()

    def _learn(self, loss: Tensor, step: int, share: float, pace: Pace) -> None:
        self.learner.learn(loss, share, pace)
        update_average(self.average, self.generator, step, self.settings.half_life)

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

    def _draw(self, generator: torch.Generator) -> _Batch:
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
        own = np.stack([pictures[place] for place in self._own(places).tolist()])
        return _Batch(pictures=torch.from_numpy(own), noise=self._own(noise))

    def _own(self, drawn: Tensor) -> Tensor:
        """Take this device's part of what was drawn for all, so that they learn as one would.

        The first half of a batch is seen near by, so it is a part of each half.
        """
        parts = drawn.reshape(2, self.fabric.world_size, -1, *drawn.shape[1:])
        return parts[:, self.fabric.global_rank].flatten(0, 1)

    def _lay(self, batch: _Batch) -> _Canvas:
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

    def _compare(self, painted: Tensor, true: Tensor) -> tuple[dict[str, float], Tensor]:
        """Compare wholes (B, 3, h, w) roughly, where it is known what the true ones were made from.

        By squares, not by amounts: a sun covers a hundredth of a picture, and while its place is
        uncertain the likeliest value of each pixel is the sky's, so that amounts teach to leave it
        out; the mean of all places is a glow, which then draws together. Where an edge runs to the
        pixel is left to the critics.
        """
        if self.material.numbers is None:
            return {}, painted.new_zeros(())
        apart = F.avg_pool2d(painted - true, 2)
        bands = torch.stack([band.square().mean() for band in _part(apart)])
        return {"copying": apart.abs().mean().item()}, self.settings.copying * bands.sum()

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


def _part(x: Tensor) -> list[Tensor]:
    """Part pictures (B, 3, h, w) into a Laplacian pyramid, where small shapes weigh as large ones.

    A sun is a hundredth of a picture: in a plain mean its place hardly counts.
    """
    bands = []
    while min(x.shape[2:]) >= 2 * SMALLEST_BAND:
        band, x = peel(x)
        bands.append(band)
    return [*bands, x]


def _cut(pictures: Tensor, views: Views, device: torch.device) -> Sight:
    """Cut what is seen of pictures (B, 3, H, W) uint8; only that becomes numbers in [−1, 1]."""
    near, middle = pictures.chunk(2)
    details = torch.cat([views.near.cut(near), views.middle.cut(middle)])
    whole, details = (_to_numbers(seen, device) for seen in (views.whole.cut(pictures), details))
    return Sight(whole=whole, details=details)


def _to_numbers(pictures: Tensor, device: torch.device) -> Tensor:
    """Turn bytes into numbers in [−1, 1]."""
    return pictures.to(device).float().div(127.5).sub(1)


def _look_near(read: Callable[[View, slice], Tensor], views: Views, n: int) -> Tensor:
    """Read the details that are seen of n pictures, as `_cut` cuts them."""
    near, middle = read(views.near, slice(n // 2)), read(views.middle, slice(n // 2, n))
    return torch.cat([near, middle])


def _choose_heads(logits: Tensor) -> Tensor:
    """Take the first opinion (B, 2) on what is seen near by, the second on the other half."""
    near, middle = logits.chunk(2)
    return torch.cat([near[:, 0], middle[:, 1]])
