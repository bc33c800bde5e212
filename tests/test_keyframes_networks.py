"""The networks of the stills: shapes, and what makes them fit for pictures of any shape."""

import pytest
import torch
from torch.nn import functional as F

from keyframes.layers import depth_to_space
from keyframes.networks import (
    Critic,
    Decoder,
    Encoder,
    Form,
    Generator,
    PatchCritic,
    Stylist,
    initialise,
)
from pix2pix.run import seeded

FORM = Form(n_latents=4, codec_width=8, generator_width=8, critic_width=16, n_noise=8, n_style=16)


def _start(network: torch.nn.Module) -> torch.nn.Module:
    initialise(network, seeded(0))
    return network.eval()


@pytest.mark.parametrize(("height", "width"), [(256, 256), (256, 464), (464, 256), (16, 16)])
def test_the_codec_takes_any_multiple_of_16(height: int, width: int) -> None:
    pictures = torch.rand(2, 3, height, width)
    latents = _start(Encoder(FORM))(pictures)
    assert latents.shape == (2, 4, height // 16, width // 16)
    assert _start(Decoder(FORM))(latents).shape == pictures.shape


@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 29), (29, 16), (1, 1), (3, 50)])
def test_the_generator_paints_maps_of_any_size(height: int, width: int) -> None:
    maps = _start(Generator(FORM))(torch.randn(2, 16), height, width)
    assert maps.shape == (2, 4, height, width)
    assert maps.isfinite().all()


@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 29), (29, 16)])
def test_the_critic_gives_one_logit_a_map(height: int, width: int) -> None:
    assert _start(Critic(FORM))(torch.randn(16, 4, height, width)).shape == (16,)


def test_the_patch_critic_gives_a_logit_a_patch() -> None:
    assert _start(PatchCritic(8))(torch.rand(2, 3, 64, 32)).shape == (2, 1, 8, 4)


def test_what_the_decoder_paints_depends_on_the_places_around_alone() -> None:
    decoder = _start(Decoder(FORM))
    maps = torch.randn(1, 4, 4, 40)
    whole, part = decoder(maps), decoder(maps[..., :30])
    # The middle of the part lies further from the cut than any convolution reaches.
    torch.testing.assert_close(whole[..., :320], part[..., :320], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(whole[..., 460:480], part[..., 460:480], atol=1e-4)


def test_depth_to_space_puts_four_channels_into_a_square() -> None:
    # One place, four times two channels: what stands first goes to the upper left.
    x = torch.arange(8.0).reshape(1, 8, 1, 1)
    expected = torch.tensor([[[0, 2], [4, 6]], [[1, 3], [5, 7]]], dtype=torch.float32)
    torch.testing.assert_close(depth_to_space(x)[0], expected)


def test_the_decoder_begins_without_a_chequerboard() -> None:
    decoder = _start(Decoder(FORM))
    flat = decoder(torch.ones(1, 4, 16, 16))[..., 96:160, 96:160]
    assert flat.std(dim=(2, 3)).max() < 1e-4


def test_the_critic_compares_the_maps_of_a_group() -> None:
    critic = _start(Critic(FORM))
    maps = torch.randn(16, 4, 16, 16)
    alike = maps[:1].expand(16, -1, -1, -1)
    assert not torch.allclose(critic(maps)[0], critic(alike)[0], atol=1e-4)
    # A batch of one group sees only itself, in whatever order.
    torch.testing.assert_close(critic(maps[:8]), critic(maps[:8].flip(0)).flip(0))


def test_the_strength_of_a_style_does_not_change_the_strength_of_a_map() -> None:
    generator = _start(Generator(FORM))
    conv = generator.at_half[0]
    with torch.no_grad():
        conv.shift.weight.zero_()
        conv.scale.weight.zero_()
    x, style = torch.randn(1, 16, 4, 4), torch.zeros(1, 16)
    plain = conv(x, style)
    with torch.no_grad():
        conv.scale.bias.fill_(9.0)
    torch.testing.assert_close(conv(x, style), plain, atol=1e-4, rtol=1e-4)
    levelled = x / x.square().mean(1, keepdim=True).sqrt()
    expected = F.conv2d(F.pad(levelled, (1, 1, 1, 1), "replicate"), conv.conv.weight)
    expected /= conv.conv.weight.square().sum((1, 2, 3)).sqrt()[:, None, None]
    torch.testing.assert_close(plain, F.leaky_relu(expected, 0.2) * 2**0.5, atol=1e-4, rtol=1e-4)


def test_fitted_noise_gives_styles_of_the_same_mean_and_spread() -> None:
    generator = _start(Generator(FORM))
    # 8 numbers of noise cannot span 16 of style: the given ones lie on a plane of 5.
    plane = torch.randn(5, 16, generator=seeded(1))
    given = torch.randn(4000, 5, generator=seeded(2)) @ plane + torch.linspace(-3, 3, 16)
    generator.fit_styles(given)
    drawn = generator.style(torch.randn(4000, 8, generator=seeded(3)))
    torch.testing.assert_close(drawn.mean(0), given.mean(0), atol=0.3, rtol=0)
    torch.testing.assert_close(drawn.T.cov(), given.T.cov(), atol=0.8, rtol=0.1)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 29), (29, 16)])
def test_the_stylist_gives_one_style_a_map(height: int, width: int) -> None:
    assert _start(Stylist(FORM))(torch.randn(3, 4, height, width)).shape == (3, 16)


@pytest.mark.parametrize("field", ["codec_width", "generator_width", "critic_width", "n_style"])
def test_a_form_refuses_what_cannot_be_built(field: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        Form(**{field: 0})
