"""Networks published in the layout of pytorch-CycleGAN-and-pix2pix paint here what they did."""

from collections import OrderedDict
from pathlib import Path

import pytest
import safetensors.torch
import torch
from published_network import PublishedUNet, make_published
from torch import Tensor, nn

from pix2pix import weights
from pix2pix.networks import UNet, UNetConfig, initialise
from pix2pix.painter import Painter, load_network, save_network
from pix2pix.published import load_published, read_painter
from pix2pix.weights import BrokenWeights


def draw_pictures(n: int, height: int = 256, width: int = 256) -> Tensor:
    """Draw pictures (n, 1, height, width) in [−1, 1], unlike each other."""
    coarse = torch.rand(n, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(-1, 1)


def save(network: nn.Module, path: Path, **how: bool) -> Path:
    torch.save(network.state_dict(), path, **how)
    return path


def test_the_layout_is_the_published_one() -> None:
    # The names and shapes of a published file, some of each kind of level.
    with torch.device("meta"):
        shapes = {k: tuple(t.shape) for k, t in PublishedUNet(64, "batch").state_dict().items()}
    inside = "model.model.1.model" + ".3.model" * 6
    assert shapes["model.model.0.weight"] == (64, 3, 4, 4)
    assert shapes["model.model.1.model.1.weight"] == (128, 64, 4, 4)
    assert shapes["model.model.1.model.2.running_mean"] == (128,)
    assert shapes["model.model.1.model.5.weight"] == (256, 64, 4, 4)
    assert shapes["model.model.1.model.6.bias"] == (64,)
    assert shapes[f"{inside}.1.weight"] == (512, 512, 4, 4)
    assert shapes[f"{inside}.3.weight"] == (512, 512, 4, 4)
    assert shapes[f"{inside}.4.num_batches_tracked"] == ()
    assert shapes["model.model.3.weight"] == (128, 3, 4, 4)
    assert shapes["model.model.3.bias"] == (3,)
    # As their program prints it: 54.414 million parameters.
    trained = ("weight", "bias")
    counts = [torch.Size(s).numel() for k, s in shapes.items() if k.endswith(trained)]
    assert sum(counts) == 54_413_955


@pytest.mark.parametrize("norm", ["batch", "instance"])
@pytest.mark.parametrize("n_in", [1, 3])
@pytest.mark.parametrize("size", [(256, 256), (256, 512)])
def test_it_paints_what_the_published_network_paints(
    tmp_path: Path, norm: str, n_in: int, size: tuple[int, int]
) -> None:
    published = make_published(8, norm, n_in=n_in, dropout=True)
    network = read_painter(save(published, tmp_path / "latest_net_G.pth"))
    assert network.config == UNetConfig(width=8, norm=norm)
    assert not network.training
    grey = draw_pictures(2, *size)
    with torch.no_grad():
        expected = published.model(grey.repeat(1, n_in, 1, 1))
        painted = network(grey)
    assert expected.std((1, 2, 3)).min() > 0.1
    assert (expected[0] - expected[1]).abs().mean() > 0.1
    torch.testing.assert_close(painted, expected, rtol=0, atol=1e-4)


def test_at_full_width_too(tmp_path: Path) -> None:
    published = make_published(64, "batch")
    network = read_painter(save(published, tmp_path / "latest_net_G.pth"))
    assert network.config == UNetConfig()
    grey = draw_pictures(1)
    with torch.no_grad():
        expected = published.model(grey.repeat(1, 3, 1, 1))
        torch.testing.assert_close(network(grey), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_a_painter_paints_with_it_and_ships_it(tmp_path: Path, norm: str) -> None:
    network = read_painter(save(make_published(8, norm), tmp_path / "latest_net_G.pth"))
    windows = draw_pictures(2)[:, 0] / 2 + 0.5
    with torch.no_grad():
        expected = network(windows[:, None] * 2 - 1) / 2 + 0.5
    frames = Painter(network, "float32").paint(windows, 256, 256)
    torch.testing.assert_close(frames, expected, rtol=0, atol=1e-4)
    fast = Painter(network, "bf16").paint(windows, 256, 256)
    assert (fast - expected).abs().mean() < 0.02
    again = tmp_path / "pix2pix.safetensors"
    save_network(again, network)
    assert load_network(weights.load(again, None)).config == network.config


def test_files_of_old_and_new_versions_are_read(tmp_path: Path) -> None:
    published = make_published(4, "batch")
    tensors = published.state_dict()
    old = OrderedDict((k, t) for k, t in tensors.items() if not k.endswith("batches_tracked"))
    torch.save(old, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    safetensors.torch.save_file(tensors, tmp_path / "new.safetensors")
    grey = draw_pictures(1)
    with torch.no_grad():
        expected = published.model(grey.repeat(1, 3, 1, 1))
        for name in ("old.pth", "new.safetensors"):
            painted = read_painter(tmp_path / name)(grey)
            torch.testing.assert_close(painted, expected, rtol=0, atol=1e-4)


def test_statistics_that_old_instance_norms_kept_change_nothing(tmp_path: Path) -> None:
    published = make_published(4, "instance")
    tensors = dict(published.state_dict())
    tensors["model.model.1.model.2.running_mean"] = torch.ones(8)
    tensors["model.model.1.model.2.running_var"] = torch.ones(8)
    torch.save(tensors, tmp_path / "old.pth")
    grey = draw_pictures(1)
    with torch.no_grad():
        expected = published.model(grey.repeat(1, 3, 1, 1))
        painted = read_painter(tmp_path / "old.pth")(grey)
    torch.testing.assert_close(painted, expected, rtol=0, atol=1e-4)


def test_our_own_networks_are_read_too(tmp_path: Path) -> None:
    network = UNet(UNetConfig(width=2, n_skips=3, decoder="even"))
    initialise(network, torch.Generator().manual_seed(0))
    save_network(tmp_path / "pix2pix.safetensors", network)
    assert read_painter(tmp_path / "pix2pix.safetensors").config == network.config


def make_judge() -> nn.Module:
    """Make the beginning of a published PatchGAN."""
    judge = nn.Module()
    judge.model = nn.Sequential(nn.Conv2d(6, 4, 4), nn.LeakyReLU(0.2), nn.Conv2d(4, 8, 4))
    return judge


def change(tensors: dict[str, Tensor], name: str, tensor: Tensor | None) -> dict[str, Tensor]:
    """Return the tensors with one replaced, or left out."""
    changed = {**tensors, name: tensor}
    return {name: tensor for name, tensor in changed.items() if tensor is not None}


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (make_judge(), "discriminator"),
        (PublishedUNet(2, "batch", n_levels=7), "halves its picture 7 times"),
        (PublishedUNet(2, "none"), "without norms"),
        (nn.Linear(2, 2), "no network that is known"),
        (UNet(UNetConfig(width=2)), "no network that is known"),
    ],
)
def test_other_networks_are_refused(tmp_path: Path, network: nn.Module, sentence: str) -> None:
    with pytest.raises(BrokenWeights, match=sentence):
        read_painter(save(network, tmp_path / "other.pth"))


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("model.model.1.model.5.weight", None),
        ("model.model.3.bias", None),
        ("model.model.3.weight", torch.zeros(4, 1, 4, 4)),  # paints in one channel
        ("model.model.0.weight", torch.zeros(0, 3, 4, 4)),
        ("model.model.0.weight", torch.zeros(())),
        ("model.model.1.model.1.bias", torch.zeros(4)),  # before batch norm, it would be heard
        ("model.model.9.weight", torch.zeros(3)),
    ],
)
def test_tensors_that_do_not_fit_are_refused(name: str, tensor: Tensor | None) -> None:
    tensors = change(PublishedUNet(2, "batch").state_dict(), name, tensor)
    stored = weights.Weights(tensors=tensors, metadata={}, sha256="")
    with pytest.raises(BrokenWeights, match="no network that is known"):
        load_published(stored)
