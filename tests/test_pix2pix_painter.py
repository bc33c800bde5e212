"""Painted frames have the size asked for and depend on their own spectrogram picture alone."""

from pathlib import Path

import pytest
import torch

from pix2pix import weights
from pix2pix.grids import cover, spread
from pix2pix.networks import UNet, UNetConfig, initialise
from pix2pix.painter import Painter, choose_precision, load_network, load_painter, save_network


def draw_windows(n: int, seed: int) -> torch.Tensor:
    """Draw spectrogram pictures, smooth and unlike each other."""
    coarse = torch.rand(n, 1, 4, 4, generator=torch.Generator().manual_seed(seed)).round()
    return torch.nn.functional.interpolate(coarse, (256, 256), mode="bilinear")[:, 0]


@pytest.fixture(scope="module")
def network() -> UNet:
    """Return a network with statistics of its own, whose contrast is that of a trained one."""
    network = UNet(UNetConfig(width=4, n_skips=4, dropout=0.5, decoder="even"))
    initialise(network, torch.Generator().manual_seed(0))
    with torch.no_grad():
        # From weights this small nothing of the picture would reach the frame.
        for name, parameter in network.named_parameters():
            if name.endswith("conv.weight"):
                parameter.mul_(10)
        for seed in range(20):
            network(spread(draw_windows(4, seed)[:, None], 256, 256))
    return network.eval()


@pytest.fixture(scope="module")
def windows() -> torch.Tensor:
    return draw_windows(5, 100)


@pytest.mark.parametrize(
    "size", [(256, 256), (256, 456), (456, 256), (256, 512), (64, 64), (257, 300), (1, 1)]
)
def test_frames_have_the_size_asked_for(
    network: UNet, windows: torch.Tensor, size: tuple[int, int]
) -> None:
    frames = Painter(network, "float32").paint(windows[:2], *size)
    assert frames.shape == (2, 3, *size)
    assert frames.dtype == torch.float32
    assert frames.min() >= 0
    assert frames.max() <= 1
    assert frames.is_contiguous()


@pytest.mark.parametrize("form", [(0, "even"), (4, "even"), (4, "transposed"), (7, "transposed")])
@pytest.mark.parametrize("size", [(256, 256), (256, 512)])
def test_folding_changes_nothing(
    windows: torch.Tensor, form: tuple[int, str], size: tuple[int, int]
) -> None:
    generator = torch.Generator().manual_seed(2)
    n_skips, decoder = form
    plain = UNet(UNetConfig(width=3, n_skips=n_skips, decoder=decoder))
    initialise(plain, generator)
    with torch.no_grad():
        plain.up[0].conv.weight *= 20
        plain.up[0].conv.bias.uniform_(-1, 1, generator=generator)
        plain(torch.rand(4, 1, 256, 256, generator=generator) * 2 - 1)
    expected = plain.eval()(spread(windows[:, None], *size)) / 2 + 0.5
    plain.train()
    frames = Painter(plain, "float32").paint(windows, *size)
    assert plain.training  # the caller's network is left as it was
    assert expected.std() > 0.05
    torch.testing.assert_close(frames, expected.detach(), rtol=0, atol=2e-5)


def test_frames_are_cut_from_the_middle(network: UNet, windows: torch.Tensor) -> None:
    painter = Painter(network, "float32")
    whole = painter.paint(windows[:1], 256, 512)
    assert torch.equal(painter.paint(windows[:1], 250, 456), whole[:, :, 3:253, 28:484])


def test_the_same_batch_gives_the_same_bits(network: UNet, windows: torch.Tensor) -> None:
    painter = Painter(network, choose_precision())
    first = painter.paint(windows, 256, 256)
    painter.paint(windows.flip(0), 256, 512)
    assert torch.equal(painter.paint(windows, 256, 256), first)
    assert torch.equal(Painter(network, choose_precision()).paint(windows, 256, 256), first)


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-5), ("bf16", 0.02)])
def test_a_frame_does_not_depend_on_its_batch(
    network: UNet, windows: torch.Tensor, precision: str, tolerance: float
) -> None:
    painter = Painter(network, precision)
    together = painter.paint(windows, 256, 256)
    alone = torch.cat([painter.paint(window[None], 256, 256) for window in windows])
    assert (together[0] - together[1]).abs().mean() > 5 * tolerance / 2
    torch.testing.assert_close(together, alone, rtol=0, atol=tolerance)


def test_half_precision_is_near(network: UNet, windows: torch.Tensor) -> None:
    exact = Painter(network, "float32").paint(windows, 256, 256)
    fast = Painter(network, "bf16").paint(windows, 256, 256)
    assert fast.dtype == torch.float32
    assert (fast - exact).abs().mean() < 2 / 255


def test_frames_depend_on_the_sound(network: UNet, windows: torch.Tensor) -> None:
    frames = Painter(network, "float32").paint(windows, 256, 256)
    for i in range(len(windows)):
        for j in range(i):
            assert (frames[i] - frames[j]).abs().mean() > 0.01


def test_silence_has_a_frame(network: UNet) -> None:
    frames = Painter(network, "float32").paint(torch.zeros(1, 256, 256), 256, 256)
    assert frames.isfinite().all()


def test_a_shipped_network_paints_as_before(
    network: UNet, windows: torch.Tensor, tmp_path: Path
) -> None:
    path = tmp_path / "pix2pix.safetensors"
    digest = save_network(path, network)
    n_weights = sum(parameter.numel() for parameter in network.parameters())
    assert path.stat().st_size < 2.2 * n_weights + 50_000  # half precision
    loaded = load_network(weights.load(path, digest))
    assert loaded.config == network.config
    assert not loaded.training
    before = Painter(network, "float32").paint(windows, 256, 256)
    after = Painter(loaded, "float32").paint(windows, 256, 256)
    assert (before - after).abs().max() < 0.01
    assert load_painter(weights.load(path, digest)).paint(windows, 64, 64).shape == (5, 3, 64, 64)


@pytest.mark.parametrize(
    "metadata",
    [{}, {"unet": "no JSON"}, {"unet": '{"width": 0}'}, {"unet": '{"wings": 2}'}, {"unet": "{}"}],
)
def test_other_networks_are_refused(tmp_path: Path, metadata: dict[str, str]) -> None:
    path = tmp_path / "other.safetensors"
    digest = weights.save(path, {"weight": torch.zeros(3)}, metadata)
    with pytest.raises(weights.BrokenWeights, match="no pix2pix network"):
        load_network(weights.load(path, digest))


def test_grids_cover() -> None:
    assert cover(256, 456) == (256, 512)
    assert cover(257, 1) == (512, 256)


def test_spreading_keeps_the_picture() -> None:
    ramp = torch.linspace(0, 1, 256).expand(1, 1, 256, 256)
    wide = spread(ramp, 256, 512)
    assert wide.shape == (1, 1, 256, 512)
    assert torch.allclose(wide[0, 0, 0, ::2], ramp[0, 0, 0] * 2 - 1, atol=0.005)
    assert torch.equal(spread(ramp, 256, 256), ramp * 2 - 1)


@pytest.mark.parametrize(
    ("able", "precision"),
    [
        ({"amx_bf16": True, "avx512_bf16": True, "cpu_name": "Intel Xeon"}, "bf16"),
        ({"avx512_bf16": True, "cpu_name": "AMD EPYC"}, "bf16"),
        ({"avx512_bf16": True, "amx_bf16": False, "cpu_name": "Intel Xeon"}, "float32"),
        ({"avx2": True}, "float32"),
        ({"bf16": True}, "bf16"),
    ],
)
def test_bf16_is_chosen_where_it_is_faster(
    monkeypatch: pytest.MonkeyPatch, able: dict[str, object], precision: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert choose_precision() == precision
