"""The themes that ship: whole, small, and as good as their cards say."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from film.cards import BASE, CARD_NAME, list_themes, models_folder, theme_folder
from film.theme import load_theme
from keyframes.fitting import fit
from keyframes.latents import gather
from keyframes.stills import paint_all, walk
from pix2pix import weights
from themes.table import draw
from training_data.made import MADE

N = 48
NETWORKS = {"pix2pix.safetensors", "keyframes.safetensors"}


@pytest.fixture(scope="module", params=list_themes())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def card(name: str) -> dict[str, Any]:
    return json.loads((theme_folder(name) / CARD_NAME).read_text())


@pytest.fixture(scope="module")
def stills(name: str) -> Tensor:
    made = load_theme(name).stills
    return paint_all(made, torch.stack([made.style(seed) for seed in range(N)]), 256, 256)


@pytest.fixture(scope="module")
def true(name: str) -> Tensor:
    return MADE[name](torch.Generator().manual_seed(77), N, 256, 256).float() / 255


def test_the_weights_are_small_and_nothing_else_is_shipped(name: str) -> None:
    shipped = {path.name for path in theme_folder(name).iterdir()}
    assert shipped == NETWORKS | {CARD_NAME}
    assert sum(path.stat().st_size for path in models_folder().rglob("*.*")) < 120e6


def test_what_new_themes_start_from_ships_too() -> None:
    card = json.loads((models_folder() / BASE / CARD_NAME).read_text())
    assert set(card["weights"]) == {"keyframes.safetensors", "critics.safetensors"}
    for file, digest in card["weights"].items():
        weights.load(models_folder() / BASE / file, digest)
    assert BASE not in list_themes()


def test_the_card_says_how_the_networks_were_made(card: dict[str, Any]) -> None:
    assert card["data"]
    for network in ("pix2pix", "keyframes"):
        said = card["training"][network]
        assert said["machine"]
        assert said["last_losses"]
        parts = [said]
        while "begun_with" in parts[-1]:
            parts.append(parts[-1]["begun_with"])
        assert sum(part["steps"] for part in parts) > 1_000
        assert sum(part["minutes"] for part in parts) > 10


def test_the_painted_frames_beat_what_useless_networks_would_paint(card: dict[str, Any]) -> None:
    frames = card["figures"]["frames"]
    for baseline in ("mean_training_frame", "frame_of_nearest_training_spectrogram"):
        assert frames["painted"]["l1"] < 0.8 * frames[baseline]["l1"]
        assert frames["painted"]["psnr_db"] > frames[baseline]["psnr_db"] + 1
        assert frames["painted"]["ssim"] > frames[baseline]["ssim"]
    assert frames["hits"]["top_10"] > 0.5
    assert frames["hits_without_mean_colour"]["top_10"] > 0.5
    assert frames["l1_wrong_song"] > 1.5 * frames["l1_right_song"]


def test_the_stills_are_nearer_to_true_pictures_than_noise_of_their_colours(
    card: dict[str, Any],
) -> None:
    distances = card["figures"]["stills"]["sliced_wasserstein"]
    assert all(distances["stills"][side] < distances["Gaussian"][side] for side in ("256", "128"))
    ratios = card["figures"]["stills"]["sliced_wasserstein_over_that_of_training"]["stills"]
    assert ratios["256"] < 6  # of training pictures' own, on the finest level
    assert ratios["32"] < 2
    assert ratios["16"] < 2
    memorising = card["figures"]["stills"]["memorising"]
    assert memorising["nearest_median"] > 0.5 * memorising["held_out_nearest_median"]


def _measure_edges(pictures: Tensor) -> Tensor:
    """Return the steepest step between neighbouring pixels of each picture, but for a hundredth."""
    steps = pictures.diff(dim=3).abs().mean(1).flatten(1)
    return steps.quantile(0.99, dim=1)


def test_the_stills_are_as_sharp_as_what_they_learnt_from(stills: Tensor, true: Tensor) -> None:
    ratio = _measure_edges(stills).median() / _measure_edges(true).median()
    assert 0.5 < ratio < 2


def test_the_stills_are_as_varied_as_what_they_learnt_from(stills: Tensor, true: Tensor) -> None:
    def apart(pictures: Tensor) -> float:
        small = torch.nn.functional.avg_pool2d(pictures, 16).flatten(1)
        return torch.pdist(small).median().item()

    assert 0.7 < apart(stills) / apart(true) < 1.4
    assert torch.pdist(stills.mean((2, 3))).min() > 0.001  # no picture comes twice


def test_a_walk_flows_without_a_jump(name: str) -> None:
    made = load_theme(name).stills
    for start, end in itertools.pairwise(range(4)):
        styles = walk(made.style(start), made.style(end), 49)
        steps = paint_all(made, styles, 128, 128).diff(dim=0).abs().mean((1, 2, 3))
        # Or than what the eye takes for a jump: a walk that hardly moves may hurry for a moment.
        assert steps.max() < max(4 * steps.median(), 0.02)


@pytest.mark.slow
def test_a_picture_of_anybodys_comes_back() -> None:
    # Ridges before an evening sky: shapes and colours that the theme has not learnt.
    y, x = torch.meshgrid(torch.linspace(0, 1, 256), torch.linspace(0, 1.78, 456), indexing="ij")
    picture = torch.stack([0.95 - 0.5 * y, 0.5 + 0.2 * y, 0.4 + 0.5 * (1 - y)])
    for n, shade in enumerate((0.6, 0.4, 0.2)):
        ridge = 0.45 + 0.17 * n + 0.06 * torch.sin((5 + 4 * n) * x + 2 * n)
        ridge += 0.02 * torch.sin(31 * x)
        colours = torch.tensor([0.5, 0.6, 0.8])[:, None, None] * shade
        picture = torch.where(y > ridge, colours, picture)
    stills = load_theme("abstract").stills
    portrait = fit(stills, picture, lambda _done, _total: None)
    latents = gather([portrait])
    painted = stills.paint(latents.styles, 256, 456, latents.own)[0].cpu()
    assert (painted - picture).abs().mean() < 0.015


def test_every_file_of_weights_is_the_one_that_the_card_names(
    name: str, card: dict[str, Any]
) -> None:
    assert set(card["weights"]) == NETWORKS
    load_theme(name)  # refuses any other bytes


def test_the_figures_in_the_readme_are_those_of_the_cards() -> None:
    assert draw() in Path("README.md").read_text()
