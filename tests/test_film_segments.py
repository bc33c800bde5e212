"""Frames, samples, segments and batches agree, however a film is cut."""

import math
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from film.segments import BATCH_FRAMES, cut_excerpt, plan
from spectro.errors import TonfilmError
from spectro.timeline import Timeline

FPS = st.sampled_from([Fraction(n) for n in (1, 24, 25, 60)] + [Fraction(24_000, 1001)])


def timelines() -> st.SearchStrategy[Timeline]:
    return st.builds(
        Timeline,
        fps=FPS,
        n_samples=st.integers(1, 10**7),
        sample_rate=st.sampled_from([8_000, 11_025, 44_100, 48_000, 192_000]),
    )


# The last frame hangs on one sample.
@example(Timeline(fps=Fraction(60), n_samples=2_851_067, sample_rate=8_000), 1.875, None)
@given(timelines(), st.floats(0, 300), st.one_of(st.none(), st.floats(1e-3, 300)))
@settings(deadline=None)
def test_sound_and_frames_of_an_excerpt_agree(
    timeline: Timeline, start_s: float, duration_s: float | None
) -> None:
    try:
        excerpt = cut_excerpt(timeline, start_s, duration_s)
    except TonfilmError:
        assert start_s > timeline.duration_s - 1 / timeline.fps
        return
    n_samples = excerpt.stop_sample - excerpt.first_sample
    assert n_samples >= 1
    assert excerpt.n_frames == math.ceil(n_samples * timeline.fps / timeline.sample_rate)
    # The sound starts with the first frame, to the sample, unless it has no sample left.
    late = Fraction(excerpt.first_sample, timeline.sample_rate) - excerpt.first_frame / timeline.fps
    assert abs(late) < Fraction(1, timeline.sample_rate)


def test_no_excerpt_is_the_whole_song() -> None:
    timeline = Timeline(fps=Fraction(24), n_samples=44_101, sample_rate=44_100)
    excerpt = cut_excerpt(timeline, 0.0, None)
    assert (excerpt.first_frame, excerpt.stop_frame) == (0, 25)
    assert (excerpt.first_sample, excerpt.stop_sample) == (0, 44_101)


def test_an_excerpt_after_the_end_is_refused() -> None:
    timeline = Timeline(fps=Fraction(24), n_samples=44_100, sample_rate=44_100)
    with pytest.raises(TonfilmError, match=r"only 1\.000 s long: choose an earlier start"):
        cut_excerpt(timeline, 1.0, None)


@given(st.integers(0, 5000), st.integers(1, 3000), FPS)
def test_segments_and_batches_hold_each_frame_once(first: int, n: int, fps: Fraction) -> None:
    frames = []
    for segment in plan(first, first + n, fps):
        kept = []
        for batch in segment.batches():
            assert batch.first_frame % BATCH_FRAMES == 0
            kept += list(range(batch.first_frame, batch.first_frame + BATCH_FRAMES))[batch.kept]
        assert kept == list(range(segment.first_frame, segment.stop_frame))
        frames += kept
    assert frames == list(range(first, first + n))


def test_cuts_lie_at_the_same_frames_in_film_and_excerpt() -> None:
    whole = {segment.first_frame for segment in plan(0, 1000, Fraction(24))}
    part = plan(13, 700, Fraction(24))
    assert {segment.first_frame for segment in part[3:]} < whole
    assert all(start % BATCH_FRAMES == 0 for start in whole)
    # The first ones are short, so that there is something to see early.
    assert [segment.n_frames for segment in part] == [3, 16, 64, *[96] * 6, 28]
    assert [s.n_frames for s in plan(0, 1000, Fraction(24))[:4]] == [8, 16, 72, 96]
    assert [segment.n_frames for segment in plan(88, 200, Fraction(24))] == [8, 96, 8]
    names = [segment.file_name for segment in part]
    assert names == sorted(names)
