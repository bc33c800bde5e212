"""Flicker, seams and flashes, on films and pictures whose answer is known."""

from pathlib import Path

import numpy as np
import pytest
from made_films import MadeFilm, click_at, strobe

from measures.flashes import FlashCounter, Flashes
from measures.report import FilmReport, measure_film

BEATS_S = np.array([1.0, 2.0, 3.0])
CLICKS = click_at(BEATS_S, 4.0)
RED = np.array([255.0, 0, 0])


def measure(film: MadeFilm, folder: Path) -> FilmReport:
    return measure_film(film.write(folder / "film.mp4"), BEATS_S, None)


@pytest.mark.parametrize(("at_beats", "expected"), [(True, 1.0), (False, 1 - 20 / 255)])
def test_flicker_counts_off_the_beat_alone(
    tmp_path: Path, expected: float, *, at_beats: bool
) -> None:
    beats_s = np.arange(0.2, 3.9, 0.3)  # two frames of three are near one

    def paint(time_s: float) -> float:
        is_near = np.abs(time_s - beats_s).min() < 0.09
        return 100 + 20 * (round(60 * time_s) % 2) * (is_near == at_beats)

    film = MadeFilm(paint=paint, duration_s=4.0, fps=60, sound=CLICKS)
    calm = measure_film(film.write(tmp_path / "film.mp4"), beats_s, None).calm
    assert calm.off_beat == pytest.approx(expected, abs=0.004)


def test_a_seam_is_told_from_a_smooth_cut(tmp_path: Path) -> None:
    # It changes by 4 levels a frame, and by 20 more at 1 s.
    film = MadeFilm(
        paint=lambda time_s: 20 + 96 * time_s + 20 * (time_s > 1 - 1e-6),
        duration_s=2.0,
        fps=24,
        sound=CLICKS,
    )
    cuts_s = np.array([0.5, 1.0, 1.51])
    seams = measure_film(film.write(tmp_path / "film.mp4"), BEATS_S[:1], cuts_s).calm.seams
    assert seams is not None
    assert [seam.time_s for seam in seams] == pytest.approx([0.5, 1.0, 1.5])
    assert [seam.ratio for seam in seams] == pytest.approx([1, 6, 1], rel=0.3)


@pytest.mark.parametrize("fps", [24, 60])
@pytest.mark.parametrize(("rate_hz", "is_safe"), [(2, True), (3, True), (4, False), (5, False)])
def test_a_strobe_is_dangerous_above_three_a_second(
    tmp_path: Path, fps: int, rate_hz: float, *, is_safe: bool
) -> None:
    film = MadeFilm(paint=strobe(rate_hz), duration_s=3.0, fps=fps, sound=CLICKS)
    flashes = measure_film(film.write(tmp_path / "film.mp4"), np.zeros(0), None).flashes
    assert flashes.general.most_within_1_s == rate_hz
    assert flashes.red.most_within_1_s == 0
    assert flashes.are_safe == is_safe
    assert (flashes.general.unsafe_spans_s == ()) == is_safe


def test_where_a_strobe_is_dangerous(tmp_path: Path) -> None:
    def paint(time_s: float) -> np.ndarray:
        return strobe(6)(time_s) * (1.5 <= time_s < 2.5)

    film = MadeFilm(paint=paint, duration_s=4.0, sound=CLICKS)
    ((start_s, end_s),) = measure(film, tmp_path).flashes.general.unsafe_spans_s
    assert 0.9 < start_s < 1.5
    assert 2.5 <= end_s < 3.6


def test_red_flashes_are_counted_by_their_colour(tmp_path: Path) -> None:
    # From red to a grey of its own luminance: no general flash, but five red ones.
    def paint(time_s: float) -> np.ndarray:
        return RED if strobe(5)(time_s).any() else np.full(3, 127.0)

    flashes = measure(MadeFilm(paint=paint, duration_s=4.0, sound=CLICKS), tmp_path).flashes
    assert flashes.red.most_within_1_s == 5
    assert flashes.general.most_within_1_s == 0
    assert not flashes.are_safe


@pytest.mark.parametrize(("share", "is_seen"), [(0.2, False), (0.3, True)])
def test_a_fifth_of_the_picture_may_flash(tmp_path: Path, share: float, *, is_seen: bool) -> None:
    def paint(time_s: float) -> np.ndarray:
        pixels = np.full((54, 96, 3), 60.0)
        pixels[:, : round(96 * share)] = strobe(5)(time_s)
        return pixels

    flashes = measure(MadeFilm(paint=paint, duration_s=4.0, sound=CLICKS), tmp_path).flashes
    assert (flashes.general.most_within_1_s == 5) == is_seen
    assert (flashes.general.most_within_1_s == 0) != is_seen


def count(*colours: tuple[int, int, int]) -> Flashes:
    """Show flat pictures, ten a second, one after another."""
    counter = FlashCounter()
    for number, colour in enumerate(colours):
        counter.update(np.full((9, 16, 3), colour, np.uint8), number / 10)
    return counter.finish()


def to_grey(luminance: float) -> tuple[int, int, int]:
    """Return the grey of a relative luminance (sRGB)."""
    level = round(255 * (1.055 * luminance ** (1 / 2.4) - 0.055))
    return (level, level, level)


@pytest.mark.parametrize(
    ("luminances", "n_flashes"),
    [
        ([0.2, 0.31, 0.2], 1),
        ([0.2, 0.29, 0.2], 0),  # less than a tenth
        ([0.31, 0.2, 0.31], 1),  # darker first
        ([0.85, 0.99, 0.85], 0),  # the darker picture is light
        ([0.79, 0.95, 0.79], 1),
        ([0.99, 0.79, 0.99], 1),
        ([0.2, 0.31, 0.42, 0.6], 0),  # one way only
        ([0.6, 0.42, 0.31, 0.2], 0),
        ([0.2, 0.25, 0.31, 0.25, 0.2], 1),  # in small steps
        ([0.2, 0.5, 0.3, 0.5, 0.2], 2),
        ([0.2, 0.5, 0.45, 0.5, 0.2], 1),  # the dip is no change of its own
    ],
)
def test_what_a_general_flash_is(luminances: list[float], n_flashes: int) -> None:
    assert count(*map(to_grey, luminances)).general.most_within_1_s == n_flashes


@pytest.mark.parametrize(
    ("colours", "n_flashes"),
    [
        ([(0, 0, 0), (255, 0, 0), (0, 0, 0)], 1),
        ([(255, 0, 0), (0, 0, 255), (255, 0, 0)], 1),
        ([(0, 0, 0), (255, 120, 120), (0, 0, 0)], 0),  # not saturated
        ([(90, 0, 0), (255, 120, 120), (90, 0, 0)], 1),  # one of the states is
        ([(0, 0, 0), (60, 0, 0), (0, 0, 0)], 0),  # saturated, but hardly to be seen
        ([(20, 0, 0), (255, 120, 120), (20, 0, 0)], 0),  # black, whatever its hue
    ],
)
def test_what_a_red_flash_is(colours: list[tuple[int, int, int]], n_flashes: int) -> None:
    assert count(*colours).red.most_within_1_s == n_flashes


def test_flashes_of_more_than_a_second_are_not_added_up() -> None:
    black, white = (0, 0, 0), (255, 255, 255)
    assert count(*[black, black, white, white] * 20).general.most_within_1_s == 2
    assert count(*[black, white] * 20).general.most_within_1_s == 5
