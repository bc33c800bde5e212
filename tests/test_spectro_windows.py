"""The fast ways to spectrogram pictures against the published recipe."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.signal
from spectro_sounds import RATE, band, hold, noise, sine, timeline

from spectro.windows import (
    HOP,
    N_WINDOW_SAMPLES,
    QUIETEST_REFERENCE_DB,
    RANGE_DB,
    batch_pictures,
    measure_reference_db,
    reference,
    slice_windows,
    to_picture,
)

NTSC = Fraction(24_000, 1001)


def window(samples: np.ndarray, frame: int, fps: int | Fraction = 24) -> np.ndarray:
    """Cut out the 1.5 s before a frame."""
    end = round(frame * RATE / Fraction(fps))
    return hold(samples).read(end - N_WINDOW_SAMPLES, end)


def test_reference_is_the_published_recipe() -> None:
    samples = band(1.5).astype(np.float32)
    hz, seconds, power = scipy.signal.spectrogram(
        samples.astype(np.float64), fs=44_100, nperseg=510, noverlap=253
    )
    db = reference(samples)
    assert db.shape == (256, 256) == (len(hz), len(seconds))
    np.testing.assert_allclose(db, 10 * np.log10(power), atol=1e-4)
    assert hz[-1] == 22_050
    assert seconds[-1] + 255 / RATE > 1.5 - HOP / RATE


def test_picture_has_high_sounds_at_the_top_and_new_sounds_at_the_right() -> None:
    samples = np.zeros(N_WINDOW_SAMPLES, np.float32)
    samples[-10_000:] = sine(1.5, 18_000)[-10_000:]
    picture = to_picture(reference(samples), -30.0)
    row, column = np.unravel_index(picture.argmax(), picture.shape)
    assert row == 255 - round(18_000 / 22_050 * 255)
    assert column > 215
    assert picture[:, :200].max() == 0


def test_picture_covers_its_range() -> None:
    db = np.linspace(-120, 20, 65_536, dtype=np.float32).reshape(256, 256)
    picture = to_picture(db, -10.0)
    assert (picture.min(), picture.max()) == (0.0, 1.0)
    np.testing.assert_allclose(picture[::-1], np.clip((db + 10 + RANGE_DB) / RANGE_DB, 0, 1))


def test_batch_equals_the_reference() -> None:
    samples = np.stack([band(1.5), noise(1.5), sine(1.5, 440), np.zeros(N_WINDOW_SAMPLES)]).astype(
        np.float32
    )
    white_db = np.array([-40.0, -60.0, -30.0, -100.0])
    expected = np.stack(
        [to_picture(reference(s), w) for s, w in zip(samples, white_db, strict=True)]
    )
    pictures = batch_pictures(samples, white_db)
    assert pictures.dtype == np.float32
    np.testing.assert_allclose(pictures * RANGE_DB, expected * RANGE_DB, atol=1e-4)


@pytest.mark.parametrize("fps", [24, 25, 30, 60, NTSC])
def test_sliced_frames_on_the_grid_equal_the_reference(fps: int | Fraction) -> None:
    samples = band(4.0)
    pictures = slice_windows(hold(samples), -40.0, timeline(len(samples), fps), 0, 60)
    offset = [
        abs((round(k * RATE / Fraction(fps)) - N_WINDOW_SAMPLES + HOP // 2) % HOP - HOP // 2)
        for k in range(60)
    ]
    frame = int(np.argmin(offset))
    expected = to_picture(reference(window(samples, frame, fps)), -40.0)
    # The nearest frame is up to four samples (0.1 ms) off the grid, which is no more than this:
    assert np.abs(pictures[frame] - expected).mean() < 0.01


@pytest.mark.parametrize(
    ("make", "tolerance"), [(band, 0.065), (noise, 0.065), (lambda s: sine(s, 440.0), 0.004)]
)
def test_sliced_frames_are_off_by_half_a_hop_at_most(make, tolerance: float) -> None:
    """The stated tolerance: mean difference in [0, 1], of sounds from the worst on."""
    samples = make(4.0)
    white_db = measure_reference_db(hold(samples))
    pictures = slice_windows(hold(samples), white_db, timeline(len(samples)), 40, 30)
    for k, picture in enumerate(pictures):
        exact = to_picture(reference(window(samples, 40 + k)), white_db)
        assert np.abs(picture - exact).mean() < tolerance
        assert np.percentile(np.abs(picture - exact), 99) < 0.3


def test_sliced_frames_are_not_late() -> None:
    """Off by up to half a hop, but as often early as late: 20 ms off would be seen here."""
    samples = band(4.0)
    pictures = slice_windows(hold(samples), -40.0, timeline(len(samples)), 40, 30)
    differences = {}
    for shift in (-882, 0, 882):
        moved = np.roll(samples, shift)
        exact = [to_picture(reference(window(moved, 40 + k)), -40.0) for k in range(30)]
        differences[shift] = float(np.abs(pictures - np.stack(exact)).mean())
    assert differences[0] < 0.7 * min(differences[-882], differences[882])


def test_pictures_do_not_depend_on_the_cut() -> None:
    samples = band(5.0)
    along = timeline(len(samples), NTSC)
    whole = slice_windows(hold(samples), -40.0, along, 0, 100)
    for first, n in ((0, 1), (7, 8), (33, 50), (99, 1)):
        part = slice_windows(hold(samples), -40.0, along, first, n)
        assert np.array_equal(part, whole[first : first + n])


def test_before_the_song_is_silence() -> None:
    pictures = slice_windows(hold(noise(3.0)), -60.0, timeline(3 * RATE), 0, 30)
    assert pictures[0].max() == 0
    half = pictures[18]  # 0.75 s into the song: the older half is silence
    assert half[:, :126].max() == 0
    assert half[:, 132:].min() > 0.2


def test_shift_of_the_sound_shifts_the_pictures() -> None:
    # 25 frames at 24 fps lie 45,937.5 samples apart; 24 frames are exactly 44,100 of them, which
    # is no multiple of the hop. So shift by hops and frames at once: 257 frames a second.
    samples = band(3.0)
    later = np.concatenate([np.zeros(100 * HOP), samples])
    fps = Fraction(RATE, HOP)
    first = slice_windows(hold(samples), -40.0, timeline(len(samples), fps), 300, 20)
    second = slice_windows(hold(later), -40.0, timeline(len(later), fps), 400, 20)
    assert np.array_equal(first, second)


def test_quiet_and_loud_mixes_give_the_same_pictures() -> None:
    loud, quiet = hold(band(4.0)), hold(band(4.0) / 16)
    loud_db, quiet_db = measure_reference_db(loud), measure_reference_db(quiet)
    assert loud_db - quiet_db == pytest.approx(24.08, abs=0.11)
    along = timeline(loud.n_samples)
    a = slice_windows(loud, loud_db, along, 40, 10)
    b = slice_windows(quiet, quiet_db, along, 40, 10)
    assert np.abs(a - b).max() < 0.003
    assert 0.2 < a.mean() < 0.9


def test_reference_level_is_the_percentile() -> None:
    samples = noise(3.0).astype(np.float32)
    power = scipy.signal.spectrogram(
        samples.astype(np.float64), fs=RATE, nperseg=510, noverlap=253
    )[2]
    expected = 10 * np.log10(np.percentile(power, 99.9))
    assert measure_reference_db(hold(samples)) == pytest.approx(expected, abs=0.11)


@pytest.mark.parametrize("n_samples", [1, 2, 509, 510, 100_000])
def test_silence_is_black(n_samples: int) -> None:
    mono = hold(np.zeros(n_samples))
    white_db = measure_reference_db(mono)
    assert white_db == QUIETEST_REFERENCE_DB
    pictures = slice_windows(mono, white_db, timeline(n_samples), 0, 2)
    assert pictures.shape == (2, 256, 256)
    assert not pictures.any()
