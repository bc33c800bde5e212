"""Train the beat network on made songs, whose beats are known."""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from torch.optim import AdamW

from hearing.examples import Example
from hearing.network import BeatNetwork, Form
from spectro.spectrum import COLUMN_RATE

_HELD = 0.06  # share of excerpts that are sounds without any beat
_BESIDE = 0.5  # how much of a beat the columns next to it are
_WEIGHTS = (6.0, 12.0)  # of columns with a beat, and with a first one: they are rare


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the network learns."""

    n_steps: int
    n_batch: int = 12
    n_columns: int = 1_000  # of an excerpt
    rate: float = 2e-3
    half_life: int = 100  # steps, of the average network
    seed: int = 0


class Training:
    """A network and its average."""

    def __init__(self, form: Form, settings: Settings, examples: Sequence[Example]) -> None:
        self.settings = settings
        self.examples = examples
        torch.manual_seed(settings.seed)
        self.network = BeatNetwork(form)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(requires_grad=False)
        self.optimiser = AdamW(self.network.parameters(), lr=settings.rate, weight_decay=1e-3)
        self.targets = [_draw_targets(example) for example in examples]

    def step(self, step: int) -> float:
        """Learn from one batch; return the loss."""
        settings = self.settings
        generator = Generator().manual_seed(settings.seed * 1_000_003 + step)
        bands, targets = self._draw(generator)
        share = step / settings.n_steps
        rate = settings.rate * min(1.0, (1 + step) / 200) * 0.5 * (1 + math.cos(math.pi * share))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss = compare(self.network(vary(bands, generator)), targets)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self._follow(step)
        return loss.item()

    def _draw(self, generator: Generator) -> tuple[Tensor, Tensor]:
        settings = self.settings
        bands, targets = [], []
        for place in torch.randint(len(self.examples), (settings.n_batch,), generator=generator):
            heard = self.examples[place].bands
            most = max(1, len(heard) - settings.n_columns)
            first = int(torch.randint(most, (1,), generator=generator))
            columns = slice(first, first + settings.n_columns)
            bands.append(torch.from_numpy(heard[columns].astype(np.float32)))
            targets.append(self.targets[place][columns])
        return _hold_some(torch.stack(bands), torch.stack(targets), generator)

    @torch.no_grad()
    def _follow(self, step: int) -> None:
        kept = 0.5 ** (1 / min(self.settings.half_life, 1 + step / 10))
        for average, now in zip(self.average.parameters(), self.network.parameters(), strict=True):
            average.lerp_(now, 1 - kept)

    @torch.inference_mode()
    def measure(self, examples: Sequence[Example]) -> float:
        """Return the loss of the average network on whole songs."""
        losses = []
        for example in examples:
            bands = torch.from_numpy(example.bands.astype(np.float32))[None]
            losses.append(compare(self.average(bands), _draw_targets(example)[None]).item())
        return float(np.mean(losses))


def compare(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy of (B, n, 2), columns with a beat weighing more."""
    weights = 1.0 + targets * (torch.tensor(_WEIGHTS) - 1.0)
    return F.binary_cross_entropy_with_logits(logits, targets, weights)


def vary(bands: Tensor, generator: Generator) -> Tensor:
    """Change what a beat does not depend on: loudness, colour of the sound, and single bands."""
    n, _, n_bands = bands.shape

    def draw(*size: int) -> Tensor:
        return torch.randn(*size, generator=generator)

    power = torch.expm1(bands * math.log(10.0))
    # An equaliser of five smooth bands, 5 dB either way, and 6 dB of loudness.
    curve = F.interpolate(draw(n, 1, 5), size=n_bands, mode="linear", align_corners=True)
    db = 5.0 * curve + 6.0 * draw(n, 1, 1)
    bands = torch.log1p(power * 10 ** (db / 10)) / math.log(10.0)
    shift = int(torch.randint(-3, 4, (1,), generator=generator))
    bands = torch.roll(bands, shift, dims=2)
    width = int(torch.randint(1, 16, (1,), generator=generator))
    first = int(torch.randint(n_bands - width, (1,), generator=generator))
    silent = torch.rand(n, generator=generator) < 0.3
    bands[silent, :, first : first + width] = 0.0
    return bands


def _hold_some(bands: Tensor, targets: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Put a sound that stands still, as a tone or noise does, in the place of some excerpts.

    It begins somewhere, with an onset that is no beat.
    """
    n, n_columns, _ = bands.shape
    held = bands.mean(1, keepdim=True).expand_as(bands)
    shimmer = 0.3 * torch.rand(n, 1, 1, generator=generator)
    held = (held + shimmer * torch.randn(bands.shape, generator=generator)).clamp(min=0)
    begins = torch.randint(-n_columns, n_columns // 2, (n,), generator=generator)
    sounds = torch.arange(n_columns) >= begins[:, None]
    chosen = torch.rand(n, generator=generator) < _HELD
    bands = torch.where(chosen[:, None, None], held * sounds[:, :, None], bands)
    return bands, torch.where(chosen[:, None, None], 0.0, targets)


def _draw_targets(example: Example) -> Tensor:
    targets = torch.zeros(len(example.bands), 2)
    for channel, times_s in enumerate((example.beat_times_s, example.downbeat_times_s)):
        columns = np.rint(times_s * COLUMN_RATE).astype(np.int64)
        for beside, value in ((-1, _BESIDE), (1, _BESIDE), (0, 1.0)):
            places = columns + beside
            places = places[(places >= 0) & (places < len(targets))]
            at = torch.from_numpy(places)
            targets[at, channel] = targets[at, channel].clamp(min=value)
    return targets
