"""The whole path on a tiny theme, checked on the finished file."""

import fcntl
import math
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import WriteWav, clicks, music
from film_files import decode_frames, decode_sound

import film.painting
import film.workroom
from film.cards import list_themes
from film.engines import Duet
from film.pipeline import Song, make_film
from film.recipe import Recipe
from film.report import Report
from film.video import read_recipe
from spectro.audio import HeldMono, Limits
from spectro.errors import TonfilmError

# At 4 frames a second a segment has 16 frames, so few frames make several segments.
RECIPE = Recipe(theme="tiny", keyframes=(1, 2, 3), width=64, height=64, fps="4", quality="draft")  # type: ignore[arg-type]


class StoppedError(Exception):
    """What a progress callback raises to cancel."""


def ignore(stage: str, done: int, total: int) -> None:
    """Take no note of progress."""


def stop_at(n_frames: int) -> Callable[[str, int, int], None]:
    """Return a callback that cancels when so many frames are painted."""

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "paint" and done >= n_frames:
            raise StoppedError

    return progress


def make(song: Path, name: str = "film.mp4", recipe: Recipe = RECIPE) -> Report:
    work = song.parent / "work"
    return make_film(Song(path=song), song.parent / name, recipe, work=work, progress=ignore)


def test_a_song_becomes_a_film(tmp_path: Path, write_wav: WriteWav, tiny_theme: str) -> None:
    song = write_wav(music(9.1), 44_100)
    seen: dict[str, list[tuple[int, int]]] = {}
    stills = []

    def progress(stage: str, done: int, total: int) -> None:
        seen.setdefault(stage, []).append((done, total))
        if stage == "paint" and done > 16:
            stills.append((tmp_path / "work" / "latest.jpg").read_bytes()[:2])

    report = make_film(
        Song(path=song), tmp_path / "film.mp4", RECIPE, work=tmp_path / "work", progress=progress
    )
    n_frames = math.ceil(9.1 * 4)
    assert len(decode_frames(tmp_path / "film.mp4")) == report.n_frames == n_frames
    with av.open(tmp_path / "film.mp4") as film:
        sound = film.streams.audio[0]
        assert (sound.rate, sound.channels) == (44_100, 2)
        assert sound.duration * sound.time_base == pytest.approx(9.1, abs=1e-4)
    assert list(seen) == ["analysis", "paint", "join"]
    for stage, steps in seen.items():
        assert steps == sorted(steps), stage
        assert steps[-1][0] == steps[-1][1], stage
    assert seen["paint"][-1] == (n_frames, n_frames)
    assert set(stills) == {b"\xff\xd8"}
    assert not (tmp_path / "work").exists()

    stages = {stage.name: stage for stage in report.stages}
    names = {"load", "analysis", "score", "windows", "paint", "post", "encode", "join"}
    assert stages.keys() == names
    assert sum(stage.share for stage in report.stages) == pytest.approx(1)
    assert report.real_time_factor == pytest.approx(n_frames / 4 / report.wall_s)
    assert report.peak_memory_mb > 100
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_a_film_makes_itself_again(tmp_path: Path, write_wav: WriteWav, tiny_theme: str) -> None:
    song = write_wav(music(3.0))
    recipe = make(song, "a.mp4").recipe
    assert read_recipe(tmp_path / "a.mp4") == recipe
    assert recipe.song_sha256 is not None
    assert make(song, "b.mp4", read_recipe(tmp_path / "a.mp4")).notes == ()
    frames, again = decode_frames(tmp_path / "a.mp4"), decode_frames(tmp_path / "b.mp4")
    assert np.array_equal(frames, again)
    for change in (
        {"seed": 1},
        {"keyframes": (3, 2, 1)},
        {"level": 0.0},
        {"frequency": 1.0},
        {"timbre": 1.0},
        {"blend": "pyramid"},
    ):
        make(song, "c.mp4", RECIPE.model_copy(update=change))
        assert not np.array_equal(frames, decode_frames(tmp_path / "c.mp4")), change


def test_an_excerpt_is_a_part_of_the_film(
    tmp_path: Path, write_wav: WriteWav, tiny_theme: str
) -> None:
    song = write_wav(music(9.0))
    make(song, "whole.mp4")
    excerpt = RECIPE.model_copy(update={"start_s": 2.6, "duration_s": 6.0})
    report = make(song, "part.mp4", excerpt)
    whole, part = decode_frames(tmp_path / "whole.mp4"), decode_frames(tmp_path / "part.mp4")
    assert len(part) == report.n_frames == 24  # from frame 10: 2.6 s lie nearest to 2.5 s
    # Frames 16 to 31 are the same segment in both; the first was cut, so encoded otherwise.
    assert np.array_equal(part[6:22], whole[16:32])
    assert np.abs(part[:6].astype(int) - whole[10:16]).mean() < 3
    sound = decode_sound(tmp_path / "whole.mp4")[0, round(2.5 * 44_100) :]
    cut = decode_sound(tmp_path / "part.mp4")[0]
    middle = slice(44_100, 88_200)
    assert np.corrcoef(sound[middle], cut[middle])[0, 1] > 0.99


def test_a_cancelled_run_goes_on_where_it_was(
    tmp_path: Path, write_wav: WriteWav, tiny_theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = write_wav(music(9.0))
    make(song, "undisturbed.mp4")
    for n_frames in (20, 34):  # in the third segment, and in the fourth
        with pytest.raises(StoppedError):
            make_film(
                Song(path=song),
                tmp_path / "film.mp4",
                RECIPE,
                work=tmp_path / "work",
                progress=stop_at(n_frames),
            )
        # What was heard is remembered.
        monkeypatch.setattr(film.workroom, "extract", None)
    assert not (tmp_path / "film.mp4").exists()
    torn = tmp_path / "work" / "00000016-00000032.mp4"
    torn.write_bytes(torn.read_bytes()[:500])
    assert make(song).n_resumed_segments == 2
    frames = decode_frames(tmp_path / "film.mp4")
    assert np.array_equal(frames, decode_frames(tmp_path / "undisturbed.mp4"))
    assert not (tmp_path / "work").exists()


def test_work_for_another_film_is_thrown_away(
    tmp_path: Path, write_wav: WriteWav, tiny_theme: str
) -> None:
    song = write_wav(music(5.0))
    with pytest.raises(StoppedError):
        make_film(
            Song(path=song),
            tmp_path / "f.mp4",
            RECIPE,
            work=tmp_path / "work",
            progress=stop_at(18),
        )
    assert make(song, recipe=RECIPE.model_copy(update={"seed": 1})).n_resumed_segments == 0


KILLED = """
import sys, time
from pathlib import Path
sys.path[:0] = {path!r}
from test_film_pipeline import RECIPE, Song, make_film

def progress(stage, done, total):
    if stage == "paint" and done > 24:
        print("painting", flush=True)
        time.sleep(600)

song = Song(path=Path("song.wav"))
make_film(song, Path("film.mp4"), RECIPE, work=Path("work"), progress=progress)
"""


def test_a_killed_run_goes_on_where_it_was(
    tmp_path: Path, write_wav: WriteWav, tiny_theme: str
) -> None:
    song = write_wav(music(9.0))
    script = KILLED.format(path=sys.path)
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "painting\n"
        with pytest.raises(TonfilmError, match="being made already"):
            make(song)
        run.send_signal(signal.SIGKILL)
    left = {path.name for path in (tmp_path / "work").iterdir()}
    whole = {"00000000-00000008.mp4", "00000008-00000016.mp4"}
    assert whole <= left
    assert [name for name in left if name.startswith(".00000016-00000032.mp4.")]
    assert make(song).n_resumed_segments == 2
    make(song, "undisturbed.mp4")
    frames = decode_frames(tmp_path / "film.mp4")
    assert np.array_equal(frames, decode_frames(tmp_path / "undisturbed.mp4"))


@pytest.mark.parametrize(("theme", "least"), [("tiny", 1.0), ("abstract", 4.0)])
def test_another_songs_windows_change_the_film(
    write_wav: WriteWav,
    tiny_models: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    theme: str,
    least: float,
) -> None:
    """With every effect off, in steps of 8-bit luma, on average over all pixels and frames."""
    if theme == "tiny":
        monkeypatch.setenv("TONFILM_MODELS", str(tiny_models))
    elif theme not in list_themes():
        pytest.skip(f"the theme {theme} is not installed")
    song = write_wav(music(2.0))
    off = RECIPE.model_copy(update={"theme": theme, "level": 0.0, "frequency": 0.0, "timbre": 0.0})
    make(song, "own.mp4", off)
    noise = np.random.default_rng(0).normal(0, 0.2, 2 * 44_100).astype(np.float32)
    real = film.painting.slice_windows
    monkeypatch.setattr(
        film.painting, "slice_windows", lambda _, *rest: real(HeldMono(samples=noise), *rest)
    )
    make(song, "other.mp4", off)
    own, other = (
        decode_frames(song.with_name(name))[:, :64].astype(int) for name in ("own.mp4", "other.mp4")
    )
    assert np.abs(own - other).mean() > least


@pytest.mark.parametrize(
    ("samples", "sample_rate", "subtype"),
    [
        (np.zeros(44_100), 44_100, "PCM_16"),
        (np.zeros(1), 44_100, "PCM_16"),
        (np.ones(1), 8_000, "PCM_U8"),
        (3 * music(1.0), 44_100, "FLOAT"),
        (np.tile(clicks(0.5)[:, None], 5), 192_000, "PCM_24"),
    ],
)
def test_odd_songs_make_films(
    tmp_path: Path,
    write_wav: WriteWav,
    tiny_theme: str,
    *,
    samples: np.ndarray,
    sample_rate: int,
    subtype: str,
) -> None:
    report = make(write_wav(samples, sample_rate, subtype=subtype))
    n_frames = math.ceil(len(samples) * 4 / sample_rate)
    assert len(decode_frames(tmp_path / "film.mp4")) == report.n_frames == n_frames


def test_the_report_says_what_was_not_as_it_should_be(
    tmp_path: Path, write_wav: WriteWav, tiny_theme: str
) -> None:
    song = write_wav(np.tile(clicks(1.0)[:, None], 3), 37_800)
    song.write_bytes(song.read_bytes()[:-60_000])
    recipe = RECIPE.model_copy(update={"song_sha256": "0" * 64})
    notes = make(song, recipe=recipe).notes
    for word in ("ends after", "another song", "mixed down to two", "37800"):
        assert sum(word in note for note in notes) == 1, word


def test_mistakes_are_one_sentence_and_leave_no_film(
    tmp_path: Path, write_wav: WriteWav, tiny_theme: str
) -> None:
    song = write_wav(music(0.5))
    for change, sentence in (
        ({"theme": "none"}, r"no theme 'none': choose one of these \(tiny\)"),
        ({"theme": "../tiny"}, "no theme"),
        ({"weights": {"pix2pix.safetensors": "0" * 64}}, "another version of the theme"),
        ({"start_s": 0.5}, r"only 0\.500 s long"),
    ):
        with pytest.raises(TonfilmError, match=sentence):
            make(song, recipe=RECIPE.model_copy(update=change))
    with pytest.raises(TonfilmError, match="no file"):
        make(tmp_path / "none.wav")
    with pytest.raises(TonfilmError, match="too long"):
        make_film(
            Song(path=song, limits=Limits(max_duration_s=0.4)),
            tmp_path / "film.mp4",
            RECIPE,
            work=tmp_path / "work",
            progress=ignore,
        )
    assert not (tmp_path / "film.mp4").exists()


def test_what_fails_on_the_painters_thread_comes_out(
    write_wav: WriteWav, tiny_theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("in the painter")

    monkeypatch.setattr(Duet, "paint", fail)
    with pytest.raises(ZeroDivisionError, match="in the painter"):
        make(write_wav(music(1.0)))


def test_two_runs_do_not_share_a_folder(
    tmp_path: Path, write_wav: WriteWav, tiny_theme: str
) -> None:
    song = write_wav(music(0.5))
    (tmp_path / "work").mkdir()
    with (tmp_path / "work" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TonfilmError, match="being made already"):
            make(song)
    make(song)
