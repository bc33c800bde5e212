"""The loop of a training run, from its first step to its last, with stops and resumes between."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor

from pix2pix.run import Budget, Run, State, catch_stop, check_finite

LOG_EVERY = 25  # steps
N_SHEETS = 10  # in a budget: sample sheet, held-out figure, checkpoint
SAVE_EVERY_S = 120.0
LOOKING = 0.1  # share of the time beyond which a sheet is left out, where minutes are counted
# Share of the budget from which on the best network is kept: before, networks are unfinished in
# ways that one figure does not tell (pix2pix without its judge is nearer on average, and blurred).
BEST_FROM = 0.75


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
        """Return the fixed sample sheet, (3, H, W) in [0, 1]."""

    def measure(self) -> float:
        """Return how far the average network is from what was held out; lower is better."""

    def export(self, path: Path) -> str:
        """Write the average network in half precision; return the file's SHA-256."""

    def state(self) -> State:
        """Return all that the next step depends on, besides its number; tensors are shared."""

    def restore(self, state: State) -> None:
        """Go back to a state."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """How long a training goes on, and whom it tells."""

    budget: Budget  # what was spent before a stop counts
    tell: Callable[[int, float, dict[str, float]], None]  # step, share of the budget, losses
    snapshot: Callable[[int], None] = lambda _: None  # called with the steps taken
    snapshot_every: int | None = None  # steps; None: no snapshots


def train(training: Training, run: Run, fabric: Fabric, course: Course) -> bool:
    """Train until the budget is spent or somebody asks to stop; return whether it was spent.

    Goes on from the run's checkpoint where there is one, exactly: two steps, a stop and one step
    give the same bits as three steps. All is written by the first device alone.

    Raises
    ------
    Diverged
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
            figures = average_over_devices(fabric, training.step(keeper.step, share))
            check_finite(keeper.step, figures)
            keeper.step += 1
            if fabric.is_global_zero:
                keeper.keep(share, figures)
    is_spent = math.isfinite(share)
    if fabric.is_global_zero:
        keeper.end(is_spent=is_spent)
    return is_spent


def average_over_devices(fabric: Fabric, figures: dict[str, float]) -> dict[str, float]:
    """Return the mean of each figure over all devices, which must give the same ones."""
    if fabric.world_size == 1:
        return figures
    means = cast(Tensor, fabric.all_reduce(torch.tensor(list(figures.values()))))
    return dict(zip(figures, means.tolist(), strict=True))


class _Keeper:
    """What is kept of a training while it goes on: log, sheets, checkpoints, the best network."""

    def __init__(self, training: Training, run: Run, course: Course) -> None:
        self.training, self.run, self.course = training, run, course
        self.step = 0  # taken so far
        self.before_s = 0.0  # trained before the last stop
        self.n_shown = 0  # sheets that were due so far
        self.looked_s = 0.0  # spent on them since the last stop
        self.ended_step = -1  # at which the budget was last spent
        self.best: float | None = None  # held-out figure of the network that is kept as the best
        if run.has_checkpoint:
            state = run.load()
            training.restore(state["training"])
            self.step, self.before_s = state["step"], state["elapsed_s"]
            self.best, self.ended_step = state["best"], state["ended_step"]
            # A budget that has grown has sheets to come again.
            share = course.budget.share(self.step, self.before_s)
            self.n_shown = min(state["n_shown"], math.floor(share * N_SHEETS) + 1)
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
        if share * N_SHEETS >= self.n_shown and self._may_look():
            self._show(share)
            self._save()
        elif time.monotonic() - self.saved_s > SAVE_EVERY_S:
            self._save()
        if self.course.snapshot_every and self.step % self.course.snapshot_every == 0:
            self.course.snapshot(self.step)

    def end(self, *, is_spent: bool) -> None:
        """Save the last state; where the budget is spent, show it and see if it is the best."""
        if is_spent and self.ended_step != self.step:
            self.ended_step = self.step
            self._show(1.0)
        self._save()

    def _may_look(self) -> bool:
        """Tell whether a look would not take the time that the learning needs.

        Where steps are counted all are taken: which network is the best must not depend on a clock.
        """
        if self.course.budget.minutes is None:
            return True
        return self.looked_s <= LOOKING * self.elapsed_s

    def _show(self, share: float) -> None:
        began_s = time.monotonic()
        self.n_shown = math.floor(share * N_SHEETS) + 1
        held_out = self.training.measure()
        self.run.save_sample(self.step, self.training.sample())
        self.run.log(self.step, self.elapsed_s, {"held_out": held_out})
        self.course.tell(self.step, share, {"held_out": held_out})
        if share >= BEST_FROM and (self.best is None or held_out < self.best):
            self.best = held_out
            self.training.export(self.run.best)
        self.looked_s += time.monotonic() - began_s

    def _save(self) -> None:
        self.saved_s = time.monotonic()
        shown = {"n_shown": self.n_shown, "ended_step": self.ended_step, "best": self.best}
        state = {"step": self.step, "elapsed_s": self.elapsed_s, **shown}
        self.run.save({**state, "training": self.training.state()})
