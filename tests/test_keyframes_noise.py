"""What is known of pictures as the noise that stills are painted from."""

from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from keyframes.form import Form
from keyframes.gan_settings import GanSettings
from keyframes.gan_training import SOFT, GanTraining
from keyframes.material import Material
from keyframes.noise import to_noise
from pix2pix.run import seeded
from themes import sources
from training_data import abstract, landscape
from training_data.endless import Endless
from training_data.made import MADE
from training_data.picture_arrays import Shape, cache

SIDE = 64


def known(n: int, n_noise: int, n_known: int) -> torch.Tensor:
    numbers = torch.full((n, n_noise), torch.nan)
    numbers[:, :n_known] = torch.rand(n, n_known, generator=torch.Generator().manual_seed(1))
    return numbers


def test_noise_is_normal_and_keeps_the_order_of_the_numbers() -> None:
    numbers = known(4000, 32, 5)
    noise = to_noise(numbers, torch.Generator().manual_seed(2))
    assert abs(noise.mean()) < 0.02
    assert abs(noise.std() - 1) < 0.02
    for place in range(5):
        order = numbers[:, place].argsort()
        assert (noise[order, place].diff() >= 0).all()


def test_the_generator_sees_the_numbers_as_they_are() -> None:
    numbers = known(100, 32, 5)
    first, second = (to_noise(numbers, torch.Generator().manual_seed(seed)) for seed in (2, 3))
    torch.testing.assert_close(first[:, :5], second[:, :5])
    assert not torch.equal(first[:, 5:], second[:, 5:])
    # The generator divides by the length, which says nothing then.
    torch.testing.assert_close(first.square().mean(1), torch.ones(100))


def test_the_ends_of_a_range_are_noise_too() -> None:
    numbers = torch.full((2, 32), torch.nan)
    numbers[:, 0] = torch.tensor([0.0, 1.0])
    noise = to_noise(numbers, torch.Generator().manual_seed(0))
    assert noise.isfinite().all()
    assert noise[1, 0] == -noise[0, 0] > 3


def test_numbers_of_an_array_make_its_pictures_again(tmp_path: Path) -> None:
    made, shape = MADE["landscape"], Shape(n=18, height=SIDE, width=SIDE)
    array = cache(tmp_path, shape, made, 7, lambda *_: None)
    vectors = landscape.spread(made.numbers(18, 7))
    again = landscape.paint(vectors, SIDE, SIDE).mul(255).round()
    assert (torch.from_numpy(np.array(array)).float() - again).abs().max() <= 1


def test_stills_learn_what_is_known_of_pictures() -> None:
    numbers = known(64, 4, 1)
    tones = (numbers[:, :1, None, None] * 255).byte().expand(-1, 3, SIDE, SIDE).numpy()
    material = Material(
        pictures=[tones] * 3, density=1.0, judge=lambda _: 0.0, numbers=[numbers] * 3
    )
    form = Form(width=16, n_noise=4, n_style=16, whole_width=16, detail_width=16)
    settings = GanSettings(alone=0.9, alone_rate=2e-3)
    training = GanTraining(Fabric(devices=1), form, settings, material, 0)
    figures = [training.step(step, 0.0) for step in range(150)]
    assert all(set(step) == {"copying"} for step in figures)
    assert training.generator.hardness == training.average.hardness == SOFT * form.hardness
    noise = to_noise(numbers, torch.Generator().manual_seed(4))
    with torch.inference_mode():
        painted = training.generator(training.generator.style(noise), SIDE, SIDE).mean((1, 2, 3))
    assert torch.corrcoef(torch.stack([painted, numbers[:, 0]]))[0, 1] > 0.8
    assert {"copying", "critics", "generator"} <= set(training.step(150, 0.9))
    assert training.generator.hardness == training.average.hardness == form.hardness
    again = GanTraining(Fabric(devices=1), form, settings, material, 0)
    again.restore(training.state())
    assert again.generator.hardness == again.average.hardness == form.hardness


def test_endless_pictures_are_those_of_their_numbers() -> None:
    endless = Endless(abstract, 32)
    numbers = endless.draw(seeded(7), 3)
    assert numbers[:, abstract.N_DRAWN :].isnan().all()
    whole = abstract.paint(abstract.spread(numbers[:, : abstract.N_DRAWN]), SIDE, SIDE)
    whole = whole.mul(255).round()
    torch.testing.assert_close(endless.paint(numbers, SIDE).float(), whole, atol=1, rtol=0)
    for rows, columns in (
        (slice(0, 16), slice(SIDE - 16, SIDE)),  # in a corner, where slopes have one side
        (slice(20, 36), slice(9, 25)),
    ):
        detail = endless.paint_detail(numbers, SIDE, rows, columns).float()
        torch.testing.assert_close(detail, whole[:, :, rows, columns], atol=1, rtol=0)
    assert not torch.equal(endless.draw(seeded(8), 3)[:, 0], numbers[:, 0])


def test_eased_pictures_are_hardly_bent_and_else_as_others() -> None:
    numbers = Endless(abstract, 32).draw_eased(seeded(7), 400, 0.8)
    bent = numbers[:, [abstract.NAMES.index(name) for name in ("warp", "curl")]]
    assert 0.4 < (bent < 0.2).float().mean() < 0.9
    assert 0.6 < bent.max() <= 0.8
    others = numbers[:, abstract.NAMES.index("turn")]
    assert others.median() == pytest.approx(0.5, abs=0.1)


def test_of_several_makers_the_last_number_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("N_SQUARE", "N_WIDE", "N_TALL"):
        monkeypatch.setattr(sources, name, 16)
    land, makers = sources.Makers(["landscape"]), sources.Makers(["landscape", "cityscape"])
    assert makers.has_lines
    assert not land.has_lines
    one, both = land.numbers(32), makers.numbers(32)
    assert [part.shape for part in one] == [(16, 32)] * 3
    assert [part.shape for part in both] == [(32, 32)] * 3
    for part, alone in zip(both, one, strict=True):
        torch.testing.assert_close(part[:16, :31], alone[:, :31], equal_nan=True)
        assert alone[:, landscape.N_DRAWN :].isnan().all()
        assert not alone[:, : landscape.N_DRAWN].isnan().any()
        assert part[:, 31].tolist() == [0.25] * 16 + [0.75] * 16
    assert not torch.equal(one[0], one[1])  # each shape is drawn from a seed of its own
