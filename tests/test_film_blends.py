"""Blends go from the keyframe to the painted frame, each in its own way."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from film.blends import BLENDS, bend
from film.colours import BLUE, GREEN, RED

H, W = 64, 104


def paint(seed: int, *, low: float, high: float) -> Tensor:
    """Paint two soft pictures with grain."""
    generator = torch.Generator().manual_seed(seed)
    soft = F.interpolate(torch.rand(2, 3, 4, 6, generator=generator), (H, W), mode="bilinear")
    grain = torch.rand(2, 3, H, W, generator=generator)
    return low + (high - low) * (0.7 * soft + 0.3 * grain)


KEYFRAMES, PAINTED = paint(1, low=0.1, high=0.6), paint(2, low=0.3, high=0.9)


def amounts(value: float) -> Tensor:
    return torch.full((2, 1, 1, 1), value)


def coarse(pictures: Tensor) -> Tensor:
    return F.avg_pool2d(pictures, 8)


def fine(pictures: Tensor) -> Tensor:
    return pictures - F.avg_pool2d(pictures, 5, 1, 2, count_include_pad=False)


@pytest.mark.parametrize("name", BLENDS)
def test_the_ends_are_the_two_pictures(name: str) -> None:
    if name != "displace":  # which bends by the amount, and by nothing at 0
        torch.testing.assert_close(BLENDS[name](KEYFRAMES, PAINTED, amounts(1.0)), PAINTED)
    torch.testing.assert_close(BLENDS[name](KEYFRAMES, PAINTED, amounts(0.0)), KEYFRAMES)


@pytest.mark.parametrize("name", BLENDS)
def test_both_pictures_can_be_seen_halfway(name: str) -> None:
    blended = BLENDS[name](KEYFRAMES, PAINTED, amounts(0.5))
    assert blended.shape == KEYFRAMES.shape
    for change in (KEYFRAMES.flip(3), KEYFRAMES.flip(2)):
        other = BLENDS[name](change, PAINTED, amounts(0.5))
        assert (other - blended).abs().mean() > 0.02
        other = BLENDS[name](KEYFRAMES, PAINTED.flip(3), amounts(0.5))
        assert (other - blended).abs().mean() > 0.02


@pytest.mark.parametrize("name", BLENDS)
def test_each_frame_has_its_own_amount(name: str) -> None:
    mixed = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1)
    blended = BLENDS[name](KEYFRAMES, PAINTED, mixed)
    torch.testing.assert_close(blended[0], KEYFRAMES[0])
    torch.testing.assert_close(blended[1], PAINTED[1])


@pytest.mark.parametrize("name", BLENDS)
def test_a_blend_is_no_duller_than_its_pictures(name: str) -> None:
    # Without care a mean of unrelated pictures has 1 / √2 of their deviation.
    other = 1 - KEYFRAMES.flip(3)
    blended = BLENDS[name](KEYFRAMES, other, amounts(0.5))
    luma = torch.tensor([RED, GREEN, BLUE]).view(3, 1, 1)
    deviation, wanted = (float((each * luma).sum(1).std()) for each in (blended, KEYFRAMES))
    assert deviation == pytest.approx(wanted, rel=0.1)


def test_the_pyramid_brings_large_shapes_before_detail() -> None:
    blended = BLENDS["pyramid"](KEYFRAMES, PAINTED, amounts(0.5))
    large = (coarse(blended) - coarse(PAINTED)).norm() / (
        coarse(KEYFRAMES) - coarse(PAINTED)
    ).norm()
    small = (fine(blended) - fine(PAINTED)).norm() / (fine(KEYFRAMES) - fine(PAINTED)).norm()
    assert large < 0.35
    assert small > 0.65


def test_colour_transfer_takes_colours_and_leaves_shapes() -> None:
    blended = BLENDS["colour"](KEYFRAMES, PAINTED, amounts(0.5))
    torch.testing.assert_close(blended.mean((2, 3)), PAINTED.mean((2, 3)), atol=0.02, rtol=0)
    both = torch.stack([fine(blended).flatten(), fine(KEYFRAMES).flatten()])
    assert torch.corrcoef(both)[0, 1] > 0.8


def test_bending_follows_the_painted_frames_slopes() -> None:
    stripes = (torch.arange(W) // 4 % 2).float().expand(1, 3, H, W).contiguous()
    flat = torch.full((1, 3, H, W), 0.5)
    ramp = torch.linspace(0, 1, W).expand(1, 3, H, W).contiguous()
    amount = torch.ones(1, 1, 1, 1)
    torch.testing.assert_close(bend(stripes, flat, amount), stripes, atol=1e-4, rtol=0)
    assert (bend(stripes, ramp, amount) - stripes).abs().mean() > 0.01
    assert bend(stripes, ramp, 0 * amount) is stripes


def test_frames_without_bend_stay_as_they_are() -> None:
    mixed = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1)
    bent = bend(KEYFRAMES, PAINTED, mixed)
    assert torch.equal(bent[0], KEYFRAMES[0])
    assert not torch.equal(bent[1], KEYFRAMES[1])
