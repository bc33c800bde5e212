"""Train pix2pix: the losses of Isola et al. (2017) on pairs of spectrogram pictures and frames."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, cast

import torch
from lightning_fabric import Fabric
from torch import Generator, Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam

from pix2pix.grids import spread
from pix2pix.networks import PatchDiscriminator, UNet, UNetConfig, initialise
from pix2pix.run import State, check_finite, decay, seeded, update_average

N_WARM_STEPS = 50  # over which the learning rate rises


class Pairs(Protocol):
    """Some spectrogram pictures, and the frame that belongs to each."""

    @property
    def spectrograms(self) -> Tensor:
        """(B, 1, 256, 256) float32 in [0, 1]."""

    @property
    def frames(self) -> Tensor:
        """(B, 3, H, W) float32 in [0, 1]."""


class PairSource(Protocol):
    """Where pairs come from."""

    @property
    def shapes(self) -> Mapping[tuple[int, int], int]:
        """How many pairs there are with frames of each height and width, whole grids of 256."""

    def batch(self, generator: Generator, n: int, height: int, width: int) -> Pairs:
        """Draw n pairs with frames of one of the shapes, by a CPU generator and nothing else."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a training run is made of, but for its pairs; the defaults are the paper's.

    The batch is larger than the paper's single pair, since painting uses the running
    statistics of batch norm: a frame must not depend on the frames beside it.

    Raises
    ------
    ValueError
        A field is out of its range.
    """

    unet: UNetConfig = field(default_factory=UNetConfig)
    judge_width: int = 64  # channels of the judge after its first halving
    seed: int = 0
    batch: int = 8  # square pairs a step on each device; a wide or tall one counts as two
    learning_rate: float = 2e-4
    l1_weight: float = 100.0  # beside the adversarial loss's 1
    # Shares of the budget. Until the first, batch norm takes each batch's own statistics, which
    # keeps a large rate from tipping over, but blurs what is loud or low against the other pairs
    # of the batch; from then on it keeps the averages that painting uses. Until the second, L1
    # alone teaches the painter, at twice the speed.
    settle_from: float = 1.0
    judge_from: float = 0.0
    unsettled_rate: float = 1e-3  # learning rate while L1 teaches alone and nothing is settled
    average_half_life: int = 300  # steps
    save_every_s: float = 300.0  # between checkpoints, with a sample and held-out figures

    def __post_init__(self) -> None:
        if self.judge_width < 1:
            raise ValueError(f"judge_width must be 1 or more, not {self.judge_width}.")
        if self.batch < 2 or self.batch % 2:
            raise ValueError(f"batch must be even, 2 or more, not {self.batch}.")
        if self.learning_rate <= 0 or self.l1_weight < 0 or self.average_half_life < 1:
            raise ValueError("learning_rate and average_half_life must be above 0, l1_weight 0 up.")
        if not (0 <= self.judge_from <= 1 and 0 <= self.settle_from <= 1):
            raise ValueError("judge_from and settle_from must lie in [0, 1].")
        if self.unsettled_rate <= 0:
            raise ValueError("unsettled_rate must be above 0.")


class Trainer:
    """The networks and optimizers of a run, on the device and in the precision of a Fabric."""

    def __init__(self, fabric: Fabric, settings: Settings) -> None:
        self.fabric = fabric
        self.settings = settings
        self.painter = UNet(settings.unet)
        self.judge = PatchDiscriminator(settings.judge_width)
        drawn = seeded(settings.seed)
        for network in (self.painter, self.judge):
            initialise(network, drawn)
            network.to(fabric.device).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.painter).eval().requires_grad_(requires_grad=False)
        self.painter_optimizer = self._make_optimizer(self.painter)
        self.judge_optimizer = self._make_optimizer(self.judge)
        self.is_settled = False  # whether the painter's norms keep their statistics

    def _make_optimizer(self, network: nn.Module) -> Adam:
        # Betas from the paper.
        rate = self.settings.learning_rate
        return Adam(network.parameters(), lr=rate, betas=(0.5, 0.999), fused=True)

    def begin_with(self, painter: UNet) -> None:
        """Take over a painter that was trained before; the judge begins anew.

        Raises
        ------
        ValueError
            It has another form than the settings ask for.
        """
        if painter.config != self.settings.unet:
            raise ValueError(f"The weights to begin with are of another form: {painter.config}.")
        self.painter.load_state_dict(painter.state_dict())
        self.average.load_state_dict(painter.state_dict())

    def step(self, pairs: Pairs, step: int, share: float) -> dict[str, float]:
        """Train once: the judge, where it has joined, and then the painter.

        Parameters
        ----------
        pairs : what to learn from, on any device
        step : number of the step, 1 for the first
        share : of the budget that is spent, 0 to 1; decides the learning rate, and on the judge

        Returns
        -------
        dict[str, float]
            Losses: L1 in [−1, 1], and once the judge has joined its own and the adversarial one.

        Raises
        ------
        Diverged
            A loss is NaN or infinite.
        """
        is_judged = share >= self.settings.judge_from
        if share >= self.settings.settle_from and not self.is_settled:
            self._settle()
        self._set_rate(step, share)
        device = self.fabric.device
        height, width = pairs.frames.shape[-2:]
        spectrograms = _bring(spread(pairs.spectrograms, height, width), device)
        frames = _bring(pairs.frames * 2 - 1, device)
        with self._seeded_dropout(step), self.fabric.autocast():
            painted = self.painter(spectrograms)
        l1 = F.l1_loss(painted.float(), frames)
        losses = {"l1": l1}
        painter_loss = self.settings.l1_weight * l1
        if is_judged:
            losses["judge"] = self._teach_judge(spectrograms, frames, painted.detach())
            with self.fabric.autocast():
                logits = self.judge(spectrograms, painted)
            losses["adversarial"] = _judged(logits, 1.0)
            painter_loss = painter_loss + losses["adversarial"]
        self._descend(self.painter, self.painter_optimizer, painter_loss)
        update_average(self.average, self.painter, step, self.settings.average_half_life)
        figures = {name: loss.item() for name, loss in losses.items()}
        check_finite(step, figures)
        return figures

    def _teach_judge(self, spectrograms: Tensor, frames: Tensor, painted: Tensor) -> Tensor:
        """Train the judge once, leave it frozen for the painter's turn, and return its loss."""
        self.judge.requires_grad_(requires_grad=True)
        with self.fabric.autocast():
            true_logits = self.judge(spectrograms, frames)
            painted_logits = self.judge(spectrograms, painted)
        # Halved, as in the paper, to slow the judge down beside the painter.
        loss = (_judged(true_logits, 1.0) + _judged(painted_logits, 0.0)) / 2
        self._descend(self.judge, self.judge_optimizer, loss)
        self.judge.requires_grad_(requires_grad=False)
        return loss

    def _settle(self) -> None:
        """Give the painter's norms the averages over many batches, and let them keep those."""
        for norm, averaged in zip(_norms(self.painter), _norms(self.average), strict=True):
            norm.load_state_dict(averaged.state_dict() | dict(norm.named_parameters()))
            norm.eval()
        self.is_settled = True

    @contextmanager
    def _seeded_dropout(self, step: int) -> Iterator[None]:
        """Let dropout draw the same numbers whenever a step is taken again.

        Dropout draws from torch's own generator and takes no other; it is seeded for these
        lines alone, and put back.
        """
        device = self.fabric.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(
                seeded(self.settings.seed, step, self.fabric.global_rank).initial_seed()
            )
            yield

    def _descend(self, network: nn.Module, optimizer: Adam, loss: Tensor) -> None:
        """Take one step down a loss, with the gradients averaged over the devices."""
        optimizer.zero_grad()
        self.fabric.backward(loss)
        if self.fabric.world_size > 1:
            # By hand: DistributedDataParallel does not bear a network that is used twice.
            gradients = [p.grad for p in network.parameters() if p.grad is not None]
            means = cast("list[Tensor]", self.fabric.all_reduce(gradients, reduce_op="mean"))
            for gradient, mean in zip(gradients, means, strict=True):
                gradient.copy_(mean)
        optimizer.step()

    def _set_rate(self, step: int, share: float) -> None:
        """Rise over the first steps, since Adam's are blind, and fall at the end."""
        is_early = share < self.settings.judge_from and not self.is_settled
        rate = self.settings.unsettled_rate if is_early else self.settings.learning_rate
        rate *= min(1.0, step / N_WARM_STEPS) * decay(share)
        for optimizer in (self.painter_optimizer, self.judge_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = rate

    def state(self) -> State:
        """Return all that a run needs to go on exactly; tensors are shared, not copied."""
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        return {"is_settled": self.is_settled, **parts}

    def restore(self, state: State) -> None:
        """Take up a state that `state` gave."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        for optimizer in (self.painter_optimizer, self.judge_optimizer):
            _match_layout(optimizer)
        self.is_settled = state["is_settled"]
        for norm in _norms(self.painter):
            norm.train(mode=not self.is_settled)

    def _parts(self) -> dict[str, nn.Module | Adam]:
        return {
            "painter": self.painter,
            "judge": self.judge,
            "average": self.average,
            "painter_optimizer": self.painter_optimizer,
            "judge_optimizer": self.judge_optimizer,
        }


def _norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def _bring(pictures: Tensor, device: torch.device) -> Tensor:
    """Bring pictures to a device, in the layout that convolutions like."""
    return pictures.to(device).contiguous(memory_format=torch.channels_last)


def _judged(logits: Tensor, truth: float) -> Tensor:
    """Return the adversarial loss of logits that ought to say `truth`, 1 for true."""
    return F.binary_cross_entropy_with_logits(
        logits.float(), torch.full_like(logits, truth).float()
    )


def _match_layout(optimizer: Adam) -> None:
    """Lay an optimizer's moments out as its weights are, which a file does not keep."""
    for parameter, moments in optimizer.state.items():
        for name, moment in moments.items():
            if moment.shape == parameter.shape:
                moments[name] = torch.empty_like(parameter).copy_(moment).detach()
