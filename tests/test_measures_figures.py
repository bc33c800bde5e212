"""The figures of a theme, taken by the command and written into its card."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from scripts import figures
from tests.conftest import write_theme
from training_data import pairs


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Shrink everything, and install tiny networks as the theme "abstract"."""
    monkeypatch.setattr(pairs, "SHAPES", {(256, 256): 32})
    monkeypatch.setattr(pairs, "HELD_OUT_SHAPES", {(256, 256): 16})
    monkeypatch.setattr(pairs, "N_SONGS", 1)
    monkeypatch.setattr(pairs, "N_HELD_OUT_SONGS", 1)
    monkeypatch.setattr(pairs, "SONG_S", 4.0)
    monkeypatch.setattr(figures, "N_TRAINING_PICTURES", 32)
    monkeypatch.setattr(figures, "N_SONGS", 2)
    monkeypatch.setattr(figures, "N_WINDOWS", 3)
    monkeypatch.setattr(figures, "N_RUNNING", 4)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TONFILM_MODELS", str(tmp_path / "models"))
    (tmp_path / "models").mkdir()
    write_theme(tmp_path / "models", "abstract", seed=0)
    return tmp_path / "models" / "abstract" / "card.json"


@pytest.mark.slow
def test_figures_are_written_into_the_card_and_sheets_are_drawn(small: Path) -> None:
    before = json.loads(small.read_text())
    options = ["abstract", "--n-pictures", "16", "--sheets", "sheets"]
    result = CliRunner().invoke(figures.main, options, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    card = json.loads(small.read_text())
    assert {name: card[name] for name in before} == before
    frames, stills = card["figures"]["frames"], card["figures"]["stills"]
    # Untrained networks: the mean frame is nearer than theirs, and nothing is found.
    assert frames["mean_training_frame"]["l1"] < frames["painted"]["l1"]
    assert frames["hits"]["n_frames"] == 6
    assert frames["l1_right_song"] > 0
    ratios = stills["sliced_wasserstein_over_that_of_training"]
    assert set(ratios) == {"training", "stills", "Gaussian"}
    assert all(ratio == 1 for ratio in ratios["training"].values())
    assert min(ratios["stills"]["256"], ratios["Gaussian"]["256"]) > 1
    assert stills["memorising"]["nearest_smallest"] > 0
    for sheet in ("frames.jpg", "nearest.jpg"):
        with Image.open(Path("sheets") / sheet) as picture:
            assert picture.width > 1_000


def test_an_unknown_theme_is_one_sentence(small: Path) -> None:
    result = CliRunner().invoke(figures.main, ["seascape"])
    assert result.exit_code == 2
    assert "There is no theme 'seascape'" in result.output
