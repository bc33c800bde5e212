"""Decoding of films of every kind: when and how large pictures are, where the sound lies."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from made_films import MadeFilm, click_at, jump_at

from measures.film import SAMPLE_RATE, Unmeasurable, decode_pictures, decode_sound
from measures.report import measure_film, read_film
from measures.sound import listen

BEATS_S = np.array([1.0, 2.0, 3.0])


def test_pictures_are_shrunk_and_timed(tmp_path: Path) -> None:
    film = MadeFilm(
        paint=lambda time_s: 100 * (time_s > 0.5),
        duration_s=1.0,
        fps=25,
        width=640,
        height=360,
        sound=np.zeros(44_100),
    )
    pictures = list(decode_pictures(film.write(tmp_path / "film.mp4")))
    assert [picture.time_s for picture in pictures] == pytest.approx(np.arange(25) / 25)
    assert [picture.end_s for picture in pictures] == pytest.approx(np.arange(1, 26) / 25)
    assert pictures[0].pixels.shape == (144, 256, 3)
    assert pictures[0].small.shape == (36, 64, 3)
    assert pictures[0].pixels.max() <= 1
    assert np.abs(pictures[-1].pixels.astype(int) - 100).max() <= 2


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 95, "height": 53},
        {"width": 54, "height": 96},
        {"width": 320, "height": 2},
        {"sample_rate": 8_000, "sound": click_at(BEATS_S, 4.0, 8_000)},
        {"sample_rate": 48_000, "sound": click_at(BEATS_S, 4.0, 48_000)},
        {"sound": np.stack([click_at(BEATS_S, 4.0), np.zeros(176_400)], axis=1)},
        {"sound": click_at(BEATS_S, 3.2)},
        {"sound": click_at(BEATS_S, 9.0)},
        {"sound": click_at(BEATS_S - 0.7, 3.3), "sound_at_s": 0.7},
        {"frames_s": [t for t in np.arange(0, 4, 1 / 30) if np.abs(t - BEATS_S - 0.4).min() > 0.3]},
    ],
    ids=["odd", "tall", "flat", "8 kHz", "48 kHz", "stereo", "short", "long", "late", "gaps"],
)
def test_any_film_is_measured_on_one_clock(tmp_path: Path, changes: dict[str, object]) -> None:
    plain = {"paint": jump_at(BEATS_S), "duration_s": 4.0, "sound": click_at(BEATS_S, 4.0)}
    path = MadeFilm(**{**plain, **changes}).write(tmp_path / "film.mp4")
    report = measure_film(path, BEATS_S, None)
    assert report.duration_s == pytest.approx(4.0, abs=0.05)
    assert report.synchrony.beat_hits[0].f1.measured == 1.0
    assert report.synchrony.av_align.measured == 1.0
    assert abs(report.synchrony.onset_motion.best_lag_ms) <= 4


def test_a_turned_film_is_measured_like_another(tmp_path: Path) -> None:
    plain = MadeFilm(paint=jump_at(BEATS_S), duration_s=4.0, sound=click_at(BEATS_S, 4.0))
    upright = plain.write(tmp_path / "film.mp4")
    matrix = b"\x00\x00\x00\x00\x00\x01\x00\x00" + bytes(4) + b"\xff\xff\x00\x00" + bytes(16)
    # The turn stands in the track's header, where no turn is 1, 0, 0, 0, 1 in 16.16 bits.
    unturned = (
        b"\x00\x01\x00\x00" + bytes(12) + b"\x00\x01\x00\x00" + bytes(12) + b"\x40\x00\x00\x00"
    )
    content = upright.read_bytes()
    header = content.index(b"tkhd")
    at = content.index(unturned, header)
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(content[:at] + matrix + b"\x40\x00\x00\x00" + content[at + len(unturned) :])
    with av.open(turned) as film:
        assert abs(next(film.decode(video=0)).rotation) == 90
    first, second = (measure_film(path, BEATS_S, None).synchrony for path in (upright, turned))
    assert first == second


def test_pictures_that_begin_late(tmp_path: Path) -> None:
    frames_s = np.arange(0.5, 4.0, 1 / 30).tolist()
    film = MadeFilm(paint=jump_at(BEATS_S), frames_s=frames_s, sound=click_at(BEATS_S, 4.0))
    report = measure_film(film.write(tmp_path / "film.mp4"), BEATS_S, BEATS_S[:1])
    assert report.duration_s == pytest.approx(3.5, abs=0.05)
    assert report.synchrony.beat_hits[0].f1.measured == 1.0
    assert abs(report.synchrony.onset_motion.best_lag_ms) <= 4
    assert report.calm.seams is not None
    assert report.calm.seams[0].ratio > 100
    with pytest.raises(Unmeasurable, match=r"beat at 0\.2 s lies outside"):
        measure_film(tmp_path / "film.mp4", np.array([0.2, 1.0]), None)


def test_sound_lies_where_the_player_plays_it(tmp_path: Path) -> None:
    clicks_s = np.array([0.5, 1.25])
    film = MadeFilm(
        paint=lambda _: 90.0, duration_s=2.0, sound=click_at(clicks_s, 1.5), sound_at_s=0.25
    )
    path = film.write(tmp_path / "film.mp4")
    for start_s, n in ((0.0, 2 * SAMPLE_RATE), (0.5, SAMPLE_RATE // 2), (-1.0, 4 * SAMPLE_RATE)):
        sound = np.concatenate(list(decode_sound(path, start_s, n)))
        assert sound.shape == (n,)
        loud_s = np.flatnonzero(np.abs(sound) > 0.2) / SAMPLE_RATE + start_s
        expected_s = clicks_s + 0.25
        expected_s = expected_s[(expected_s >= start_s) & (expected_s < start_s + n / SAMPLE_RATE)]
        distances_s = np.abs(loud_s[:, None] - expected_s)
        assert distances_s.min(axis=1).max() < 0.005
        assert distances_s.min(axis=0).max() < 0.005


def test_a_gap_in_the_sound_is_silence(tmp_path: Path) -> None:
    film = MadeFilm(
        paint=lambda _: 90.0, duration_s=4.0, sound=click_at([0.5, 1.5], 2.0), pause_s=1.5
    )
    sound = np.concatenate(list(decode_sound(film.write(tmp_path / "film.mp4"), 0.0, 96_000)))
    loud_s = np.flatnonzero(np.abs(sound) > 0.2) / SAMPLE_RATE
    assert loud_s[[0, -1]] == pytest.approx([0.5, 3.0], abs=0.006)


def test_blocks_join_without_a_seam() -> None:
    """A sound heard in one block of 10 s is heard alike across the edge of two."""
    rng = np.random.default_rng(0)
    sound = (0.1 * rng.standard_normal(8 * SAMPLE_RATE)).astype(np.float32)
    before = np.zeros(6 * SAMPLE_RATE, np.float32)
    alone = listen([sound], len(sound))
    late = listen([before, sound], len(before) + len(sound))
    assert late.onset[600:] == pytest.approx(alone.onset, abs=1e-4)
    assert late.chroma[120:] == pytest.approx(alone.chroma, rel=1e-4)
    for name, curve in alone.curves.items():
        assert late.curves[name][120:] == pytest.approx(curve, abs=1e-3), name


def test_a_cover_is_no_moving_picture(tmp_path: Path) -> None:
    path = tmp_path / "song.m4a"
    with av.open(path, "w", format="mp4") as file:
        cover = file.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        sound = file.add_stream("aac", rate=44_100, layout="mono")
        picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
        picture.pts, picture.time_base = 0, Fraction(1, 1)
        file.mux(cover.encode(picture.reformat(format="yuvj420p")))
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), "s16", "mono")
        frame.sample_rate, frame.pts = 44_100, 0
        file.mux(sound.encode(frame))
        file.mux(sound.encode(None))
    with pytest.raises(Unmeasurable, match="no moving pictures"):
        read_film(path)
