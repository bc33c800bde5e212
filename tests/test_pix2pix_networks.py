"""The U-Net and the PatchGAN are those of the paper."""

import pytest
import torch

from pix2pix.networks import (
    DoublingConv,
    EvenConv,
    HalvingConv,
    PatchDiscriminator,
    UNet,
    UNetConfig,
    initialise,
)


def count_parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_default_unet_is_the_papers() -> None:
    # The authors' own 256×256 U-Net has 54.414 million parameters with three channels coming in
    # (as their program prints); ours has one, which leaves out 2 · 64 · 4 · 4 of its weights and
    # adds a bias to the first and the innermost convolution, as the paper has no norm there.
    with torch.device("meta"):
        network = UNet(UNetConfig())
    assert count_parameters(network) == 54_413_955 - 2 * 64 * 16 + 64 + 512
    assert [tuple(down.conv.weight.shape[:2]) for down in network.down] == [
        *[(64, 1), (128, 64), (256, 128), (512, 256)],
        *[(512, 512)] * 4,
    ]
    normed = [isinstance(down.norm, torch.nn.BatchNorm2d) for down in network.down]
    assert normed == [False, True, True, True, True, True, True, False]
    assert [up.dropout.p for up in network.up] == [0, 0, 0, 0, 0, 0.5, 0.5, 0.5]


@pytest.mark.parametrize("n_skips", [0, 4, 7])
@pytest.mark.parametrize("size", [(256, 256), (256, 512), (512, 256)])
def test_unet_keeps_the_size(n_skips: int, size: tuple[int, int]) -> None:
    network = UNet(UNetConfig(width=2, n_skips=n_skips))
    painted = network(torch.zeros(2, 1, *size))
    assert painted.shape == (2, 3, *size)
    assert painted.abs().max() <= 1


def test_every_pixel_hears_the_whole_spectrogram() -> None:
    network = UNet(UNetConfig(width=2, n_skips=4))
    initialise(network, seeded())
    x = torch.rand(2, 1, 256, 256, generator=seeded(1)).requires_grad_()
    network(x)[:, :, 128, 128].sum().backward()
    assert x.grad is not None
    heard = x.grad.abs().sum((0, 1)) > 0
    assert heard[:8].any()
    assert heard[-8:].any()
    assert heard[:, :8].any()
    assert heard[:, -8:].any()


def test_without_outer_skips_no_fine_detail_is_handed_through() -> None:
    """What is left out is the outer skips: a single pixel then acts on whole areas alone."""
    sharpness = {}
    for n_skips in (7, 4):
        network = UNet(UNetConfig(width=4, n_skips=n_skips))
        initialise(network, seeded())
        network.eval()
        x = torch.zeros(1, 1, 256, 256)
        dotted = x.clone()
        dotted[0, 0, 128, 128] = 1
        with torch.no_grad():
            change = (network(dotted) - network(x)).abs().sum((0, 1))
        sharpness[n_skips] = float(change[126:131, 126:131].sum() / change.sum())
    assert sharpness[7] > 2 * sharpness[4]


def test_even_convolution_is_repeating_then_convolving() -> None:
    conv = EvenConv(3, 2, bias=True)
    for parameter in conv.parameters():
        torch.nn.init.normal_(parameter, generator=seeded())
    x = torch.rand(2, 3, 5, 7, generator=seeded(1))
    repeated = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    kernel = conv.weight.flip(2, 3).transpose(0, 1)  # a transposed convolution's is turned round
    expected = torch.nn.functional.conv2d(repeated, kernel, conv.bias, padding=1)
    torch.testing.assert_close(conv(x), expected)


def measure_checkerboard(decoder: str) -> float:
    """Return how much a frame differs from pixel to pixel where all should be even."""
    network = UNet(UNetConfig(n_levels=5, width=4, n_skips=0, decoder=decoder))
    initialise(network, seeded())
    with torch.no_grad():
        flat = network.eval().up[1](network.up[2](torch.ones(1, 16, 16, 16)))
        painted = network.up[0](flat)[:, :, 16:-16, 16:-16]  # away from the edges
    return float(painted.std((2, 3)).mean() / painted.abs().mean())


def test_the_even_decoder_paints_no_checkerboard() -> None:
    assert measure_checkerboard("even") < 1e-4
    assert measure_checkerboard("transposed") > 0.1


def test_patches_are_70_pixels_wide() -> None:
    judge = PatchDiscriminator(width=4).eval()  # eval: no statistics across the picture
    initialise(judge, seeded())
    frames = torch.rand(1, 3, 256, 256, generator=seeded(1)).requires_grad_()
    logits = judge(torch.zeros(1, 1, 256, 256), frames)
    assert logits.shape == (1, 1, 30, 30)  # the paper's 30×30 for 256×256
    logits[0, 0, 15, 15].backward()
    assert frames.grad is not None
    seen = frames.grad.abs().sum((0, 1)) > 0
    assert int(seen.any(0).sum()) == 70
    assert int(seen.any(1).sum()) == 70


def test_judge_looks_at_the_spectrogram_too() -> None:
    judge = PatchDiscriminator(width=4)
    spectrograms = torch.rand(2, 1, 64, 64).requires_grad_()
    judge(spectrograms, torch.rand(2, 3, 64, 64)).sum().backward()
    assert spectrograms.grad is not None
    assert spectrograms.grad.abs().sum() > 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_levels": 1},
        {"width": 0},
        {"n_skips": 8},
        {"n_skips": -1},
        {"dropout": 1.0},
        {"decoder": "odd"},
        {"norm": "layer"},
    ],
)
def test_impossible_forms_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        UNetConfig(**wrong)


@pytest.mark.parametrize(("height", "width"), [(2, 2), (4, 2), (6, 2), (2, 4)])
@pytest.mark.parametrize("kind", [HalvingConv, EvenConv, DoublingConv])
def test_nothing_but_the_map_is_read_in_bfloat16(
    kind: type[HalvingConv | EvenConv | DoublingConv], height: int, width: int
) -> None:
    conv = kind(256, 256, bias=False)
    initialise(conv, seeded())
    conv.to(memory_format=torch.channels_last)
    size = (height, width) if kind is HalvingConv else (height // 2, width // 2)
    x = torch.randn(4, 256, *size, generator=seeded())
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    wanted = conv(x)
    (slope,) = torch.autograd.grad(wanted.square().sum(), x)
    for _ in range(10):
        _leave_nan_behind()
        with torch.autocast("cpu", torch.bfloat16):
            y = conv(x)
        torch.testing.assert_close(y.float(), wanted, atol=0.1, rtol=0.05)
        loss = y.float().square().sum()
        _leave_nan_behind()
        (felt,) = torch.autograd.grad(loss, x)
        torch.testing.assert_close(felt, slope, atol=0.1, rtol=0.05)


def _leave_nan_behind() -> None:
    """Fill memory with what a kernel must not read, and give it back."""
    for dtype in (torch.float32, torch.bfloat16):
        [torch.full((4**size,), torch.nan, dtype=dtype) for size in range(2, 11) for _ in range(6)]
