"""The optimiser's step begins gently, whenever it begins."""

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from keyframes.learner import N_WARM_STEPS, Learner, Pace


@pytest.fixture
def learner() -> Learner:
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    return Learner(Fabric(devices=1, accelerator="cpu"), [network])


def _weight(learner: Learner) -> Tensor:
    (weight,) = learner.networks.parameters()
    return weight


def _step(learner: Learner, share: float) -> float:
    """Take a step down a slope that stays the same; return how far it went."""
    before = _weight(learner).item()
    learner.learn(_weight(learner).sum(), share, Pace(rate=0.1))
    return before - _weight(learner).item()


def test_what_begins_to_learn_late_begins_as_gently(learner: Learner) -> None:
    steps = [_step(learner, 0.5) for _ in range(N_WARM_STEPS + 10)]
    assert steps[0] == pytest.approx(0.1 / N_WARM_STEPS, rel=0.01)
    assert steps[-1] == pytest.approx(0.1, rel=0.01)


def test_a_learner_that_goes_on_is_as_warm_as_it_was(learner: Learner) -> None:
    for _ in range(N_WARM_STEPS):
        _step(learner, 0.0)
    state = learner.state()
    again = Learner(Fabric(devices=1, accelerator="cpu"), [nn.Linear(1, 1, bias=False)])
    again.restore(state)
    torch.testing.assert_close(_weight(again), _weight(learner))
    assert _step(again, 0.75) == pytest.approx(0.05, rel=0.01)  # the rate has begun to fall
