"""Layers that are laid over each other: what is in front hides what is behind."""

import math

import pytest
import torch

from keyframes.form import Form
from keyframes.generator import Generator
from keyframes.layers import initialise
from keyframes.silhouettes import Cut, Silhouettes
from pix2pix.run import seeded

SMALL = Form(n_fields=1, n_spots=0, n_fine=1, n_lines=1, n_layers=5, n_style=8)  # reads 6 fields
RAMP = torch.linspace(-1, 1, 101).reshape(1, 1, -1)  # the one field that is read


def _cut(sharpness: float, places: tuple[float, float]) -> Cut:
    """Lay a red ground, a green layer, and a blue one in front of it, each right of its place."""
    weights = torch.zeros(1, 2 + 9, 1)
    weights[:, :2] = sharpness
    shifts = torch.full((11,), -3.0)
    shifts[:2] = torch.tensor(places) * -sharpness
    shifts[[2, 6, 10]] = 3.0  # red of the first layer, green of the second, blue of the third
    shifts = shifts.reshape(1, 11, 1)
    return Cut(weights=weights, shifts=shifts, spots=torch.zeros(1, 0, 2), land=slice(0, 0))


def _paint(cut: Cut) -> torch.Tensor:
    form = Form(n_fields=1, n_spots=0, n_fine=0, n_lines=0, n_layers=3, n_style=8)
    return Silhouettes(form)(RAMP, cut)[0]


def test_each_layer_hides_those_behind_it() -> None:
    painted = _paint(_cut(200.0, (-0.5, 0.5)))
    for channel, some in enumerate([slice(0, 24), slice(27, 74), slice(77, 101)]):
        others = [other for other in range(3) if other != channel]
        assert painted[channel, some].min() > 0.99
        assert painted[others, some].max() < -0.99


def test_what_is_in_front_is_not_touched_by_what_lies_behind() -> None:
    alone, both = _paint(_cut(200.0, (9.0, 0.0))), _paint(_cut(200.0, (-0.5, 0.0)))
    torch.testing.assert_close(alone[:, 53:], both[:, 53:])
    assert not torch.allclose(alone[:, 30:48], both[:, 30:48])


@pytest.mark.parametrize(("sharpness", "low", "high"), [(200.0, 0, 3), (5.0, 15, 60)])
def test_contours_are_cut_or_hazy(sharpness: float, low: int, high: int) -> None:
    green = _paint(_cut(sharpness, (0.0, 9.0)))[1]
    assert low <= (green.abs() < 0.9).sum() <= high


def test_every_layer_is_seen_to_begin_with_and_learns() -> None:
    layers = Silhouettes(SMALL)
    initialise(layers, seeded(0))
    fields = torch.randn(16, 6, 500, generator=seeded(1))
    styles = torch.randn(16, 8, generator=seeded(2))
    painted = layers(fields, layers.under(styles, 0.0))
    assert painted.shape == (16, 3, 500)
    assert painted.std((0, 2)).min() > 0.2
    torch.autograd.backward(painted.square().mean())
    slopes = layers.shading.shift.bias.grad.reshape(3, 5).abs().sum(0)
    assert slopes.min() > slopes.max() / 50


def test_lines_cut_the_front_layers_alone() -> None:
    layers = Silhouettes(SMALL)
    initialise(layers, seeded(0))
    cut = layers.under(torch.randn(3, 8, generator=seeded(2)), 0.0)
    lines = cut.weights[:, :, -2:].abs()
    assert lines[:, 2:4].min() > 0  # two hazes, two cut layers, then colours
    assert lines[:, :2].max() == lines[:, 4:].max() == 0


def test_a_spot_is_a_disc_where_the_style_lays_it_in_any_shape_of_picture() -> None:
    generator = Generator(Form(width=16, n_style=8, n_spots=1, n_lines=0))
    initialise(generator, seeded(0))
    layers = generator.silhouettes
    with torch.no_grad():
        layers.spots.weight.zero_()
        layers.spots.bias.copy_(torch.tensor([-0.5, 0.25, 0.0]))
        layers.spots.bias[2] = torch.tensor(0.3).log()  # a radius of 38 pixels
        layers.sharpness.weight.zero_()
        layers.sharpness.bias.fill_(math.log(200))
        for mixture in (layers.hazes, layers.contours):  # nothing else is seen
            mixture.shift.weight.zero_()
            mixture.shift.bias.fill_(-9.0)
        layers.shading.shift.weight.zero_()
        layers.shading.shift.bias.fill_(-3.0)
        layers.shading.shift.bias[layers.n_hazes + 1 :: layers.n_layers] = 3.0
        layers.shades.weight.zero_()
        layers.shades.bias.fill_(-9.0)
    for height, width in ((256, 256), (256, 464)):
        (picture,) = generator(torch.zeros(1, 8), height, width)
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        away = torch.hypot(y + 0.5 - height / 2 + 64, x + 0.5 - width / 2 - 32)
        assert picture[:, away < 34].min() > 0.9
        assert picture[:, away > 42].max() < -0.9
