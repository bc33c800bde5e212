"""A theme is trained by its command: begun, resumed, killed, shared out, installed, refused."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import small_training
import torch
from click.testing import CliRunner, Result
from PIL import Image
from published_network import make_published
from torch import Tensor

from film.theme import load_theme
from pix2pix import weights
from pix2pix.published import read_painter
from scripts.train_theme import main
from themes.training import PIX2PIX
from training_data import abstract, cityscape, landscape

SMALL = ("--size", "128", "--width", "2", "--accelerator", "cpu")
MADE = ("--made", "abstract", *SMALL)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Work in a folder of its own, where everything is small and no theme is installed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TONFILM_MODELS", str(tmp_path / "models"))
    small_training.shrink(monkeypatch.setattr)


def train(name: str, *options: object) -> Result:
    words = [name, *map(str, options)]
    return CliRunner().invoke(main, words, catch_exceptions=False)


def checkpoint(name: str, stage: str) -> dict[str, Tensor]:
    return weights.load(Path("runs") / name / stage / "checkpoint.safetensors", None).tensors


def log(name: str, stage: str) -> list[dict[str, float]]:
    lines = (Path("runs") / name / stage / "log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def assert_same_weights(one: str, other: str) -> None:
    for stage in ("keyframes", "pix2pix"):
        first, second = checkpoint(one, stage), checkpoint(other, stage)
        assert first.keys() == second.keys()
        different = [name for name in first if not torch.equal(first[name], second[name])]
        assert not different


def test_a_theme_of_a_maker_is_trained_and_installed() -> None:
    result = train("mine", *MADE, "--steps", 2)
    assert result.exit_code == 0, result.output
    theme = load_theme("mine")
    assert theme.card.title == "Mine"
    assert theme.stills.paint(theme.stills.style(0)[None], 64, 112).std() > 0.01
    frame = theme.painter.paint(torch.rand(1, 256, 256), 256, 256)
    assert frame.shape == (1, 3, 256, 256)
    card = json.loads(Path("models/mine/card.json").read_text())
    assert card["training"]["made"] == ["abstract"]
    form = theme.stills.generator.form
    assert form.warped
    assert form.told["place_x"] == abstract.NAMES.index("place_x")
    assert all("copying" in line for line in log("mine", "keyframes") if "held_out" not in line)
    assert card["training"]["keyframes"]["steps"] == card["training"]["pix2pix"]["steps"] == 2
    assert str(Path.cwd()) not in json.dumps(card)
    for stage in ("keyframes", "pix2pix"):
        names = sorted(path.name for path in (Path("runs/mine") / stage).iterdir())
        assert names == ["best.safetensors", "checkpoint.safetensors", "log.jsonl", "samples"]
        assert [line["step"] for line in log("mine", stage)][-1] == 2


@pytest.mark.parametrize(("maker", "n_ridges"), [(landscape, 5), (cityscape, 4)])
def test_land_has_ridges_and_its_place_moves_them(maker: ModuleType, n_ridges: int) -> None:
    name = maker.__name__.split(".")[-1]
    result = train("land", "--made", name, *SMALL, "--steps", 1)
    assert result.exit_code == 0, result.output
    stills = load_theme("land").stills
    form = stills.generator.form
    assert (form.n_ridges, form.told["place"]) == (n_ridges, maker.NAMES.index("place"))
    assert form.houses == (maker is cityscape)
    styles = stills.style(0).repeat(2, 1)
    styles[:, form.find("place")] = torch.tensor([0.2, 0.8])
    here, there = stills.paint(styles, 64, 112)
    assert (here - there).abs().mean() > 0.01


def test_a_theme_of_pictures_is_trained_and_starts_from_the_base(tmp_path: Path) -> None:
    both = ("--made", "abstract", "--made", "cityscape")  # what is in all of them has no land
    assert train("base", *both, *SMALL, "--steps", 1).exit_code == 0
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(6):
        picture = Image.effect_mandelbrot((160, 120), (-2 + number / 9, -1, 1, 1.2), 40)
        colour = (40 * number, 255 - 40 * number, 120)
        Image.composite(
            Image.new("RGB", picture.size, colour), picture.convert("RGB"), picture
        ).save(folder / f"{number}.png")
    (folder / "broken.jpg").write_text("no picture")
    result = train("six", "--pictures", folder, *SMALL, "--steps", 1)
    assert result.exit_code == 0, result.output
    assert "broken.jpg" in result.output
    base, mine = (
        weights.load(Path("models") / name / "keyframes.safetensors", None).tensors
        for name in ("base", "six")
    )
    # One warm step away from the base, not another draw of the weights.
    assert max((base[n].float() - mine[n].float()).abs().max() for n in base) < 0.01
    again = train("free", "--pictures", folder, *SMALL, "--steps", 1, "--from-scratch", "--seed", 3)
    assert again.exit_code == 0, again.output
    free = weights.load(Path("models/free/keyframes.safetensors"), None).tensors
    assert max((base[n].float() - free[n].float()).abs().max() for n in base) > 0.1


def test_pix2pix_begins_with_a_published_checkpoint(tmp_path: Path) -> None:
    published = make_published(2, "instance")
    torch.save(published.state_dict(), tmp_path / "latest_net_G.pth")
    result = train("mine", *MADE, "--steps", 1, "--begin-with", tmp_path / "latest_net_G.pth")
    assert result.exit_code == 0, result.output
    begun = read_painter(tmp_path / "latest_net_G.pth")
    mine = read_painter(Path("models/mine/pix2pix.safetensors"))
    ours = PIX2PIX.unet  # it has an ear now
    assert mine.config == replace(begun.config, n_heard=ours.n_heard, emphasis=ours.emphasis)
    learnt = dict(mine.named_parameters())
    for name, parameter in begun.named_parameters():
        torch.testing.assert_close(
            parameter, learnt[name], atol=0.01, rtol=0.01
        )  # a warm step away


def run_apart(*options: object, **settings: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, small_training.__file__, *map(str, options)]
    return subprocess.Popen(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1", **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill_at(process: "subprocess.Popen[bytes]", log_of: Path, n_lines: int) -> None:
    """Kill a training as soon as its log has so many lines."""
    deadline_s = time.monotonic() + 240
    while not log_of.exists() or len(log_of.read_text().splitlines()) < n_lines:
        assert process.poll() is None, "it has ended before it could be killed"
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_killed_training_goes_on_to_the_same_weights() -> None:
    whole = run_apart("whole", *MADE, "--steps", 6)
    assert whole.wait(300) == 0
    kill_at(run_apart("killed", *MADE, "--steps", 6), Path("runs/killed/keyframes/log.jsonl"), 5)
    assert not Path("runs/killed/pix2pix").exists()
    kill_at(run_apart("killed", "--resume"), Path("runs/killed/pix2pix/log.jsonl"), 5)
    assert not Path("models/killed").exists()
    assert run_apart("killed", "--resume").wait(300) == 0
    assert_same_weights("whole", "killed")
    assert Path("models/killed/card.json").exists()


def test_two_processes_learn_as_one_with_twice_the_batch() -> None:
    # Norms take each batch's statistics at first, and then the judge joins.
    both = run_apart("both", *MADE, "--steps", 4, "--devices", 2, SMALL_BATCH="32")
    assert both.wait(300) == 0
    one = run_apart("one", *MADE, "--steps", 4, SMALL_BATCH="64")
    assert one.wait(300) == 0
    for stage in ("keyframes", "pix2pix"):
        pairs = list(zip(log("both", stage), log("one", stage), strict=True))
        assert len(pairs) > 4
        for shared, alone in pairs:
            assert shared.keys() == alone.keys()
            for name in shared.keys() - {"elapsed_s", "step"}:
                assert shared[name] == pytest.approx(alone[name], rel=2e-3, abs=2e-3), name


def test_a_budget_grows_on_resuming() -> None:
    assert train("mine", *MADE, "--steps", 1).exit_code == 0
    result = train("mine", "--resume", "--steps", 2)
    assert result.exit_code == 0, result.output
    assert log("mine", "pix2pix")[-1]["step"] == 2
    assert json.loads(Path("runs/mine/plan.json").read_text())["steps"] == 2


def test_snapshots_are_themes() -> None:
    result = train("mine", *MADE, "--steps", 12, "--keep-every", 1)
    assert result.exit_code == 0, result.output
    # 12 pairs, 2 a step: 6 steps an epoch.
    names = sorted(path.name for path in Path("runs/mine/snapshots").iterdir())
    assert names == ["epoch-0001", "epoch-0002"]
    first, second = (load_theme(name, models=Path("runs/mine/snapshots")) for name in names)
    heard = torch.rand(1, 256, 256, generator=torch.Generator().manual_seed(0))
    frames = [theme.painter.paint(heard, 256, 256) for theme in (first, second)]
    assert not torch.equal(*frames)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--steps", 1), "Give one of --made, --pictures and --videos"),
        ((*MADE, "--pictures", ".", "--steps", 1), "Give one of"),
        (MADE, "Give --minutes or --steps"),
        ((*MADE, "--minutes", 0), "--minutes"),
        ((*MADE, "--steps", 1, "--width", 0), "--width"),
        (("--made", "seascape", "--steps", 1), "There is no maker 'seascape'"),
        (("--pictures", "nowhere", "--steps", 1), "nowhere"),
        (("--videos", "nowhere", "--steps", 1), "nowhere"),
        (("--videos", ".", "--steps", 1, "--from-s", 9, "--to-s", 3), "less than to_s"),
        (("--resume",), "No training of 'mine' has been begun"),
        ((*MADE, "--steps", 1, "--begin-with", "no.pth"), "no.pth"),
    ],
)
def test_mistakes_have_a_sentence(options: tuple[object, ...], sentence: str) -> None:
    result = train("mine", *options)
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert not Path("models").exists()


@pytest.mark.parametrize("name", ["a/b", "../up", "Größe", "", "-x"])
def test_a_name_is_a_plain_word(name: str) -> None:
    result = train("--", name)
    assert result.exit_code == 2
    assert list(Path().iterdir()) == []


def test_nothing_is_written_over() -> None:
    assert train("mine", *MADE, "--steps", 1).exit_code == 0
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    for again in (train("mine", *MADE, "--steps", 1), train("mine", "--resume", "--seed", 4)):
        assert again.exit_code == 2
    assert "begun with another --seed" in " ".join(again.output.split())
    Path("runs").rename("elsewhere")
    taken = train("mine", *MADE, "--steps", 1)
    assert "There is a theme 'mine' already" in " ".join(taken.output.split())
    Path("elsewhere").rename("runs")
    assert before == {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def test_a_dry_run_does_nothing() -> None:
    result = train("mine", *MADE, "--steps", 1, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "abstract" in result.output
    assert list(Path().iterdir()) == []


def test_nan_stops_a_run_and_keeps_the_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    both = ("--made", "abstract", "--made", "cityscape")  # critics join in the second step
    assert train("mine", *both, *SMALL, "--steps", 1).exit_code == 0
    path = Path("runs/mine/keyframes/checkpoint.safetensors")
    before = path.read_bytes()
    monkeypatch.setattr("keyframes.gan_training.F.softplus", lambda x: x * torch.nan)
    result = train("mine", "--resume", "--steps", 2)
    assert result.exit_code == 1
    assert "nan at step 1" in result.output
    assert path.read_bytes() == before


def test_a_full_disk_is_one_sentence_before_anything_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usage = shutil.disk_usage(".")._replace(free=1_000_000)
    with monkeypatch.context() as full:
        full.setattr("training_data.room.shutil.disk_usage", lambda _: usage)
        result = train("mine", *MADE, "--steps", 1)
    assert result.exit_code == 2
    assert "the disk has 0.0 GB left: make room" in " ".join(result.output.split())
    assert train("mine", "--resume").exit_code == 0


@pytest.mark.parametrize("lack", [MemoryError, torch.OutOfMemoryError, lambda: torch.empty(2**55)])
def test_too_little_memory_is_one_sentence(
    lack: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def want(*_: object) -> None:
        if isinstance(error := lack(), Exception):
            raise error

    monkeypatch.setattr("keyframes.gan_training.GanTraining.step", want)
    result = train("mine", *MADE, "--steps", 1)
    assert result.exit_code == 2
    assert "There is too little memory" in " ".join(result.output.split())
