"""The training of the stills by its command: a few steps, resumed, stopped, exported, refused."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from lightning_fabric import Fabric

from keyframes.gan_training import GanTraining, Settings
from keyframes.networks import Form
from keyframes.stills import load_stills
from keyframes.views import draw_views
from pix2pix import weights
from pix2pix.run import seeded
from scripts import train_keyframes

FORM = Form(width=16, n_noise=8, n_style=16, whole_width=16, detail_width=16)
SETTINGS = Settings(n_batch=16, penalty_every=2)
RUN = Path("runs/small-keyframes")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Shrink networks and pictures, and skip the 44 full-size pictures of a sheet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train_keyframes, "Form", lambda: FORM)
    monkeypatch.setattr(train_keyframes, "Settings", lambda: SETTINGS)
    monkeypatch.setattr(train_keyframes, "SHORT", 64)
    monkeypatch.setattr(train_keyframes, "LONG", 112)
    monkeypatch.setattr("keyframes.gan_training.sheet", lambda _: torch.zeros(3, 8, 8))
    monkeypatch.setattr("keyframes.training.LOG_EVERY", 1)


def _train(*options: object, name: str = "small") -> Result:
    made = ("--made", "abstract", "--n-square", 16, "--n-wide", 16, "--n-tall", 16)
    words = [str(word) for word in (name, *made, *options)]
    return CliRunner().invoke(train_keyframes.main, words, catch_exceptions=False)


def _checkpoint(run: Path = RUN) -> dict[str, torch.Tensor]:
    return weights.load(run / "checkpoint.safetensors", None).tensors


def _log(run: Path = RUN) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    for line in lines:
        del line["elapsed_s"]
    return lines


def test_training_moves_all_networks_and_exports_stills() -> None:
    assert _train("--steps", 1).exit_code == 0
    before = _checkpoint()
    result = _train("--steps", 3, "--resume", "--export", "stills.safetensors")
    assert result.exit_code == 0, result.output
    after = _checkpoint()
    for network in ("generator", "critics", "average"):
        names = [name for name in before if f"/{network}/" in name and "optimiser" not in name]
        moved = [name for name in names if not torch.equal(before[name], after[name])]
        assert len(moved) > len(names) / 2 > 5
    digest = result.output.splitlines()[-1].split()[0]
    stills = load_stills(weights.load(Path("stills.safetensors"), digest))
    assert stills.paint(stills.style(0)[None], 64, 112).std() > 0.01


def test_the_generator_learns_what_is_dark() -> None:
    """The thinnest thing a GAN must do: pictures of night make it paint the night."""
    night = [np.full((16, 3, 64, 64), 20, np.uint8)] * 3
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    training = GanTraining(fabric, FORM, Settings(n_batch=16, rate=3e-3, half_life=5), night, 0)

    def brightness() -> float:
        stills = training.stills()
        styles = torch.stack([stills.style(seed) for seed in range(16)])
        return stills.paint(styles, 64, 64).mean().item()

    before = brightness()
    for step in range(80):
        training.step(step, 0.0)
    assert abs(brightness() - 20 / 255) < 0.5 * abs(before - 20 / 255)


def test_a_resumed_run_goes_on_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _train("--steps", 5).exit_code == 0
    straight, log = _checkpoint(), _log()

    def stop(step: int, *_: object) -> None:
        if step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    other = Path("runs/other-keyframes")
    with monkeypatch.context() as patched:
        patched.setattr(train_keyframes, "_tell", stop)
        assert _train("--steps", 5, name="other").exit_code == 0
    assert len(_log(other)) == 2
    assert _train("--steps", 5, "--resume", name="other").exit_code == 0
    resumed = _checkpoint(other)
    assert straight.keys() == resumed.keys()
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)
    assert log == _log(other)


def test_a_run_begins_with_a_generator_that_was_trained() -> None:
    assert _train("--steps", 2, "--export", "first.safetensors").exit_code == 0
    options = ("--steps", 1, "--begin-with", "first.safetensors", "--export", "second.safetensors")
    assert _train(*options, name="other").exit_code == 0
    first, second = (
        weights.load(Path(f"{name}.safetensors"), None).tensors for name in ("first", "second")
    )
    # One warm step away, not another draw of the weights.
    assert max((first[n].float() - second[n].float()).abs().max() for n in first) < 0.01


def test_nan_stops_a_run_and_keeps_the_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _train("--steps", 1).exit_code == 0
    before = (RUN / "checkpoint.safetensors").read_bytes()
    monkeypatch.setattr("keyframes.gan_training.F.softplus", lambda x: x * torch.nan)
    result = _train("--steps", 3, "--resume")
    assert result.exit_code == 1
    assert "nan at step 1. The checkpoint before it is kept." in result.output
    assert (RUN / "checkpoint.safetensors").read_bytes() == before


def test_a_run_is_not_begun_twice_nor_resumed_otherwise() -> None:
    assert _train("--steps", 1).exit_code == 0
    again, other, none = (
        _train("--steps", 1),
        _train("--steps", 2, "--resume", "--seed", 4),
        _train("--steps", 1, "--resume", name="other"),
    )
    for result in (again, other, none):
        assert result.exit_code == 2
    assert "holds a run already" in again.output
    assert "begun with other settings" in other.output


def test_a_run_folder_holds_plan_log_and_samples() -> None:
    assert _train("--steps", 2).exit_code == 0
    assert json.loads((RUN / "plan.json").read_text())["form"]["width"] == 16
    assert [line["step"] for line in _log()] == [1, 2]
    assert sorted(path.name for path in (RUN / "samples").iterdir())[-1] == "00000002.png"


@pytest.mark.parametrize(("height", "width"), [(256, 256), (256, 464), (464, 256), (64, 70)])
def test_views_lie_in_the_picture_and_reach_all_of_it(height: int, width: int) -> None:
    places = torch.arange(height * width).reshape(1, height, width)
    for kind, gap in (("whole", 4), ("near", 1), ("middle", 2)):
        tops, bottoms, lefts, rights = [], [], [], []
        for seed in range(400):
            shown = getattr(draw_views(seeded(seed), height, width), kind).cut(places)[0]
            rows, columns = shown[:, 0] // width, shown[0] % width
            assert rows.diff().unique().item() == columns.diff().unique().item() == gap
            tops.append(rows[0].item())
            bottoms.append(rows[-1].item())
            lefts.append(columns[0].item())
            rights.append(columns[-1].item())
        assert min(tops) <= 3
        assert min(lefts) <= 3
        assert max(bottoms) >= height - 4
        assert max(rights) >= width - 4
