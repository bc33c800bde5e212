"""The command line: every choice, every mistake."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pytest
from conftest import WriteWav, music, write_theme
from film_files import decode_frames
from PIL import Image

from film.encoding import SegmentWriter
from film.own_pictures import OwnPicture
from film.presets import PRESETS
from film.recipe import MAX_SEED, Recipe
from film.report import Report
from film.video import read_recipe
from scripts import render
from spectro.errors import TonfilmError
from spectro.pins import Pin
from spectro.routes import DEFAULT_ROUTES, Route

SMALL = ["--theme", "tiny", "--size", "64x64", "--fps", "4", "--quality", "draft"]
# Of the recipe's fields, those that no option sets: they are found when a film is made.
FOUND = {"version", "song_sha256", "weights"}
# Options that set a field under another name.
SETS = {
    "size": {"width", "height"},
    "start": {"start_s"},
    "duration": {"duration_s"},
    "n_keyframes": {"keyframes"},
    "preset": {"level", "frequency", "timbre", "routes"},
}


def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *arguments: object) -> int:
    """Run the command as the shell does; return its status."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(render, "WORK", tmp_path / "work")
    monkeypatch.setattr(sys, "argv", ["render.py", *map(str, arguments)])
    try:
        render.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture
def choices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Return a function from options to the recipe that they make."""

    def read(*arguments: str) -> Recipe:
        context = render.command.make_context("render", ["song.wav", "-o", "f.mp4", *arguments])
        given = {
            name: value
            for name, value in context.params.items()
            if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
        }
        return render.read_choices(context.params, given)

    return read


def test_every_field_of_the_recipe_has_an_option_with_help() -> None:
    options = [entry for entry in render.command.params if isinstance(entry, click.Option)]
    fields = set().union(*(SETS.get(entry.name or "", {entry.name}) for entry in options))
    assert Recipe.model_fields.keys() - FOUND <= fields
    assert all(entry.help for entry in options)


def test_the_defaults_are_the_recipes(choices) -> None:
    recipe = choices()
    assert recipe == Recipe(keyframes=recipe.keyframes)
    assert len(recipe.keyframes) == 6
    assert recipe == choices()
    assert choices("--seed", "1").keyframes != recipe.keyframes


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [
        (["--theme", "landscape"], {"theme": "landscape"}),
        (["--keyframes", "3,17,42"], {"keyframes": (3, 17, 42)}),
        (["--keyframes", "3, 3"], {"keyframes": (3, 3)}),
        (["--keyframes", "3,a.jpg, 17"], {"keyframes": (3, 0, 17)}),  # until a.jpg is fitted
        (["--size", "640x360"], {"width": 640, "height": 360}),
        (["--size", "720X1280"], {"width": 720, "height": 1280}),
        (["--fps", "24000/1001"], {"fps": "24000/1001"}),
        (["--level", "0"], {"level": 0.0}),
        (["--frequency", "1"], {"frequency": 1.0}),
        (["--timbre", ".3"], {"timbre": 0.3}),
        (["--blend", "displace"], {"blend": "displace"}),
        (["--start", "1.5"], {"start_s": 1.5}),
        (["--duration", "2.5"], {"duration_s": 2.5}),
        (["--quality", "draft"], {"quality": "draft"}),
        (["--before", "0"], {"before": 0.0}),
        (["--inside", "0.5"], {"inside": 0.5}),
        (["--after", "0"], {"after": 0.0}),
        (["--layer", "fine"], {"layer": "fine"}),
        (
            ["--pin", "2@1:04", "--pin", "1@0:10-0:20.5"],
            {
                "pins": (
                    Pin(picture=2, start_s=64.0),
                    Pin(picture=1, start_s=10.0, stop_s=20.5),
                )
            },
        ),
    ],
)
def test_an_option_sets_its_fields(choices, arguments: list[str], changes: dict) -> None:
    default = choices().model_dump()
    assert choices(*arguments) == Recipe.model_validate({**default, **changes})


def test_routes_are_changed_one_by_one(choices) -> None:
    first = DEFAULT_ROUTES[0]
    ends = f"{first.source}:{first.target}"
    changed = choices("--route", f"{ends}=0.9,release=1", "--route", "beat:swell=-0.5").routes
    assert changed == (
        replace(first, amount=0.9, release_s=1.0, attack_s=0.02),
        *DEFAULT_ROUTES[1:],
        Route(source="beat", target="swell", amount=-0.5),
    )
    assert choices("--route", f"{ends}=0").routes == DEFAULT_ROUTES[1:]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_gives_sliders_and_routes_and_options_go_before(choices, name: str) -> None:
    recipe = choices("--preset", name)
    assert recipe.routes != DEFAULT_ROUTES
    assert {route.group for route in recipe.routes} == {"level", "frequency", "timbre"}
    quiet = choices("--preset", name, "--level", "0.05", "--route", "onset:noise=0.1")
    assert quiet.level == 0.05
    assert set(quiet.routes) - set(recipe.routes)
    assert quiet.frequency == recipe.frequency
    again = Recipe.model_validate_json(recipe.to_json())  # what travels in the film
    assert again == recipe


def test_a_preset_of_ones_own_is_a_file(choices, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"timbre": 0.9, "routes": []}')
    mine = choices("--preset", str(path))
    assert (mine.timbre, mine.routes) == (0.9, ())
    path.write_text('{"timbre": 0.9, "routes": [{"source": "x", "target": "zoom", "amount": 1}]}')
    with pytest.raises(TonfilmError, match="no source 'x'"):
        choices("--preset", str(path))


def test_a_recipe_is_taken_and_options_take_the_place_of_its_choices(
    choices, tmp_path: Path
) -> None:
    weights = {"pix2pix.safetensors": "a" * 64}
    written = choices("--keyframes", "1,2", "--seed", "7", "--level", "0.1", "--fps", "30")
    written = written.bind(song_sha256="b" * 64, stems={}, weights=weights)
    path = tmp_path / "recipe.json"
    path.write_text(written.to_json())
    assert choices("--recipe", str(path)) == written
    louder = choices("--recipe", str(path), "--level", "0.9")
    assert louder == written.model_copy(update={"level": 0.9})
    drawn = choices("--recipe", str(path), "--n-keyframes", "3")
    assert drawn.keyframes == choices("--seed", "7", "--n-keyframes", "3").keyframes
    pinned = choices("--recipe", str(path), "--pin", "2@0:05")
    assert pinned.pins == (Pin(picture=2, start_s=5.0),)
    path.write_text(pinned.to_json())
    assert choices("--recipe", str(path)).pins == pinned.pins
    assert choices("--recipe", str(path), "--keyframes", "8").pins == ()
    path.write_text(written.to_json())
    other = choices("--recipe", str(path), "--theme", "landscape")
    assert (other.theme, other.weights) == ("landscape", None)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--size", "12x"], "no size"),
        (["--size", "640"], "no size"),
        (["--size", "641x360"], "width"),
        (["--size", "32x32"], "width"),
        (["--size", "1000x100"], "2.5 times"),
        (["--fps", "0"], "frame rate"),
        (["--fps", "x"], "frame rate"),
        (["--level", "2"], "level"),
        (["--level", "nan"], "level"),
        (["--level", "loud"], "loud"),
        (["--seed", "-1"], "seed"),
        (["--seed", str(MAX_SEED + 1)], "seed"),
        (["--keyframes", "1,,2"], "no list of stills"),
        (["--keyframes", "1;2"], "no picture '1;2'"),
        (["--keyframes", "none.jpg"], "no picture 'none.jpg'"),
        (["--keyframes", "3,folder"], "folder cannot be read"),
        (["--keyframes", "3,song.wav"], "song.wav is no picture"),
        (["--keyframes", "small.png,3"], "small.png is too small (31×40)"),
        (["--keyframes", "a,b.png"], "comma"),
        (["--keyframes", "a.png", "--theme", "none"], "no theme"),
        (["--keyframes", "a.png", "--start", "-1"], "start_s"),
        (["--keyframes", "-4"], "keyframes"),
        (["--keyframes", "1", "--n-keyframes", "2"], "not both"),
        (["--n-keyframes", "0"], "0"),
        (["--start", "-1"], "start_s"),
        (["--start", "99"], "choose an earlier start"),
        (["--duration", "0"], "duration_s"),
        (["--blend", "wipe"], "wipe"),
        (["--quality", "best"], "best"),
        (["--theme", "none"], "no theme"),
        (["--recipe", "none.json"], "cannot be read"),
        (["--recipe", "song.wav"], "not readable JSON"),
        (["--recipe", "edited.json"], "level"),
        (["--save-recipe", "none/r.json"], "There is no folder"),
        (["--report", "folder"], "folder"),
        (["-o", "film.avi"], "end in .mp4"),
        (["-o", "none/film.mp4"], "There is no folder"),
        (["--colour", "red"], "--colour"),
        (["--preset", "loud"], "choose calm, pulse, cinematic, club, dream"),
        (["--preset", "song.wav"], "not readable JSON"),
        (["--preset", "edited.json"], "level"),
        (["--route", "onset:zoom"], "write it as onset:zoom=0.4"),
        (["--route", "onset:fly=1"], "no target 'fly'"),
        (["--route", "onset:zoom=7"], "amount is 7"),
        (["--inside", "1.5"], "inside"),
        (["--layer", "last"], "last"),
        (["--pin", "2"], "'2' is no pin: write it as 2@1:04"),
        (["--pin", "two@1:04"], "no pin"),
        (["--pin", "2@1:x"], "no pin"),
        (["--pin", "2@20-10"], "ends after it begins"),
        (["--pin", "0@1:04"], "counted from 1"),
        (["--pin", "7@1:04"], "picture 7 is pinned to 1:04, and there are only 6 pictures"),
        (["--pin", "1@1:04", "--pin", "2@64"], "both pinned to 1:04"),
    ],
)
def test_a_mistake_is_one_sentence_and_status_2(
    tmp_path: Path,
    write_wav: WriteWav,
    tiny_theme: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    *,
    arguments: list[str],
    sentence: str,
) -> None:
    write_wav(music(0.5))
    (tmp_path / "folder").mkdir()
    Image.new("RGB", (31, 40)).save(tmp_path / "small.png")
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")
    (tmp_path / "edited.json").write_text('{"keyframes": [1], "level": 7}')
    before = set(tmp_path.iterdir())
    assert run(monkeypatch, tmp_path, "song.wav", "-o", "f.mp4", *SMALL, *arguments) == 2
    errors = capfd.readouterr().err.strip()
    assert errors.startswith("Error: ")
    assert sentence in errors
    assert "\n" not in errors
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("arguments", [[], ["song.wav"], ["none.wav", "-o", "f.mp4"]])
def test_what_is_missing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd, arguments: list[str], tiny_theme: str
) -> None:
    assert run(monkeypatch, tmp_path, *arguments, *SMALL) == 2
    assert "\n" not in capfd.readouterr().err.strip()


def test_a_film_its_recipe_and_its_report(
    tmp_path: Path, write_wav: WriteWav, tiny_theme: str, monkeypatch: pytest.MonkeyPatch, capfd
) -> None:
    song = write_wav(music(2.0))
    records = ["--save-recipe", "r.json", "--report", "report.json", "--n-keyframes", "2"]
    assert run(monkeypatch, tmp_path, song, "-o", "a.mp4", *SMALL, *records) == 0
    assert "2.0 s of film in" in capfd.readouterr().out
    report = Report.model_validate(json.loads((tmp_path / "report.json").read_text()))
    assert report.n_frames == 8
    assert read_recipe(tmp_path / "r.json") == report.recipe == read_recipe(tmp_path / "a.mp4")
    assert not any((tmp_path / "work").iterdir())
    for recipe in ("r.json", "a.mp4"):
        assert run(monkeypatch, tmp_path, song, "-o", "b.mp4", "--recipe", recipe) == 0
        again = decode_frames(tmp_path / "b.mp4")
        assert np.array_equal(again, decode_frames(tmp_path / "a.mp4"))


def test_a_film_shows_a_picture_where_it_is_pinned(
    tmp_path: Path, write_wav: WriteWav, tiny_theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = write_wav(music(8.0))

    def film(*arguments: str) -> np.ndarray:
        still = ["--level", "0", "--frequency", "0", "--timbre", "0"]
        assert run(monkeypatch, tmp_path, song, "-o", "f.mp4", *SMALL, *still, *arguments) == 0
        return decode_frames(tmp_path / "f.mp4").astype(float)

    pinned, free, wanted = (
        film("--keyframes", *arguments)
        for arguments in (["3,5,8", "--pin", "3@0:03-0:06"], ["3,5,8"], ["8"])
    )
    away, free_away = (np.abs(one - wanted).mean(axis=(1, 2)) for one in (pinned, free))
    assert away[12] < 1.0, "there when its time begins, at 4 frames a second"
    assert away[12:20].max() < 3.0, "and near it as long as it lasts"
    assert away[:6].min() > 6.0, "but not before"
    assert free_away[12:20].min() > 4.0


def test_stopping_keeps_what_is_done_and_says_so(
    tmp_path: Path, write_wav: WriteWav, tiny_theme: str, monkeypatch: pytest.MonkeyPatch, capfd
) -> None:
    song = write_wav(music(5.0))
    arguments = (song, "-o", "f.mp4", *SMALL, "--report", "report.json")
    show = SegmentWriter.write

    def interrupt(writer, planes) -> None:
        if list((tmp_path / "work").glob("*/00000000-*.mp4")):
            raise KeyboardInterrupt
        show(writer, planes)

    with monkeypatch.context() as patch:
        patch.setattr(SegmentWriter, "write", interrupt)
        assert run(monkeypatch, tmp_path, *arguments) == 130
    assert "the same command goes on" in capfd.readouterr().err
    assert not (tmp_path / "f.mp4").exists()
    assert run(monkeypatch, tmp_path, *arguments) == 0
    report = Report.model_validate_json((tmp_path / "report.json").read_text())
    assert report.n_resumed_segments == 1


@pytest.fixture
def quick_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fit pictures roughly: what is tested is where they go."""
    monkeypatch.setattr("keyframes.fitting.N_STEPS", 12)
    monkeypatch.setattr("keyframes.fitting.N_TRIED", 8)


def draw_picture(path: Path) -> None:
    """Draw a bright square on a dark ground."""
    image = Image.new("RGB", (80, 60), (20, 30, 60))
    image.paste((250, 220, 150), (25, 15, 55, 45))
    image.save(path, quality=95)


def test_a_film_with_a_picture_is_made_again_without_the_picture(
    tmp_path: Path,
    write_wav: WriteWav,
    tiny_theme: str,
    quick_fit: None,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    song = write_wav(music(3.0))
    draw_picture(tmp_path / "a.jpg")
    chosen = [*SMALL, "--keyframes", "a.jpg,3,a.jpg", "--save-recipe", "r.json"]
    assert run(monkeypatch, tmp_path, song, "-o", "a.mp4", *chosen) == 0
    assert "Reading a.jpg" in capfd.readouterr().err
    (tmp_path / "a.jpg").unlink()
    recipe = read_recipe(tmp_path / "a.mp4")
    assert read_recipe(tmp_path / "r.json") == recipe
    first, seed, last = recipe.keyframes
    assert isinstance(first, OwnPicture)
    assert (first.name, seed, last) == ("a.jpg", 3, first)
    frames = decode_frames(tmp_path / "a.mp4")
    for source in ("r.json", "a.mp4"):
        assert run(monkeypatch, tmp_path, song, "-o", "b.mp4", "--recipe", source) == 0
        assert np.array_equal(decode_frames(tmp_path / "b.mp4"), frames)
        assert read_recipe(tmp_path / "b.mp4") == recipe
    arguments = ["--recipe", "r.json", "--keyframes", "0,3,0"]
    assert run(monkeypatch, tmp_path, song, "-o", "b.mp4", *arguments) == 0
    assert not np.array_equal(decode_frames(tmp_path / "b.mp4"), frames)


def test_a_picture_of_another_shape_or_theme(
    tmp_path: Path,
    write_wav: WriteWav,
    tiny_models: Path,
    tiny_theme: str,
    quick_fit: None,
    *,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    song = write_wav(music(0.5))
    draw_picture(tmp_path / "a.jpg")
    chosen = [*SMALL, "--keyframes", "a.jpg", "--save-recipe", "r.json"]
    assert run(monkeypatch, tmp_path, song, "-o", "a.mp4", *chosen) == 0
    again = [song, "-o", "b.mp4", "--recipe", "r.json"]
    assert run(monkeypatch, tmp_path, *again, "--size", "128x64") == 0
    models = tmp_path / "models"
    shutil.copytree(tiny_models, models)
    write_theme(models, "other", seed=1)
    monkeypatch.setenv("TONFILM_MODELS", str(models))
    capfd.readouterr()
    assert run(monkeypatch, tmp_path, *again, "--theme", "other") == 2
    errors = capfd.readouterr().err.strip()
    assert "holds a.jpg as another theme paints it" in errors
    assert "\n" not in errors


def test_what_is_wrong_with_the_song_is_said_before_pictures_take_their_time(
    tmp_path: Path, tiny_theme: str, monkeypatch: pytest.MonkeyPatch, capfd
) -> None:
    draw_picture(tmp_path / "a.jpg")
    arguments = ["none.wav", "-o", "f.mp4", *SMALL, "--keyframes", "a.jpg"]
    assert run(monkeypatch, tmp_path, *arguments) == 2
    errors = capfd.readouterr().err
    assert "There is no file none.wav" in errors
    assert "Reading" not in errors
