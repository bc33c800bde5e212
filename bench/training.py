"""How fast both networks learn, beside the plain recipe of the papers with the same networks.

Plain is float32, NCHW, and one picture a step. Data are noise in memory: only learning is timed.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.autograd import backward
from torch.nn import functional as F
from torch.optim import Adam

from keyframes.critic import Critic
from keyframes.form import Form
from keyframes.gan_settings import GanSettings
from keyframes.gan_training import GanTraining
from keyframes.generator import Generator
from keyframes.knots import spline_rows
from keyframes.layers import initialise
from keyframes.material import Material
from keyframes.views import draw_views
from pix2pix.networks import PatchDiscriminator, UNet
from pix2pix.painter import choose_precision
from pix2pix.pairs import Batch
from pix2pix.run import seeded
from pix2pix.settings import Settings
from pix2pix.training import Trainer
from themes.training import PIX2PIX

SIDE = 256  # pixels
N_STEPS = 10  # timed, after the first, which is slower


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast one network learns."""

    ours: float  # pictures a second
    plain: float

    @property
    def ratio(self) -> float:
        """How many times as fast as the plain recipe."""
        return self.ours / self.plain


class _Noise:
    """Pairs of noise."""

    def __init__(self) -> None:
        self.shapes = {(SIDE, SIDE): 64}

    def batch(self, generator: torch.Generator, n: int, height: int, width: int) -> Batch:
        return Batch(
            spectrograms=torch.rand(n, 1, SIDE, SIDE, generator=generator),
            frames=torch.rand(n, 3, height, width, generator=generator),
        )


def measure_pix2pix() -> Pace:
    """Time pix2pix with its judge, which is the dearer half of its training."""
    settings = replace(PIX2PIX, settle_from=0.0, judge_from=0.0, bf16=choose_precision() == "bf16")
    trainer = Trainer(Fabric(devices=1), settings, _Noise(), _Noise())
    ours = _pictures_a_second(lambda step: trainer.step(step, 0.0), settings.batch)
    return Pace(ours=ours, plain=_pictures_a_second(plain_pix2pix(settings), 1))


def plain_pix2pix(settings: Settings) -> Callable[[int], object]:
    """Return a step of Isola et al. (2017) as it stands in the paper: one pair, L1 and a judge."""
    painter, judge = UNet(settings.unet), PatchDiscriminator(settings.judge_width)
    painter_steps, judge_steps = (
        Adam(network.parameters(), 2e-4, betas=(0.5, 0.999), foreach=False)
        for network in (painter, judge)
    )
    device = _device(painter, judge)

    def step(number: int) -> None:
        pairs = _Noise().batch(seeded(number), 1, SIDE, SIDE)
        spectrograms = pairs.spectrograms.to(device) * 2 - 1
        frames = pairs.frames.to(device) * 2 - 1
        painted = painter(spectrograms)
        judge_steps.zero_grad()
        of_true, of_painted = judge(spectrograms, frames), judge(spectrograms, painted.detach())
        backward((_judged(of_true, 1.0) + _judged(of_painted, 0.0)) / 2)
        judge_steps.step()
        painter_steps.zero_grad()
        backward(_judged(judge(spectrograms, painted), 1.0) + 100 * F.l1_loss(painted, frames))
        painter_steps.step()

    return step


def _judged(logits: Tensor, truth: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, truth))


def measure_keyframes() -> Pace:
    """Time the stills' generator and its critics."""
    pictures = np.random.default_rng(0).integers(0, 256, (64, 3, SIDE, SIDE), np.uint8)
    material = Material(pictures=[pictures] * 3, density=1.0, judge=lambda _: 0.0)
    settings = GanSettings(bf16=choose_precision() == "bf16")
    training = GanTraining(Fabric(devices=1), Form(), settings, material, 0)
    ours = _pictures_a_second(lambda step: training.step(step, 0.0), settings.n_batch)
    return Pace(ours=ours, plain=_pictures_a_second(plain_keyframes(), 1))


def plain_keyframes() -> Callable[[int], object]:
    """Return a step of R3GAN (Huang et al. 2024) as in its paper: the penalties in every step."""
    generator, whole, details = (
        Generator(Form()),
        Critic(64, 1, fine=False),
        Critic(32, 2, fine=True),
    )
    for place, network in enumerate((generator, whole, details)):
        initialise(network, seeded(0, place))
    critics = nn.ModuleList([whole, details])
    generator_steps, critic_steps = (
        Adam(network.parameters(), 2e-4, betas=(0.0, 0.99), foreach=False)
        for network in (generator, critics)
    )
    device = _device(generator, critics)
    rows = spline_rows(SIDE)

    def judge(pictures: Tensor, number: int) -> Tensor:
        views = draw_views(seeded(number), SIDE, SIDE)
        seen = [details(view.cut(pictures)) for view in (views.near, views.middle)]
        logits: Tensor = whole(views.whole.cut(pictures))[:, 0] + seen[0][:, 0] + seen[1][:, 1]
        return logits

    def step(number: int) -> None:
        drawn = seeded(number)
        true = torch.rand(1, 3, SIDE, SIDE, generator=drawn).to(device).requires_grad_()
        styles = generator.style(torch.randn(1, Form().n_noise, generator=drawn).to(device))
        painted = generator.read(generator.fields(styles, SIDE, SIDE), styles, rows, rows)
        fixed = painted.detach().requires_grad_()
        of_true, of_painted = judge(true, number), judge(fixed, number)
        slopes = torch.autograd.grad((of_true + of_painted).sum(), (true, fixed), create_graph=True)
        loss = F.softplus(of_painted - of_true).mean() + 0.25 * sum(
            s.square().sum() for s in slopes
        )
        critic_steps.zero_grad()
        backward(loss)
        critic_steps.step()
        generator_steps.zero_grad()
        backward(F.softplus(of_true.detach() - judge(painted, number)).mean())
        generator_steps.step()

    return step


def _device(*networks: nn.Module) -> torch.device:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for network in networks:
        network.to(device)
    return device


def _pictures_a_second(step: Callable[[int], object], n_pictures: int) -> float:
    step(0)
    begun_s = time.perf_counter()
    for number in range(1, 1 + N_STEPS):
        step(number)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return N_STEPS * n_pictures / (time.perf_counter() - begun_s)
