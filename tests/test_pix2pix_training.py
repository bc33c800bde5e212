"""A run learns, resumes exactly, and stops where it must."""

import copy
import json
import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor

from pix2pix import weights
from pix2pix.loop import Course, train
from pix2pix.networks import UNet, UNetConfig
from pix2pix.painter import load_network
from pix2pix.run import Budget, Diverged, Run, decay, seeded, update_average
from pix2pix.settings import Settings
from pix2pix.training import Trainer

# Dropout on: its draws, too, must come again after a resume.
UNET = UNetConfig(width=2, n_skips=4, dropout=0.5, decoder="even")
SETTINGS = Settings(unet=UNET, judge_width=2, batch=2, seed=5)


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """A batch of pairs."""

    spectrograms: Tensor
    frames: Tensor


class Bars:
    """Eight pairs: a bright band in the spectrogram, and a frame of a colour to match."""

    shapes = {(256, 256): 8, (256, 512): 8}  # noqa: RUF012

    def __init__(self, spoil: Callable[[Tensor], Tensor] = torch.clone) -> None:
        self.spoil = spoil
        self.n_drawn = 0

    def batch(self, generator: torch.Generator, n: int, height: int, width: int) -> Pictures:
        """Draw some of the eight."""
        self.n_drawn += 1
        which = torch.randint(8, (n,), generator=generator)
        rows = torch.arange(256)[None, :, None] // 32
        bands = (rows == which[:, None, None]).float().expand(n, 256, 256)
        colours = torch.stack([which / 8, 1 - which / 8, which % 2], 1)
        frames = colours[:, :, None, None].expand(n, 3, height, width).float()
        return Pictures(spectrograms=bands[:, None].contiguous(), frames=self.spoil(frames))


FABRIC = Fabric(accelerator="cpu", devices=1)


def make_trainer(settings: Settings = SETTINGS, source: Bars | None = None) -> Trainer:
    return Trainer(FABRIC, settings, source or Bars(), Bars())


def ignore(_step: int, _share: float, _losses: dict[str, float]) -> None:
    pass


def run_for(folder: Path, steps: int, source: Bars | None = None) -> Trainer:
    trainer = make_trainer(source=source)
    train(trainer, Run(folder), FABRIC, Course(budget=Budget(steps=steps), tell=ignore))
    return trainer


def flat(trainer: Trainer) -> dict[str, Tensor]:
    networks = {name: getattr(trainer, name) for name in ("painter", "judge", "average")}
    return {
        f"{name}.{key}": tensor
        for name, network in networks.items()
        for key, tensor in network.state_dict().items()
    }


@pytest.fixture(autouse=True)
def _log_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pix2pix.loop.LOG_EVERY", 1)


def read_log(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_two_steps_a_stop_and_a_third_are_three_steps(tmp_path: Path) -> None:
    # The budget is 3 in both, so that the learning rate falls alike; the first is stopped.
    whole = run_for(tmp_path / "whole", 3)

    class Stopped(Bars):
        def batch(self, generator: torch.Generator, n: int, height: int, width: int) -> Pictures:
            pictures = super().batch(generator, n, height, width)
            if self.n_drawn == 2:
                os.kill(os.getpid(), signal.SIGTERM)
            return pictures

    run_for(tmp_path / "parts", 3, Stopped())
    assert Run(tmp_path / "parts").load()["step"] == 2
    rest = Bars()
    parts = run_for(tmp_path / "parts", 3, rest)
    assert rest.n_drawn == 1
    others = flat(parts)
    for name, tensor in flat(whole).items():
        assert torch.equal(tensor, others[name]), name
    mine, theirs = (
        t.painter_optimizer.state_dict()["state"][0]["exp_avg_sq"] for t in (whole, parts)
    )
    assert torch.equal(mine, theirs)


def test_training_moves_every_weight_and_is_logged(tmp_path: Path) -> None:
    before = flat(make_trainer())
    after = flat(run_for(tmp_path / "run", 10))
    still = [
        name
        for name, tensor in after.items()
        if torch.equal(tensor, before[name])
        # A bias before tanh may stand still by chance; a weight may not.
        and tensor.ndim > 1
    ]
    assert not still
    lines = read_log(tmp_path / "run")
    losses, held_out = lines[0], [line["held_out"] for line in lines if "held_out" in line]
    assert losses["step"] == 1
    assert losses["l1"] > 0
    assert all(0 < figure < 1 for figure in held_out)
    assert len(held_out) == 11
    assert len(list((tmp_path / "run" / "samples").glob("*.png"))) == 10  # two of the last step


def test_the_best_network_of_the_end_is_kept(tmp_path: Path) -> None:
    trainer = run_for(tmp_path, 8)
    state = Run(tmp_path).load()
    held_out = {line["step"]: line["held_out"] for line in read_log(tmp_path) if "held_out" in line}
    late = {step: figure for step, figure in held_out.items() if step >= 7}
    assert state["best"] == min(late.values())
    assert load_network(weights.load(Run(tmp_path).best, None)).config == trainer.settings.unet
    # Where the last one is the worst, the best one stays as it was.
    kept = Run(tmp_path).best.read_bytes()
    trainer.measure = lambda: 2.0
    course = Course(budget=Budget(steps=12), tell=ignore)
    train(trainer, Run(tmp_path), FABRIC, course)
    assert Run(tmp_path).best.read_bytes() == kept


def test_looking_leaves_the_minutes_to_the_learning(tmp_path: Path) -> None:
    trainer, looks = make_trainer(), []

    def measure_slowly() -> float:
        looks.append(time.monotonic())
        time.sleep(1.5)
        return 0.5

    trainer.measure = measure_slowly
    train(trainer, Run(tmp_path), FABRIC, Course(budget=Budget(minutes=0.1), tell=ignore))
    assert 2 <= len(looks) <= 3  # as it begins, and at its end
    assert Run(tmp_path).best.exists()
    # Where steps are counted, nothing depends on a clock.
    run_for(tmp_path / "steps", 12)
    shown = [line for line in read_log(tmp_path / "steps") if "held_out" in line]
    assert len(shown) == 11


@pytest.mark.parametrize("bf16", [False, True])
def test_painter_learns(*, bf16: bool) -> None:
    unet = replace(UNET, width=4, dropout=0.0)
    trainer = make_trainer(replace(SETTINGS, unet=unet, batch=4, learning_rate=2e-3, bf16=bf16))
    pairs = Bars().batch(seeded(0), 4, 256, 256)
    losses = [trainer.learn(pairs, step, 0.0)["l1"] for step in range(30)]
    assert sum(losses[-5:]) < 0.75 * sum(losses[:5])


def name_band(spectrograms: Tensor) -> Tensor:
    """Return which band is bright, in two numbers, as a director would: (B, 2)."""
    rows = spectrograms.mean(2).argmax(1, keepdim=True) // 32 / 7
    return torch.cat([rows, 1 - rows], 1)


def test_the_encoder_learns_to_tell_the_numbers_behind_frames() -> None:
    settings = replace(SETTINGS, unet=replace(UNET, width=4, dropout=0.0), learning_rate=2e-3)
    trainer = Trainer(FABRIC, settings, Bars(), Bars(), name_band)
    told = [trainer.step(step, 0.0)["told"] for step in range(100)]
    assert sum(told[-10:]) < 0.6 * sum(told[:10])
    state = copy.deepcopy(trainer.state())
    other = Trainer(FABRIC, settings, Bars(), Bars(), name_band)
    other.restore(state)
    assert other.step(100, 0.0) == trainer.step(100, 0.0)


def test_judge_joins_when_its_share_has_come() -> None:
    trainer = make_trainer(replace(SETTINGS, judge_from=0.5))
    pairs = Bars().batch(seeded(0), 2, 256, 256)
    before = copy.deepcopy(trainer.judge.state_dict())
    alone = trainer.learn(pairs, 0, 0.49)
    assert set(alone) == {"l1"}
    assert all(torch.equal(before[name], now) for name, now in trainer.judge.state_dict().items())
    judged = trainer.learn(pairs, 1, 0.5)
    assert set(judged) == {"l1", "judge", "adversarial"}
    assert not torch.equal(before["last.weight"], trainer.judge.state_dict()["last.weight"])


def test_norms_keep_the_averages_once_they_settle() -> None:
    settings = replace(SETTINGS, settle_from=0.5, judge_from=1.0)
    trainer = make_trainer(settings)
    pairs = Bars().batch(seeded(0), 2, 256, 256)
    for step in (1, 2, 3):
        trainer.learn(pairs, step, 0.4)
    averaged = trainer.average.down[1].norm.running_mean.clone()
    assert not torch.equal(trainer.painter.down[1].norm.running_mean, averaged)
    trainer.learn(pairs, 4, 0.5)
    torch.testing.assert_close(trainer.painter.down[1].norm.running_mean, averaged)

    resumed = make_trainer(settings)
    resumed.restore(copy.deepcopy(trainer.state()))
    for each in (trainer, resumed):
        each.learn(pairs, 5, 0.6)
    torch.testing.assert_close(resumed.painter.down[1].norm.running_mean, averaged)
    for one, other in zip(trainer.painter.parameters(), resumed.painter.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_nan_stops_the_run_and_keeps_the_checkpoint(tmp_path: Path, bad: float) -> None:
    run_for(tmp_path, 2)
    kept = (tmp_path / "checkpoint.safetensors").read_bytes()
    with pytest.raises(Diverged, match="at step 2"):
        run_for(tmp_path, 4, Bars(spoil=lambda frames: frames * bad))
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == kept


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.save({"step": 1, "net": {"weight": torch.ones(2)}})
    with pytest.raises(Diverged, match="net/weight at step 2"):
        run.save({"step": 2, "net": {"weight": torch.tensor([1.0, math.nan])}})
    assert run.load()["step"] == 1


def test_state_comes_back_as_it_was(tmp_path: Path) -> None:
    network = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(network.parameters(), betas=(0.5, 0.999))
    network(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    run = Run(tmp_path)
    state = {"step": 1, "elapsed_s": 0.1, "optimizer": optimizer.state_dict(), "list": [1, None]}
    run.save(state)
    back = run.load()
    assert (back["elapsed_s"], back["list"]) == (0.1, [1, None])
    assert list(back["optimizer"]["state"]) == [0, 1]  # whole numbers, as Adam wants them
    exp_avg = state["optimizer"]["state"][0]["exp_avg"]
    assert torch.equal(back["optimizer"]["state"][0]["exp_avg"], exp_avg)
    torch.optim.Adam(network.parameters()).load_state_dict(back["optimizer"])


def test_what_was_logged_after_the_checkpoint_goes(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.log(1, 0.5, {"loss": 1.0})
    run.save({"step": 1})
    run.log(2, 0.9, {"loss": 1.0})
    run.load()
    assert [line["step"] for line in read_log(tmp_path)] == [1]


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.save({"step": 1, "x": torch.zeros(9)})
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(weights.BrokenWeights, match="damaged"):
        run.load()


def test_the_average_lies_between_the_networks() -> None:
    network, average = (UNet(UNetConfig(n_levels=3, width=2, n_skips=2)) for _ in range(2))
    for tensor in average.state_dict().values():
        tensor.fill_(0)
    for tensor in network.state_dict().values():
        tensor.fill_(4)
    update_average(average, network, step=10**9, half_life=1)
    state = average.state_dict()
    assert torch.all(state["down.1.conv.weight"] == 2)
    assert torch.all(state["down.1.norm.running_mean"] == 2)  # statistics go with the weights
    assert state["down.1.norm.num_batches_tracked"] == 4


def test_the_rate_falls_over_the_second_half() -> None:
    by_steps = Budget(steps=100)
    assert [decay(by_steps.share(step, 0.0)) for step in (0, 50, 75, 100)] == [1, 1, 0.5, 0]
    assert decay(Budget(minutes=2).share(10**6, 90.0)) == 0.5
    assert Budget(minutes=1, steps=10).share(10, 0.0) == 1


@pytest.mark.parametrize(
    "limits", [{}, {"steps": 0}, {"minutes": -1.0}, {"minutes": 0, "steps": 3}]
)
def test_a_run_needs_a_budget(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="minutes or the steps"):
        Budget(**limits)


def test_draws_depend_on_every_part_of_the_place() -> None:
    places = [(0, 1), (0, 2), (1, 1), (0, 1, 0), (0, 1, 1), (0, 2, 0)]
    draws = {float(torch.rand(1, generator=seeded(*place))) for place in places}
    assert len(draws) == len(places)
    assert float(torch.rand(1, generator=seeded(0, 1))) in draws


@pytest.mark.parametrize(
    "wrong",
    [
        {"judge_width": 0},
        {"batch": 3},
        {"batch": 0},
        {"learning_rate": 0.0},
        {"l1_weight": -1.0},
        {"listen_until": 1.5},
        {"contrast_weight": -1.0},
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)
