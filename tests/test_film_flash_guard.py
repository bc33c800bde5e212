"""No film flashes more than three times in a second, however it is cut."""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from conftest import WriteWav, music
from film_files import decode_frames

from film import painting
from film.engines import Duet
from film.flash_guard import Guarded, Painted, find_unsafe, shrink
from film.pipeline import Song, make_film
from film.recipe import FLASH_WARNING, Recipe
from film.report import Report
from measures.report import measure_film
from spectro.score import Rows

RECIPE = Recipe(theme="tiny", keyframes=(1, 2), width=96, height=64, quality="draft", after=0.0)
Light = Callable[[np.ndarray], np.ndarray]  # (n,) frames → (n, 3) red, green, blue in [0, 1]


def strobe(hz: float, first: int = 0, stop: int = 10**6, fps: float = 24.0) -> Light:
    """Flash white so many times a second in some frames; dark grey before and after."""

    def light(frames: np.ndarray) -> np.ndarray:
        is_on = (frames * hz / fps) % 1.0 < 0.5
        is_on &= (frames >= first) & (frames < stop)
        return np.where(is_on, 0.95, 0.1)[:, None].repeat(3, axis=1)

    return light


def red(frames: np.ndarray) -> np.ndarray:
    """Flash in saturated red on black, six times a second."""
    light = np.zeros((len(frames), 3))
    light[frames % 4 < 2, 0] = 0.5
    return light


def shine(monkeypatch: pytest.MonkeyPatch, light: Light, share: float = 1.0) -> None:
    """Let the engine paint one colour a frame, over a share of the width."""

    def paint(self: Duet, rows: Rows, _windows: np.ndarray) -> torch.Tensor:
        frames = rows.first_frame + np.arange(len(rows.keyframe))
        colours = torch.from_numpy(light(frames)).float()[:, :, None, None]
        height, width = self._canvas.height, self._canvas.width
        pictures = torch.full((len(frames), 3, height, width), 0.1)
        pictures[..., : round(share * width)] = colours
        return pictures

    monkeypatch.setattr(Duet, "paint", paint)


def make(song: Path, name: str, **changes: object) -> Report:
    recipe = Recipe.model_validate(RECIPE.model_dump() | changes)
    return make_film(
        Song(path=song),
        song.parent / name,
        recipe,
        work=song.parent / name.replace(".mp4", ""),
        progress=lambda *_: None,
    )


@pytest.fixture
def song(tmp_path: Path, write_wav: WriteWav, tiny_theme: str) -> Path:
    return write_wav(music(6.0), 44_100)


def count(path: Path) -> int:
    """Count by the judge of finished films, who knows nothing of the guard."""
    flashes = measure_film(path, None, None).flashes
    return max(flashes.general.most_within_1_s, flashes.red.most_within_1_s)


@pytest.mark.parametrize(
    ("light", "share"),
    [
        (strobe(12.0), 1.0),
        (strobe(6.0), 1.0),
        (strobe(4.0), 0.5),
        (strobe(8.0, first=40, stop=90), 1.0),
        (red, 1.0),
    ],
    ids=["12 a second", "6 a second", "half the picture", "for two seconds", "red"],
)
def test_flashes_are_calmed_and_the_report_says_so(
    monkeypatch: pytest.MonkeyPatch, song: Path, light: Light, share: float
) -> None:
    shine(monkeypatch, light, share)
    bare = make(song, "bare.mp4", flash_guard=False)
    assert count(song.parent / "bare.mp4") > 3
    assert bare.n_calmed_frames == 0
    guarded = make(song, "guarded.mp4")
    assert count(song.parent / "guarded.mp4") <= 3
    assert guarded.n_calmed_frames > 24
    assert any("flash guard calmed" in note for note in guarded.notes)


@pytest.mark.parametrize(
    ("light", "share"),
    [(strobe(1.0), 1.0), (strobe(2.0), 1.0), (strobe(12.0), 0.1)],
    ids=["once a second", "twice a second", "a tenth of the picture"],
)
def test_what_is_safe_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch, song: Path, light: Light, share: float
) -> None:
    shine(monkeypatch, light, share)
    assert make(song, "guarded.mp4").n_calmed_frames == 0
    make(song, "bare.mp4", flash_guard=False)
    guarded, bare = (decode_frames(song.parent / name) for name in ("guarded.mp4", "bare.mp4"))
    np.testing.assert_array_equal(guarded, bare)


def test_a_part_has_the_frames_of_the_whole(monkeypatch: pytest.MonkeyPatch, song: Path) -> None:
    shine(monkeypatch, strobe(8.0, first=40, stop=90))
    plain = painting.guard
    passed: dict[str, dict[int, np.ndarray]] = {"whole": {}, "part": {}}

    def pass_on(name: str, **changes: float) -> None:
        def guard(batches: Iterable[Painted], fps: Fraction) -> Iterator[Guarded]:
            held = list(batches)
            starts = [b.batch.first_frame + b.batch.kept.start for b in held if len(b.planes)]
            for start, batch in zip(starts, plain(held, fps), strict=True):
                passed[name] |= dict(enumerate(batch.planes, start))
                yield batch

        monkeypatch.setattr(painting, "guard", guard)
        make(song, f"{name}.mp4", **changes)

    pass_on("whole")
    pass_on("part", start_s=2.3, duration_s=1.9)
    assert sorted(passed["part"]) == list(range(55, 101))
    for frame, planes in passed["part"].items():
        np.testing.assert_array_equal(planes, passed["whole"][frame])


def test_what_was_stopped_goes_on_to_the_same_film(
    monkeypatch: pytest.MonkeyPatch, song: Path
) -> None:
    shine(monkeypatch, strobe(8.0, first=70, stop=120))  # over the border of the segments
    whole = make(song, "whole.mp4")

    def stop(stage: str, done: int, _total: int) -> None:
        if stage == "paint" and done >= 104:
            raise KeyboardInterrupt

    work, output = song.parent / "stopped", song.parent / "stopped.mp4"
    with pytest.raises(KeyboardInterrupt):
        make_film(Song(path=song), output, RECIPE, work=work, progress=stop)
    report = make(song, "stopped.mp4")
    assert report.n_resumed_segments == 3
    assert report.n_calmed_frames == whole.n_calmed_frames
    np.testing.assert_array_equal(decode_frames(output), decode_frames(song.parent / "whole.mp4"))


def test_a_film_without_the_guard_warns(song: Path) -> None:
    report = make(song, "bare.mp4", flash_guard=False, duration_s=0.5)
    assert FLASH_WARNING in report.notes
    with av.open(song.parent / "bare.mp4") as film:
        assert film.metadata["description"] == FLASH_WARNING
    make(song, "film.mp4", duration_s=0.5)
    with av.open(song.parent / "film.mp4") as film:
        assert "description" not in film.metadata


@pytest.mark.parametrize("fps", [24, 30, 60])
def test_seconds_are_counted_at_any_rate(fps: int) -> None:
    frames = np.arange(4 * fps)
    small = np.zeros((len(frames), 3, 36, 64), np.float32)
    small[:, 0] = strobe(5.0, fps, 3 * fps, fps)(frames)[:, 0][:, None, None]
    unsafe = find_unsafe(small, int(Fraction(fps)))
    assert unsafe[fps : 3 * fps].all()
    assert not unsafe[: fps // 3].any()
    assert not find_unsafe(small[:fps], fps).any()


@pytest.mark.parametrize("shape", [(144, 256), (256, 144), (256, 256)])
def test_fine_patterns_count_as_large_shapes_do(shape: tuple[int, int]) -> None:
    height, width = shape
    squares = np.indices((height // 4, width // 4)).sum(0) % 2 > 0
    is_on = strobe(5.0)(np.arange(72))[:, 0] > 0.5
    # Half of the squares light up as the others fade: what is coarser sees even grey.
    light = np.where(squares == is_on[:, None, None], 0.9, 0.1).repeat(4, 1).repeat(4, 2)
    pictures = torch.from_numpy(light).float()[:, None].expand(-1, 3, -1, -1)
    neutral = torch.eye(3, 4).expand(len(light), -1, -1)
    assert find_unsafe(shrink(pictures, neutral), 24).all()
