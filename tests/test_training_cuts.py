"""Cuts out of a user's pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pix2pix.run import seeded
from spectro.errors import TonfilmError
from tests.made_pictures import motif, slope
from training_data import cuts
from training_data.cuts import FEW, FREE, STRICT, Cuts, Freedom

PLAIN = Freedom(zoom=1.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    slope().save(tmp_path / "one.png")
    return tmp_path / "one.png"


@pytest.mark.parametrize("ending", ["jpg", "JPEG", "png", "webp"])
def test_pictures_of_all_kinds_are_cut_to_shape(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"one.{ending}"
    slope().save(path)
    made = Cuts([path], flipped=False)(seeded(0), 3, 32, 48)
    assert made.shape == (3, 3, 32, 48)
    assert made.dtype == torch.uint8
    # Neither mirrored nor turned: red still grows to the right, green downwards.
    assert (made[:, 0, :, -1].float().mean(1) > made[:, 0, :, 0].float().mean(1) + 50).all()
    assert (made[:, 1, -1].float().mean(1) > made[:, 1, 0].float().mean(1) + 50).all()


def test_half_of_the_cuts_are_mirrored_where_that_is_allowed(path: Path) -> None:
    made = Cuts([path], flipped=True)(seeded(0), 60, 16, 16).float()
    mirrored = (made[:, 0, :, 0].mean(1) > made[:, 0, :, -1].mean(1)).sum()
    assert 15 < mirrored < 45


def test_cuts_depend_on_the_generator_alone(tmp_path: Path) -> None:
    paths = [tmp_path / f"{seed}.png" for seed in range(3)]
    for seed, path in enumerate(paths):
        motif(seed).save(path)
    used = Cuts(paths, flipped=True)
    used(seeded(5), 4, 16, 16)
    one, same, other = (used(seeded(1), 4, 16, 16), Cuts(paths, flipped=True)(seeded(1), 4, 16, 16),
                        used(seeded(2), 4, 16, 16))  # fmt: skip
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("size", [(300, 280), (90, 60), (700, 40)])
@pytest.mark.parametrize("shape", [(64, 64), (64, 128), (128, 64)])
def test_no_freedom_shows_what_does_not_belong_to_the_picture(
    tmp_path: Path, size: tuple[int, int], shape: tuple[int, int]
) -> None:
    path = tmp_path / "plain.png"
    Image.new("RGB", size, (200, 180, 160)).save(path)
    wild = Freedom(zoom=1.2, tilt_degrees=30.0)
    made = Cuts([path], flipped=True, freedom=wild)(seeded(0), 40, *shape)
    assert (made == torch.tensor([200, 180, 160], dtype=torch.uint8)[:, None, None]).all()


def test_tilted_cuts_are_turned_about_and_keep_their_scale(path: Path) -> None:
    made = Cuts([path], flipped=False, freedom=Freedom(zoom=1.0, tilt_degrees=10.0))
    tilted = made(seeded(0), 40, 96, 96)[:, 0].float()
    across = tilted[:, 48, 90] - tilted[:, 48, 6]
    down = tilted[:, 90, 48] - tilted[:, 6, 48]
    angles = torch.rad2deg(torch.atan2(down, across))
    assert angles.abs().max() > 8
    assert angles.min() < -5 < 5 < angles.max()
    assert angles.abs().max() < 11.5
    # A tilted piece is smaller, by cos + sin of its angle, for its corners to fit.
    turn = torch.deg2rad(angles)
    expected = 255 * 84 / 96 * (280 / 300) / (turn.cos() + turn.sin().abs())
    torch.testing.assert_close(torch.hypot(across, down), expected, atol=5, rtol=0)


def test_few_pictures_are_shown_in_more_ways_than_many(path: Path) -> None:
    few = Cuts([path], flipped=False)(seeded(0), 8, 32, 32)
    assert torch.equal(few, Cuts([path], flipped=False, freedom=FREE)(seeded(0), 8, 32, 32))
    many = Cuts([path] * FEW, flipped=False)(seeded(0), 8, 32, 32)
    strict = Cuts([path] * FEW, flipped=False, freedom=STRICT)(seeded(0), 8, 32, 32)
    assert torch.equal(many, strict)
    assert not torch.equal(few, many)


def test_light_and_colour_stray_as_far_as_they_may(tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    Image.new("RGB", (40, 40), (128, 128, 128)).save(path)

    def tones(freedom: Freedom) -> np.ndarray:
        made = Cuts([path], flipped=False, freedom=freedom)(seeded(0), 60, 8, 8)
        return made[:, :, 0, 0].int().numpy()

    assert (tones(PLAIN) == 128).all()
    lights = tones(Freedom(zoom=1.0, light=0.2))
    assert (lights == lights[:, :1]).all()  # no change of colour
    assert 255 * (128 / 255) ** 1.2 <= lights.min() + 1 < 115
    assert 140 < lights.max() - 1 <= 255 * (128 / 255) ** 0.8
    coloured = tones(Freedom(zoom=1.0, colour=0.2))
    assert np.ptp(coloured, axis=1).max() > 10


def test_a_picture_is_read_once_until_memory_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / f"{seed}.png" for seed in range(4)]
    for seed, path in enumerate(paths):
        motif(seed).save(path)
    n_read = 0
    read = cuts.read_found

    def count(path: Path, at_least: int) -> torch.Tensor:
        nonlocal n_read
        n_read += 1
        return read(path, at_least)

    monkeypatch.setattr(cuts, "read_found", count)
    kept = Cuts(paths, flipped=False)(seeded(0), 40, 16, 16)
    assert n_read == 4
    monkeypatch.setattr(cuts, "MOST_KEPT_BYTES", 3 * 24 * 36)  # one picture, for cuts zoomed 1.5
    again = Cuts(paths, flipped=False)(seeded(0), 40, 16, 16)
    assert 20 < n_read < 44
    assert torch.equal(kept, again)


def test_shapes_are_cut_one_after_the_other_as_well_as_alone(tmp_path: Path) -> None:
    motif(0).save(tmp_path / "one.png")
    both = Cuts([tmp_path / "one.png"], flipped=False)
    both(seeded(0), 1, 16, 16)
    large = both(seeded(0), 2, 96, 96)
    assert torch.equal(large, Cuts([tmp_path / "one.png"], flipped=False)(seeded(0), 2, 96, 96))


def test_a_picture_that_is_gone_is_one_sentence(path: Path) -> None:
    made = Cuts([path], flipped=False)
    path.unlink()
    with pytest.raises(TonfilmError, match="can no longer be read"):
        made(seeded(0), 1, 16, 16)
