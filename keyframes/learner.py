"""The optimiser's step, for the generator and for its critics."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from pix2pix.run import State, decay

N_WARM_STEPS = 100  # over which the learning rate rises: Adam's first steps are blind
LONGEST_SLOPE = 2.0  # times the usual one
SQUARES_MEMORY = 0.99  # Adam's second beta, as in R3GAN
SLOPE_MEMORY = 0.02  # weight of a step in the running mean


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How an optimiser steps."""

    rate: float  # of learning, before it rises and falls
    # Of the slopes' mean, 0 to 1. None against an opponent, with whom the slope turns (R3GAN).
    momentum: float = 0.0


class Learner:
    """One optimiser over some networks, for any number of devices.

    Slopes much longer than usual are cut: networks without norms blow up from a single bad batch,
    since Adam moves every weight by its rate and more, however rare the slope.

    Parameters
    ----------
    fabric : device and precision
    networks : moved to the device; what `learn` changes
    """

    def __init__(self, fabric: Fabric, networks: Sequence[nn.Module]) -> None:
        self.fabric = fabric
        self.networks = nn.ModuleList(networks)
        self.networks.to(fabric.device).to(memory_format=torch.channels_last)
        self.optimiser: Optimizer = Adam(self.networks.parameters())
        # Running mean of the slope's length, when there is one.
        self.usual_slope: float | None = None
        self.n_steps = 0  # critics that come late are as blind at first

    def learn(self, loss: Tensor, share: float, pace: Pace) -> None:
        """Take one step down a loss's gradients."""
        self.n_steps += 1
        rate = pace.rate * min(1.0, self.n_steps / N_WARM_STEPS) * decay(share)
        for group in self.optimiser.param_groups:
            group.update(lr=rate, betas=(pace.momentum, SQUARES_MEMORY))
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
            "n_steps": self.n_steps,
        }

    def restore(self, state: State) -> None:
        """Go back to a state."""
        self.networks.load_state_dict(state["networks"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.usual_slope = state["usual_slope"]
        self.n_steps = state["n_steps"]


def freeze(networks: Iterable[nn.Module], *, frozen: bool) -> None:
    """Stop or start computing gradients for the weights of networks."""
    for network in networks:
        network.requires_grad_(not frozen)
