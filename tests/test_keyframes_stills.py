"""Stills through the front door: seeds, styles, walks, sizes, and the file they come from."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from keyframes.form import Form
from keyframes.generator import Generator
from keyframes.layers import initialise
from keyframes.stills import (
    Stills,
    load_generator,
    load_stills,
    paint_all,
    save_generator,
    sheet,
    walk,
)
from pix2pix import weights
from pix2pix.run import seeded

FORM = Form(width=16, n_noise=8, n_style=16)


@pytest.fixture(scope="module")
def generator() -> Generator:
    made = Generator(FORM)
    initialise(made, seeded(0))
    return made


@pytest.fixture(scope="module")
def stills(generator: Generator) -> Stills:
    return Stills(generator)


def test_the_same_seed_gives_the_same_still(stills: Stills) -> None:
    first, second = (stills.paint(stills.style(7)[None], 64, 64) for _ in range(2))
    assert torch.equal(first, second)


def test_different_seeds_give_different_stills(stills: Stills) -> None:
    pictures = paint_all(stills, torch.stack([stills.style(seed) for seed in range(9)]), 64, 64)
    apart = (pictures[:, None] - pictures[None]).abs().mean((2, 3, 4))
    assert apart[~torch.eye(9, dtype=torch.bool)].min() > 0.01


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


def test_truncation_draws_styles_towards_their_mean(tmp_path: Path) -> None:
    spreads = {}
    for truncation in (0.5, 1.0):
        generator = Generator(replace(FORM, truncation=truncation))
        initialise(generator, seeded(0))
        save_generator(tmp_path / "some", generator)
        stills = load_stills(weights.load(tmp_path / "some", None))
        spreads[truncation] = torch.stack([stills.style(seed) for seed in range(32)]).std(0)
    torch.testing.assert_close(spreads[0.5], 0.5 * spreads[1.0])
    with pytest.raises(ValueError, match="truncation must be above 0"):
        replace(FORM, truncation=0.0)


def test_softness_lets_light_fall_on_neighbours(generator: Generator) -> None:
    sharp, soft = (Generator(replace(FORM, softness=softness)) for softness in (0.0, 0.25))
    for made in (sharp, soft):
        made.load_state_dict(generator.state_dict())
    one, other = (s.paint(s.style(3)[None], 48, 64) for s in (Stills(sharp), Stills(soft)))
    kernel = torch.tensor([1.0, 2.0, 1.0]) / 4
    padded = functional.pad(one, (1, 1, 1, 1), mode="replicate").unfold(2, 3, 1).unfold(3, 3, 1)
    torch.testing.assert_close(other, torch.einsum("bchwij,i,j->bchw", padded, kernel, kernel))
    assert (one - other).abs().max() > 0.001


@pytest.mark.parametrize("name", ["softness", "hardness"])
def test_a_file_from_before_there_was_such_a_thing_paints_as_it_did(
    generator: Generator, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "keyframes.safetensors"
    save_generator(path, generator)
    stored = weights.load(path, None)
    form = json.loads(stored.metadata["keyframes"])
    assert form.pop(name) == getattr(FORM, name) > 0
    stored.metadata["keyframes"] = json.dumps(form)
    assert getattr(load_generator(stored).form, name) == 0
    with pytest.raises(ValueError, match="softness must lie in"):
        replace(FORM, **{name: -0.1})


def test_what_is_saved_half_way_through_a_training_paints_as_it_did(
    generator: Generator, tmp_path: Path
) -> None:
    made = Generator(FORM)
    made.load_state_dict(generator.state_dict())
    pictures = []
    for hardness in (FORM.hardness, FORM.hardness / 10):
        made.hardness = hardness
        path = tmp_path / f"{hardness}.safetensors"
        save_generator(path, made)
        again = load_stills(weights.load(path, None))
        ours, theirs = (x.paint(x.style(5)[None], 64, 64) for x in (Stills(made), again))
        assert (ours - theirs).abs().mean() < 0.002
        pictures.append(ours)
    assert (pictures[0] - pictures[1]).abs().mean() > 0.004


def test_a_sheet_shows_stills_walks_and_wide_ones(stills: Stills) -> None:
    picture = sheet(stills)
    assert picture.shape == (3, 5 * 258 + 2 + 260, 8 * 258 + 2)
    assert picture[:, 2:258, 2:258].std() > 0.01


def test_what_is_saved_paints_the_same(generator: Generator, tmp_path: Path) -> None:
    path = tmp_path / "keyframes.safetensors"
    stored = weights.load(path, save_generator(path, generator))
    assert load_generator(stored).form == FORM
    before, after = Stills(generator), load_stills(stored)
    one, other = (s.paint(s.style(5)[None], 64, 64) for s in (before, after))
    assert (one - other).abs().mean() < 0.01


@pytest.mark.parametrize("damage", ["no form", "odd form", "missing tensor", "wrong shape"])
def test_another_file_is_refused(generator: Generator, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "keyframes.safetensors"
    save_generator(path, generator)
    stored = weights.load(path, None)
    if damage == "no form":
        stored.metadata.clear()
    elif damage == "odd form":
        stored.metadata["keyframes"] = '{"width": 3}'
    elif damage == "missing tensor":
        del stored.tensors["directions"]
    else:
        stored.tensors["frequencies"] = torch.zeros(1)
    with pytest.raises(weights.BrokenWeights, match="no keyframe generator"):
        load_generator(stored)
