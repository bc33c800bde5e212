"""Stills through the front door: seeds, styles, walks, sizes, and the file they come from."""

from pathlib import Path

import pytest
import torch

from keyframes.networks import Decoder, Encoder, Form, Generator, initialise
from keyframes.stills import (
    Networks,
    Statistics,
    Stills,
    load_networks,
    load_stills,
    paint_all,
    save_networks,
    walk,
)
from pix2pix import weights
from pix2pix.run import seeded

FORM = Form(n_latents=4, codec_width=16, generator_width=8, critic_width=16, n_noise=8, n_style=16)


@pytest.fixture(scope="module")
def networks() -> Networks:
    made = Networks(
        form=FORM,
        encoder=Encoder(FORM),
        decoder=Decoder(FORM),
        generator=Generator(FORM),
        statistics=Statistics(mean=torch.linspace(-1, 1, 4), deviation=torch.full((4,), 0.5)),
    )
    for place, network in enumerate((made.encoder, made.decoder, made.generator)):
        initialise(network, seeded(place))
    return made


@pytest.fixture(scope="module")
def stills(networks: Networks) -> Stills:
    return Stills(
        generator=networks.generator,
        decoder=networks.decoder,
        statistics=networks.statistics,
        precision="float32",
    )


def test_the_same_seed_gives_the_same_still(stills: Stills) -> None:
    first, second = (stills.paint(stills.style(7)[None], 64, 64) for _ in range(2))
    assert torch.equal(first, second)


def test_different_seeds_give_different_stills(stills: Stills) -> None:
    pictures = paint_all(stills, torch.stack([stills.style(seed) for seed in range(9)]), 64, 64)
    apart = (pictures[:, None] - pictures[None]).abs().mean((2, 3, 4))
    assert apart[~torch.eye(9, dtype=torch.bool)].min() > 0.005


def test_a_style_is_drawn_without_touching_the_global_generator(stills: Stills) -> None:
    before = torch.get_rng_state()
    stills.style(3)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("height", "width"), [(256, 256), (256, 456), (456, 256), (1, 1), (250, 255)]
)
def test_stills_come_in_any_size(stills: Stills, height: int, width: int) -> None:
    styles = torch.stack([stills.style(0), stills.style(1)])
    pictures = stills.paint(styles, height, width)
    assert pictures.shape == (2, 3, height, width)
    assert pictures.dtype == torch.float32
    assert pictures.min() >= 0
    assert pictures.max() <= 1


def test_a_size_off_the_grid_is_cut_out_of_the_middle(stills: Stills) -> None:
    style = stills.style(0)[None]
    whole, cut = stills.paint(style, 64, 96), stills.paint(style, 60, 90)
    assert torch.equal(cut, whole[:, :, 2:62, 3:93])


def test_a_walk_ends_at_its_stills_and_moves_evenly(stills: Stills) -> None:
    start, end = stills.style(0), stills.style(1)
    styles = walk(start, end, 33)
    assert torch.equal(styles[0], start)
    assert torch.equal(styles[-1], end)
    pictures = paint_all(stills, styles, 64, 64)
    steps = pictures.diff(dim=0).abs().mean((1, 2, 3))
    # Continuous: no step is a jump, and all together they go somewhere.
    assert (pictures[0] - pictures[-1]).abs().mean() > 0.01
    assert steps.max() < 5 * steps.mean()


def test_truncation_draws_styles_towards_their_mean(
    networks: Networks, stills: Stills, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = torch.stack([stills.style(seed) for seed in range(32)])
    monkeypatch.setattr("keyframes.stills.TRUNCATION", 1.0)
    full = torch.stack([stills.style(seed) for seed in range(32)])
    torch.testing.assert_close(drawn.std(0), 0.8 * full.std(0))


def test_bf16_paints_nearly_the_same(networks: Networks, stills: Stills) -> None:
    rough = Stills(
        generator=networks.generator,
        decoder=networks.decoder,
        statistics=networks.statistics,
        precision="bf16",
    )
    style = stills.style(0)[None]
    difference = rough.paint(style, 64, 64).cpu() - stills.paint(style, 64, 64).cpu()
    assert 0 < difference.abs().mean() < 0.02


def test_what_is_saved_paints_the_same(networks: Networks, tmp_path: Path) -> None:
    path = tmp_path / "keyframes.safetensors"
    digest = save_networks(path, networks)
    stored = weights.load(path, digest)
    again = load_networks(stored)
    pictures = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(
        again.encoder(pictures), networks.encoder(pictures), atol=0.02, rtol=0.02
    )
    torch.testing.assert_close(again.statistics.mean, networks.statistics.mean)
    style = load_stills(stored).style(5)
    assert style.shape == (16,)


@pytest.mark.parametrize("damage", ["no form", "odd form", "missing tensor", "wrong shape"])
def test_another_file_is_refused(networks: Networks, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "keyframes.safetensors"
    save_networks(path, networks)
    stored = weights.load(path, None)
    if damage == "no form":
        stored.metadata.clear()
    elif damage == "odd form":
        stored.metadata["keyframes"] = '{"width": 3}'
    elif damage == "missing tensor":
        del stored.tensors["statistics.mean"]
    else:
        stored.tensors["generator.const"] = torch.zeros(1)
    with pytest.raises(weights.BrokenWeights, match="no keyframe networks"):
        load_networks(stored)
