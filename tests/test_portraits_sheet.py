"""The command that draws what a theme makes of the user's own pictures."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from film.planes import Size
from scripts import portraits

SIDE = 64


@pytest.fixture(autouse=True)
def small(tiny_theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw small sheets, and fit roughly."""
    monkeypatch.setattr(portraits, "CANVAS", Size(height=SIDE, width=SIDE))
    monkeypatch.setattr("keyframes.fitting.N_STEPS", 60)
    monkeypatch.setattr("keyframes.fitting.N_TRIED", 32)


def draw(*arguments: str) -> Result:
    """Run the command with the tiny theme."""
    return CliRunner().invoke(portraits.main, ["--theme", "tiny", *arguments])


def tile(sheet: np.ndarray, row: int, column: int) -> np.ndarray:
    """Cut a picture out of a sheet."""
    top, left = (portraits.GAP + place * (SIDE + portraits.GAP) for place in (row, column))
    return sheet[top : top + SIDE, left : left + SIDE].astype(float)


def test_pictures_stand_over_their_portraits_and_a_walk_leads_on(tmp_path: Path) -> None:
    colours = {"a.png": (200, 60, 40), "b.png": (30, 60, 160)}
    for name, colour in colours.items():
        Image.new("RGB", (90, 80), colour).save(tmp_path / name)
    output = tmp_path / "sheet.png"
    result = draw(*(str(tmp_path / name) for name in colours), "--seed", "4", "-o", str(output))
    assert result.exit_code == 0, result.output
    sheet = np.asarray(Image.open(output).convert("RGB"))
    width = portraits.GAP + portraits.N_STEPS * (SIDE + portraits.GAP)
    assert sheet.shape == (portraits.GAP + 3 * (SIDE + portraits.GAP), width, 3)
    for column, colour in enumerate(colours.values()):
        assert (tile(sheet, 0, column) == colour).all()
        assert np.abs(tile(sheet, 1, column) - colour).mean() < 12
    assert (tile(sheet, 0, 2) == 255).all()
    assert np.abs(tile(sheet, 2, 0) - tile(sheet, 1, 0)).mean() < 1
    assert np.abs(tile(sheet, 2, portraits.N_STEPS - 1) - tile(sheet, 1, 0)).mean() > 12


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "x.png"], "PICTURE"),
        (["none.jpg", "-o", "x.png"], "no picture 'none.jpg'"),
        (["a.png", "-o", "x.nosuch"], "x.nosuch is no name"),
        (["a.png", "-o", "none/x.png"], "no folder none"),
        (["a.png", "--theme", "nosuch", "-o", "x.png"], "nosuch"),
    ],
)
def test_a_mistake_is_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (40, 40)).save("a.png")
    result = draw(*arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output
