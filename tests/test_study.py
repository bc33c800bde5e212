"""Experiments with films: what they compare, how films are put together, what is written."""

from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click import Command
from click.testing import CliRunner, Result
from conftest import WriteWav, music
from film_files import decode_frames, decode_sound
from made_films import click_at
from scipy import stats

from bench import controls
from bench.choices import EVEN_ROUTES, Choices
from bench.documents import BEGIN, END, fill, read_document, tabulate
from bench.drawing import draw_arms
from bench.figures import COLUMNS, Interval, Results, gather, measure
from bench.films import make_here, make_recipe
from bench.pictures import combine, film_still, film_strobe
from bench.songs import Tune, compose_songs, draw_plans, read_songs
from bench.study import check_routes, name_arms, study, switch, tabulate_arms
from film.recipe import Recipe
from hearing.examples import BEATLESS
from scripts.controls import main as run_controls
from scripts.study import main as run_study
from spectro.errors import TonfilmError
from spectro.routes import CONTROLS

BEATS_S = np.array([0.5, 1.25, 2.0, 2.75, 3.5, 4.5, 5.25, 6.0, 7.0, 7.75, 8.5, 9.5, 10.25, 11.0])
RATE = 44_100


def make_tune(duration_s: float = 12.0) -> Tune:
    beats_s = BEATS_S[duration_s > BEATS_S]
    clicks = click_at(beats_s, duration_s).astype(np.float32)
    return Tune(name="clicks", samples=clicks[:, None], sample_rate=RATE, beats_s=beats_s)


def make_choices(**changes: object) -> Choices:
    choices = {"n_songs": 1, "music": None, "seconds": 11, "size": "64x64", "theme": "tiny"}
    return Choices(**{**choices, "preset": str(EVEN_ROUTES), **changes})


def small_recipe(**changes: object) -> Recipe:
    return make_recipe((64, 64), quality="draft", **changes)


def run(command: Command, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


# What is compared


def test_there_is_an_arm_for_each_choice_of_places(tiny_theme: str) -> None:
    arms = name_arms()
    assert len(arms) == len(set(arms.values())) == 8
    recipe = make_choices().build_recipe(0)
    for places in arms.values():
        switched = switch(recipe, places)
        assert [place for place, on in switched.mechanisms.items() if on] == list(places)
        assert set(switched.mechanisms.values()) <= {0.0, 1.0}


def test_the_same_sources_act_at_each_place(tiny_theme: str) -> None:
    routes = make_choices().build_recipe(0).routes
    leads = Counter((route.source, CONTROLS[route.target].mechanism) for route in routes)
    assert set(leads.values()) == {1}
    assert len(leads) == 3 * len({route.source for route in routes})
    for source in {route.source for route in routes}:
        times = {(r.attack_s, r.release_s) for r in routes if r.source == source}
        assert len(times) == 1


def test_a_preset_that_leaves_a_place_out_is_refused(tiny_theme: str) -> None:
    check_routes(make_choices(preset="club").build_recipe(0))
    with pytest.raises(TonfilmError, match="No route acts before the networks"):
        check_routes(make_choices(preset="calm").build_recipe(0))
    with pytest.raises(TonfilmError, match="before or inside or after"):
        check_routes(make_recipe((64, 64), routes=()))


def test_songs_are_of_all_kinds() -> None:
    plans = [plan for plan, _ in islice(draw_plans(15), 30)]
    shares = [np.mean(["drums" in bar.parts for bar in plan.bars]) for plan in plans]
    assert min(shares[::2]) > 0.5 >= max(shares[1::2])
    styles = [plan.style for plan in plans]
    assert all(len(set(styles[first : first + 9])) == 9 for first in range(22))
    assert not set(styles) & set(BEATLESS)


def test_made_songs_keep_their_beats() -> None:
    first, second = compose_songs(2, 4)
    for tune in (first, second):
        assert tune.duration_s == 4.0
        assert len(tune.beats_s) > 2
        assert tune.beats_s[0] >= 0
        assert tune.beats_s[-1] < 4
    assert first.name != second.name
    (again,) = compose_songs(1, 4)
    assert np.array_equal(again.samples, first.samples)


def test_a_rolled_song_takes_its_beats_along() -> None:
    tune = make_tune()
    assert tune.beat_s == pytest.approx(0.75)
    rolled = tune.roll(1.3)
    loud_s = np.flatnonzero(np.abs(rolled.samples[:, 0]) > 0.3) / RATE
    assert np.abs(loud_s[:, None] - rolled.beats_s).min(axis=0).max() < 0.005
    assert np.abs(loud_s[:, None] - tune.beats_s).min(axis=0).max() > 0.1
    assert len(rolled.beats_s) == len(BEATS_S)
    assert not tune.mute().samples.any()
    assert tune.mute().duration_s == tune.duration_s


def test_a_real_song_gives_its_middle(tmp_path: Path, write_wav: WriteWav) -> None:
    samples = 0.01 * music(24.0)
    samples[6 * RATE : 18 * RATE] = music(12.0)
    write_wav(samples, name="Real.WAV")
    (tune,) = read_songs(tmp_path, 12)
    assert tune.name == "Real"
    assert tune.samples == pytest.approx(music(12.0), abs=1e-3)
    clicks_s = np.arange(0, 12, 0.5)
    assert np.median(np.abs(tune.beats_s[:, None] - clicks_s).min(axis=1)) < 0.03


def test_songs_that_cannot_be_used_are_named(tmp_path: Path, write_wav: WriteWav) -> None:
    with pytest.raises(TonfilmError, match="no WAV in"):
        read_songs(tmp_path, 12)
    write_wav(np.zeros(5 * RATE), name="short.wav")
    with pytest.raises(TonfilmError, match=r"short\.wav lasts only 5\.0 s"):
        read_songs(tmp_path, 12)
    with pytest.raises(TonfilmError, match=r"No beats were found in the middle of short\.wav"):
        read_songs(tmp_path, 4)


# Pictures that no network painted


def test_a_strobe_meets_the_beats_and_a_still_none(tmp_path: Path) -> None:
    recipe, tune = small_recipe(), make_tune()
    song = tune.write(tmp_path / "song.wav")
    strobe = film_strobe(song, tune.beats_s, recipe, tmp_path / "strobe.mp4")
    flashing = measure(combine(strobe, song, recipe, tmp_path / "film.mp4"), tune.beats_s)
    assert flashing["f1"] > 0.95
    assert flashing["corrected"] > 0.9
    assert flashing["z"] > 3
    assert flashing["off_ms"] <= 1000 / 24
    light = film_strobe(song, np.array([0.0]), recipe, tmp_path / "light.mp4")
    still = film_still(light, recipe, tmp_path / "still.mp4")
    assert decode_frames(still)[:, :64].min() > 230
    standing = measure(combine(still, song, recipe, tmp_path / "film.mp4"), tune.beats_s)
    assert [standing[name] for name in ("z", "f1", "corrected", "av_align")] == [0, 0, 0, 0]
    assert standing["off_beat"] > 0.999
    assert len(decode_frames(still)) == len(decode_frames(strobe)) == 12 * 24


def test_pictures_go_under_another_sound_unchanged(tmp_path: Path) -> None:
    recipe, tune = small_recipe(), make_tune()
    song = tune.write(tmp_path / "song.wav")
    pictures = film_strobe(song, tune.beats_s, recipe, tmp_path / "strobe.mp4")
    other = music(12.0)
    soundfile.write(tmp_path / "other.wav", other, RATE)
    film = combine(pictures, tmp_path / "other.wav", recipe, tmp_path / "film.mp4")
    assert np.array_equal(decode_frames(film), decode_frames(pictures))
    heard = decode_sound(film)[:, : len(other)]
    r = np.corrcoef(heard[1], other[: heard.shape[1], 1])[0, 1]
    assert r > 0.98


def test_each_arm_shows_and_sounds_like_its_name(tmp_path: Path, tiny_theme: str) -> None:
    """Above all the walk: with its sliders at 0 it would still keep the song's beat."""
    recipe = small_recipe(theme=tiny_theme, fps=8)
    shown: list[dict[str, np.ndarray]] = []
    for tune in (make_tune(4.0), make_tune(4.0).roll(1.3)):
        song = tune.write(tmp_path / "song.wav")
        film, other = tmp_path / "ours.mp4", tmp_path / "other.mp4"
        make_here(song, film, recipe)
        film_strobe(song, np.array([1.0]), recipe, other)
        case = controls.Case(tune=tune, recipe=recipe, song=song, film=film, other=other)
        shown.append({})
        for arm, path, beats_s in controls.make_arms(case, tmp_path):
            shown[-1][arm] = decode_frames(path)
            loud_s = np.flatnonzero(np.abs(decode_sound(path)[0]) > 0.3) / RATE
            assert np.abs(loud_s[:, None] - beats_s).min(axis=0).max() < 0.01
        assert list(shown[-1]) == list(controls.ARMS)
        assert np.array_equal(shown[-1][controls.SWAPPED], decode_frames(other))
        assert np.array_equal(shown[-1][controls.SHIFTED], shown[-1][controls.OURS])
    first, second = shown
    assert np.array_equal(first[controls.SILENT], second[controls.SILENT])
    assert not np.array_equal(first[controls.OURS], second[controls.OURS])
    assert np.ptp(first[controls.SILENT], axis=0).max() > 0


# What is written


def test_a_wrong_theme_is_said_before_songs_are_made() -> None:
    with pytest.raises(TonfilmError, match="There is no theme 'none'"):
        make_choices(theme="none").build_recipe(0)


def test_an_interval_is_students() -> None:
    values = [1.0, 2.0, 4.0, 4.5]
    films = [{"z": value} for value in [*values, np.nan]]
    found = gather(films, "z")
    expected = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert found.mean == pytest.approx(np.mean(values))
    assert (found.low, found.high) == pytest.approx(expected)
    assert found.show(".1f") == "2.9 [0.2, 5.5]"
    assert gather(films[:1], "z").show(".1f") == "1.0"
    assert gather(films[4:], "z").show(".1f") == "–"
    assert gather([{"z": 0.0}] * 3, "z") == Interval(mean=0.0, low=0.0, high=0.0)


def test_prose_around_the_figures_stays(tmp_path: Path) -> None:
    prose = f"# What was learnt\n\nMuch.\n\n{BEGIN}\nold\n{END}\n\nAnd more.\n"
    path = tmp_path / "document.md"
    path.write_text(prose)
    filled = fill(read_document(path), tabulate(["a", "b"], [["1", "2"]]))
    assert filled.startswith("# What was learnt\n\nMuch.\n\n")
    assert filled.endswith("\n\nAnd more.\n")
    assert "| a | b |\n| --- | --- |\n| 1 | 2 |" in filled
    assert "old" not in filled
    assert fill(filled, tabulate(["a", "b"], [["1", "2"]])) == filled
    assert fill(read_document(tmp_path / "new.md"), "x") == f"{BEGIN}\n\nx\n\n{END}\n"


@pytest.mark.parametrize("text", ["no place", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{END}" * 2])
@pytest.mark.parametrize("command", [run_study, run_controls])
def test_a_document_without_a_place_is_refused(command: Command, text: str, tmp_path: Path) -> None:
    path = tmp_path / "document.md"
    path.write_text(text)
    result = run(command, "-o", path)
    assert result.exit_code == 2
    assert "has no place for figures" in result.stderr
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--theme", "none"], "There is no theme 'none'"),
        (["--preset", "none"], "There is no preset 'none'"),
        (["--size", "10"], "“width” in the recipe is not right"),
        (["--size", "64x640"], "one side may be at most"),
        (["--songs", "0"], "There is no song"),
        (["--seconds", "9"], "9 is not in the range"),
        (["--music", "nowhere"], "does not exist"),
    ],
)
@pytest.mark.parametrize("command", [run_study, run_controls])
def test_a_mistake_is_one_sentence(
    command: Command, options: list[str], sentence: str, tmp_path: Path, tiny_theme: str
) -> None:
    path = tmp_path / "document.md"
    result = run(command, "--songs", 2, "--theme", tiny_theme, *options, "-o", path)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stdout == ""
    assert not list(tmp_path.iterdir())


def test_aims_are_met_or_not() -> None:
    figures = dict.fromkeys(COLUMNS, 0.0)
    good = figures | {"z": 4.0, "corrected": 0.6, "av_align": 0.2, "off_beat": 0.98}
    arms = {arm: [figures] * 3 for arm in controls.ARMS}
    table = controls.tabulate_aims(Results(songs=("a", "b", "c"), arms=arms))
    assert table.count("**no**") == 4  # of ours; the others are chance
    assert table.count("| yes |") == 7
    swapped = {name: [good] * 3 for name in (controls.OURS, controls.SWAPPED)}
    table = controls.tabulate_aims(Results(songs=("a", "b", "c"), arms=arms | swapped))
    assert "| our film | S1 z | above 3 | 4.0 [4.0, 4.0] | yes |" in table
    assert "| film of another song | S1 z | 0 within | 4.0 [4.0, 4.0] | **no** |" in table
    assert table.count("**no**") == 2


def test_arms_are_drawn_and_tabulated(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arms = {arm: [{name: rng.random() for name in COLUMNS} for _ in "ab"] for arm in name_arms()}
    results = Results(songs=("a", "b"), arms=arms)
    path = tmp_path / "plot.png"
    draw_arms(results, ("z", "change"), path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size < 200_000
    lines = tabulate_arms(results).splitlines()
    assert len(lines) == 2 + 8
    z = np.mean([film["z"] for film in arms["inside"]])
    row = next(line for line in lines if line.startswith("| inside |"))
    assert f"| {z:.1f} |" in row


# The whole


@pytest.mark.slow
def test_the_study_switches_places(tiny_theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    arms = {name: places for name, places in name_arms().items() if len(places) < 2}
    monkeypatch.setattr("bench.study.name_arms", lambda: arms)
    told: list[str] = []
    results = study(make_choices(theme=tiny_theme), told.append)
    assert len(told) == len(results.arms) == 4
    assert {len(films) for films in results.arms.values()} == {1}
    assert len({films[0]["change"] for films in results.arms.values()}) == 4


@pytest.mark.slow
def test_the_controls_write_their_tables(tmp_path: Path, tiny_theme: str) -> None:
    document = tmp_path / "document.md"
    options = ("--songs", 2, "--seconds", 11, "--size", "64x64", "--theme", tiny_theme)
    result = run(run_controls, *options, "-o", document)
    assert result.exit_code == 0, result.output
    assert result.stdout in document.read_text().replace(BEGIN, "").replace(END, "")
    assert [path.name for path in tmp_path.iterdir()] == ["document.md"]
    rows = [line for line in result.stdout.splitlines() if line.startswith("| still picture | 0")]
    assert len(rows) == 1
    assert result.stderr.count("beat strobe") == 2
