"""The networks of the stills: shapes, smoothness, and what makes them fit for any size."""

from dataclasses import replace

import pytest
import torch

from keyframes.critic import Critic
from keyframes.form import Form
from keyframes.generator import Generator
from keyframes.knots import Given, read_across, read_strip, spline_rows
from keyframes.layers import StyledConv, StyledMix, initialise, normalise, spline
from pix2pix.run import seeded

FORM = Form(width=16, n_noise=8, n_style=16, whole_width=16, detail_width=16)


def _start(network: torch.nn.Module) -> torch.nn.Module:
    initialise(network, seeded(0))
    return network.eval()


def _styles(n: int) -> torch.Tensor:
    return torch.randn(n, 16, generator=seeded(1))


@pytest.mark.parametrize(
    ("height", "width"), [(256, 256), (256, 456), (464, 256), (64, 64), (1, 1), (33, 200)]
)
def test_the_generator_paints_pictures_of_any_size(height: int, width: int) -> None:
    pictures = _start(Generator(FORM))(_styles(2), height, width)
    assert pictures.shape == (2, 3, height, width)
    assert pictures.abs().max() <= 1
    if min(height, width) > 32:
        assert pictures.std((2, 3)).min() > 0.01  # not one flat colour


def test_pixels_read_alone_are_those_of_the_whole_picture() -> None:
    generator, styles = _start(Generator(replace(FORM, softness=0.0))), _styles(2)
    whole = generator(styles, 256, 300)
    knots = generator.fields(styles, 256, 300)
    rows, columns = spline_rows(256)[3:256:4], spline_rows(300)[100:164]
    part = generator.read(knots, styles, rows, columns)
    torch.testing.assert_close(part, whole[:, :, 3:256:4, 100:164], atol=1e-4, rtol=0)


def test_a_picture_lies_in_the_middle_of_its_knots() -> None:
    generator, styles = _start(Generator(FORM)), _styles(1)
    whole, cut = generator(styles, 64, 96), generator(styles, 60, 90)
    # But for the border: beyond it there is nothing whose light could fall on it.
    torch.testing.assert_close(cut[:, :, 1:-1, 1:-1], whole[:, :, 3:61, 4:92], atol=1e-5, rtol=0)


def test_what_lies_in_the_middle_stands_on_the_same_waves_in_any_shape() -> None:
    generator, styles = _start(Generator(FORM)), _styles(2)
    square, wide = generator._waves(styles, 8, 8), generator._waves(styles, 8, 14)
    torch.testing.assert_close(square, wide[..., 3:11])
    assert not torch.allclose(wide[..., :3], wide[..., 3:6], atol=0.1)  # more, not the same


def test_lines_go_straight_across_and_hold_what_is_a_few_pixels_wide() -> None:
    generator, styles = _start(Generator(FORM)), _styles(1)
    knots, whole = generator.fields(styles, 256, 256), spline_rows(256)
    across = read_across(knots, whole, 0.0)
    given = Given(spots=torch.zeros(1, 0, 2), kept=None)
    read = read_strip(whole, across, whole, given, 0.0).reshape(-1, 256, 256)
    lines = read[-2 * FORM.n_lines :]
    down, across = lines.chunk(2)
    assert (down - down[:, :, :1]).abs().max() < 1e-5
    assert (across - across[:, :1]).abs().max() < 1e-5
    # The finest wave there is to begin with has a period of six pixels.
    wave = torch.sin(torch.arange(128) * 2 * 2 * torch.pi / 6)
    seen = whole.line @ wave
    assert (seen[1:].sign() != seen[:-1].sign()).sum() > 80
    assert seen.abs().max() > 0.2


def test_hard_lines_change_at_once_and_stay_in_between() -> None:
    generator, styles = _start(Generator(FORM)), _styles(1)
    knots, columns = generator.fields(styles, 512, 512), spline_rows(512)
    soft, hard = (read_across(knots, columns, hardness).columns for hardness in (0.0, 10.0))
    assert soft is not None
    assert hard is not None
    assert torch.equal(soft.sign(), hard.sign())
    between = [(lines.abs() < 0.8).float().mean() for lines in (soft, hard)]
    assert between[1] < 0.2 * between[0]
    assert hard.abs().max() < 1.001
    read = read_strip(columns, read_across(knots, columns, 10.0), columns, None, 10.0)
    rows = read.reshape(-1, 512, 512)[-2 * FORM.n_lines : -FORM.n_lines, :, 0]
    assert (rows.abs() < 0.8).float().mean() < 0.2 * between[0]


def test_the_middle_of_a_picture_has_the_coordinates_0() -> None:
    places = spline_rows(300, 2.0).place
    torch.testing.assert_close(places[[0, 299]], torch.tensor([-149.5, 149.5]) / 256)


def test_autocast_does_not_touch_the_reading_of_colours() -> None:
    generator, styles = _start(Generator(FORM)), _styles(1)
    knots = generator.fields(styles, 64, 64)
    seen = spline_rows(64), spline_rows(64)
    plain = generator.read(knots, styles, *seen)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(generator.read(knots, styles, *seen), plain)


def test_a_spline_reads_straight_lines_as_they_are() -> None:
    positions = torch.linspace(2, 7, 50)
    read = spline(10, positions) @ (3 * torch.arange(10.0) + 1)
    torch.testing.assert_close(read, 3 * positions + 1)


def test_a_spline_is_smooth_and_goes_on_as_it_ends() -> None:
    knots = torch.randn(9, generator=seeded(2))
    positions = torch.linspace(-0.5, 8.5, 1801, dtype=torch.float64)
    weights = spline(9, positions)
    torch.testing.assert_close(weights.sum(1), torch.ones(1801))
    assert weights.min() >= 0
    curve = (weights @ knots).double()
    # Second differences of a smooth curve do not jump; those of a bent line do, at its knots.
    bends = curve.diff(n=2) / 0.005**2
    assert bends.diff().abs().max() < 0.1
    torch.testing.assert_close(spline(9, torch.tensor([-4.0])), spline(9, torch.tensor([-0.5])))
    assert torch.equal(spline(1, torch.tensor([0.0, 5.0])), torch.ones(2, 1))


def test_a_styled_convolution_keeps_every_channel_varied() -> None:
    conv = _start(StyledConv(8, 8, 16))
    with torch.no_grad():
        conv.scale.weight.zero_()
        conv.shift.weight.zero_()
    faint = 5 + 0.01 * torch.randn(1, 8, 16, 16, generator=seeded(3))
    assert conv(faint, _styles(1)).std((2, 3)).min() > 0.3


def test_a_styled_mix_has_the_same_strength_under_any_style() -> None:
    mix = _start(StyledMix(32, 64, 16, 1.5))
    x = torch.randn(2, 32, 4000, generator=seeded(4))
    for strength in (0.1, 10.0):
        weights, _ = mix.under(strength * _styles(2))
        mixed = weights @ x
        assert mixed.std().item() == pytest.approx(1.5, rel=0.1)


def test_normalised_maps_have_mean_0_and_variance_1() -> None:
    x = normalise(3 + 7 * torch.randn(2, 4, 9, 13, generator=seeded(5)))
    torch.testing.assert_close(x.mean((2, 3)), torch.zeros(2, 4), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.var((2, 3), correction=0), torch.ones(2, 4), atol=1e-3, rtol=0)


@pytest.mark.parametrize("fine", [False, True])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (64, 116), (116, 64), (16, 16)])
def test_a_critic_gives_its_opinions_of_each_picture(
    height: int,
    width: int,
    *,
    fine: bool,
) -> None:
    critic = _start(Critic(16, 2, fine=fine))
    assert critic(torch.randn(16, 3, height, width)).shape == (16, 2)


def test_a_critic_compares_the_pictures_of_a_group() -> None:
    critic = _start(Critic(16, 1, fine=False))
    pictures = torch.randn(16, 3, 32, 32, generator=seeded(6))
    alike = pictures[:1].expand(16, -1, -1, -1)
    assert not torch.allclose(critic(pictures)[0], critic(alike)[0], atol=1e-4)
    # A group sees only itself, in whatever order.
    torch.testing.assert_close(critic(pictures[:8]), critic(pictures)[:8])
    torch.testing.assert_close(critic(pictures[:8]), critic(pictures[:8].flip(0)).flip(0))


@pytest.mark.parametrize("field", ["width", "whole_width", "detail_width", "n_style", "n_waves"])
def test_a_form_refuses_what_cannot_be_built(field: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        Form(**{field: 0})


def test_layers_are_none_or_a_ground_and_two_more() -> None:
    assert Form(n_layers=0).n_layers == 0
    with pytest.raises(ValueError, match="place must be a number of the noise"):
        Form(n_noise=4, told={"place": 4})
    with pytest.raises(ValueError, match="What is told must be: cloud_place, horizon"):
        Form(n_ridges=2, told={"place": 0})
    with pytest.raises(ValueError, match="What is told must be: nothing, without land"):
        Form(told={"place": 0})
    with pytest.raises(ValueError, match="Houses stand in rows"):
        Form(houses=True)
    with pytest.raises(ValueError, match="n_layers must be 0, or 3"):
        Form(n_layers=2)
