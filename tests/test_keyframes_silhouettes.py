"""Layers that are laid over each other: what is in front hides what is behind."""

import math
from dataclasses import replace

import pytest
import torch

from keyframes.form import Form
from keyframes.generator import Generator
from keyframes.knots import spline_rows
from keyframes.layers import initialise
from keyframes.silhouettes import Cut, Silhouettes
from pix2pix.run import seeded

# Reads 6 fields.
SMALL = Form(
    n_fields=1, n_spots=0, n_profiles=0, n_fine=1, n_lines=1, n_layers=5, n_style=8, line_width=16
)
RAMP = torch.linspace(-1, 1, 101).reshape(1, 1, -1)  # the one field that is read


def _cut(sharpness: float, places: tuple[float, float]) -> Cut:
    """Lay a red ground, a green layer, and a blue one in front of it, each right of its place."""
    weights = torch.zeros(1, 2 + 9, 1)
    weights[:, :2] = sharpness
    shifts = torch.full((11,), -3.0)
    shifts[:2] = torch.tensor(places) * -sharpness
    shifts[[2, 6, 10]] = 3.0  # red of the first layer, green of the second, blue of the third
    return Cut(weights=weights, shifts=shifts.reshape(1, 11, 1), spots=torch.zeros(1, 0, 2))


def _paint(cut: Cut) -> torch.Tensor:
    form = replace(SMALL, n_fine=0, n_lines=0, n_layers=3)
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
    painted = layers(fields, layers.under(styles))
    assert painted.shape == (16, 3, 500)
    assert painted.std((0, 2)).min() > 0.2
    torch.autograd.backward(painted.square().mean())
    slopes = layers.shading.shift.bias.grad.reshape(3, 5).abs().sum(0)
    assert slopes.min() > slopes.max() / 50


def test_lines_cut_the_front_layers_alone() -> None:
    layers = Silhouettes(SMALL)
    initialise(layers, seeded(0))
    cut = layers.under(torch.randn(3, 8, generator=seeded(2)))
    lines = cut.weights[:, :, -2:].abs()
    assert lines[:, 2:4].min() > 0  # two hazes, two cut layers, then colours
    assert lines[:, :2].max() == lines[:, 4:].max() == 0


def test_a_spot_is_a_disc_where_the_style_lays_it_in_any_shape_of_picture() -> None:
    generator = Generator(Form(width=16, n_style=8, n_spots=1, n_profiles=0, n_lines=0))
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


def _stand_alone(n_profiles: int) -> Generator:
    """Return a generator that paints its ground black and its profiles in colours of their own.

    The first is red, the second green; each bears a layer that covers all it may, in blue.
    """
    form = Form(width=16, n_style=8, n_spots=0, n_profiles=n_profiles, n_lines=1, n_layers=5)
    generator = Generator(form)
    initialise(generator, seeded(0))
    layers, levels = generator.silhouettes, generator.profiles.levels
    with torch.no_grad():
        for linear in (levels, layers.sharpness, layers.shades, layers.falls):
            linear.weight.zero_()
        layers.falls.bias.zero_()
        layers.sharpness.bias.fill_(math.log(200))
        layers.shades.bias.fill_(-9.0)
        levels.bias[:n_profiles] = torch.tensor([-0.2, 0.3])[:n_profiles]
        levels.bias[n_profiles:] = math.log(0.1)
        for mixture in (layers.hazes, layers.contours, layers.shading):
            mixture.shift.weight.zero_()
            mixture.shift.bias.fill_(-9.0)
        colours = layers.shading.shift.bias.reshape(3, -1)
        for place in range(n_profiles):  # the ground and two hazes lie behind
            colours[place, 3 + 2 * place] = 9.0
            colours[2, 4 + 2 * place] = 9.0
    return generator


def test_a_profile_covers_what_lies_below_it_and_hides_those_behind() -> None:
    generator = _stand_alone(2)
    style = torch.zeros(1, 8)
    (picture,) = generator(style, 256, 300)
    heights = generator.fields(style, 256, 300).profiles
    assert heights is not None
    tops = (heights[0, :2] @ spline_rows(300).line.T) * 128 + 128  # pixels from above
    assert tops.std(1).min() > 3  # neither is a level line
    y = torch.arange(256)[:, None] + 0.5
    far, near = (y - top for top in tops)
    assert picture[:, (far < -3) & (near < -3)].max() < -0.99
    red = picture[:, (far > 3) & (near < -3)]
    assert red[0].min() > 0.99
    assert red[1:].max() < -0.99
    green = picture[:, near > 3]
    assert green[1].min() > 0.99
    assert green[[0, 2]].max() < -0.99


def test_what_a_profile_bears_does_not_reach_beyond_it() -> None:
    generator = _stand_alone(2)
    with torch.no_grad():
        generator.silhouettes.contours.shift.bias[0] = 9.0  # on the profile behind
    (picture,) = generator(torch.zeros(1, 8), 256, 300)
    plain = _stand_alone(2)(torch.zeros(1, 8), 256, 300)[0]
    blue = picture[2] > 0.5
    red, green = plain[0] > 0.5, plain[1] > 0.5
    assert (blue & red).sum() > 0.97 * red.sum()
    assert (blue & green).sum() < 0.01 * green.sum()
    assert (blue & ~red & ~green).sum() < 0.01 * red.sum()


def test_in_a_picture_of_the_users_nothing_stands_on_the_ground() -> None:
    generator = _stand_alone(2)
    with torch.no_grad():
        generator.silhouettes.contours.shift.bias[0] = 9.0
    style = torch.zeros(1, 8)
    knots = replace(generator.fields(style, 64, 64), own=torch.ones(1, 1, 1))
    painted = generator.read(knots, style, spline_rows(64), spline_rows(64))
    # What a profile would bear is a layer like the others then.
    assert painted[:, 2].min() > 0.99
    assert painted[:, :2].max() < -0.99


@pytest.mark.parametrize("n_layers", [3, 6])
def test_each_profile_needs_a_layer_to_bear(n_layers: int) -> None:
    with pytest.raises(ValueError, match="twice n_profiles"):
        Form(n_profiles=4, n_layers=n_layers)
