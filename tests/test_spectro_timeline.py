"""The time axis is exact."""

from fractions import Fraction

import numpy as np
import pytest

from spectro.timeline import Timeline

NTSC = Fraction(24_000, 1001)


@pytest.mark.parametrize(
    ("fps", "n_samples", "rate", "n_frames"),
    [
        (Fraction(24), 44_100, 44_100, 24),
        (Fraction(24), 44_101, 44_100, 25),
        (Fraction(24), 1, 192_000, 1),
        (NTSC, 1001 * 2, 1000, 48),  # exactly 48 frames: floats would say 49
        (NTSC, 1001 * 2 + 1, 1000, 49),
        (Fraction(60), 3600 * 48_000, 48_000, 216_000),
    ],
)
def test_frames_cover_every_sample(fps: Fraction, n_samples: int, rate: int, n_frames: int) -> None:
    assert Timeline(fps=fps, n_samples=n_samples, sample_rate=rate).n_frames == n_frames


def test_times_do_not_drift() -> None:
    timeline = Timeline(fps=NTSC, n_samples=3600 * 1000, sample_rate=1000)
    last = timeline.n_frames - 1
    assert timeline.times_s()[last] == float(last / NTSC)
    assert len(timeline.times_s()) == timeline.n_frames


def test_doubled_rate_interleaves() -> None:
    slow = Timeline(fps=NTSC, n_samples=50_000, sample_rate=8000)
    fast = Timeline(fps=2 * NTSC, n_samples=50_000, sample_rate=8000)
    np.testing.assert_allclose(fast.times_s()[::2], slow.times_s(), rtol=1e-15)


@pytest.mark.parametrize(("fps", "n_samples", "rate"), [(0, 1, 1), (24, 0, 8000), (24, 1, 0)])
def test_nothing_is_no_timeline(fps: int, n_samples: int, rate: int) -> None:
    with pytest.raises(ValueError, match="needs frames"):
        Timeline(fps=Fraction(fps), n_samples=n_samples, sample_rate=rate)
