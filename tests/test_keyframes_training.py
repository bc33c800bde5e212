"""The trainings of the stills: two steps on a few pictures, resumed, stopped, and exported."""

import dataclasses
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from keyframes.codec_training import CodecSettings
from keyframes.gan_training import GanSettings
from keyframes.latents import measure
from keyframes.networks import Form
from keyframes.stages import Plan, Workshop
from keyframes.stills import load_networks, load_stills
from keyframes.training import Course, draw
from pix2pix import weights
from pix2pix.run import Budget, Diverged, Run, seeded

FORM = Form(n_latents=4, codec_width=8, generator_width=8, critic_width=16, n_noise=8, n_style=16)
PLAN = Plan(
    form=FORM,
    codec=CodecSettings(n_batch=4, crop=32, critic_width=8),
    gan=GanSettings(n_batch=8, n_penalised=8, penalty_every=2, n_fitted=16, n_critic_first=1),
    seed=3,
)


def _smooth(n: int, height: int, width: int) -> np.ndarray:
    """Make n pictures of random smooth noise."""
    noise = torch.rand(n, 3, 4, 4, generator=seeded(n))
    pictures = torch.nn.functional.interpolate(noise, (height, width), mode="bicubic")
    return pictures.clamp(0, 1).mul(255).to(torch.uint8).numpy()


PICTURES = [_smooth(16, 64, 64), _smooth(10, 64, 112), _smooth(9, 112, 64)]


@pytest.fixture(autouse=True)
def _small_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the 44 full-size pictures of a GAN's sheet, which tests of the loop do not look at."""
    monkeypatch.setattr("keyframes.gan_training.sheet", lambda _: torch.zeros(3, 8, 8))


def _workshop(folder: Path, plan: Plan = PLAN, pictures: list[np.ndarray] = PICTURES) -> Workshop:
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    return Workshop(folder=folder, plan=plan, fabric=fabric, pictures=pictures)


def _course(steps: int, *, resumed: bool = False) -> Course:
    return Course(budget=Budget(steps=steps), resumed=resumed, tell=lambda *_: None)


def _tensors(folder: Path, stage: str) -> dict[str, torch.Tensor]:
    return weights.load(folder / stage / "checkpoint.safetensors", None).tensors


def _both(workshop: Workshop, steps: int, *, resumed: bool = False) -> None:
    workshop.train_codec(_course(steps, resumed=resumed))
    workshop.train_gan(_course(steps, resumed=resumed))


def test_both_stages_move_their_weights_and_export_stills(tmp_path: Path) -> None:
    workshop = _workshop(tmp_path)
    _both(workshop, 1)
    before = {stage: _tensors(tmp_path, stage) for stage in ("codec", "gan")}
    _both(workshop, 3, resumed=True)
    for stage, tensors in before.items():
        after = _tensors(tmp_path, stage)
        moved = [n for n in tensors if "networks" in n and not torch.equal(tensors[n], after[n])]
        assert len(moved) > 10
    digest = workshop.export(tmp_path / "keyframes.safetensors")
    stills = load_stills(weights.load(tmp_path / "keyframes.safetensors", digest))
    assert stills.paint(stills.style(0)[None], 64, 112).isfinite().all()


def test_a_theme_begins_with_one_that_was_trained(tmp_path: Path) -> None:
    first = _workshop(tmp_path / "first")
    _both(first, 2)
    digest = first.export(tmp_path / "first.safetensors")
    base = load_networks(weights.load(tmp_path / "first.safetensors", digest))
    second = dataclasses.replace(_workshop(tmp_path / "second"), base=base)
    second.train_gan(_course(1))  # the codec is the base's, and there is nothing to copy
    assert (tmp_path / "second" / "gan" / "checkpoint.safetensors").exists()
    second.export(tmp_path / "second.safetensors")
    one, other = (
        weights.load(tmp_path / f"{name}.safetensors", None).tensors for name in ("first", "second")
    )
    codec = [name for name in one if not name.startswith(("generator.", "statistics."))]
    assert all(torch.equal(one[name], other[name]) for name in codec)
    near = [(one[n].float() - other[n].float()).abs().max() for n in one if "generator" in n]
    assert max(near) < 0.05


@pytest.mark.parametrize("stage", ["codec", "gan"])
def test_a_resumed_stage_goes_on_exactly(
    tmp_path: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keyframes.training.LOG_EVERY", 1)
    straight, resumed = _workshop(tmp_path / "a"), _workshop(tmp_path / "b")
    for workshop in (straight, resumed):
        workshop.train_codec(_course(1))
    if stage == "codec":
        _continue(straight.folder, resumed.folder)
        straight.train_codec(_course(5, resumed=True))
        _stop_after(2, resumed.train_codec, resumed=True)
        resumed.train_codec(_course(5, resumed=True))
    else:
        straight.train_gan(_course(5))
        _stop_after(2, resumed.train_gan, resumed=False)
        resumed.train_gan(_course(5, resumed=True))
    one, other = _tensors(straight.folder, stage), _tensors(resumed.folder, stage)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    logs = [
        [json.loads(line) for line in (w.folder / stage / "log.jsonl").read_text().splitlines()]
        for w in (straight, resumed)
    ]
    for lines in logs:
        for line in lines:
            del line["elapsed_s"]
    assert logs[0] == logs[1]


def _continue(one: Path, other: Path) -> None:
    """See to it that two runs start alike."""
    first, second = _tensors(one, "codec"), _tensors(other, "codec")
    assert all(torch.equal(first[name], second[name]) for name in first)


def _stop_after(n: int, stage: Callable[[Course], bool], *, resumed: bool) -> None:
    """Run a stage of five steps, and ask it to stop as Ctrl-C does when n of them are done."""

    def tell(step: int, *_: object) -> None:
        if step == n:
            os.kill(os.getpid(), signal.SIGINT)

    course = Course(budget=Budget(steps=5), resumed=resumed, tell=tell)
    assert not stage(course)


@pytest.mark.parametrize("stage", ["codec", "gan"])
def test_nan_stops_a_run_and_keeps_the_checkpoint(
    tmp_path: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = _workshop(tmp_path)
    _both(workshop, 1)
    before = (tmp_path / stage / "checkpoint.safetensors").read_bytes()
    where = {
        "codec": "keyframes.codec_training.to_range",
        "gan": "keyframes.gan_training.F.softplus",
    }
    monkeypatch.setattr(where[stage], lambda x: x * torch.nan)
    train = {"codec": workshop.train_codec, "gan": workshop.train_gan}[stage]
    with pytest.raises(Diverged, match="nan"):
        train(_course(3, resumed=True))
    assert (tmp_path / stage / "checkpoint.safetensors").read_bytes() == before


def test_a_stage_is_not_begun_twice_nor_resumed_otherwise(tmp_path: Path) -> None:
    workshop = _workshop(tmp_path)
    workshop.train_codec(_course(1))
    with pytest.raises(FileExistsError, match="resume it"):
        workshop.train_codec(_course(1))
    other = Plan(form=FORM, codec=PLAN.codec, gan=PLAN.gan, seed=4)
    with pytest.raises(ValueError, match="other settings"):
        _workshop(tmp_path, other).train_codec(_course(2, resumed=True))


def test_the_gan_wants_a_codec_first(tmp_path: Path) -> None:
    with pytest.raises(weights.BrokenWeights, match="cannot be read"):
        _workshop(tmp_path).train_gan(_course(1))


def test_latents_are_measured_a_channel_at_a_time() -> None:
    maps = np.random.default_rng(0).normal([[[[3]], [[-1]]]], [[[[2]], [[0.5]]]], (400, 2, 8, 8))
    statistics = measure(maps.astype(np.float16))
    torch.testing.assert_close(statistics.mean, torch.tensor([3.0, -1.0]), atol=0.05, rtol=0)
    torch.testing.assert_close(statistics.deviation, torch.tensor([2, 0.5]), atol=0.05, rtol=0)
    batch = torch.from_numpy(maps).float()
    torch.testing.assert_close(statistics.restore(statistics.normalise(batch)), batch)


def test_each_picture_is_drawn_as_often_as_any_other() -> None:
    arrays = [np.arange(2), np.arange(2, 8)]
    drawn = np.array(draw(arrays, seeded(0), 4000))
    assert np.bincount(drawn, minlength=8).min() > 400
    assert np.bincount(drawn, minlength=8).max() < 600


def test_a_run_folder_holds_plan_log_and_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keyframes.training.LOG_EVERY", 1)
    _workshop(tmp_path).train_codec(_course(2))
    run = Run(tmp_path / "codec")
    assert run.plan["seed"] == 3
    lines = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2]
    # The critic joins at half of the budget.
    assert "critic" not in lines[0]
    assert "critic" in lines[1]
    assert sorted(p.name for p in (run.folder / "samples").iterdir())[-1] == "00000002.png"
