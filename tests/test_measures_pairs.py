"""Likeness of painted and true frames, on cases whose answer is known."""

import numpy as np
import pytest

from measures.pairs import (
    compare,
    judge_music,
    measure_hits,
    measure_l1,
    measure_psnr_db,
    measure_sharpness,
    measure_ssim,
    measure_stripes,
    measure_temporal_ratio,
    remove_mean_colour,
)


@pytest.fixture
def frames() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.random((12, 3, 8, 8)).repeat(4, axis=2).repeat(4, axis=3).astype(np.float32)


def test_equal_frames(frames: np.ndarray) -> None:
    same = compare(frames, frames)
    assert same.l1 == 0
    assert same.psnr_db == pytest.approx(100)
    assert same.ssim == pytest.approx(1)


def test_a_known_error_gives_the_known_figures() -> None:
    grey, lighter = (np.full((1, 3, 32, 32), level, np.float32) for level in (0.4, 0.5))
    assert measure_l1(grey, lighter)[0] == pytest.approx(0.1)
    assert measure_psnr_db(grey, lighter)[0] == pytest.approx(20, abs=1e-4)
    # Flat pictures differ in luminance alone, where the formula can be written down.
    expected = (2 * 0.4 * 0.5 + 1e-4) / (0.4**2 + 0.5**2 + 1e-4)
    assert measure_ssim(grey, lighter)[0] == pytest.approx(expected, rel=1e-4)


def test_ssim_falls_with_noise_and_is_negative_for_the_negative(frames: np.ndarray) -> None:
    noise = np.random.default_rng(1).standard_normal(frames.shape).astype(np.float32)
    likeness = [measure_ssim(frames + level * noise, frames).mean() for level in (0.0, 0.05, 0.3)]
    assert likeness[0] > likeness[1] > likeness[2] > 0
    assert measure_ssim(1 - frames, frames).mean() < -0.3


def test_the_mean_frame_stands_for_all(frames: np.ndarray) -> None:
    mean = frames.mean(axis=0, keepdims=True)
    expected = np.abs(frames - mean).mean()
    assert compare(mean, frames).l1 == pytest.approx(float(expected), rel=1e-5)


def test_hits_are_all_for_a_good_network_and_chance_for_a_useless_one(frames: np.ndarray) -> None:
    noise = np.random.default_rng(1).standard_normal(frames.shape).astype(np.float32)
    good = measure_hits(frames + 0.05 * noise, frames)
    assert (good.top_1, good.top_10, good.n_frames) == (1.0, 1.0, 12)
    always_one = np.repeat(frames.mean(axis=0, keepdims=True), 12, axis=0)
    useless = measure_hits(always_one, frames)
    assert useless.top_1 == pytest.approx(1 / 12)
    assert useless.top_10 == pytest.approx(10 / 12)
    all_equal = measure_hits(always_one, always_one)  # a silent song: no frame can be told
    assert all_equal.top_1 == 0


def test_colour_alone_finds_nothing_once_it_is_removed(frames: np.ndarray) -> None:
    colours = np.random.default_rng(1).random((12, 3, 1, 1)).astype(np.float32)
    frames = 0.1 * frames + colours
    blank = np.broadcast_to(frames.mean(axis=(2, 3), keepdims=True), frames.shape)
    assert measure_hits(blank, frames).top_1 > 0.9
    assert measure_hits(remove_mean_colour(blank), remove_mean_colour(frames)).top_1 <= 0.1


def test_another_song_is_farther_than_the_right_one(frames: np.ndarray) -> None:
    three_songs = frames.reshape(3, 4, 3, 32, 32)
    music = judge_music(three_songs, three_songs)
    assert music.l1_right_song == 0
    assert music.l1_wrong_song == pytest.approx(
        float(np.abs(np.roll(frames, -4, axis=0) - frames).mean()), rel=1e-5
    )
    assert music.hits.top_1 == music.hits_without_mean_colour.top_1 == 1
    deaf = judge_music(np.roll(three_songs, 1, axis=0), three_songs)  # plays the wrong song
    assert deaf.l1_right_song > 0.1
    assert deaf.hits.top_1 == 0
    with pytest.raises(ValueError, match="two songs"):
        judge_music(three_songs[:1], three_songs[:1])


def test_temporal_ratio_is_one_for_truth_above_for_flicker_and_zero_for_a_still(
    frames: np.ndarray,
) -> None:
    walk = np.linspace(0, 1, 20)[:, None, None, None] * frames[:1]
    flicker = walk + 0.1 * (np.arange(20) % 2)[:, None, None, None]
    assert measure_temporal_ratio(walk, walk) == 1
    assert measure_temporal_ratio(flicker, walk) > 3
    assert measure_temporal_ratio(walk[[0] * 20], walk) == 0
    assert np.isnan(measure_temporal_ratio(walk, walk[[0] * 20]))


def test_stripes_are_seen_where_columns_or_rows_are_printed() -> None:
    rng = np.random.default_rng(0)
    true = rng.random((16, 3, 64, 64)).astype(np.float32)
    beats = (rng.random((16, 1, 64)) < 0.15) * np.ones((1, 64, 1))
    tones = np.swapaxes((rng.random((16, 1, 64)) < 0.15) * np.ones((1, 64, 1)), 1, 2)
    sound = (0.5 * (beats + tones)).astype(np.float32)
    error = 0.05 * rng.standard_normal(true.shape).astype(np.float32)
    clean = measure_stripes(true + error, true, sound)
    assert abs(clean.columns) < 0.1
    assert abs(clean.rows) < 0.1
    for sign in (1, -1):  # light or dark stripes
        printed = true + error + sign * 0.05 * beats[:, None].astype(np.float32)
        striped = measure_stripes(printed, true, sound)
        assert striped.columns > 0.7
        assert abs(striped.rows) < 0.15
    scored = measure_stripes(true + error + 0.05 * tones[:, None].astype(np.float32), true, sound)
    assert scored.rows > 0.7
    assert abs(scored.columns) < 0.15


def test_sharpness_is_that_of_the_true_frames_over_which_it_is_told(frames: np.ndarray) -> None:
    assert measure_sharpness(frames, frames) == pytest.approx(1)
    assert measure_sharpness(frames / 2, frames) == pytest.approx(0.5)
