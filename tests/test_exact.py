"""The same song, recipe and weights make the same frames, however the film is made."""

import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from conftest import WriteWav, music
from film_files import decode_frames
from spectro_sounds import RATE, band, hear
from threadpoolctl import threadpool_limits

import film.segments
import film.workroom
from film.encoding import SegmentWriter
from film.pipeline import Song, make_film
from film.recipe import build_recipe, parse_fps
from film.segments import Excerpt
from keyframes.form import Form
from keyframes.generator import Generator
from keyframes.layers import initialise
from keyframes.stills import Stills
from spectro.features import Features, extract
from spectro.routes import CONTROLS, DEFAULT_ROUTES
from spectro.score import Drive, Score, compose
from spectro.timeline import Timeline

FPS = 4  # a batch in two seconds, a segment in four
CHOICES = {
    "theme": "tiny",
    "keyframes": (1, 2, 3),
    "width": 64,
    "height": 64,
    "fps": FPS,
    "quality": "draft",
    "level": 1.0,
    "frequency": 1.0,
    "timbre": 1.0,
}
RATES = ("23.976", "24", "25", "29.97", "30", "50", "60")
Make = Callable[..., np.ndarray]


def ignore(*_: object) -> None:
    """Take no note of progress."""


@pytest.fixture
def frames_of(tmp_path: Path, tiny_theme: str, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Return a function that makes a film and returns the frames that its encoder was given."""
    given: list[np.ndarray] = []
    write = SegmentWriter.write

    def note(writer: SegmentWriter, planes: np.ndarray) -> None:
        given.append(planes.copy())
        write(writer, planes)

    monkeypatch.setattr(SegmentWriter, "write", note)

    def make(song: Path, **changes: object) -> np.ndarray:
        given.clear()
        recipe = build_recipe(CHOICES | changes)
        work, output = tmp_path / "work", tmp_path / "film.mp4"
        make_film(Song(path=song), output, recipe, work=work, progress=ignore)
        return np.concatenate(given)

    return make


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Let torch and NumPy share their work out between so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        with threadpool_limits(n, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)


def apart(some: np.ndarray, others: np.ndarray) -> float:
    """Measure how far films are apart, in steps of 8 bits."""
    return float(np.abs(some.astype(int) - others).mean())


def test_a_film_from_the_middle_has_the_frames_of_the_whole(
    write_wav: WriteWav, frames_of: Make
) -> None:
    song = write_wav(music(4.0))
    whole = frames_of(song)
    assert apart(whole[1:], whole[:-1]) > 1  # no frame would pass for another
    for start_s, duration_s, frames in (
        (2.0, None, slice(8, 16)),
        (1.25, 1.5, slice(5, 11)),  # from the middle of a batch to the middle of another
    ):
        part = frames_of(song, start_s=start_s, duration_s=duration_s)
        np.testing.assert_array_equal(part, whole[frames])


def test_segments_of_any_length_hold_the_same_frames(
    write_wav: WriteWav, frames_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = write_wav(music(4.1))
    whole = frames_of(song)
    for segment_s, n_segments in ((2, 3), (60, 2)):  # the first is short
        monkeypatch.setattr(film.segments, "SEGMENT_S", segment_s)
        assert len(film.segments.plan(0, len(whole), Fraction(FPS))) == n_segments
        np.testing.assert_array_equal(frames_of(song), whole)


def test_threads_do_not_change_the_frames(write_wav: WriteWav, frames_of: Make) -> None:
    song = write_wav(music(2.0))
    with threads(1):
        alone = frames_of(song, fps=20)
    with threads(2):  # more batches than they take ahead
        np.testing.assert_array_equal(frames_of(song, fps=20), alone)


def test_threads_do_not_change_what_is_heard(
    write_wav: WriteWav, frames_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Features] = []

    def note(*arguments: Any) -> Features:
        heard.append(extract(*arguments))
        return heard[-1]

    monkeypatch.setattr(film.workroom, "extract", note)
    song = write_wav(band(6.0))
    for n in (1, 2, 3):
        with threads(n):
            frames_of(song, duration_s=0.1, flash_guard=False)
    for other in heard[1:]:
        for name, curve in vars(heard[0]).items():
            np.testing.assert_array_equal(getattr(other, name), curve, name)


def test_threads_do_not_change_the_stills() -> None:
    generator = Generator(Form(n_noise=128, n_octaves=0, width=16))
    initialise(generator, torch.Generator().manual_seed(0))

    def styles(n: int) -> torch.Tensor:
        with threads(n):
            stills = Stills(generator)
            return torch.stack([stills.style(seed) for seed in range(8)])

    for n in (2, 3, 5):
        assert torch.equal(styles(n), styles(1)), n


ELSEWHERE = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
from test_exact import CHOICES, Song, build_recipe, ignore, make_film

recipe = build_recipe(CHOICES)
make_film(Song(path=Path("song.wav")), Path("b.mp4"), recipe, work=Path("b"), progress=ignore)
"""


def test_another_process_makes_the_same_film(
    tmp_path: Path, write_wav: WriteWav, tiny_theme: str
) -> None:
    song = write_wav(music(2.0))
    recipe = build_recipe(CHOICES)
    make_film(Song(path=song), tmp_path / "a.mp4", recipe, work=tmp_path / "a", progress=ignore)
    script = ELSEWHERE.format(path=sys.path)
    changes = {"OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=os.environ | changes, check=True
    )
    here, elsewhere = (decode_frames(tmp_path / name) for name in ("a.mp4", "b.mp4"))
    np.testing.assert_array_equal(here, elsewhere)


@pytest.mark.parametrize("rate", RATES)
def test_frame_rates_are_exact_fractions(
    tmp_path: Path, write_wav: WriteWav, frames_of: Make, rate: str
) -> None:
    fps, n_samples = parse_fps(rate), 5_881  # 8 frames of 60 a second, and a sample
    n_frames = len(frames_of(write_wav(music(0.2)[:n_samples]), fps=rate))
    assert n_frames == math.ceil(n_samples * fps / RATE)
    with av.open(tmp_path / "film.mp4") as file:
        stream = file.streams.video[0]
        assert stream.average_rate == fps
        assert stream.frames == n_frames
        assert stream.duration * stream.time_base == n_frames / fps
        shown_s = [frame.pts * frame.time_base for frame in file.decode(stream)]
    assert shown_s == [frame / fps for frame in range(n_frames)]


@pytest.mark.parametrize("rate", RATES)
def test_excerpts_begin_on_exact_frames(rate: str) -> None:
    """An hour in, no error has added up; frame and sample are at one moment."""
    fps = parse_fps(rate)
    timeline = Timeline(fps=fps, n_samples=2 * 3600 * 48_000, sample_rate=48_000)
    excerpt: Excerpt = film.segments.cut_excerpt(timeline, 3600.0, 2.0)
    assert abs(Fraction(excerpt.first_frame) / fps - 3600) <= 1 / fps / 2
    assert excerpt.first_sample == math.ceil(excerpt.first_frame * 48_000 / fps)
    assert excerpt.n_frames == math.ceil(2 * fps)


def test_twelve_decibels_louder_is_the_same_film(write_wav: WriteWav, frames_of: Make) -> None:
    samples = 0.2 * music(4.0)
    quiet, loud = (frames_of(write_wav(x, subtype="PCM_24")) for x in (samples, 4 * samples))
    # In single pixels a step or two; from frame to frame it is six on average.
    assert apart(quiet, loud) < 0.3
    assert np.abs(quiet.astype(int) - loud).max() <= 6
    assert apart(quiet[1:], quiet[:-1]) > 3


def rotate(samples: np.ndarray, silence_s: float) -> np.ndarray:
    """Put six seconds of silence around a song, so many of them before it."""
    before = round(silence_s * RATE)
    return np.concatenate([np.zeros(before), samples, np.zeros(6 * RATE - before)])


def score_of(features: Features) -> Score:
    drive = Drive(
        routes=DEFAULT_ROUTES,
        sliders={"level": 1.0, "frequency": 1.0, "timbre": 1.0},
        mechanisms={"before": 1.0, "inside": 1.0, "after": 1.0},
    )
    return compose(features, drive, n_keyframes=3, seed=0)


@pytest.mark.parametrize("fps", [24, 25, 60])
def test_sound_a_second_later_is_a_score_a_second_later(fps: int) -> None:
    early, late = (hear(rotate(band(12.0), s), fps) for s in (1.0, 2.0))
    assert early.tempo_bpm == pytest.approx(late.tempo_bpm, rel=1e-3)
    for name in ("beat_times_s", "downbeat_times_s"):
        times_s = getattr(early, name) + 1
        inside_s = times_s[(times_s > 2) & (times_s < 14)]
        apart_s = np.abs(getattr(late, name)[:, None] - inside_s).min(axis=0)
        assert apart_s.max() < 0.011, name  # beats lie on a grid of 10 ms
        assert len(inside_s) > 5, name
    spans = np.array([control.highest - control.lowest for control in CONTROLS.values()])
    first, second = score_of(early), score_of(late)
    np.testing.assert_allclose(second.keyframe[fps:], first.keyframe[:-fps], atol=0.01)
    difference = np.abs(second.controls[fps:] - first.controls[:-fps]) / spans
    assert difference.max() < 0.02
    assert difference.mean() < 0.0005


def test_sound_a_second_later_is_a_film_a_second_later(
    write_wav: WriteWav, frames_of: Make
) -> None:
    early, late = (
        frames_of(write_wav(rotate(band(3.0), silence_s)), duration_s=6.0)
        for silence_s in (1.0, 2.0)
    )
    # The windows' columns lie 6 ms apart, wherever the sound begins.
    assert apart(early[:-FPS], late[FPS:]) < 1.3
    assert apart(early, late) > 5
