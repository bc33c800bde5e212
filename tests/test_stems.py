"""Stems: a film whose routes listen to parts of the mix, from the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import WriteWav, clicks, music
from test_render import SMALL, run

from film.stems import parse_stems
from film.video import read_recipe
from spectro.errors import TonfilmError

ROUTE = ["--route", "drums.onset:zoom=1"]


@pytest.fixture
def drums(write_wav: WriteWav) -> Path:
    return write_wav(clicks(3.0), name="drums.wav")


def test_a_film_listens_to_a_stem_and_its_recipe_says_so(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tiny_theme: str,
    write_wav: WriteWav,
    drums: Path,
) -> None:
    song = write_wav(music(3.0))
    film, report = tmp_path / "f.mp4", tmp_path / "r.json"
    stem = ["--stem", f"drums={drums}"]
    made = ["-o", film, *SMALL, *stem, *ROUTE, "--report", report]
    assert run(monkeypatch, tmp_path, song, *made) == 0
    recipe = read_recipe(film)
    assert recipe.stems["drums"]
    assert not json.loads(report.read_text())["notes"]
    assert run(monkeypatch, tmp_path, song, "-o", tmp_path / "g.mp4", "--recipe", film, *stem) == 0
    assert read_recipe(tmp_path / "g.mp4") == recipe


def test_what_is_wrong_with_a_stem_is_said_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tiny_theme: str,
    write_wav: WriteWav,
    drums: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    song = write_wav(music(3.0))
    long = write_wav(clicks(3.5), name="long.wav")
    film = tmp_path / "f.mp4"
    cases = {
        "The stem drums lasts 3.50 s and the song 3.00 s: save both": [f"drums={long}"],
        "There is no file": [f"drums={tmp_path / 'none.wav'}"],
        "'drums.wav' is no stem: write its name": ["drums.wav"],
        "'Drums!' is no name of a stem": [f"Drums!={drums}"],
        "There are two stems called drums": [f"drums={drums}", f"drums={drums}"],
        "a route starts at drums.onset, and there is no stem 'drums'": [f"vocals={drums}"],
    }
    for sentence, stems in cases.items():
        options = [option for stem in stems for option in ("--stem", stem)]
        assert run(monkeypatch, tmp_path, song, "-o", film, *SMALL, *options, *ROUTE) == 2
        said = capsys.readouterr().err.strip().splitlines()[-1]
        assert sentence in said
    assert not film.exists()


def test_a_recipe_wants_its_stems_again_and_notes_other_ones(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tiny_theme: str,
    write_wav: WriteWav,
    drums: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    song, saved = write_wav(music(3.0)), tmp_path / "r.json"
    made = [song, "-o", tmp_path / "f.mp4", *SMALL, "--stem", f"drums={drums}", *ROUTE]
    assert run(monkeypatch, tmp_path, *made, "--save-recipe", saved) == 0
    again = [song, "-o", tmp_path / "g.mp4", "--recipe", saved]
    assert run(monkeypatch, tmp_path, *again) == 2
    assert "give it with --stem drums=FILE.wav" in capsys.readouterr().err
    other = write_wav(clicks(3.0, every_s=0.3), name="other.wav")
    assert run(monkeypatch, tmp_path, *again, "--stem", f"drums={other}") == 0
    assert "another stem called drums" in capsys.readouterr().out


def test_a_stem_a_little_short_or_silent_makes_a_film(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_theme: str, write_wav: WriteWav
) -> None:
    song = write_wav(music(3.0))
    short = write_wav(np.zeros(round(2.95 * 22_050)), 22_050, name="short.wav")
    film = tmp_path / "f.mp4"
    stem = ["--stem", f"drums={short}"]
    assert run(monkeypatch, tmp_path, song, "-o", film, *SMALL, *stem, *ROUTE) == 0
    assert film.exists()


def test_many_stems_are_refused() -> None:
    with pytest.raises(TonfilmError, match="at most 16"):
        parse_stems(tuple(f"part{n}=part.wav" for n in range(17)))


def test_a_stem_that_nothing_listens_to_is_noted(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tiny_theme: str,
    write_wav: WriteWav,
    drums: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    song = write_wav(music(3.0))
    made = [song, "-o", tmp_path / "f.mp4", *SMALL, "--stem", f"drums={drums}"]
    assert run(monkeypatch, tmp_path, *made) == 0
    assert "No route listens to the stem drums" in capsys.readouterr().out
