"""Themes: found by name, checked by hash; and the duet that they play."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from film_files import make_rows

from film.cards import list_themes, models_folder, read_card
from film.engines import Duet
from film.planes import Size, canvas_size
from film.recipe import Recipe
from film.theme import PAINTER_FILE, STILLS_FILE, load_theme
from spectro.errors import TonfilmError

WINDOWS = np.random.default_rng(0).random((2, 256, 256), np.float32)


@pytest.fixture
def models(tmp_path: Path, tiny_models: Path) -> Path:
    """Return a models folder that may be broken."""
    return Path(shutil.copytree(tiny_models, tmp_path / "models"))


def test_themes_are_found_where_the_setting_says(tiny_theme: str, tiny_models: Path) -> None:
    assert models_folder() == tiny_models
    assert list_themes() == ["tiny"]
    assert read_card("tiny").weights.keys() == {PAINTER_FILE, STILLS_FILE}


def test_without_the_setting_they_lie_beside_the_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TONFILM_MODELS", raising=False)
    assert models_folder() == Path(__file__).resolve().parents[1] / "models"


@pytest.mark.parametrize("name", ["none", "", "..", "tiny/../tiny", "Tiny"])
def test_an_unknown_theme_is_refused(models: Path, name: str) -> None:
    with pytest.raises(TonfilmError, match=r"choose one of these \(tiny\)"):
        load_theme(name, models=models)


def test_no_theme_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(TonfilmError, match="none is installed"):
        load_theme("tiny", models=tmp_path)


@pytest.mark.parametrize("file", [PAINTER_FILE, STILLS_FILE])
@pytest.mark.parametrize("harm", ["missing", "cut", "changed", "unnamed", "of another kind"])
def test_broken_weights_are_refused_in_one_sentence(models: Path, file: str, harm: str) -> None:
    path, card_path = models / "tiny" / file, models / "tiny" / "card.json"
    card = json.loads(card_path.read_text())
    content = path.read_bytes()
    if harm == "missing":
        path.unlink()
    elif harm == "cut":
        path.write_bytes(content[:-1])
    elif harm == "changed":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif harm == "unnamed":
        card["weights"] = {"other.safetensors": "0" * 64}
    else:
        other = STILLS_FILE if file == PAINTER_FILE else PAINTER_FILE
        shutil.copy(models / "tiny" / other, path)
        card["weights"][file] = card["weights"][other]
    card_path.write_text(json.dumps(card))
    with pytest.raises(TonfilmError, match=r"restore|knows") as caught:
        load_theme("tiny", models=models)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{}", '{"title": "x", "weights": {}}', "[1]"])
def test_a_broken_card_is_refused(models: Path, text: str) -> None:
    (models / "tiny" / "card.json").write_text(text)
    with pytest.raises(TonfilmError, match="is damaged: restore"):
        read_card("tiny", models)


def test_a_theme_of_another_version_is_refused(models: Path) -> None:
    weights = read_card("tiny", models).weights
    load_theme("tiny", weights, models)
    with pytest.raises(TonfilmError, match="another version"):
        load_theme("tiny", {**weights, PAINTER_FILE: "0" * 64}, models)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (360, 640), (1280, 720)])
def test_the_duet_paints_the_canvas(models: Path, height: int, width: int) -> None:
    recipe = Recipe(theme="tiny", keyframes=(1, 2), height=height, width=width)
    pictures = Duet(load_theme("tiny", models=models), recipe).paint(make_rows(2), WINDOWS)
    canvas = canvas_size(Size(height=height, width=width))
    assert pictures.shape == (2, 3, canvas.height, canvas.width)
    assert pictures.min() >= 0
    assert pictures.max() <= 1


def test_the_walk_goes_round_the_chosen_keyframes(models: Path) -> None:
    theme = load_theme("tiny", models=models)
    duet = Duet(theme, Recipe(theme="tiny", keyframes=(5, 9), height=64, width=64))
    five, nine = (theme.stills.style(seed) for seed in (5, 9))
    for place, toward, style in (
        (0.0, 1, five),
        (1.0, 0, nine),
        (0.25, 1, torch.lerp(five, nine, 0.25)),
        (1.75, 0, torch.lerp(nine, five, 0.75)),
    ):
        still = theme.stills.paint(torch.stack([style, style]), 256, 256)
        pictures = duet.paint(make_rows(2, blend=0.0, keyframe=place, toward=toward), WINDOWS)
        torch.testing.assert_close(pictures, still, atol=1e-4, rtol=0)


def test_both_voices_are_heard(models: Path) -> None:
    theme = load_theme("tiny", models=models)
    duet = Duet(theme, Recipe(theme="tiny", keyframes=(5, 9), height=64, width=64))
    painted = theme.painter.paint(torch.from_numpy(WINDOWS), 256, 256)
    assert torch.equal(duet.paint(make_rows(2, blend=1.0), WINDOWS), painted)
    bent = duet.paint(make_rows(2, blend=0.0, bend=1.0), WINDOWS)
    assert not torch.equal(bent, duet.paint(make_rows(2, blend=0.0), WINDOWS))
