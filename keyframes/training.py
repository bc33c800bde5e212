"""The loop of training the stills, and the optimiser's step."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy.typing as npt
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from pix2pix.run import Budget, Run, State, catch_stop, check_finite, decay

Pictures = npt.NDArray[Any]  # (n, channels, height, width), mapped from a disk or in memory

N_WARM_STEPS = 100  # over which the learning rate rises: Adam's first steps are blind
LONGEST_SLOPE = 2.0  # times the usual one
SLOPE_MEMORY = 0.02  # weight of a step in the running mean
LOG_EVERY = 50  # steps
SAMPLE_EVERY = 0.1  # of the budget
SAVE_EVERY_S = 120.0


class Training(Protocol):
    """What the loop trains."""

    def step(self, step: int, share: float) -> dict[str, float]:
        """Learn from one batch, drawn by the step's number; return the losses.

        Parameters
        ----------
        step : steps before this one
        share : of the budget that is spent, in [0, 1)
        """

    def sample(self) -> Tensor:
        """Return the fixed sample grid, (3, H, W) in [0, 1]."""

    def state(self) -> State:
        """Return all that the next step depends on, besides its number."""

    def restore(self, state: State) -> None:
        """Go back to a state."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """How long a training goes on, from where, and whom it tells."""

    budget: Budget  # what was spent before a stop counts
    resumed: bool  # go on from the run's checkpoint, if it has one
    tell: Callable[[int, float, dict[str, float]], None]  # step, share of the budget, losses


def train(training: Training, run: Run, fabric: Fabric, course: Course) -> bool:
    """Train until the budget is spent or somebody asks to stop; return whether it was spent.

    Raises
    ------
    pix2pix.run.Diverged
        A loss or a weight is NaN or infinite; the checkpoint before it is kept.
    """
    keeper = _Keeper(training, run, course)
    with catch_stop() as stop:
        while True:
            spent = math.inf if stop.asked else course.budget.share(keeper.step, keeper.elapsed_s)
            # One device decides, else one would wait for a batch that the others never compute.
            share: float = fabric.broadcast(spent)
            if share >= 1:
                break
            figures = training.step(keeper.step, share)
            check_finite(keeper.step, figures)
            keeper.step += 1
            if fabric.is_global_zero:
                keeper.keep(share, figures)
    if fabric.is_global_zero:
        keeper.save()
        run.save_sample(keeper.step, training.sample())
    return math.isfinite(share)


class _Keeper:
    """What is kept of a training while it goes on: log, sample grids, checkpoints."""

    def __init__(self, training: Training, run: Run, course: Course) -> None:
        self.training, self.run, self.course = training, run, course
        self.step = 0  # taken so far
        self.before_s = 0.0  # trained before the last stop
        self.sample_share = 0.0  # of the budget, at which the next sample grid is due
        if course.resumed and run.has_checkpoint:
            state = run.load()
            training.restore(state["training"])
            self.step, self.before_s = state["step"], state["elapsed_s"]
            self.sample_share = state["sample_share"]
        self.began_s = self.saved_s = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Time trained, stops not counted."""
        return self.before_s + time.monotonic() - self.began_s

    def keep(self, share: float, figures: dict[str, float]) -> None:
        """Log, show and save what is due after a step."""
        if self.step % LOG_EVERY == 0:
            self.run.log(self.step, self.elapsed_s, figures)
            self.course.tell(self.step, share, figures)
        if share >= self.sample_share:
            self.sample_share += SAMPLE_EVERY
            self.run.save_sample(self.step, self.training.sample())
        if time.monotonic() - self.saved_s > SAVE_EVERY_S:
            self.save()

    def save(self) -> None:
        """Write the checkpoint."""
        self.saved_s = time.monotonic()
        state = {"elapsed_s": self.elapsed_s, "sample_share": self.sample_share}
        self.run.save({"step": self.step, **state, "training": self.training.state()})


class Learner:
    """One optimiser over some networks, for any number of devices.

    Slopes much longer than usual are cut: networks without norms blow up from a single bad batch,
    since Adam moves every weight by its rate and more, however rare the slope.

    Parameters
    ----------
    fabric : device and precision
    networks : moved to the device; what `learn` changes
    rate : of learning
    """

    def __init__(self, fabric: Fabric, networks: Sequence[nn.Module], rate: float) -> None:
        self.fabric = fabric
        self.networks = nn.ModuleList(networks)
        self.networks.to(fabric.device).to(memory_format=torch.channels_last)
        self.rate = rate
        # No momentum: the slope turns with the opponent (R3GAN's betas).
        self.optimiser: Optimizer = Adam(self.networks.parameters(), rate, betas=(0.0, 0.99))
        self.usual_slope: float | None = (
            None  # running mean of the slope's length, when there is one
        )

    def learn(self, loss: Tensor, step: int, share: float) -> None:
        """Take one step down a loss's gradients."""
        rate = self.rate * min(1.0, (1 + step) / N_WARM_STEPS) * decay(share)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad()
        self.fabric.backward(loss)
        self._average_gradients()
        self._cut_slope()
        self.optimiser.step()

    def _cut_slope(self) -> None:
        usual = self.usual_slope
        longest = math.inf if usual is None else LONGEST_SLOPE * usual
        slope = nn.utils.clip_grad_norm_(self.networks.parameters(), longest).item()
        usual = slope if usual is None else usual
        self.usual_slope = usual + SLOPE_MEMORY * (min(slope, longest) - usual)

    def _average_gradients(self) -> None:
        # By hand: the double backward of R1 and R2 and DistributedDataParallel do not agree.
        if self.fabric.world_size == 1:
            return
        for parameter in self.networks.parameters():
            if parameter.grad is not None:
                parameter.grad = cast(Tensor, self.fabric.all_reduce(parameter.grad))

    def state(self) -> State:
        """Return the weights, and what the optimiser has seen."""
        return {
            "networks": self.networks.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "usual_slope": self.usual_slope,
        }

    def restore(self, state: State) -> None:
        """Go back to a state."""
        self.networks.load_state_dict(state["networks"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.usual_slope = state["usual_slope"]


def freeze(networks: Iterable[nn.Module], *, frozen: bool) -> None:
    """Stop or start computing gradients for the weights of networks."""
    for network in networks:
        network.requires_grad_(not frozen)
