"""The command that draws a theme's stills with their seeds."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from keyframes.form import Form
from keyframes.generator import Generator
from keyframes.layers import initialise
from keyframes.stills import Stills
from pix2pix.run import seeded
from scripts import gallery

SIDE = 32


@pytest.fixture(autouse=True)
def stills(monkeypatch: pytest.MonkeyPatch) -> Stills:
    """Put a tiny theme in place of the shipped ones."""
    generator = Generator(Form(width=16, n_noise=8, n_style=16))
    initialise(generator, seeded(0))
    made = Stills(generator)
    monkeypatch.setattr(gallery, "load_theme", lambda _: SimpleNamespace(stills=made))
    monkeypatch.setattr(gallery, "SIDE", SIDE)
    return made


def _tile(sheet: Image.Image, place: int) -> np.ndarray:
    """Cut a still out of a sheet of six columns, without the corner where its seed stands."""
    row, column = divmod(place, gallery.N_COLUMNS)
    left = gallery.GAP + column * (SIDE + gallery.GAP)
    top = gallery.GAP + row * (SIDE + gallery.GAP)
    cut = sheet.crop((left + 20, top, left + SIDE, top + SIDE))
    return np.asarray(cut).astype(float)


def _drawn(output: Path, *options: str) -> Image.Image:
    result = CliRunner().invoke(gallery.main, [*options, "-o", str(output)])
    assert result.exit_code == 0, result.output
    return Image.open(output).convert("RGB")


def test_the_sheet_shows_the_stills_of_the_seeds_asked_for(tmp_path: Path, stills: Stills) -> None:
    sheet = _drawn(tmp_path / "sheet.png", "--n", "8", "--seed", "5")
    width = gallery.GAP + 6 * (SIDE + gallery.GAP)
    assert sheet.size == (width, gallery.GAP + 2 * (SIDE + gallery.GAP))
    later = _drawn(tmp_path / "later.png", "--n", "8", "--seed", "7")
    right = slice(30 - 20, None)  # beyond the widest figures
    first, second = _tile(sheet, 2)[:, right], _tile(later, 0)[:, right]
    assert np.abs(first - second).mean() < 0.1
    assert np.abs(first - _tile(sheet, 5)[:, right]).mean() > 2


def test_each_still_bears_its_seed(tmp_path: Path) -> None:
    one = np.asarray(_drawn(tmp_path / "a.png", "--n", "1", "--seed", "8")).astype(int)
    # Dark figures on a light ground, both inside the lower left corner.
    corner = one[-(gallery.GAP + SIDE) :, : gallery.GAP + SIDE]
    assert (corner.max(axis=2) < 40).sum() > 20
    assert (corner.min(axis=2) > 240).sum() > 100


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--n", "0", "-o", "x.png"], "'--n'"),
        (["--seed", "-1", "-o", "x.png"], "'--seed'"),
        (["--n", "2"], "'-o'"),
        (["--n", "1", "-o", "nowhere/x.png"], "nowhere"),
        (["--n", "1", "-o", "x.unknown"], "unknown"),
    ],
)
def test_a_mistake_is_one_sentence(
    options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(gallery.main, options)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


def test_an_unknown_theme_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    options = ["--theme", "nosuch", "-o", str(tmp_path / "x.png")]
    result = CliRunner().invoke(gallery.main, options)
    assert result.exit_code == 2
    assert "nosuch" in result.output
