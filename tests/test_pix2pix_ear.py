"""The ear knows that the columns of a spectrogram picture are time."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from pix2pix import weights
from pix2pix.contrast import compare_contrasts, measure_contrasts
from pix2pix.ear import Ear
from pix2pix.lessons import vary
from pix2pix.networks import UNet, UNetConfig, initialise
from pix2pix.painter import Painter, load_network, save_network
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


def _trainer(config: UNetConfig, **changed: float) -> Trainer:
    settings = Settings(unet=config, judge_width=2, batch=2, learning_rate=2e-3)
    settings = replace(settings, **changed)
    fabric = Fabric(accelerator="cpu", devices=1)
    return Trainer(fabric, settings, Bars(), Bars(), name_band)


def test_the_ear_learns_to_tell_the_numbers_behind_frames() -> None:
    trainer = _trainer(HEARING, learning_rate=1e-3)
    hearing = trainer.painter.hearing
    assert hearing is not None
    before = [parameter.clone() for parameter in hearing.parameters()]
    told = [trainer.step(step, 0.0)["told"] for step in range(100)]
    assert sum(told[-20:]) < 0.6 * sum(told[:20])
    for old, new in zip(before, hearing.parameters(), strict=True):
        assert not torch.equal(old, new)


def _learn_with(config: UNetConfig, **settings: float) -> tuple[set[str], dict[str, float]]:
    """Return which weights a few steps change, and the losses of the last."""
    trainer = _trainer(config, **settings)
    before = {name: tensor.clone() for name, tensor in trainer.painter.named_parameters()}
    for step in range(3):  # what tells the numbers begins with zeros, and says nothing at first
        figures = trainer.step(step, 0.3)
    after = dict(trainer.painter.named_parameters())
    return {name for name, old in before.items() if not torch.equal(old, after[name])}, figures


def test_the_ear_learns_alone_first_and_the_encoder_only_where_it_is_new() -> None:
    listening, told = _learn_with(HEARING, listen_until=0.5)
    decoding, painted = _learn_with(HEARING, encoder_learns=False, judge_from=0.5)
    everything, judged = _learn_with(HEARING, contrast_weight=1.0)
    assert {name.split(".")[1] for name in listening} == {"ear"}
    assert {name.split(".")[0] for name in decoding} == {"up", "hearing"}
    assert {name.split(".")[0] for name in everything} == {"down", "up", "hearing"}
    assert (set(told), set(painted)) == ({"told"}, {"l1", "told"})
    assert set(judged) == {"l1", "told", "contrast", "judge", "adversarial"}
    # Where there is no ear, nothing but painting is left to learn.
    plain, _ = _learn_with(PLAIN, listen_until=0.5)
    assert {name.split(".")[0] for name in plain} == {"down", "up"}


def test_contrasts_tell_a_blur_and_not_where_detail_lies() -> None:
    grain = torch.rand(2, 3, 64, 64, generator=seeded(1)) * 2 - 1
    flat = torch.zeros(2, 3, 64, 64)
    blurred = torch.nn.functional.avg_pool2d(grain, 5, 1, 2)
    moved = grain.roll(1, 3)
    distances = [compare_contrasts(x, grain).item() for x in (grain, moved, blurred, flat)]
    assert distances[0] == 0
    assert distances[1] < 0.3 * distances[2] < 0.3 * distances[3]
    assert [x.shape[2:] for x in measure_contrasts(grain)] == [(8, 8), (4, 4), (2, 2)]
    still = flat.clone().requires_grad_()
    compare_contrasts(still, grain).backward()
    assert still.grad is not None
    assert still.grad.isfinite().all()


def test_an_ear_that_listens_alone_learns_to_tell() -> None:
    trainer = _trainer(HEARING, listen_until=1.0, listening_rate=5e-3)
    told = [trainer.step(step, 0.1)["told"] for step in range(80)]
    assert sum(told[-10:]) < 0.6 * sum(told[:10])


def test_going_on_from_an_ear_needs_not_learn_again_what_it_tells() -> None:
    first = _trainer(HEARING, listen_until=1.0, listening_rate=5e-3)
    told = [first.step(step, 0.1)["told"] for step in range(60)]
    second = _trainer(HEARING, listen_until=1.0, listening_rate=1e-9)
    second.begin_with(first.painter)
    again = [second.step(step, 0.1)["told"] for step in range(10)]
    assert sum(again) < 0.7 * sum(told[:10])
    # Where nothing has been heard yet, there is nothing to fit.
    third = _trainer(HEARING)
    third.begin_with(_start(PLAIN))
    assert not third.teller.weight.any()


def test_sounds_are_varied_within_their_range_and_silence_stays() -> None:
    sounds = torch.rand(64, 8, 32, generator=seeded(1)).clamp(min=0.05)
    varied = vary(sounds, seeded(2))
    assert torch.equal(varied, vary(sounds, seeded(2)))
    assert 0 <= varied.min() < varied.max() <= 1
    same = (varied == sounds).flatten(1).all(1).float().mean()
    assert 0.1 < same < 0.4
    # Some follow another sound, whose beginning is untouched.
    ends = (varied[:, None, :, -1] == sounds[None, :, :, -1]).all(2).any(1)
    begins = (varied[:, None, :, 0] == sounds[None, :, :, 0]).all(2).any(1)
    assert 0.1 < (begins & ~ends).float().mean() < 0.4
    assert vary(torch.zeros(8, 4, 4), seeded(2)).max() == 0


def test_an_ear_from_before_it_heard_rises_paints_as_it_did(tmp_path: Path) -> None:
    network = _start(HEARING)
    assert network.hearing is not None
    ear, n_old = network.hearing.ear, {"first": 120, "sum_up": 5 * 224}
    with torch.no_grad():
        for change in network.hearing.changes.parameters():
            change.normal_(std=0.5, generator=seeded(2))
        for name, n in n_old.items():
            getattr(ear, name).weight[:, n:] = 0
    x = torch.rand(2, 1, 256, 256, generator=seeded(1)) * 2 - 1
    expected = network.half().float()(x)
    stored = weights.load(tmp_path / "new", save_network(tmp_path / "new", network))
    old = {name: tensor for name, tensor in stored.tensors.items() if ".weigh." not in name}
    for name, n in n_old.items():
        old[f"hearing.ear.{name}.weight"] = old[f"hearing.ear.{name}.weight"][:, :n]
    weights.save(tmp_path / "old", old, stored.metadata)
    again = load_network(weights.load(tmp_path / "old", None))
    torch.testing.assert_close(again(x), expected, atol=1e-5, rtol=1e-4)
    assert again.hearing is not None
    assert again.hearing.ear.weigh.weight.abs().min() > 0  # it can learn from there
    del old["down.0.conv.weight"]
    weights.save(tmp_path / "broken", old, stored.metadata)
    with pytest.raises(weights.BrokenWeights):
        load_network(weights.load(tmp_path / "broken", None))


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
    for wrong in ({"n_heard": -1}, {"emphasis": -0.1}):
        with pytest.raises(ValueError, match="n_heard and emphasis must be 0 or more"):
            UNetConfig(**wrong)


def test_painting_emphasises_what_is_not_usual_and_learning_does_not(tmp_path: Path) -> None:
    trainer = _trainer(replace(HEARING, emphasis=1.5))
    for step in range(3):
        trainer.step(step, 0.0)
    with torch.no_grad():
        for network in (trainer.painter, trainer.average):
            for change in network.hearing.changes.parameters():
                change.normal_(std=0.5, generator=seeded(2))
    stored = weights.load(tmp_path / "new", trainer.export(tmp_path / "new"))
    network = load_network(stored)
    assert network.hearing is not None
    sounds = torch.cat(
        [trainer.learnt.batch(seeded(n), 8, 256, 256).spectrograms for n in range(9)]
    )
    heard, told = network.hearing.ear(sounds * 2 - 1), network.listen(sounds * 2 - 1)
    usual = network.hearing.usual
    torch.testing.assert_close(told, usual + 1.5 * (heard - usual), atol=1e-4, rtol=1e-3)
    assert (heard.mean(0) - usual).abs().max() < 0.5 * heard.std(0).max()
    assert torch.equal(network.train().listen(sounds), network.hearing.ear(sounds))
    network.eval()
    painter = Painter(network, "float32")
    ours = painter.paint(sounds[:2, 0], 256, 256) * 2 - 1
    torch.testing.assert_close(ours, network(sounds[:2] * 2 - 1), atol=1e-3, rtol=1e-3)


def test_a_file_from_before_there_was_emphasis_paints_as_it_did(tmp_path: Path) -> None:
    network = _start(HEARING)
    stored = weights.load(tmp_path / "new", save_network(tmp_path / "new", network))
    del stored.tensors["hearing.usual"]
    form = json.loads(stored.metadata["unet"])
    assert form.pop("emphasis") == 1
    weights.save(tmp_path / "old", dict(stored.tensors), {"unet": json.dumps(form)})
    x = torch.rand(2, 1, 256, 256, generator=seeded(1)) * 2 - 1
    expected = network.half().float()(x)
    again = load_network(weights.load(tmp_path / "old", None))
    torch.testing.assert_close(again(x), expected, atol=1e-5, rtol=1e-4)
