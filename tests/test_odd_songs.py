"""Odd songs make films, and odd choices one clear sentence."""

import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import WriteWav, music
from film_files import decode_frames
from spectro_sounds import RATE, band, hear, noise, sine, strike, times_s
from test_render import SMALL, run

from film.disk import check_folder
from film.pipeline import Song, make_film
from film.recipe import Recipe, parse_fps
from spectro.errors import TonfilmError
from spectro.features import Features
from spectro.routes import CONTROLS, DEFAULT_ROUTES, MAX_ROUTES
from spectro.score import Drive, Score, compose

RECIPE = Recipe(
    theme="tiny",
    keyframes=(1, 2),
    width=64,
    height=64,
    fps="2",  # type: ignore[arg-type]
    quality="draft",
    level=1.0,
    frequency=1.0,
    timbre=1.0,
)
LOWEST, NEUTRAL, HIGHEST = np.array(
    [(control.lowest, control.neutral, control.highest) for control in CONTROLS.values()]
).T


def hum(duration_s: float) -> np.ndarray:
    """Make a chord that swells and sinks, with nothing that strikes."""
    t = times_s(duration_s)
    swell = 0.06 * (1 - np.cos(2 * np.pi * t / duration_s))
    return swell * sum(np.sin(2 * np.pi * hz * t) for hz in (220.0, 277.0, 330.0))


def click(duration_s: float) -> np.ndarray:
    """Make silence with one sample in its middle."""
    samples = np.zeros(round(duration_s * RATE))
    samples[len(samples) // 2] = 0.9
    return samples


def beats(bpm: float, duration_s: float) -> np.ndarray:
    return strike(np.arange(0.5, duration_s - 0.1, 60 / bpm), duration_s)


def left(samples: np.ndarray) -> np.ndarray:
    """Give a song to the left channel, silence to the right."""
    return np.stack([samples, np.zeros(len(samples))], axis=1)


ODD: dict[str, Callable[[], np.ndarray]] = {
    "no beat": lambda: hum(8.0),
    "one long tone": lambda: sine(8.0, 440.0),
    "noise": lambda: noise(6.0, 0.2),
    "silence with one click": lambda: click(6.0),
    "three seconds": lambda: band(3.0),
    "tempo 30": lambda: beats(30.0, 12.0),
    "tempo 300": lambda: beats(300.0, 6.0),
    "clipped": lambda: np.clip(20 * band(6.0), -1, 1),
    "one channel only": lambda: left(band(6.0)),
    "channels that cancel out": lambda: np.outer(band(3.0), (1, -1)),
    "all below zero": lambda: np.full(3 * RATE, -0.5),
    "as high as it goes": lambda: np.resize((0.9, -0.9), 3 * RATE),
}


def make(song: Path, **changes: object) -> np.ndarray:
    """Make a film and decode its frames."""
    recipe = RECIPE.model_copy(update=changes)
    output, work = song.with_suffix(".mp4"), song.with_suffix("")
    report = make_film(Song(path=song), output, recipe, work=work, progress=lambda *_: None)
    assert all(note.endswith(".") and "\n" not in note for note in report.notes)
    return decode_frames(output)


def score_of(features: Features) -> Score:
    drive = Drive(routes=DEFAULT_ROUTES, sliders=RECIPE.sliders, mechanisms=RECIPE.mechanisms)
    return compose(features, drive, n_keyframes=2, seed=0)


@pytest.mark.parametrize("name", ODD)
def test_an_odd_song_makes_a_film(write_wav: WriteWav, tiny_theme: str, name: str) -> None:
    samples = ODD[name]()
    frames = make(write_wav(samples))
    assert len(frames) == math.ceil(len(samples) * 2 / RATE)
    assert frames[:, :64].std() > 5  # pictures, not one grey


@pytest.mark.parametrize("name", ODD)
def test_an_odd_song_has_a_score(name: str) -> None:
    samples = ODD[name]()
    features = hear(samples if samples.ndim == 1 else samples.mean(axis=1))
    score = score_of(features)
    assert np.isfinite(score.keyframe).all()
    assert ((score.keyframe >= 0) & (score.keyframe < 2)).all()
    assert (score.controls >= LOWEST - 1e-6).all()
    assert (score.controls <= HIGHEST + 1e-6).all()
    falls = -np.diff(score.controls, axis=0) / (HIGHEST - LOWEST)
    assert falls.max() < 0.16  # within a frame, as for any song: nothing strobes


def test_one_click_moves_the_picture_once() -> None:
    away = np.abs(score_of(hear(click(6.0))).controls - NEUTRAL) / (HIGHEST - LOWEST)
    moved = away.max(axis=1)
    struck = 3 * 24
    assert moved[: struck - 2].max() < 1e-6
    assert moved[struck - 2 : struck + 3].max() > 0.3
    assert moved[struck + 24 :].max() < 0.12
    assert moved[-1] < 0.05


@pytest.mark.parametrize("bpm", [30.0, 300.0])
def test_at_no_tempo_the_walk_runs_or_stands(bpm: float) -> None:
    score = score_of(hear(beats(bpm, 40.0)))
    arrivals_s = np.flatnonzero(np.diff(np.floor(score.keyframe))) / 24
    legs_s = np.diff(arrivals_s)
    assert len(legs_s) >= 3
    assert 2.5 < np.median(legs_s) <= legs_s.max() < 11


def test_clipping_changes_the_score_little() -> None:
    plain, clipped = (score_of(hear(np.clip(gain * band(8.0), -1, 1))) for gain in (1, 8))
    difference = np.abs(plain.controls - clipped.controls) / (HIGHEST - LOWEST)
    assert difference.mean() < 0.02  # a tenth of its samples is clipped; noise is .07 away


def test_a_song_in_one_channel_is_the_film_of_the_song(
    write_wav: WriteWav, tiny_theme: str
) -> None:
    both, one = (
        make(write_wav(samples, subtype="PCM_24")) for samples in (band(6.0), left(band(6.0)))
    )
    assert np.abs(both.astype(int) - one).mean() < 1.5  # most of it is the encoder's
    assert np.abs(both[1:].astype(int) - both[:-1]).mean() > 3


@pytest.mark.slow
def test_twenty_minutes_make_a_film(tmp_path: Path, tiny_theme: str) -> None:
    """Heard as a whole, painted for the last ten seconds."""
    song, minute = tmp_path / "song.wav", band(60.0)[::2]
    with soundfile.SoundFile(song, "w", RATE // 2, 1, "PCM_16") as file:
        for _ in range(20):
            file.write(minute)
    frames = make(song, start_s=1190.0)
    assert len(frames) == 20
    assert np.abs(frames[1:].astype(int) - frames[:-1]).mean() > 1


NAN, ENDLESS = float("nan"), float("inf")
ROUTE = {"source": "onset", "target": "zoom", "amount": 0.5}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"level": NAN}, "level"),
        ({"level": "nan"}, "level"),
        ({"before": ENDLESS}, "before"),
        ({"start_s": NAN}, "start_s"),
        ({"duration_s": NAN}, "duration_s"),
        ({"fps": NAN}, "frame rate"),
        ({"fps": "1e999999999"}, "frame rate"),  # written out it would fill the memory
        ({"fps": "1e-999999999"}, "frame rate"),
        ({"width": NAN}, "width"),
        ({"seed": 10**4000}, "seed"),
        ({"keyframes": [NAN]}, "keyframes"),
        ({"keyframes": None}, "keyframes"),
        ({"theme": "a\0b"}, "no theme"),
        ({"no\nfield": 1}, "no field"),
        ({"routes": [ROUTE | {"amount": NAN}]}, "routes.0.amount"),
        ({"routes": [ROUTE | {"attack_s": NAN}]}, "routes.0.attack_s"),
        ({"routes": [ROUTE | {"delay_s": ENDLESS}]}, "routes.0.delay_s"),
        ({"routes": [ROUTE | {"amount": 1.5}]}, "amount is 1.5"),
        ({"routes": [ROUTE | {"target": "fly"}]}, "no target 'fly'"),
        ({"routes": [ROUTE | {"target": None}]}, "routes.0.target"),
        ({"routes": [ROUTE | {"source": "kazoo"}]}, "no source 'kazoo'"),
        ({"routes": [ROUTE | {"speed": 3}]}, "routes.0.speed"),
        ({"routes": [ROUTE] * (MAX_ROUTES + 1)}, str(MAX_ROUTES)),
        ({"routes": ROUTE}, "routes"),
        ({"start_s": 1e308}, "choose an earlier start"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_one_sentence(
    tmp_path: Path,
    write_wav: WriteWav,
    tiny_theme: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    *,
    change: dict[str, object],
    word: str,
) -> None:
    write_wav(music(0.3))
    recipe = json.loads(RECIPE.to_json()) | change
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    before = set(tmp_path.iterdir())
    assert run(monkeypatch, tmp_path, "song.wav", "-o", "f.mp4", "--recipe", "recipe.json") == 2
    check_sentence(capfd.readouterr().err, word)
    assert set(tmp_path.iterdir()) == before


def check_sentence(said: str, word: str) -> None:
    """Check that it is one sentence of some length, and about this."""
    sentence = said.strip()
    assert word in sentence
    assert sentence.startswith("Error: ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 700


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--route", "onset:zoom=nan"], "amount is nan"),
        (["--route", "onset:zoom=-1e999"], "amount is -inf"),
        (["--route", "onset:zoom=0.5,release=nan"], "release is nan"),
        (["--route", "onset:zoom=0.5,delay=inf"], "delay is inf"),
        (["--route", "kazoo:zoom=0.5"], "no source 'kazoo'"),
        (["--route", "onset:zoom=0.5,curve=cube"], "no curve 'cube'"),
        (["--fps", "1e999999999"], "frame rate"),
        (["--start", "nan"], "start_s"),
        (["--duration", "inf"], "duration_s"),
        (["--keyframes", "1," + "9" * 200], "no picture"),
        (["--report", "x" * 300], "too long"),
        (["-o", "x" * 250 + ".mp4"], "too long"),
    ],
)
def test_an_odd_option_is_one_sentence(
    tmp_path: Path,
    write_wav: WriteWav,
    tiny_theme: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    *,
    arguments: list[str],
    word: str,
) -> None:
    write_wav(music(0.3))
    assert run(monkeypatch, tmp_path, "song.wav", "-o", "f.mp4", *SMALL, *arguments) == 2
    check_sentence(capfd.readouterr().err, word)
    assert [path.name for path in tmp_path.iterdir()] == ["song.wav"]


def test_the_longest_names_are_taken(tmp_path: Path) -> None:
    check_folder(tmp_path / ("x" * 236 + ".mp4"))
    with pytest.raises(TonfilmError, match="too long"):
        check_folder(tmp_path / ("ü" * 120 + ".mp4"))


def test_frame_rates_need_no_exponents() -> None:
    assert parse_fps(" 30000/1001 ") == parse_fps("29.97") == Fraction(30_000, 1001)
    for odd in ("2e1", "1E9999999", 1e-300):
        with pytest.raises(ValueError, match="a frame rate is a number"):
            parse_fps(odd)
