"""Curves have the units they claim and lie where the sound lies, whatever its gain and the cuts."""

import time
import tracemalloc
from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import scipy.fft
from spectro_sounds import RATE, band, hear, hold, noise, sine, strike, timeline

from spectro.audio import Mono
from spectro.features import extract, load_features
from spectro.spectrum import COLUMN_RATE, Analyser, Curves
from spectro.windows import SILENCE_DB

NAMES = [field.name for field in fields(Curves)]
# What +12 dB changes by its nature.
LEVELS = ("percussive", "harmonic", "bass", "mid", "treble")
MIDDLE = slice(3, -3)  # away from where the tone begins and ends


def test_units_of_a_tone() -> None:
    tone = hear(sine(2.0, 1000.0, amplitude=0.5))
    np.testing.assert_allclose(tone.level_db[MIDDLE], -9.03, atol=0.05)
    np.testing.assert_allclose(tone.mid[MIDDLE], 0.3536, atol=0.002)
    np.testing.assert_allclose(tone.centroid_hz[MIDDLE], 1000.0, rtol=0.05)
    np.testing.assert_allclose(tone.rolloff_hz[MIDDLE], 1000.0, atol=25.0)
    np.testing.assert_allclose(tone.harmonic[MIDDLE], 0.3536, rtol=0.05)
    assert tone.percussive[MIDDLE].max() < 0.05
    assert tone.flatness[MIDDLE].max() < 1e-4


@pytest.mark.parametrize(("hz", "name"), [(80.0, "bass"), (700.0, "mid"), (7000.0, "treble")])
def test_bands(hz: float, name: str) -> None:
    features = hear(sine(1.0, hz))
    for other in ("bass", "mid", "treble"):
        level = getattr(features, other)[MIDDLE]
        assert (level.min() > 0.35) if other == name else (level.max() < 0.01)


def test_noise_is_flat_and_a_click_is_percussive() -> None:
    hiss = hear(noise(1.0))
    assert hiss.flatness[MIDDLE].min() > 0.4
    assert hiss.contrast.shape == (24, 7)
    assert hear(sine(1.0, 500.0)).contrast[MIDDLE, 2].min() > hiss.contrast[MIDDLE, 2].max()
    struck = hear(strike(np.array([0.5]), 1.0))
    assert struck.percussive[12] > 10 * struck.harmonic[12]


@pytest.mark.parametrize(("hz", "pitch"), [(261.63, 0), (440.0, 9), (1479.98, 6)])
def test_chroma_names_the_pitch(hz: float, pitch: int) -> None:
    chroma = hear(sine(1.0, hz)).chroma[MIDDLE]
    assert (chroma.argmax(axis=1) == pitch).all()
    assert chroma.max() == 1.0


def test_shapes_and_ranges() -> None:
    features = hear(band(3.0))
    for name in NAMES:
        curve = getattr(features, name)
        assert len(curve) == 72, name
        assert curve.dtype == np.float32, name
        assert np.isfinite(curve).all(), name
    assert features.chroma.shape == (72, 12)
    assert features.mfcc.shape == (72, 13)
    assert 0 <= features.flatness.min() <= features.flatness.max() <= 1


@pytest.mark.parametrize("n_samples", [1, 100, 5000, 100_000])
def test_silence_is_a_case(n_samples: int) -> None:
    features = hear(np.zeros(n_samples))
    assert (features.level_db == SILENCE_DB).all()
    for name in NAMES[1:]:
        assert not getattr(features, name).any(), name
    assert features.tempo_bpm == 0.0
    assert len(features.beat_times_s) == len(features.downbeat_times_s) == 0


def test_one_sample_is_a_case() -> None:
    features = hear(np.full(1, 0.5))
    assert features.timeline.n_frames == 1
    for name in NAMES:
        assert np.isfinite(getattr(features, name)).all(), name


def test_onsets_are_within_a_frame_of_sixty() -> None:
    at_s = np.arange(0.537, 9.5, 0.5213)  # falls differently between columns and frames
    for ground in (np.zeros(10 * RATE), noise(10.0, 0.01), sine(10.0, 220.0, 0.2)):
        features = hear(strike(at_s, 10.0) + ground, fps=100)
        late = []
        for second in at_s:
            k = round(second * 100)
            near = features.onset[k - 12 : k + 13]
            # A held peak is flat for 50 ms: its middle counts.
            late.append(np.flatnonzero(near > 0.999 * near.max()).mean() - 12 + k - second * 100)
        assert abs(np.mean(late)) < 1.6
        assert np.std(late) < 1.0


def test_no_onset_is_missed_at_twenty_four_frames() -> None:
    at_s = np.arange(0.5, 19.5, 0.2713)
    onset = hear(strike(at_s, 20.0)).onset
    strengths = [onset[int(s * 24) : int(s * 24) + 2].max() for s in at_s]
    assert min(strengths) > 0.5 * max(strengths)


def test_shift_of_the_sound_shifts_the_curves() -> None:
    samples = band(4.0)
    first, second = hear(samples), hear(np.concatenate([np.zeros(RATE), samples]))
    # Silence for a second may move the reference by a tenth of a decibel, and no more.
    for name in NAMES:
        a, b = getattr(first, name)[3:], getattr(second, name)[27:]
        scale = np.abs(a).max()
        np.testing.assert_allclose(a / scale, b / scale, atol=0.02, err_msg=name)


def test_doubled_rate_interleaves() -> None:
    samples = band(3.0)
    slow, fast = hear(samples, 24), hear(samples, 48)
    for name in NAMES:
        np.testing.assert_array_equal(getattr(fast, name)[::2], getattr(slow, name), name)


def test_gain_changes_levels_alone() -> None:
    quiet, loud = hear(band(4.0) / 4), hear(band(4.0))
    np.testing.assert_allclose(loud.level_db - quiet.level_db, 12.04, atol=0.01)
    for name in set(NAMES) - {"level_db"}:
        a, b = getattr(quiet, name), getattr(loud, name)
        b = b / 4 if name in LEVELS else b
        scale = np.abs(b).max()
        np.testing.assert_allclose(a / scale, b / scale, atol=0.02, err_msg=name)
    assert loud.tempo_bpm == quiet.tempo_bpm


def test_curves_do_not_depend_on_the_blocks() -> None:
    mono = hold(band(4.0))
    analyser = Analyser(-40.0)
    whole = analyser.columns(mono, 0, 400)
    for first, stop in ((0, 1), (37, 199), (199, 400)):
        part = analyser.columns(mono, first, stop)
        for name in NAMES:
            np.testing.assert_allclose(
                getattr(part, name), getattr(whole, name)[first:stop], rtol=1e-4, atol=1e-4
            )


def test_features_do_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = band(7.0)
    whole = hear(samples)
    monkeypatch.setattr("spectro.features.BLOCK_COLUMNS", 90)
    cut = hear(samples)
    for name in NAMES:
        np.testing.assert_allclose(
            getattr(cut, name), getattr(whole, name), rtol=1e-4, atol=1e-4, err_msg=name
        )
    np.testing.assert_array_equal(cut.beat_times_s, whole.beat_times_s)


def test_features_are_saved_whole(tmp_path: Path) -> None:
    samples = band(5.0)
    features = hear(samples, Fraction(24_000, 1001))
    features.save(tmp_path / "curves")
    again = load_features(tmp_path / "curves")
    assert again.timeline == features.timeline
    assert again.tempo_bpm == features.tempo_bpm
    assert again.window_reference_db == features.window_reference_db
    for name in [*NAMES, "beat_times_s", "downbeat_times_s"]:
        np.testing.assert_array_equal(getattr(again, name), getattr(features, name), name)
    assert [path.name for path in tmp_path.iterdir()] == ["curves"]


def test_progress_counts_up_and_cancels() -> None:
    seen = []
    extract(hold(band(12.0)), timeline(12 * RATE), lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1] == 12 * COLUMN_RATE + 1

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(hold(band(1.0)), timeline(RATE), stop)


def peak_bytes(path: Path, duration_s: int) -> int:
    n_samples = duration_s * RATE
    with path.open("wb") as file:
        for _ in range(duration_s):
            file.write(noise(1.0).astype("<f4").tobytes())
    tracemalloc.start()
    try:
        extract(Mono(path=path, n_samples=n_samples), timeline(n_samples))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_song(tmp_path: Path) -> None:
    hear(band(4.0))  # compiles the beat tracker
    short, long = (peak_bytes(tmp_path / "mono.f32", s) for s in (15, 45))
    # 30 s of sound are 5.3 MB as float32; the curves at 100 Hz 0.5 MB, twice for a while.
    assert long - short < 2.5e6


def _take_spectra() -> float:
    """Return the seconds that one core takes for 18,000 spectra of 4,096 samples."""
    frames = np.random.default_rng(0).standard_normal((6_000, 4_096)).astype(np.float32)
    start_s = time.process_time()
    for _ in range(3):
        np.abs(scipy.fft.rfft(frames, axis=1))
    return time.process_time() - start_s


def test_a_minute_takes_no_longer_than_some_spectra_of_it() -> None:
    """Seven times as long was measured; in seconds, one machine differs from another by three."""
    hear(band(4.0))  # compiles the beat tracker
    samples = np.tile(band(20.0), 3)
    _take_spectra()
    before_s, start_s = _take_spectra(), time.process_time()
    hear(samples)
    taken_s = time.process_time() - start_s
    assert taken_s < 15 * (before_s + _take_spectra()) / 2
