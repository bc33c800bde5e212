"""What figures hear, training never does: styles and instruments of their own in half the songs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training_data import pairs, songs
from training_data.excerpts import make_excerpts
from training_data.held_out import HELD_OUT_STYLES, HELD_OUT_VOICES
from training_data.instruments import VOICES, Voice, play
from training_data.songs import Song, compose, draw_plan, render
from training_data.styles import STYLES, Style

PARTS = ("chords", "bass", "lead", "arpeggio", "drone")


def _play(voice: Voice, pitch: int, brightness: float = 0.5) -> np.ndarray:
    return play(voice, pitch, 1.0, brightness, np.random.default_rng(0))


def _energy_db(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-20))


def _spectrum(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the frequencies in Hz and the power at them."""
    power = np.abs(np.fft.rfft(samples.mean(1) * np.blackman(len(samples)))) ** 2
    return np.fft.rfftfreq(len(samples), 1 / 44_100), power


def _share_beside(samples: np.ndarray, partials_hz: np.ndarray) -> float:
    """Return the share of the energy that lies further than 60 Hz from the partials."""
    hertz, power = _spectrum(samples)
    is_beside = np.abs(hertz[:, None] - partials_hz).min(1) > 60
    return float(power[is_beside].sum() / power.sum())


def _centroid_hz(samples: np.ndarray) -> float:
    hertz, power = _spectrum(samples)
    return float(np.sum(power * hertz) / np.sum(power))


@pytest.mark.parametrize("name", sorted(HELD_OUT_VOICES))
def test_held_out_voices_are_as_loud_as_others_and_fold_nothing_back(name: str) -> None:
    others_db = [_energy_db(_play(voice, 72)) for voice in VOICES.values()]
    assert min(others_db) < _energy_db(_play(HELD_OUT_VOICES[name], 72)) < max(others_db)
    # What lies between the partials is no more than the table's own error, and the breath.
    quiet = replace(HELD_OUT_VOICES[name], breath=0.0, detune_cents=0.0, vibrato_cents=0.0)
    tenths = [tenth for tenth, _ in quiet.partials] or range(10, 400, 10)
    middle = _play(quiet, 72, brightness=0.9)[13_230:39_690]  # past the scoop
    assert _share_beside(middle, np.array(tenths) / 10 * 523.25) < 2e-4


def test_held_out_voices_are_what_they_are_named() -> None:
    notes = {name: _play(voice, 60) for name, voice in (VOICES | HELD_OUT_VOICES).items()}
    for name in ("sitar", "tanpura"):  # strings that buzz, the more the longer they swing
        early, late = notes[name][:4_410], notes[name][17_640:22_050]
        assert _centroid_hz(late) > 1.1 * _centroid_hz(early)
        assert _centroid_hz(notes[name]) > 2 * _centroid_hz(notes["guitar"])
    series_hz = 261.63 * np.arange(1, 80)
    bronze = {n for n in HELD_OUT_VOICES if _share_beside(notes[n], series_hz) > 0.03}
    assert bronze == {"metallophone", "kettle gong", "gong"}
    # Pipes know no loud and soft, but for their beats: a note ends as loud as it begins.
    for name in ("bagpipe", "pipe drone"):
        early, late = notes[name][8_820:17_640], notes[name][30_870:39_690]
        assert _energy_db(late) == pytest.approx(_energy_db(early), abs=2.0)


def _voices_of(style: Style) -> set[str]:
    return {name for part in PARTS for name in getattr(style, part)}


def test_training_has_no_style_and_no_voice_that_is_held_out() -> None:
    assert not STYLES.keys() & HELD_OUT_STYLES.keys()
    assert not VOICES.keys() & HELD_OUT_VOICES.keys()
    for style in STYLES.values():
        assert not _voices_of(style) & HELD_OUT_VOICES.keys()
    for style in HELD_OUT_STYLES.values():  # its melody, at least, is new
        assert set(style.lead) & HELD_OUT_VOICES.keys()
    played = set().union(*map(_voices_of, HELD_OUT_STYLES.values()))
    assert HELD_OUT_VOICES.keys() <= played


def test_half_of_the_held_out_songs_are_in_styles_that_no_training_hears() -> None:
    held_out = [_draw_style(seed, held_out=True) for seed in range(600)]
    rare = [style for style in held_out if style in HELD_OUT_STYLES]
    assert 0.43 < len(rare) / len(held_out) < 0.57
    assert set(rare) == HELD_OUT_STYLES.keys()
    assert set(held_out) - set(rare) == STYLES.keys()
    assert {_draw_style(seed, held_out=False) for seed in range(600)} == STYLES.keys()


def _draw_style(seed: int, *, held_out: bool) -> str:
    return draw_plan(np.random.default_rng(seed), 1.0, held_out=held_out).style


@pytest.fixture(scope="module")
def held_out_songs() -> dict[str, Song]:
    """Return a song of each held-out style."""
    seeds = {_draw_style(seed, held_out=True): seed for seed in range(200)}
    return {style: compose(seeds[style], 6.0, held_out=True) for style in HELD_OUT_STYLES}


def test_held_out_songs_are_songs(held_out_songs: dict[str, Song]) -> None:
    for style, song in held_out_songs.items():
        assert song.style == style
        assert song.key.mode in HELD_OUT_STYLES[style].modes
        assert np.isfinite(song.samples).all()
        assert 0.1 < np.abs(song.samples).max() <= 1.0
        np.testing.assert_allclose(np.diff(song.beat_times_s), 60 / song.tempo_bpm, atol=1e-9)


@pytest.mark.parametrize("style", ["raga", "pipes"])
def test_a_drone_holds_the_tonic_and_the_fifth_under_every_section(style: str) -> None:
    seed = next(seed for seed in range(200) if _draw_style(seed, held_out=True) == style)
    plan = draw_plan(np.random.default_rng(seed), 8.0, held_out=True)
    assert all("drone" in bar.parts for bar in plan.bars)
    # Nothing masks it, neither other parts nor the room.
    bars = tuple(replace(bar, parts=frozenset({"drone"}), energy=1.0) for bar in plan.bars)
    desk = replace(plan.desk, wetness=0.0, echo_level=0.0)
    song = render(replace(plan, bars=bars, desk=desk), 8.0, np.random.default_rng(0))
    sound = song.samples[round(song.downbeat_times_s[0] * 44_100) :]
    levels_db = [_energy_db(sound[start : start + 8_820]) for start in range(4_410, 330_000, 8_820)]
    assert max(levels_db) - min(levels_db) < 10
    hertz, power = _spectrum(sound)
    low = (hertz > 60) & (hertz < 260)  # below the thirds among the partials
    above_tonic = (12 * np.log2(hertz[low] / 440) + 69 - song.key.tonic) % 12
    is_droned = (np.abs((above_tonic + 6) % 12 - 6) < 0.4) | (np.abs(above_tonic - 7) < 0.4)
    assert power[low][is_droned].sum() > 0.9 * power[low].sum()


@pytest.mark.parametrize("held_out", [False, True])
def test_pairs_are_made_of_such_songs_where_they_are_held_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, held_out: bool
) -> None:
    heard = []

    def listen(seed: int, duration_s: float, *, held_out: bool) -> Song:
        heard.append(draw_plan(np.random.default_rng(seed), duration_s, held_out=held_out).style)
        return silence

    silence = compose(0, 2.0)
    monkeypatch.setattr(songs, "compose", listen)
    for counts in ("SHAPES", "HELD_OUT_SHAPES"):
        monkeypatch.setattr(pairs, counts, {(256, 256): 1})
    pairs.MadePairs(pairs.DIRECTIONS["abstract"], tmp_path, held_out=held_out).prepare()
    rare = [style for style in heard if style in HELD_OUT_STYLES]
    assert bool(rare) == held_out
    assert len(heard) - len(rare) >= 8


def test_excerpts_say_in_what_style_they_are() -> None:
    excerpt = next(make_excerpts(pairs.DIRECTIONS["abstract"], 1, 2))
    assert excerpt.frames.shape == (2, 3, 256, 256)
    assert excerpt.style == _draw_style(2_000_000, held_out=True)
    assert excerpt.style != _draw_style(2_000_000, held_out=False)
