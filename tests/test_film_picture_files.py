"""Pictures of the user's: every form that is read, and every file that is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from film.picture_files import KEPT_SIDE, MIN_SIDE, read_picture
from spectro.errors import TonfilmError

SIZE = (60, 40)  # width and height


def make_image(width: int = SIZE[0], height: int = SIZE[1]) -> Image.Image:
    """Make a smooth picture whose corners all differ."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, (x + y) / 2], axis=2).astype(np.uint8))


def _away(path: Path, image: Image.Image) -> float:
    """Return how far what is read lies from an image, in steps of 255."""
    pixels = read_picture(path).pixels
    return float(np.abs(pixels.astype(float) - np.asarray(image.convert("RGB"), float)).mean())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.jpg", {"quality": 95}),
        ("progressive.jpg", {"quality": 95, "progressive": True}),
        ("a.png", {}),
        ("a.webp", {"quality": 95}),
        ("whole.webp", {"lossless": True}),
        ("no ending, but a picture", {"format": "PNG"}),
    ],
)
def test_jpeg_png_and_webp_are_read(tmp_path: Path, name: str, options: dict) -> None:
    make_image().save(tmp_path / name, **options)
    assert _away(tmp_path / name, make_image()) < 3
    assert read_picture(tmp_path / name).name == name


@pytest.mark.parametrize("name", ["grey.jpg", "grey.png", "grey.webp"])
def test_grey_pictures_are_read(tmp_path: Path, name: str) -> None:
    grey = make_image().convert("L")
    grey.save(tmp_path / name)
    assert _away(tmp_path / name, grey) < 3


def test_sixteen_bits_are_read(tmp_path: Path) -> None:
    grey = make_image().convert("L")
    Image.fromarray(np.asarray(grey, np.uint16) * 257).save(tmp_path / "a.png")
    assert _away(tmp_path / "a.png", grey) < 1


@pytest.mark.parametrize("name", ["a.png", "a.webp"])
def test_what_is_transparent_is_white(tmp_path: Path, name: str) -> None:
    image = make_image().convert("RGBA")
    image.putalpha(
        Image.fromarray(np.repeat([[0, 255]], 30, axis=1).repeat(40, 0).astype(np.uint8))
    )
    image.save(tmp_path / name, **({"lossless": True} if name == "a.webp" else {}))
    pixels = read_picture(tmp_path / name).pixels
    assert (pixels[:, :30] == 255).all()
    assert np.array_equal(pixels[:, 30:], np.asarray(make_image())[:, 30:])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright_however_the_camera_was_held(
    tmp_path: Path, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    make_image().save(tmp_path / "a.jpg", exif=exif, quality=95)
    with Image.open(tmp_path / "a.jpg") as image:
        assert _away(tmp_path / "a.jpg", ImageOps.exif_transpose(image)) < 1


def test_a_big_picture_is_scaled_down_evenly(tmp_path: Path) -> None:
    make_image(2600, 1950).save(tmp_path / "a.png")
    pixels = read_picture(tmp_path / "a.png").pixels
    assert pixels.shape == (650, 866, 3)
    assert min(pixels.shape[:2]) >= KEPT_SIDE
    small = np.asarray(make_image(2600, 1950).resize((866, 650), Image.Resampling.BOX), float)
    assert np.abs(pixels - small).max() <= 2


def _spoil(path: Path, ailment: str) -> None:
    """Write a file that is no usable picture."""
    if ailment == "cut off":
        make_image().save(path, "JPEG")
        path.write_bytes(path.read_bytes()[:400])
    elif ailment == "palette":
        make_image().convert("P").save(path, "PNG")
    elif ailment == "huge":
        make_image().save(path, "PNG")
        data = bytearray(path.read_bytes())
        data[16:24] = b"\0\1\0\0\0\1\0\0"
        path.write_bytes(data)
    else:
        path.write_bytes({"empty": b"", "text": b"hello", "start": b"\x89PNG\r\n\x1a\n"}[ailment])


@pytest.mark.parametrize("ailment", ["cut off", "palette", "huge", "empty", "text", "start"])
def test_what_is_no_picture_is_refused_in_one_sentence(tmp_path: Path, ailment: str) -> None:
    _spoil(tmp_path / "a.jpg", ailment)
    with pytest.raises(TonfilmError, match=r"^a\.jpg is no picture that can be read: [^\n]*\.$"):
        read_picture(tmp_path / "a.jpg")


def test_too_small_a_picture_is_refused(tmp_path: Path) -> None:
    make_image(MIN_SIDE, MIN_SIDE).save(tmp_path / "enough.png")
    read_picture(tmp_path / "enough.png")
    make_image(400, MIN_SIDE - 1).save(tmp_path / "small.png")
    with pytest.raises(TonfilmError, match=r"small\.png is too small \(400×31\)"):
        read_picture(tmp_path / "small.png")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(TonfilmError, match=r"There is no picture .*none\.jpg.*comma"):
        read_picture(tmp_path / "none.jpg")
    with pytest.raises(TonfilmError, match="cannot be read"):
        read_picture(tmp_path)
