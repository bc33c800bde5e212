"""The score moves with the music, at any gain, and is neutral where nothing is to be heard."""

from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from spectro_sounds import RATE, band, hear, noise, sine, strike

from spectro.features import Features
from spectro.motions import MOTIONS
from spectro.pins import Pin
from spectro.routes import CONTROLS, CURVES, DEFAULT_ROUTES, Route
from spectro.score import Drive, Score, compose, load_score
from spectro.sources import SOURCES, listen, normalise

SLIDERS = ("level", "frequency", "timbre")
MECHANISMS = ("before", "inside", "after")
DRIVE = Drive(
    routes=DEFAULT_ROUTES,
    sliders=dict.fromkeys(SLIDERS, 0.5),
    mechanisms=dict.fromkeys(MECHANISMS, 1.0),
)
NEUTRAL = np.array([control.neutral for control in CONTROLS.values()])
SPANS = np.array([control.highest - control.lowest for control in CONTROLS.values()])


@cache
def heard(fps: int = 24, gain: float = 1.0, silence_s: int = 0) -> Features:
    return hear(np.concatenate([np.zeros(silence_s * RATE), gain * band(16.0)]), fps)


def write(features: Features, *, seed: int = 0, n_keyframes: int = 5, **sliders: float) -> Score:
    drive = replace(DRIVE, sliders=DRIVE.sliders | sliders)
    return compose(features, drive, n_keyframes=n_keyframes, seed=seed)


def lead(features: Features, *routes: Route, **mechanisms: float) -> Score:
    """Compose from these routes alone, all sliders full."""
    drive = Drive(
        routes=routes,
        sliders=dict.fromkeys(SLIDERS, 1.0),
        mechanisms=DRIVE.mechanisms | mechanisms,
    )
    return compose(features, drive, n_keyframes=5, seed=0)


def full(features: Features, **options: int) -> Score:
    return write(features, level=1.0, frequency=1.0, timbre=1.0, **options)


def way(score: Score) -> np.ndarray:
    """Unwrap the walk: (n_frames,), rising."""
    steps = np.diff(score.keyframe.astype(np.float64), prepend=0.0)
    n_keyframes = np.ceil(score.keyframe.max())
    return np.cumsum(np.where(steps < -0.5, steps + n_keyframes, steps))


def test_controls_are_in_their_ranges_and_move() -> None:
    score = full(heard())
    assert score.controls.shape == (score.timeline.n_frames, len(CONTROLS))
    assert score.controls.dtype == score.keyframe.dtype == np.float32
    reached = {route.target for route in DEFAULT_ROUTES}
    for name, control in CONTROLS.items():
        column = score.column(name)
        if name not in reached:
            assert (column == control.neutral).all()
            continue
        assert control.lowest <= column.min() < column.max() <= control.highest, name
        assert column.std() > 0.001 * (control.highest - control.lowest), name


def test_sliders_at_zero_leave_the_walk_alone() -> None:
    score = write(heard(), level=0.0, frequency=0.0, timbre=0.0)
    np.testing.assert_array_equal(
        score.controls, np.tile(NEUTRAL, (len(score.controls), 1)).astype("f")
    )
    assert way(score)[-1] > 2


@pytest.mark.parametrize("group", SLIDERS)
def test_each_slider_scales_its_own_routes(group: str) -> None:
    only = dict.fromkeys(SLIDERS, 0.0)
    half, whole = (write(heard(), **only | {group: x}).controls - NEUTRAL for x in (0.5, 1.0))
    reached = {route.target for route in DEFAULT_ROUTES if route.group == group}
    for k, name in enumerate(CONTROLS):
        assert (np.abs(whole[:, k]).max() > 0.005 * SPANS[k]) == (name in reached), name
    not_clipped = [k for k, name in enumerate(CONTROLS) if name != "zoom"]
    np.testing.assert_allclose(2 * half[:, not_clipped], whole[:, not_clipped], atol=0.05)


@pytest.mark.parametrize(
    "samples",
    [np.zeros(3 * RATE), np.zeros(1), noise(3.0, 1e-6)],
    ids=["silence", "one sample", "far below dither"],
)
def test_nothing_to_hear_is_neutral(samples: np.ndarray) -> None:
    score = full(hear(samples))
    np.testing.assert_allclose(
        score.controls, np.tile(NEUTRAL, (len(score.controls), 1)), atol=1e-6
    )
    assert score.keyframe[0] == 0


def test_a_steady_tone_is_calm() -> None:
    score = full(hear(sine(6.0, 440.0)))
    middle = score.controls[48:-24]
    swings = [
        k for k, name in enumerate(CONTROLS) if name not in ("spin_deg", "shift_x", "shift_y")
    ]
    assert (np.ptp(middle, axis=0)[swings] < 0.03 * SPANS[swings]).all()


def test_gain_changes_nothing() -> None:
    quiet, loud = full(heard(gain=0.25)), full(heard())
    assert (np.abs(quiet.controls - loud.controls) / SPANS).max() < 0.02
    np.testing.assert_allclose(quiet.keyframe, loud.keyframe, atol=1e-5)


def test_shift_of_the_sound_shifts_the_controls() -> None:
    plain, later = full(heard()), full(heard(silence_s=2))
    difference = np.abs(later.controls[48:] - plain.controls) / SPANS
    assert np.median(difference) < 0.002
    assert difference[12:].max() < 0.03
    assert np.abs(later.controls[:47] - NEUTRAL).max() < 1e-6


def test_doubled_rate_interleaves() -> None:
    slow, fast = full(heard()), full(heard(fps=48))
    difference = np.abs(fast.controls[::2] - slow.controls) / SPANS
    # What strikes between two frames of the slow film is nearer to one of the fast film's.
    assert difference.mean() < 0.015
    assert np.percentile(difference, 99) < 0.1
    np.testing.assert_allclose(way(fast)[::2], way(slow), atol=1e-4)


def test_seed_chooses_directions_alone() -> None:
    scores = [full(heard(), seed=seed) for seed in range(12)]
    again = full(heard(), seed=3)
    np.testing.assert_array_equal(again.controls, scores[3].controls)
    signed = ("spin_deg", "shift_x", "shift_y", "hue_turns")
    for name in CONTROLS:
        columns = np.stack([score.column(name) for score in scores])
        np.testing.assert_allclose(np.abs(columns), np.abs(columns[:1]).repeat(12, 0), err_msg=name)
        assert (len({column.tobytes() for column in columns}) == 2) == (name in signed), name


def test_drums_pulse_the_zoom_in_their_frame() -> None:
    at_s = np.arange(0.5, 11.5, 0.75)
    zoom = write(hear(strike(at_s, 12.0)), frequency=0.0, timbre=0.0).column("zoom")
    rises = np.diff(zoom, prepend=1.0)
    for second in at_s:
        k = round(second * 24)
        assert int(np.argmax(rises[k - 6 : k + 7])) - 6 in (-1, 0, 1)
    assert zoom.max() > 1.02


def test_bass_warps_and_treble_sharpens() -> None:
    low, high = 0.5 * sine(4.0, 60.0), 0.2 * sine(4.0, 8000.0)
    both = np.concatenate([noise(4.0, 1e-3) + low, noise(4.0, 1e-3) + high])
    score = full(hear(both))
    warp, sharpen = score.column("warp"), score.column("sharpen")
    assert warp[48:90].min() > 0.5
    assert warp[150:].max() < 0.1
    assert sharpen[150:].min() > 0.5
    assert sharpen[48:90].max() < 0.1


def test_louder_shows_more_of_the_painted_frame() -> None:
    score = full(hear(np.concatenate([noise(4.0, 0.01), noise(4.0, 0.1)])))
    blend = score.column("blend")
    assert blend[60:90].max() < CONTROLS["blend"].neutral < blend[150:].min()


def test_calm() -> None:
    """Pulses never strobe: see the figures beside DEFAULT_ROUTES."""
    drums = hear(strike(np.arange(0.1, 11.9, 0.125), 12.0) + 0.05 * band(12.0))
    for features in (drums, heard()):
        score = full(features)
        assert np.ptp(score.column("brightness")) <= 0.15
        level = write(features, level=1.0, frequency=0.0, timbre=0.0).column("zoom")
        assert level.max() <= 1.171
        falls = -np.diff(score.controls, axis=0) / SPANS
        assert falls.max() < 0.16  # of a control's range, within a frame


def test_release_and_attack_have_their_time_constants() -> None:
    # Silence after a bass note: the warp falls to 1/e in its release time.
    samples = np.concatenate([sine(4.0, 60.0), np.zeros(4 * RATE)]) + noise(8.0, 1e-3)
    route = next(r for r in DEFAULT_ROUTES if r.target == "warp")
    warp = full(hear(samples, fps=100)).column("warp")
    fallen_s = (np.flatnonzero(warp[405:] < warp[405] / np.e)[0]) / 100
    assert fallen_s == pytest.approx(route.release_s, abs=0.05)


def test_delay_and_curves() -> None:
    features = hear(strike(np.arange(0.5, 7.5, 1.0), 8.0))
    route = Route(source="onset", target="glow", amount=1.0, release_s=0.2)

    def glow(route: Route) -> np.ndarray:
        return lead(features, route).column("glow")

    plain = glow(route)
    late = glow(replace(route, delay_s=0.25))
    np.testing.assert_allclose(late[6:], plain[:-6], atol=1e-6)
    assert not late[:6].any()
    assert glow(replace(route, curve="square")).sum() < plain.sum()
    assert glow(replace(route, curve="root")).sum() > plain.sum()
    assert set(CURVES) == {"linear", "square", "root"}


def test_the_default_routes_use_every_source_and_every_motion() -> None:
    assert {route.source for route in DEFAULT_ROUTES} == set(SOURCES) | set(MOTIONS)


@pytest.mark.parametrize("name", CONTROLS)
def test_every_control_can_be_driven_and_switched_off_with_its_mechanism(name: str) -> None:
    route = Route(source="onset", target=name, amount=1.0)
    control = CONTROLS[name]
    score = lead(heard(), route)
    assert np.ptp(score.column(name)) > 0.3 * (control.highest - control.neutral)
    still = [other for other in CONTROLS if other != name]
    assert all(np.ptp(score.column(other)) == 0 for other in still)
    half = lead(heard(), route, **{control.mechanism: 0.5}).column(name)
    np.testing.assert_allclose(
        2 * np.abs(half - control.neutral), np.abs(score.column(name) - control.neutral), rtol=1e-3
    )
    off = lead(heard(), route, **{control.mechanism: 0.0}).column(name)
    assert (off == np.float32(control.neutral)).all()


def test_sources_are_normalised() -> None:
    curves = normalise(heard(), listen(heard()))
    for name, curve in curves.items():
        assert 0 <= curve.min() <= curve.max() <= 1, name
        assert curve.max() - curve.min() > 0.5, name


def test_walk_never_goes_back_and_comes_round() -> None:
    score = write(heard(), n_keyframes=2)
    assert score.keyframe.max() < 2
    assert (np.diff(way(score)) >= 0).all()
    assert way(score)[-1] > 2
    assert (score.keyframe[1:] < score.keyframe[:-1]).any()


def test_one_keyframe_is_a_still() -> None:
    assert set(np.floor(write(heard(), n_keyframes=1).keyframe)) == {0.0}


def test_walk_reaches_keyframes_on_bars() -> None:
    features = heard()
    position, times_s = way(write(features)), features.timeline.times_s()
    arrivals_s = np.interp(np.arange(1, int(position[-1]) + 1), position, times_s)
    for arrival_s in arrivals_s:
        # The path is steep in time only away from keyframes, so an arrival is sharp to a frame.
        assert np.abs(features.downbeat_times_s - arrival_s).min() < 1.5 / 24
    assert len(arrivals_s) >= 2


def test_every_section_begins_at_a_keyframe() -> None:
    starts_s = np.array([0.0, 5.3, 11.9])  # 5.3 is on no bar
    features = replace(heard(), section_times_s=starts_s, section_kinds=np.arange(3))
    position, times_s = way(write(features)), features.timeline.times_s()
    at = np.interp(starts_s, times_s, position)
    np.testing.assert_allclose(at, np.rint(at), atol=0.02)
    assert (np.diff(np.rint(at)) >= 1).all()


def parted(*starts_s: float, duration_s: float = 60.0, fps: int = 24) -> Features:
    """Hear a song at 120 beats a minute whose sections begin at these times."""
    features = hear(strike(np.arange(0.0, duration_s, 0.5), duration_s), fps)
    sections = {"section_times_s": np.array(starts_s), "section_kinds": np.arange(len(starts_s))}
    return replace(features, **sections)


def pinned(features: Features, *pins: Pin, n_keyframes: int = 4) -> Score:
    return compose(features, DRIVE, n_keyframes=n_keyframes, seed=0, pins=pins)


def weigh(score: Score, keyframe: int) -> np.ndarray:
    """Tell how much of a keyframe there is in each frame: (n_frames,) in [0, 1]."""
    start = np.floor(score.keyframe)
    way = score.keyframe - start
    weight = (start == keyframe) * (1 - way) + (score.toward == keyframe) * way
    return np.asarray(weight, np.float64)


SONG_S = (0.0, 16.0, 32.0, 48.0)


@pytest.mark.parametrize(
    "pin",
    [
        Pin(picture=3, start_s=16.0),
        Pin(picture=3, start_s=15.4),  # as somebody types it
        Pin(picture=3, start_s=16.3, stop_s=32.4),
    ],
)
def test_a_pinned_keyframe_is_there_when_its_part_begins_and_stays(pin: Pin) -> None:
    score = pinned(parted(*SONG_S), pin)
    weight = weigh(score, 2)
    assert weight[16 * 24] > 0.97
    assert weight[16 * 24 : 29 * 24].min() > 0.65
    assert weight[16 * 24 : 29 * 24].min() < 0.75, "it sways, so that the film lives"
    assert not weight[: 8 * 24].any(), "it belongs to its part"
    assert not weight[32 * 24 + 2 :].any()


def test_the_others_fill_the_rest_in_their_order() -> None:
    score = pinned(parted(*SONG_S), Pin(picture=3, start_s=16.0))
    stops = np.floor(score.keyframe).astype(int)
    passed = stops[np.flatnonzero(np.diff(stops, prepend=-1))].tolist()
    before, after = passed[: passed.index(2)], passed[len(passed) - passed[::-1].index(2) :]
    free = [0, 1, 3] * 9
    assert before + after == free[: len(before + after)]
    assert len(before) >= 2
    assert len(after) >= 4


def test_a_moment_is_met_and_left_again() -> None:
    weight = weigh(pinned(parted(*SONG_S), Pin(picture=2, start_s=21.0)), 1)
    assert np.argmax(weight) == pytest.approx(21 * 24, abs=4)
    assert weight.max() > 0.97
    assert not weight[: 10 * 24].any()
    assert not weight[30 * 24 :].any()


def test_a_moment_stands_before_the_part_that_it_lies_in() -> None:
    pins = Pin(picture=3, start_s=16.0), Pin(picture=2, start_s=23.0)
    score = pinned(parted(*SONG_S), *pins)
    assert weigh(score, 1)[23 * 24] > 0.95
    assert weigh(score, 2)[17 * 24] > 0.65
    assert weigh(score, 2)[28 * 24] > 0.65


def test_a_picture_may_be_pinned_more_than_once() -> None:
    pins = Pin(picture=1, start_s=16.0, stop_s=32.0), Pin(picture=1, start_s=48.0, stop_s=60.0)
    weight = weigh(pinned(parted(*SONG_S), *pins), 0)
    for start_s, stop_s in ((16, 29), (48, 60)):
        assert weight[start_s * 24 + 1 : stop_s * 24].min() > 0.65
    assert not weight[33 * 24 : 42 * 24].any()
    assert not weight[: 8 * 24].any(), "the film begins with the second"


@pytest.mark.parametrize("n_keyframes", [1, 2, 3])
def test_all_may_be_pinned(n_keyframes: int) -> None:
    pins = [Pin(picture=n + 1, start_s=SONG_S[n]) for n in range(n_keyframes)]
    score = pinned(parted(*SONG_S), *pins, n_keyframes=n_keyframes)
    for k, pin in enumerate(pins):
        assert weigh(score, k)[round(pin.start_s * 24) + 24] > 0.65
    assert ((score.toward >= 0) & (score.toward < n_keyframes)).all()
    assert score.keyframe.max() < n_keyframes


@pytest.mark.parametrize("starts_s", [SONG_S, (0.0,)])
def test_pins_never_make_the_walk_jump(starts_s: tuple[float, ...]) -> None:
    pins = [
        Pin(picture=1, start_s=0.0, stop_s=3.0),
        Pin(picture=4, start_s=16.0),
        Pin(picture=2, start_s=17.1),
        Pin(picture=3, start_s=47.0, stop_s=51.5),
        Pin(picture=3, start_s=59.8),
        Pin(picture=3, start_s=90.0),
    ]
    score = pinned(parted(*starts_s), *pins)
    weights = np.stack([weigh(score, k) for k in range(4)], axis=1)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-6)
    assert np.abs(np.diff(weights, axis=0)).max() < 0.16  # of a leg of a second, right after a beat


def test_pins_hold_in_a_song_without_beats_or_sections() -> None:
    features = hear(sine(30.0, 300.0))
    weight = weigh(pinned(features, Pin(picture=2, start_s=10.0, stop_s=20.0)), 1)
    assert weight[240] > 0.97
    assert weight[240 : 17 * 24].min() > 0.65
    silent = hear(np.zeros(RATE))
    assert weigh(pinned(silent, Pin(picture=2, start_s=0.0)), 1)[0] == 1.0


def test_doubled_rate_interleaves_pins() -> None:
    pins = Pin(picture=3, start_s=16.0), Pin(picture=2, start_s=38.0)
    slow, fast = (pinned(parted(*SONG_S, fps=fps), *pins) for fps in (24, 48))
    for k in range(4):
        np.testing.assert_allclose(weigh(fast, k)[::2], weigh(slow, k), atol=1e-3)


def test_without_pins_the_walk_goes_round() -> None:
    score = write(heard())
    np.testing.assert_array_equal(score.toward, (np.floor(score.keyframe) + 1) % 5)


def test_a_route_may_start_in_a_stem() -> None:
    drums = hear(strike(np.array([3.0, 7.0]), 16.0))
    route = Route(source="drums.onset", target="zoom", amount=1.0)
    drive = replace(DRIVE, routes=[route], sliders=dict.fromkeys(SLIDERS, 1.0))
    score = compose(heard(), drive, n_keyframes=5, seed=0, stems={"drums": drums})
    highest = np.sort(np.argsort(score.column("zoom"))[-2:]) / 24
    np.testing.assert_allclose(np.sort(highest), [3.0, 7.0], atol=0.1)
    alone = lead(heard(), replace(route, source="onset")).column("zoom")
    assert not np.allclose(alone, score.column("zoom"), atol=0.1)


def test_walk_is_paced_by_bars_not_seconds() -> None:
    slow = hear(strike(np.arange(0.3, 39.0, 0.75), 40.0))
    fast = hear(strike(np.arange(0.3, 39.0, 0.5), 40.0))
    for features in (slow, fast):
        position = way(write(features))
        legs_s = np.diff(
            np.interp(np.arange(1, int(position[-1])), position, features.timeline.times_s())
        )
        bars = legs_s / np.median(np.diff(features.downbeat_times_s))
        np.testing.assert_allclose(bars, np.rint(bars), atol=0.06)
        assert (legs_s > 2.5).all()
        assert (legs_s < 9).all()


def test_walk_moves_most_right_after_a_beat() -> None:
    features = heard(fps=48)
    speed = np.diff(way(write(features)))
    frames = np.rint(features.beat_times_s * 48).astype(int)[2:-2]
    early = np.mean([speed[k : k + 8].mean() for k in frames])
    late = np.mean([speed[k + 12 : k + 22].mean() for k in frames])
    assert early > 1.3 * late


def test_without_beats_a_calm_clock_walks() -> None:
    features = hear(sine(20.0, 300.0))
    assert features.tempo_bpm == 0.0
    position = way(write(features))
    np.testing.assert_allclose(
        np.interp([1, 2, 3], position, features.timeline.times_s()), [6, 12, 18], atol=0.1
    )


def test_rows_are_a_slice() -> None:
    score = full(heard())
    rows = score.rows(100, 108)
    assert rows.first_frame == 100
    np.testing.assert_array_equal(rows.keyframe, score.keyframe[100:108])
    np.testing.assert_array_equal(rows.toward, score.toward[100:108])
    np.testing.assert_array_equal(rows.controls, score.controls[100:108])
    np.testing.assert_array_equal(rows.column("zoom"), score.column("zoom")[100:108])


def test_score_is_saved_whole(tmp_path: Path) -> None:
    features = hear(band(3.0), Fraction(30_000, 1001))
    score = write(features, level=0.3, frequency=0.6, timbre=0.9, n_keyframes=3, seed=1)
    score.save(tmp_path / "score.npz")
    again = load_score(tmp_path / "score.npz")
    assert again.timeline == score.timeline
    np.testing.assert_array_equal(again.keyframe, score.keyframe)
    np.testing.assert_array_equal(again.toward, score.toward)
    np.testing.assert_array_equal(again.controls, score.controls)
