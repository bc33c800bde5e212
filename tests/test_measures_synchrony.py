"""Synchrony of films whose answer is known, measured from the files."""

from pathlib import Path

import numpy as np
import pytest
from made_films import MadeFilm, click_at, flash_at, jump_at
from scipy.ndimage import gaussian_filter

from measures.beats import track_beats
from measures.curves import AgainstChance, correlate, spread
from measures.report import FilmReport, measure_film, read_film
from measures.synchrony import Synchrony

DURATION_S = 12.0
BEATS_S = np.array([1.0, 2, 4, 5, 6, 8, 9, 10, 11])
CLICKS = click_at(BEATS_S, DURATION_S)


def measure(film: MadeFilm, folder: Path, beats_s: np.ndarray = BEATS_S) -> FilmReport:
    return measure_film(film.write(folder / "film.mp4"), beats_s, None)


def figures_of(synchrony: Synchrony) -> dict[str, AgainstChance]:
    """Gather all figures that lie beside chance."""
    alignment = synchrony.beat_alignment
    return {
        **{f"beats met within {hits.window_ms}": hits.f1 for hits in synchrony.beat_hits},
        "beats": alignment.of_beats,
        "video beats": alignment.of_video_beats,
        "AV-Align": synchrony.av_align,
        "colours": synchrony.colour_harmony,
    }


def test_a_flash_at_each_click_meets_every_beat(tmp_path: Path) -> None:
    synchrony = measure(MadeFilm(paint=flash_at(BEATS_S), sound=CLICKS), tmp_path).synchrony
    assert [hits.window_ms for hits in synchrony.beat_hits] == [45.0, 70.0]
    for hits in synchrony.beat_hits:
        assert hits.f1.measured == 1.0
        assert hits.corrected == 1.0
        # Nine clicks of ±45 or ±70 ms in 12 s: about 7 and 10 % of all moments.
        assert hits.f1.by_chance == pytest.approx(2 * 9 * hits.window_ms / 12_000, abs=0.04)
    assert synchrony.onset_motion.r > 0.9
    assert synchrony.onset_motion.z is not None
    assert synchrony.onset_motion.z > 4
    assert abs(synchrony.onset_motion.best_lag_ms) < 10  # the sinking light moves a little too
    assert synchrony.beat_alignment.of_beats.measured > 0.98
    assert synchrony.beat_alignment.of_video_beats.measured > 0.98
    assert synchrony.av_align.measured == 1.0
    assert synchrony.av_align.by_chance == pytest.approx(0.04, abs=0.04)


@pytest.mark.parametrize(("fps", "n_late"), [(24, 0), (24, 3), (25, -4), (30, 1), (60, 11)])
def test_a_picture_that_is_frames_late_has_that_lag(tmp_path: Path, fps: int, n_late: int) -> None:
    film = MadeFilm(paint=jump_at(BEATS_S + n_late / fps), fps=fps, sound=CLICKS)
    late = measure(film, tmp_path).synchrony
    assert late.onset_motion.best_lag_ms == pytest.approx(1_000 * n_late / fps, abs=2)
    is_near = abs(n_late / fps) < 0.045
    assert late.beat_hits[0].f1.measured == is_near
    assert (late.onset_motion.r > 0.3) == is_near


def test_frame_rates_agree(tmp_path: Path) -> None:
    reports = [
        measure(MadeFilm(paint=jump_at(BEATS_S), fps=fps, sound=CLICKS), tmp_path)
        for fps in (24, 25, 30, 60)
    ]
    r = [report.synchrony.onset_motion.r for report in reports]
    assert max(r) - min(r) < 0.02
    assert min(r) > 0.95
    for name in figures_of(reports[0].synchrony):
        values = [figures_of(report.synchrony)[name].measured for report in reports]
        assert max(values) - min(values) < 0.02, name
    assert [report.fps for report in reports] == [24, 25, 30, 60]
    assert [report.n_frames for report in reports] == [288, 300, 360, 720]


def test_a_film_between_frame_times_is_met_at_any_rate(tmp_path: Path) -> None:
    # At 24 frames a second they are seen 40 ms late, at .125 s, which no row of the curves is at.
    beats_s = BEATS_S[:-1] + 0.085
    clicks = click_at(beats_s, DURATION_S)
    for fps in (24, 60):
        film = MadeFilm(paint=jump_at(beats_s), fps=fps, sound=clicks)
        assert measure(film, tmp_path, beats_s).synchrony.beat_hits[0].f1.measured == 1.0


def blotches() -> np.ndarray:
    """Paint a picture with detail that an encoder has to leave out, and so to repair."""
    noise = np.random.default_rng(0).standard_normal((54, 96, 3))
    detail = 20 * noise + 300 * gaussian_filter(noise, (4, 4, 0))
    return (128 + detail).clip(0, 255)


@pytest.mark.parametrize("picture", [90.0, blotches()], ids=["grey", "detail"])
def test_a_still_gives_nothing_and_never_nan(tmp_path: Path, picture: np.ndarray | float) -> None:
    film = MadeFilm(paint=lambda _: picture, sound=CLICKS, key_frame_every=45)
    report = measure(film, tmp_path)
    assert (report.synchrony.onset_motion.r, report.synchrony.onset_motion.z) == (0, 0)
    assert report.synchrony.onset_motion.best_lag_ms == 0
    for name, figure in figures_of(report.synchrony).items():
        assert (figure.measured, figure.above_chance) == (pytest.approx(0, abs=1e-9),) * 2, name
    assert all(hits.corrected == 0 for hits in report.synchrony.beat_hits)
    assert all(r == 0 for row in report.routes.r.values() for r in row.values())
    assert report.calm.off_beat == pytest.approx(1.0, abs=0.002)
    assert report.flashes.general.most_within_1_s == 0


def test_silence_gives_nothing(tmp_path: Path) -> None:
    film = MadeFilm(paint=jump_at(BEATS_S), sound=np.zeros(round(DURATION_S * 44_100)))
    report = measure_film(film.write(tmp_path / "film.mp4"), None, None)
    assert report.beats_s == ()
    assert report.synchrony.onset_motion.r == 0
    for name, figure in figures_of(report.synchrony).items():
        assert figure.measured == 0, name
    assert all(r == 0 for row in report.routes.r.values() for r in row.values())


def test_jumps_that_know_nothing_of_the_music_are_worth_chance(tmp_path: Path) -> None:
    above = []
    for seed in range(4):
        jumps_s = np.sort(np.random.default_rng(seed).uniform(0.2, DURATION_S, 20))
        report = measure(MadeFilm(paint=jump_at(jumps_s), sound=CLICKS), tmp_path)
        above.append([figure.above_chance for figure in figures_of(report.synchrony).values()])
    assert np.abs(np.mean(above, axis=0)).max() < 0.12


def test_a_short_film_has_no_null(tmp_path: Path) -> None:
    beats_s = np.array([1.0, 2, 4])
    film = MadeFilm(paint=jump_at(beats_s), duration_s=6.0, sound=click_at(beats_s, 6.0))
    report = measure(film, tmp_path, beats_s)
    assert report.synchrony.onset_motion.z is None
    assert report.synchrony.beat_hits[0].f1 == AgainstChance(
        measured=1.0, by_chance=None, above_chance=None
    )
    assert report.synchrony.beat_hits[0].corrected is None
    assert report.routes.by_chance is None


def test_one_frame_is_a_film(tmp_path: Path) -> None:
    film = MadeFilm(paint=lambda _: 90.0, duration_s=1 / 30, sound=np.zeros(2_000))
    report = measure(film, tmp_path, np.array([0.0]))
    assert report.n_frames == 1
    assert report.calm.off_beat is None
    assert report.synchrony.onset_motion.r == 0


@pytest.mark.parametrize("follows", [True, False])
def test_colours_that_come_back_with_their_chords(tmp_path: Path, *, follows: bool) -> None:
    chords = np.array([0, 1, 2, 0, 2, 1, 1, 0, 2, 0, 1, 2])  # one a second
    roots_hz = np.array([220.0, 277.2, 329.6])[chords.repeat(44_100)]
    tones = 0.3 * np.sin(2 * np.pi * np.cumsum(roots_hz) / 44_100)
    palette = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200]])
    shown = chords if follows else np.array([0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2])
    film = MadeFilm(paint=lambda time_s: palette[shown[int(time_s + 1e-6)]], sound=tones)
    colours = measure(film, tmp_path).synchrony.colour_harmony
    assert colours.above_chance is not None
    assert (colours.above_chance > 0.5) == follows
    assert abs(colours.above_chance) < 0.3 or follows


def test_the_tracker_finds_a_steady_beat(tmp_path: Path) -> None:
    beats_s = np.arange(0.5, 15, 0.5)
    sound = click_at(beats_s, 15.0)
    film = MadeFilm(paint=jump_at(beats_s), duration_s=15.0, fps=24, sound=sound)
    tracked_s = track_beats(read_film(film.write(tmp_path / "film.mp4")).heard)
    assert len(tracked_s) >= 26
    assert np.abs(tracked_s[:, None] - beats_s).min(axis=1).max() < 0.03


def test_spreading_keeps_the_sum_at_any_rate() -> None:
    for fps in (24, 60):
        times_s = np.arange(0, 10, 1 / fps)
        steady = spread(times_s, np.full(len(times_s), 90 / fps), 300, 30, 0.025)
        assert steady[5:-5] == pytest.approx(3.0, rel=0.02)
    one = spread(np.array([5.01]), np.array([2.0]), 300, 30, 0.025)
    assert one.sum() == pytest.approx(2.0, rel=0.01)
    assert one @ np.arange(300) / 30 / one.sum() == pytest.approx(5.01, abs=0.001)


def test_correlation_is_that_of_the_textbook_and_zero_for_constants() -> None:
    first, second = np.random.default_rng(0).standard_normal((2, 50))
    assert correlate(first, second) == pytest.approx(np.corrcoef(first, second)[0, 1])
    assert correlate(first, np.full(50, 0.1)) == 0
