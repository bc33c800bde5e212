"""The benchmark measures what it says, on a tiny theme."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from conftest import WriteWav, music
from torch.nn import functional as F

from bench import __main__ as bench
from bench.enlarging import SubPixel, enlarge, teach
from bench.few import Augmented
from bench.films import make_recipe, time_film
from bench.floor import measure_floor
from bench.trials import TRIALS, make_trainer
from keyframes.gan_training import GanTraining
from keyframes.views import Sight
from pix2pix.pairs import Batch
from pix2pix.training import Trainer
from themes.frames_figures import SIDE


@pytest.mark.slow
def test_a_film_is_timed_and_its_floor_found(
    tmp_path: Path, write_wav: WriteWav, tiny_theme: str
) -> None:
    recipe = make_recipe((64, 64), theme=tiny_theme, quality="draft", fps="60")
    film = tmp_path / "film.mp4"
    report = time_film(write_wav(music(4.0)), film, recipe)
    assert report.n_frames == 240
    floor = measure_floor(film, recipe)
    assert 0 < floor.networks_s < floor.seconds
    assert 0 < floor.encoder_s < floor.seconds < report.wall_s / report.n_frames


@pytest.mark.slow
def test_tables_and_figures_are_written(
    tmp_path: Path, tiny_theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(bench, "SIZES", ((64, 64),))
    monkeypatch.setattr(bench, "MINUTES", (1,))
    monkeypatch.setattr(bench, "LISTENED_MINUTES", 1)
    monkeypatch.setattr("bench.training.N_STEPS", 1)
    small = {"theme": tiny_theme, "quality": "draft"}
    monkeypatch.setattr(
        bench, "make_recipe", lambda _, **choices: make_recipe((64, 64), **{**small, **choices})
    )
    run = CliRunner().invoke(bench.main, ["--runs", "1"], catch_exceptions=False)
    assert run.exit_code == 0
    results = json.loads((tmp_path / "results.json").read_text())
    (speed,), (growth,) = results["speed"], results["growth"]
    assert speed["frame_ms"] > speed["floor_ms"] > 0
    assert sum(speed["shares"].values()) == pytest.approx(1)
    assert growth["peak_memory_mb"] > 100
    assert results["analysis"]["ours_s"] < results["analysis"]["plain_s"]
    for pace in results["training"]:
        assert pace["pictures_a_second"] > pace["plain"] > 0
    assert f"| 64x64 | {speed['real_time_factors'][0]:.2f} |" in run.output


@pytest.mark.parametrize("name", list(TRIALS))
def test_a_trial_learns_with_what_it_is_named_for(name: str) -> None:
    trial = TRIALS[name]
    drawn = torch.Generator().manual_seed(0)
    frames = torch.rand(4, 3, SIDE, SIDE, generator=drawn)
    noise = Batch(spectrograms=torch.rand(4, 1, SIDE, SIDE, generator=drawn), frames=frames)
    pairs = SimpleNamespace(shapes={(SIDE, SIDE): 4}, batch=lambda *_: noise)
    trainer = make_trainer(trial, "abstract", pairs, pairs, 2)
    plain = Trainer(trainer.fabric, trainer.settings, pairs, pairs)
    figures = [trainer.step(step, 0.0) for step in range(3)]
    if trial.judge_from == 1:
        assert set(figures[0]) == {"l1"}
        return
    same = [plain.step(step, 0.0) for step in range(3)]
    assert all(np.isfinite(list(step.values())).all() for step in figures)
    is_plain = trial.trainer is Trainer and not trial.is_told
    assert (figures == same) is is_plain


def test_a_sub_pixel_network_begins_as_bicubic_and_learns() -> None:
    drawn = torch.Generator().manual_seed(0)
    # Edges in random places, which bicubic blurs.
    steps = torch.rand(4, 1, 1, 160, generator=drawn).cumsum(3).floor() % 2
    pictures = steps.expand(-1, -1, 160, -1).contiguous()
    network = SubPixel(4, drawn)
    small = F.avg_pool2d(pictures, 2)
    assert torch.equal(network(small), enlarge(small))
    before = F.l1_loss(network(small), pictures)
    teach(network, pictures, drawn, 60)
    assert F.l1_loss(network(small), pictures) < 0.93 * before


def test_critics_are_shown_augmented_pictures_each_another_way() -> None:
    grey = torch.full((4, 3, 64, 64), 0.25).requires_grad_()
    sight = Sight(whole=grey, details=grey)
    plain = GanTraining.show(Augmented.__new__(Augmented), sight)
    augmented = Augmented.__new__(Augmented).show(sight)
    assert plain is sight
    for seen in (augmented.whole, augmented.details):
        assert seen.shape == grey.shape
        assert len({picture.mean().item() for picture in seen}) == 4
        covered = (seen == -1).all(1).float().mean((1, 2))
        assert (covered > 0.1).all()
    (slope,) = torch.autograd.grad(augmented.whole.sum(), grey)
    assert (slope != 0).float().mean() > 0.3
