"""Pictures of a user's folder are read as they are to be seen, surveyed, and kept in arrays."""

import itertools
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance

from spectro.errors import TonfilmError
from tests.made_pictures import motif, slope
from training_data import folders
from training_data.folders import TooLargeError, read_picture
from training_data.made import MADE
from training_data.picture_arrays import Shape, cache
from training_data.survey import Survey, survey


def _save_palette(path: Path) -> None:
    picture = Image.new("P", (40, 40), 3)
    picture.putpalette([0, 0, 0] * 3 + [100, 100, 100])
    picture.save(path)


def _save_rgb_16(path: Path) -> None:
    """Write a PNG with 16 bits a colour, which Pillow reads but cannot write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return len(data).to_bytes(4, "big") + checked + zlib.crc32(checked).to_bytes(4, "big")

    rows = b"".join(b"\0" + np.full(40 * 3, 100 * 257, ">u2").tobytes() for _ in range(40))
    header = (40).to_bytes(4, "big") * 2 + bytes([16, 2, 0, 0, 0])
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


GREY_IN_DISGUISE: dict[str, Callable[[Path], None]] = {  # each is 100 of 255 all over
    "grey.png": Image.new("L", (40, 40), 100).save,
    "grey and alpha.png": Image.new("LA", (40, 40), (100, 255)).save,
    "sixteen bits.png": Image.fromarray(np.full((40, 40), 100 * 257, np.uint16)).save,
    "sixteen bits of colour.png": _save_rgb_16,
    "palette.png": _save_palette,
    "inks.jpg": Image.new("CMYK", (40, 40), (0, 0, 0, 155)).save,
    "lossy.webp": Image.new("RGB", (40, 40), (100, 100, 100)).save,
}


@pytest.mark.parametrize("name", GREY_IN_DISGUISE)
def test_every_kind_of_picture_keeps_its_tone(tmp_path: Path, name: str) -> None:
    GREY_IN_DISGUISE[name](tmp_path / name)
    picture = read_picture(tmp_path / name)
    assert picture.shape == (3, 40, 40)
    assert (picture.int() - 100).abs().max() <= 2


def test_what_is_clear_becomes_white(tmp_path: Path) -> None:
    drawing = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    drawing.paste((200, 0, 0, 255), (0, 0, 20, 40))
    drawing.save(tmp_path / "drawing.png")
    palette = Image.new("P", (40, 40), 0)
    palette.putpalette([0, 0, 0, 200, 0, 0])
    palette.paste(1, (0, 0, 20, 40))
    palette.save(tmp_path / "palette.png", transparency=0)
    for name in ("drawing.png", "palette.png"):
        picture = read_picture(tmp_path / name)
        assert (picture[:, :, 20:] == 255).all()
        assert picture[:, 20, 10].tolist() == [200, 0, 0]


def test_of_a_moving_picture_the_first_frame_is_read(tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (40, 40), colour) for colour in ("black", "white"))
    first.save(tmp_path / "moving.webp", save_all=True, append_images=[second])
    assert read_picture(tmp_path / "moving.webp").max() <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_read_upright(tmp_path: Path, orientation: int) -> None:
    # How a camera that was held so stores what it saw: the way back of the EXIF standard's table.
    way = {
        1: None, 2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE",
        6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270",
    }[orientation]  # fmt: skip
    stored = slope() if way is None else slope().transpose(Image.Transpose[way])
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "held.jpg", exif=exif)
    difference = read_picture(tmp_path / "held.jpg").int() - torch.from_numpy(
        np.array(slope(), np.int32)
    ).permute(2, 0, 1)
    assert difference.float().abs().mean() < 3


@pytest.mark.parametrize("name", ["odd.jpg", "odd.webp"])
def test_odd_metadata_costs_no_picture(tmp_path: Path, name: str) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 3, "the maker of the camera"
    Image.new("RGB", (40, 40)).save(tmp_path / name, exif=exif)
    whole = (tmp_path / name).read_bytes()
    place = whole.index(b"MM\0*")  # where the metadata begin, header and first entries
    for at in range(place, place + 36):
        (tmp_path / name).write_bytes(whole[:at] + b"\xff" + whole[at + 1 :])
        assert read_picture(tmp_path / name).shape == (3, 40, 40)


def test_a_gigantic_jpeg_is_read_smaller_and_any_other_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slope().save(tmp_path / "large.jpg")
    slope().save(tmp_path / "large.png")
    assert read_picture(tmp_path / "large.jpg", 40).shape == (3, 70, 75)
    monkeypatch.setattr(folders, "MOST_PIXELS", 50_000)
    assert read_picture(tmp_path / "large.jpg").shape == (3, 140, 150)
    with pytest.raises(TooLargeError):
        read_picture(tmp_path / "large.png")


def test_a_picture_beyond_what_is_opened_at_all_is_left_out_with_a_sentence(
    tmp_path: Path,
) -> None:
    slope().save(tmp_path / "good.png")
    Image.new("1", (20_000, 10_000)).save(tmp_path / "bomb.png")
    told: list[str] = []
    assert survey(tmp_path, told.append).n_left_out == 1
    assert len(told) == 1
    assert "bomb.png is left out: it has more pixels than are read at once" in told[0]


def test_what_cannot_be_used_is_named_with_its_reason(tmp_path: Path) -> None:
    motif(0).save(tmp_path / "good.jpg")
    whole = (tmp_path / "good.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "empty.png").touch()
    Image.new("RGB", (31, 500)).save(tmp_path / "thin.png")
    (tmp_path / "._hidden.jpg").write_text("what a system keeps there")
    (tmp_path / "folder.png").mkdir()
    told: list[str] = []
    found = survey(tmp_path, told.append)
    assert found.paths == (tmp_path / "good.jpg",)
    assert (found.n_left_out, found.n_copies, found.n_small) == (4, 0, 0)
    assert told == [
        f"{tmp_path}/cut.jpg is left out: it is damaged or breaks off.",
        f"{tmp_path}/empty.png is left out: it is empty.",
        f"{tmp_path}/text.jpg is left out: it is no picture, whatever its name says.",
        f"{tmp_path}/thin.png is left out: it has only 31×500 pixels.",
    ]


def test_small_pictures_are_kept_and_counted_in_one_sentence(tmp_path: Path) -> None:
    for seed in range(3):
        motif(seed, 90, 60).save(tmp_path / f"small {seed}.png")
    motif(3).save(tmp_path / "large.png")
    told: list[str] = []
    found = survey(tmp_path, told.append)
    assert (len(found.paths), found.n_small) == (4, 3)
    assert told == [
        "3 of 4 pictures are smaller than 256 pixels and are enlarged: expect softness."
    ]


def test_of_copies_the_largest_is_kept_and_variants_all_are(tmp_path: Path) -> None:
    for seed in range(6):
        picture = motif(seed)
        picture.save(tmp_path / f"{seed} whole.png")
        picture.resize((240, 160)).save(tmp_path / f"{seed} half.jpg", quality=40)
        picture.resize((90, 60)).save(tmp_path / f"{seed} a thumbnail.jpg", quality=30)
        picture.save(tmp_path / f"{seed} saved again.webp", quality=30)
        ImageEnhance.Brightness(picture).enhance(0.6).save(tmp_path / f"{seed} night.png")
    told: list[str] = []
    found = survey(tmp_path, told.append)
    kept = [path.name for path in found.paths]
    # Saved again it is as large, and comes first by name.
    assert kept == [f"{s} {name}" for s in range(6) for name in ("night.png", "saved again.webp")]
    assert found.n_copies == 18
    assert told[0].startswith("18 of 30 pictures are left out: the same picture is there")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("nowhere", "There is no folder"),
        ("a file.jpg", "is a file; name the folder"),
        ("notes", "No picture lies in"),
        ("broken", "None of the pictures in .* can be used"),
    ],
)
def test_a_folder_to_learn_nothing_from_is_refused(tmp_path: Path, place: str, said: str) -> None:
    slope().save(tmp_path / "a file.jpg")
    for folder, name in (("notes", "notes.txt"), ("broken", "broken.jpg")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text("words")
    with pytest.raises(TonfilmError, match=said):
        survey(tmp_path / place, lambda _: None)


def _survey_of(n: int) -> Survey:
    paths = tuple(Path(f"{index:03}.jpg") for index in range(n))
    return Survey(paths=paths, n_left_out=0, n_copies=0, n_small=0)


def test_expectations_rise_with_the_number_of_pictures() -> None:
    said = [_survey_of(n).expectation() for n in (1, 29, 30, 299, 300)]
    for sentence, words in zip(
        said, ("copies", "copies", "flowing shapes", "flowing shapes", "much variety"), strict=True
    ):
        assert words in sentence


def test_every_tenth_is_held_out_of_a_hundred_or_more() -> None:
    few, many = _survey_of(99).split(), _survey_of(100).split()
    assert (len(few.training), few.held_out) == (99, ())
    assert [path.stem for path in many.held_out] == [f"{i:03}" for i in range(9, 100, 10)]
    assert sorted(itertools.chain(many.training, many.held_out)) == list(_survey_of(100).paths)


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


def test_two_trainings_that_want_the_same_array_at_once_paint_it_once(tmp_path: Path) -> None:
    shape = Shape(n=32, height=16, width=16)
    told: list[tuple[int, int]] = []

    def tell(*done: int) -> None:
        told.append(done)
        time.sleep(0.2)

    with ThreadPoolExecutor(2) as threads:
        waiting = [
            threads.submit(cache, tmp_path, shape, MADE["abstract"], 4, tell) for _ in range(2)
        ]
        first, second = (array.result() for array in waiting)
    assert told == [(16, 32), (32, 32)]
    assert np.array_equal(first, second)
    assert first.std(axis=(1, 2, 3)).min() > 0


def test_an_array_that_was_interrupted_is_begun_again(tmp_path: Path) -> None:
    shape = Shape(n=18, height=16, width=16)

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache(tmp_path, shape, MADE["abstract"], 4, stop)
    whole = cache(tmp_path, shape, MADE["abstract"], 4, lambda *_: None)
    assert np.array_equal(whole, cache(tmp_path / "b", shape, MADE["abstract"], 4, lambda *_: None))
