"""Pictures from a user's folder, and the arrays they are kept in."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pix2pix.run import seeded
from spectro.errors import TonfilmError
from training_data.folders import Folder
from training_data.picture_arrays import MADE, Shape, cache


def _write(path: Path, width: int = 90, height: int = 60) -> None:
    """Write a picture: red grows to the right, green downwards."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width)[None]
    pixels[..., 1] = np.linspace(0, 255, height)[:, None]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.mark.parametrize("ending", ["jpg", "JPEG", "png", "webp"])
def test_pictures_of_all_kinds_are_cut_to_shape(tmp_path: Path, ending: str) -> None:
    _write(tmp_path / "inside" / f"one.{ending}")
    cuts = Folder(tmp_path, flipped=False, skip=pytest.fail)(seeded(0), 3, 32, 48)
    assert cuts.shape == (3, 3, 32, 48)
    assert cuts.dtype == torch.uint8
    # Neither mirrored nor turned: red still grows to the right, green downwards.
    assert (cuts[:, 0, :, -1].float().mean(1) > cuts[:, 0, :, 0].float().mean(1) + 50).all()
    assert (cuts[:, 1, -1].float().mean(1) > cuts[:, 1, 0].float().mean(1) + 50).all()


def test_grey_and_clear_pictures_become_coloured(tmp_path: Path) -> None:
    Image.new("L", (40, 40), 100).save(tmp_path / "grey.png")
    Image.new("RGBA", (40, 40), (100, 100, 100, 9)).save(tmp_path / "clear.png")
    cuts = Folder(tmp_path, flipped=True, skip=pytest.fail)(seeded(0), 6, 16, 16)
    assert (cuts == 100).all()


def test_half_of_the_cuts_are_mirrored_where_that_is_allowed(tmp_path: Path) -> None:
    _write(tmp_path / "one.png")
    cuts = Folder(tmp_path, flipped=True, skip=pytest.fail)(seeded(0), 60, 16, 16).float()
    mirrored = (cuts[:, 0, :, 0].mean(1) > cuts[:, 0, :, -1].mean(1)).sum()
    assert 15 < mirrored < 45


def test_cuts_depend_on_the_generator_alone(tmp_path: Path) -> None:
    for name in "abc":
        _write(tmp_path / f"{name}.png", 50 + ord(name))
    one, same, other = (
        Folder(tmp_path, flipped=True, skip=pytest.fail)(seeded(s), 4, 16, 16) for s in (1, 1, 2)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_broken_pictures_are_named_once_and_left_out(tmp_path: Path) -> None:
    _write(tmp_path / "good.png")
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    (tmp_path / "empty.png").write_bytes(b"")
    skipped: list[Path] = []
    cuts = Folder(tmp_path, flipped=False, skip=skipped.append)(seeded(0), 30, 16, 16)
    assert len(cuts) == 30
    assert sorted(path.name for path in skipped) == ["broken.jpg", "empty.png"]


@pytest.mark.parametrize(
    ("made", "said"), [("nothing", "There is no folder"), ("folder", "No readable picture")]
)
def test_a_folder_without_pictures_is_refused(tmp_path: Path, made: str, said: str) -> None:
    folder = tmp_path / "pictures"
    if made == "folder":
        folder.mkdir()
        (folder / "notes.txt").write_text("none")
    with pytest.raises(TonfilmError, match=said):
        Folder(folder, flipped=True, skip=pytest.fail)


def test_a_folder_of_broken_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no")
    folder = Folder(tmp_path, flipped=True, skip=lambda _: None)
    with pytest.raises(TonfilmError, match="No readable picture"):
        folder(seeded(0), 1, 16, 16)


def test_an_array_is_painted_once(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    shape = Shape(n=18, height=16, width=32)
    first = cache(tmp_path, shape, MADE["abstract"], 4, lambda *done: told.append(done))
    assert first.shape == (18, 3, 16, 32)
    assert told == [(16, 18), (18, 18)]
    assert first.std(axis=(1, 2, 3)).min() > 0
    again = cache(tmp_path, shape, pytest.fail, 4, pytest.fail)
    assert np.array_equal(first, again)
    other = cache(tmp_path / "other", shape, MADE["abstract"], 5, lambda *_: None)
    assert not np.array_equal(first, other)


def test_an_array_that_was_interrupted_is_begun_again(tmp_path: Path) -> None:
    shape = Shape(n=18, height=16, width=16)

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache(tmp_path, shape, MADE["abstract"], 4, stop)
    whole = cache(tmp_path, shape, MADE["abstract"], 4, lambda *_: None)
    assert np.array_equal(whole, cache(tmp_path / "b", shape, MADE["abstract"], 4, lambda *_: None))
