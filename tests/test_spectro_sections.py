"""Where the music changes, and what comes again."""

import numpy as np
import pytest
from spectro_sounds import hear, noise, sine, strike

from spectro.sections import name_kinds


def quiet_part(duration_s: float) -> np.ndarray:
    return sine(duration_s, 220.0, 0.1) + sine(duration_s, 330.0, 0.05)


def loud_part(duration_s: float) -> np.ndarray:
    beats = np.arange(0.0, duration_s - 0.1, 0.5)
    return strike(beats, duration_s, 0.5) + sine(duration_s, 110.0, 0.3) + noise(duration_s, 0.05)


def test_parts_begin_where_the_music_changes() -> None:
    features = hear(np.concatenate([quiet_part(12.0), loud_part(15.0), quiet_part(13.0)]))
    assert features.section_times_s == pytest.approx([0.0, 12.0, 27.0], abs=0.6)


def test_what_comes_again_is_of_the_same_kind() -> None:
    parts = [quiet_part(12.0), loud_part(12.0), quiet_part(12.0), loud_part(12.0)]
    assert hear(np.concatenate(parts)).section_kinds.tolist() == [0, 1, 0, 1]


def test_novelty_is_highest_at_the_change() -> None:
    features = hear(np.concatenate([quiet_part(14.0), loud_part(14.0)]))
    highest_s = features.timeline.times_s()[features.novelty.argmax()]
    assert highest_s == pytest.approx(14.0, abs=0.6)
    assert features.novelty.max() > 0.5
    assert features.novelty[: 8 * 24].max() < 0.1


def test_a_start_lies_on_the_bar_that_is_near() -> None:
    beats = np.arange(0.25, 32.0, 0.5)
    drums = strike(beats, 32.4, 0.2) + strike(beats[::4], 32.4, 0.4)
    swell = np.where(np.arange(len(drums)) < 16.4 * 44_100, 0.0, 1.0)
    features = hear(drums + swell * (sine(32.4, 110.0, 0.3) + sine(32.4, 550.0, 0.2)))
    assert len(features.section_times_s) == 2
    assert features.section_times_s[1] in features.downbeat_times_s


@pytest.mark.parametrize(
    "samples",
    [noise(30.0), sine(30.0, 440.0), np.zeros(30 * 44_100), sine(3.0, 440.0), np.zeros(10)],
    ids=["noise", "tone", "silence", "three seconds", "ten samples"],
)
def test_what_does_not_change_is_one_section(samples: np.ndarray) -> None:
    features = hear(samples)
    assert features.section_times_s.tolist() == [0.0]
    assert features.section_kinds.tolist() == [0]


def test_louder_by_12_db_has_the_same_sections() -> None:
    song = np.concatenate([quiet_part(10.0), loud_part(10.0)])
    soft, loud = hear(song / 4), hear(song)
    np.testing.assert_array_equal(soft.section_times_s, loud.section_times_s)
    np.testing.assert_allclose(soft.novelty, loud.novelty, atol=0.02)


def test_kinds_have_letters() -> None:
    assert name_kinds(np.array([0, 1, 0, 25, 26])) == ["A", "B", "A", "Z", "A2"]
