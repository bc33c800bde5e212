"""The ear knows that the columns of a spectrogram picture are time."""

from dataclasses import replace

import pytest
import torch
from lightning_fabric import Fabric

from pix2pix.ear import Ear
from pix2pix.networks import UNet, UNetConfig, initialise
from pix2pix.painter import Painter
from pix2pix.run import seeded
from pix2pix.settings import Settings
from pix2pix.training import Trainer
from tests.test_pix2pix_training import Bars, name_band

PLAIN = UNetConfig(width=4, n_skips=4, dropout=0.0, decoder="even")
HEARING = replace(PLAIN, n_heard=8)


def _start(config: UNetConfig) -> UNet:
    network = UNet(config)
    initialise(network, seeded(0))
    return network.eval()


def _ear() -> Ear:
    ear = Ear(8)
    ear.start(seeded(0))
    return ear.eval()


def test_what_sounds_now_weighs_more_than_what_has_gone_by() -> None:
    ear = _ear()
    silence = -torch.ones(1, 1, 256, 256)
    changes = []
    for start in (248, 200, 40):
        blow = silence.clone()
        blow[..., 100:140, start : start + 8] = 1
        changes.append((ear(blow) - ear(silence)).norm().item())
    assert changes[0] > 3 * changes[1] > 3 * changes[2] > 0


@pytest.mark.parametrize("size", [(256, 512), (512, 256)])
def test_a_picture_spread_over_another_grid_sounds_the_same(size: tuple[int, int]) -> None:
    ear, x = _ear(), torch.rand(2, 1, 256, 256, generator=seeded(1)) * 2 - 1
    wide = torch.nn.functional.interpolate(x, size, mode="nearest")
    torch.testing.assert_close(ear(wide), ear(x), atol=1e-4, rtol=1e-4)


def test_the_ear_hears_in_full_precision() -> None:
    ear, x = _ear(), torch.rand(2, 1, 256, 256, generator=seeded(1))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(ear(x), ear(x.float()))
        assert ear(x).dtype == torch.float32


def test_an_ear_changes_nothing_to_begin_with() -> None:
    x = torch.rand(2, 1, 256, 256, generator=seeded(1)) * 2 - 1
    plain, hearing = _start(PLAIN), UNet(HEARING).eval()
    hearing.load_state_dict(hearing.state_dict() | plain.state_dict())
    assert torch.equal(hearing(x), plain(x))


@pytest.mark.parametrize("size", [(256, 256), (256, 512), (512, 256)])
def test_what_is_heard_changes_frames_and_folding_keeps_it(size: tuple[int, int]) -> None:
    network = _start(HEARING)
    x = torch.rand(2, 256, 256, generator=seeded(1))
    without = Painter(network, "float32").paint(x, *size)
    assert network.hearing is not None
    with torch.no_grad():
        for change in network.hearing.changes.parameters():
            change.normal_(std=0.5, generator=seeded(2))
    spread = torch.nn.functional.interpolate(x[:, None], size, mode="bilinear") * 2 - 1
    expected = network(spread).detach() / 2 + 0.5
    painted = Painter(network, "float32").paint(x, *size)
    torch.testing.assert_close(painted, expected, rtol=0, atol=1e-4)
    assert (painted - without).abs().max() > 1e-3


def _trainer(config: UNetConfig) -> Trainer:
    settings = Settings(unet=config, judge_width=2, batch=2, learning_rate=2e-3)
    fabric = Fabric(accelerator="cpu", devices=1)
    return Trainer(fabric, settings, Bars(), Bars(), name_band)


def test_the_ear_learns_to_tell_the_numbers_behind_frames() -> None:
    trainer = _trainer(HEARING)
    hearing = trainer.painter.hearing
    assert hearing is not None
    before = [parameter.clone() for parameter in hearing.parameters()]
    told = [trainer.step(step, 0.0)["told"] for step in range(60)]
    assert sum(told[-10:]) < 0.6 * sum(told[:10])
    for old, new in zip(before, hearing.parameters(), strict=True):
        assert not torch.equal(old, new)


def test_a_painter_without_an_ear_is_given_one_to_go_on_with() -> None:
    trainer, plain = _trainer(HEARING), _start(PLAIN)
    trainer.begin_with(plain)
    x = torch.rand(2, 1, 256, 256, generator=seeded(1))
    for network in (trainer.painter.eval(), trainer.average):
        torch.testing.assert_close(network(x), plain(x), rtol=1e-4, atol=1e-8)
    with pytest.raises(ValueError, match="another form"):
        _trainer(PLAIN).begin_with(_start(HEARING))
    with pytest.raises(ValueError, match="another form"):
        trainer.begin_with(_start(replace(PLAIN, width=5)))


def test_a_strange_number_is_refused() -> None:
    with pytest.raises(ValueError, match="n_heard must be 0 or more"):
        UNetConfig(n_heard=-1)
