"""The made songs are what they say they are: beats, chords, levels, the same for one seed."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from scripts.demo import main as demo_command
from training_data.demo_song import compose_demo
from training_data.drums import PATTERNS, make_kit
from training_data.harmony import MODES, Key, draw_melody, voice_chord
from training_data.held_out import HELD_OUT_STYLES, HELD_OUT_VOICES
from training_data.instruments import VOICES, Voice, play
from training_data.songs import Song, compose, draw_plan, render
from training_data.styles import FORMS, SCENES, STYLES

SEEDS = range(12)
ALL_VOICES = VOICES | HELD_OUT_VOICES
# Style, tempo, and the samples at seconds 1 to 5 of the songs of SEEDS, as they were when the first
# networks learnt from them: caches of pairs, and what figures are compared with, depend on them.
LEARNT = (
    ("orchestra", 64.1, (-0.0964, -0.1568, -0.2584, 0.0029, -0.1319)),
    ("waltz", 165.74, (-0.0503, 0.0636, -0.0613, -0.0140, 0.0188)),
    ("hip hop", 78.36, (-0.2852, 0.3254, -0.1638, -0.1974, -0.4664)),
    ("trance", 133.21, (0.0493, 0.5068, 0.2434, 0.3379, -0.0555)),
    ("speech", 88.5, (-0.0002, -0.0017, -0.0426, -0.1175, 0.0092)),
    ("ambient", 79.39, (0.0608, -0.1809, -0.0819, -0.1210, 0.0213)),
    ("ballad", 60.0, (0.0406, -0.0103, 0.0439, 0.0249, -0.1155)),
    ("orchestra", 91.71, (-0.0085, 0.0000, -0.0315, -0.0062, 0.0763)),
    ("rock", 175.03, (-0.0284, -0.1607, 0.0408, 0.0340, -0.0632)),
    ("percussion", 122.22, (0.1661, -0.0237, -0.1212, 0.0371, 0.0089)),
    ("speech", 75.14, (0.0005, -0.0048, -0.0169, -0.0275, -0.0001)),
    ("pop", 104.97, (0.0244, 0.1382, -0.2177, -0.0519, -0.1221)),
)


@pytest.fixture(scope="module")
def songs():
    return [compose(seed, 6.0) for seed in SEEDS]


def _energy_db(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-20))


def test_song_is_stereo_within_full_scale_and_as_long_as_asked(songs) -> None:
    for song in songs:
        assert song.samples.shape == (6 * 44_100, 2)
        assert song.samples.dtype == np.float32
        assert np.isfinite(song.samples).all()
        assert 0.1 < np.abs(song.samples).max() <= 1.0


def test_same_seed_same_song_and_another_seed_another() -> None:
    first, again, other = compose(3, 3.0), compose(3, 3.0), compose(4, 3.0)
    np.testing.assert_array_equal(first.samples, again.samples)
    assert np.abs(first.samples - other.samples).max() > 0.05


def test_the_songs_that_networks_learn_from_stay_as_they_were(songs) -> None:
    for song, (style, tempo_bpm, samples) in zip(songs, LEARNT, strict=True):
        assert (song.style, song.tempo_bpm) == (style, tempo_bpm)
        np.testing.assert_allclose(song.samples[44_100::44_100].mean(1), samples, atol=2e-3)


def test_beats_lie_one_beat_apart_and_bars_begin_on_beats(songs) -> None:
    for song in songs:
        np.testing.assert_allclose(np.diff(song.beat_times_s), 60 / song.tempo_bpm, atol=1e-9)
        np.testing.assert_allclose(song.beat_times_s[:: song.beats_per_bar], song.downbeat_times_s)
        assert 60 <= song.tempo_bpm <= 180


def test_chords_and_sections_cover_the_song_without_gaps(songs) -> None:
    for song in songs:
        for spans in (song.chords, song.sections):
            for before, after in itertools.pairwise(spans):
                assert after.start_s == pytest.approx(before.stop_s)
            assert spans[0].start_s == pytest.approx(song.downbeat_times_s[0])
            assert spans[-1].stop_s >= 6.0


def test_kicks_sound_on_the_beats_of_trance() -> None:
    plans = (draw_plan(np.random.default_rng(seed), 12.0) for seed in itertools.count())
    plan = next(plan for plan in plans if plan.style == "trance")
    bars = tuple(replace(bar, parts=frozenset({"drums"})) for bar in plan.bars)  # nothing masks
    song = render(replace(plan, bars=bars), 12.0, np.random.default_rng(0))
    mono = song.samples.mean(1)

    def energy(start_s: float) -> float:
        first = round(start_s * 44_100)
        return float(np.square(mono[first : first + 1_323]).sum())  # 30 ms

    beats_s = song.beat_times_s[1:-1]
    rises = [energy(beat_s) / energy(beat_s - 0.035) for beat_s in beats_s]
    assert np.median(rises) > 3


def test_songs_differ_in_loudness_brightness_and_style(songs) -> None:
    assert len({song.style for song in songs}) >= 5
    levels = [_energy_db(song.samples) for song in songs]
    assert np.ptp(levels) > 6
    crossings = [np.mean(np.diff(np.sign(song.samples[:, 0])) != 0) for song in songs]
    assert max(crossings) > 2 * min(crossings)


def test_songs_are_stereo_but_hold_in_mono(songs) -> None:
    for song in songs:
        loss_db = _energy_db(song.samples) - _energy_db(song.samples.mean(1))
        assert loss_db < 4
    assert any(np.abs(s.samples[:, 0] - s.samples[:, 1]).max() > 0.02 for s in songs)


def _places_hz(voice: Voice, frequency_hz: float) -> np.ndarray:
    """Return where a voice's partials lie at a pitch."""
    tenths = [tenth for tenth, _ in voice.partials] or range(10, 400, 10)
    return np.array(tenths) / 10 * frequency_hz


@pytest.mark.parametrize("name", sorted(ALL_VOICES))
def test_notes_are_in_tune_and_end_without_a_click(name: str) -> None:
    voice = ALL_VOICES[name]
    sound = play(voice, 69, 0.8, 0.5, np.random.default_rng(0))
    assert np.abs(sound).max() < 1.5
    assert np.abs(sound[-20:]).max() < 1e-3
    assert np.abs(sound[:3]).max() < 0.02
    middle = sound[8_820:35_280].mean(1)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 1 << 17))
    hertz = np.fft.rfftfreq(1 << 17, 1 / 44_100)
    # The energy lies around the partials: as near as vibrato, unison and the scoop leave it.
    places_hz = _places_hz(voice, 440.0)
    distance_hz = np.abs(hertz[:, None] - places_hz).min(1)
    near = distance_hz < 25 + 0.01 * hertz
    band = (hertz > 150) & (hertz < 4_000)
    assert np.sum(spectrum[band & near] ** 2) > 0.9 * np.sum(spectrum[band] ** 2)


def test_drums_end_in_silence_and_differ_between_kits() -> None:
    kit, other = (make_kit(np.random.default_rng(seed)) for seed in (0, 1))
    for name, sound in kit.items():
        assert np.abs(sound).max() == pytest.approx(0.8, abs=0.05)
        assert np.abs(sound[-1]).max() < 1e-3
        assert sound.shape != other[name].shape or np.abs(sound - other[name]).max() > 0.01


def test_tables_of_styles_agree_with_each_other() -> None:
    kit = make_kit(np.random.default_rng(0))
    for metre, patterns in PATTERNS.items():
        for pattern in patterns:
            assert set(pattern) <= set(kit)
            assert {len(steps) for steps in pattern.values()} == {16 if metre == "4/4" else 12}
    for style in (STYLES | HELD_OUT_STYLES).values():
        assert set(style.chords + style.bass + style.lead + style.arpeggio + style.drone) <= set(
            ALL_VOICES
        )
        assert set(style.modes) <= set(MODES)
        assert all(index < len(PATTERNS["4/4"]) for index in style.patterns)
    assert {name for form in FORMS for name in form.split()} <= set(SCENES)


def test_chord_of_c_major_lies_near_its_centre() -> None:
    assert voice_chord(Key(tonic=0, mode="major"), 0, n_notes=3, centre=60) == [55, 60, 64]


def test_melody_stays_in_its_range() -> None:
    melody = draw_melody(np.random.default_rng(0), 0, 200, 0)
    assert min(melody) >= -7
    assert max(melody) <= 14
    assert max(abs(step) for step in np.diff(melody)) <= 6


def test_refuses_a_song_without_duration() -> None:
    with pytest.raises(ValueError, match="duration_s must be positive"):
        compose(0, 0.0)


def test_shortest_songs_are_cases() -> None:
    assert compose(0, 0.02).samples.shape == (882, 2)


@pytest.fixture(scope="module")
def demo() -> Song:
    return compose_demo()


def test_the_demo_song_grows_from_intro_to_full(demo: Song) -> None:
    levels = {}
    for section in demo.sections:
        first, stop = (round(t * 44_100) for t in (section.start_s, section.stop_s))
        levels[section.name] = _energy_db(demo.samples[first:stop])
    assert list(levels) == ["intro", "beat", "break", "full", "end"]
    assert levels["full"] > levels["beat"] > levels["break"] > levels["intro"]
    assert levels["full"] - levels["intro"] < 9  # an intro that can be heard
    assert len(demo.samples) == 47 * 44_100


def test_the_demo_song_neither_clips_nor_clicks(demo: Song) -> None:
    assert np.abs(demo.samples).max() == pytest.approx(0.89, abs=0.01)
    assert np.abs(demo.samples[-30:]).max() < 0.01
    # Between the drums nothing jumps: the intro has none, nor the break before its wind.
    for start_s, stop_s in ((0.0, 9.9), (22.0, 24.9)):
        piece = demo.samples[round(start_s * 44_100) : round(stop_s * 44_100)]
        jumps = np.abs(np.diff(piece, n=2, axis=0))
        assert jumps.max() < 0.08


def test_the_demo_command_writes_the_song_alone(demo: Song, tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    result = CliRunner().invoke(demo_command, ["--song-only", str(path)])
    assert result.exit_code == 0, result.output
    samples, sample_rate = soundfile.read(path, dtype="float32")
    assert sample_rate == 44_100
    np.testing.assert_allclose(samples, demo.samples, atol=1 / 32_000)
    assert list(tmp_path.iterdir()) == [path]


def test_the_demo_command_says_when_it_cannot_write(tmp_path: Path) -> None:
    result = CliRunner().invoke(demo_command, ["--song-only", str(tmp_path / "none" / "a.wav")])
    assert result.exit_code == 2
    assert "cannot be written" in result.output
