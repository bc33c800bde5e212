"""The half of the flash guard that works on the score."""

from fractions import Fraction

import numpy as np
import pytest

from spectro.flashes import DEPTHS, MOST_TRANSITIONS, find_flashing, limit_flashes
from spectro.routes import CONTROLS
from spectro.score import Score
from spectro.timeline import Timeline

FPS = 24
TIMES_S = np.arange(10 * FPS) / FPS


def swing(name: str, hz: float, depth: float, *, from_s: float = 0.0) -> Score:
    """Compose a score in which one control swings about its rest, and nothing else moves."""
    controls = np.tile([control.neutral for control in CONTROLS.values()], (len(TIMES_S), 1))
    wave = 0.5 * depth * np.sign(np.sin(2 * np.pi * hz * (TIMES_S + 0.01)))
    controls[:, list(CONTROLS).index(name)] += wave * (from_s <= TIMES_S)
    return Score(
        timeline=Timeline(fps=Fraction(FPS), n_samples=10 * 44_100, sample_rate=44_100),
        keyframe=np.zeros(len(TIMES_S), np.float32),
        toward=np.zeros(len(TIMES_S), np.int64),
        controls=controls.astype(np.float32),
    )


@pytest.mark.parametrize("name", DEPTHS)
@pytest.mark.parametrize("hz", [4.0, 6.0, 8.0, 12.0])
def test_a_strobe_is_held_back(name: str, hz: float) -> None:
    limited = limit_flashes(swing(name, hz, 4 * DEPTHS[name]))
    column = limited.score.column(name)
    assert not find_flashing(column, DEPTHS[name], FPS).any()
    assert np.ptp(column[FPS:-FPS]) < DEPTHS[name]
    assert np.ptp(column[FPS:-FPS]) > 0.1 * DEPTHS[name]  # it still moves with the music
    assert limited.is_limited.mean() > 0.9


@pytest.mark.parametrize(("hz", "depths"), [(2.0, 8.0), (3.0, 4.0), (8.0, 0.9)])
def test_what_is_seldom_or_slight_is_left_alone(hz: float, depths: float) -> None:
    score = swing("brightness", hz, depths * DEPTHS["brightness"])
    limited = limit_flashes(score)
    assert not limited.is_limited.any()
    np.testing.assert_array_equal(limited.score.controls, score.controls)


def test_what_lies_far_from_a_strobe_is_left_alone() -> None:
    score = swing("brightness", 8.0, 0.3, from_s=5.0)
    limited = limit_flashes(score)
    assert not limited.is_limited[: 4 * FPS].any()
    np.testing.assert_allclose(
        limited.score.controls[: 3 * FPS], score.controls[: 3 * FPS], atol=1e-6
    )
    assert limited.is_limited[6 * FPS :].all()


def test_up_to_three_flashes_in_a_second_are_allowed() -> None:
    column = np.zeros(4 * FPS, np.float32)
    starts = 24 + 4 * np.arange(MOST_TRANSITIONS // 2)
    column[starts] = 1.0
    assert not find_flashing(column, 0.5, FPS).any()
    column[starts[-1] + 4] = 1.0
    assert find_flashing(column, 0.5, FPS).any()
