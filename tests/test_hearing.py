"""The beat network: what it learns from, that it learns, and that it is exported as it is."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from conftest import WriteWav, music

from hearing.examples import Example, make_example
from hearing.export import export
from hearing.network import BeatNetwork, Form, Likelihoods
from hearing.training import Settings, Training, vary
from spectro.audio import load, write_mono
from spectro.hearing import MARGIN, N_BANDS, NETWORK, hear_beats, read_bands
from spectro.windows import measure_reference_db
from training_data.tempo import COURSES, HIGHEST_BPM, LOWEST_BPM, draw_retimed_plan

SMALL = Form(width=8, front=4, n_levels=3, dropout=0.0)


def click_track(n: int = 1_200, period: int = 50, first: int = 7) -> Example:
    """Return noise that is loud for a moment at each beat."""
    rng = np.random.default_rng(first)
    bands = rng.random((n, N_BANDS))
    beats = np.arange(first, n, period)
    for column in range(4):
        bands[np.minimum(beats + column, n - 1)] += 3.0 - 0.7 * column
    return Example(
        bands=bands.astype(np.float16),
        beat_times_s=beats / 100,
        downbeat_times_s=beats[::4] / 100,
    )


def test_it_learns_where_beats_are() -> None:
    examples = [click_track(first=first) for first in (3, 19, 31)]
    training = Training(SMALL, Settings(n_steps=200, n_batch=4, n_columns=400, rate=2e-2), examples)
    losses = [training.step(step) for step in range(100)]
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:5])
    held_out = click_track(first=42)
    with torch.inference_mode():
        likely = torch.sigmoid(training.network.eval()(torch.from_numpy(
            held_out.bands.astype(np.float32))[None]))[0, :, 0].numpy()  # fmt: skip
    beats = np.rint(held_out.beat_times_s * 100).astype(int)[1:-1]
    assert likely[beats].mean() > 3 * likely.mean()
    assert training.measure([held_out]) > 0


def test_the_exported_network_is_the_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = BeatNetwork(SMALL).eval()
    export(network, tmp_path / "beats.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["beats.onnx"]
    for path in (tmp_path / "beats.onnx", NETWORK):  # it says nothing of where it was made
        assert b"network.py" not in path.read_bytes()
    session = onnxruntime.InferenceSession(str(tmp_path / "beats.onnx"))
    for n in (1, 333, 2_000):
        bands = 3 * torch.rand(1, n, N_BANDS)
        (heard,) = session.run(None, {"bands": bands.numpy()})
        with torch.inference_mode():
            np.testing.assert_allclose(heard, Likelihoods(network)(bands).numpy(), atol=1e-5)


def test_the_network_looks_no_farther_than_the_margin() -> None:
    network = BeatNetwork(Form()).eval()
    bands = torch.rand(1, 2 * MARGIN + 400, N_BANDS)
    other = bands.clone()
    other[:, :200], other[:, -200:] = 0.0, 0.0
    middle = slice(200 + MARGIN, -200 - MARGIN)
    with torch.inference_mode():
        assert not torch.equal(network(bands), network(other))
        torch.testing.assert_close(network(bands)[:, middle], network(other)[:, middle])


def test_blocks_and_gain_change_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_wav: WriteWav
) -> None:
    audio = load(write_wav(music(9.0), 44_100))
    mono = write_mono(audio, tmp_path / "mono.f32")
    reference_db = measure_reference_db(mono)
    whole = hear_beats(mono, reference_db)
    assert whole.shape == (901, 2)
    assert 0 <= whole.min() < whole.max() <= 1
    monkeypatch.setattr("spectro.hearing._AT_ONCE", 250)
    np.testing.assert_allclose(hear_beats(mono, reference_db), whole, atol=1e-4)
    quiet = load(write_wav(0.1 * music(9.0), 44_100))
    mono = write_mono(quiet, tmp_path / "quiet.f32")
    np.testing.assert_allclose(hear_beats(mono, measure_reference_db(mono)), whole, atol=0.08)


def test_silence_has_no_bands(tmp_path: Path, write_wav: WriteWav) -> None:
    mono = write_mono(load(write_wav(np.zeros(44_100), 44_100)), tmp_path / "mono.f32")
    bands = read_bands(mono, measure_reference_db(mono), -10, 20)
    assert bands.shape == (30, N_BANDS)
    assert not bands.any()


def test_an_example_is_a_song_and_its_beats() -> None:
    example = make_example(5_000_001)
    assert example.bands.shape == (3_001, N_BANDS)
    assert set(example.downbeat_times_s[:-1]) <= set(example.beat_times_s)
    changed = vary(
        torch.from_numpy(example.bands.astype(np.float32))[None], torch.Generator().manual_seed(0)
    )
    assert changed.shape == (1, 3_001, N_BANDS)
    assert changed.isfinite().all()


def test_tempi_go_everywhere_and_need_not_stand_still() -> None:
    plans = [draw_retimed_plan(np.random.default_rng(seed), 30.0) for seed in range(120)]
    tempi = [plan.tempo_bpm for plan, _ in plans]
    assert LOWEST_BPM <= min(tempi) < 65
    assert 170 < max(tempi) <= HIGHEST_BPM
    assert {course for _, course in plans} == set(COURSES)
    for plan, course in plans:
        lengths_s = np.array([bar.length_s for bar in plan.bars])
        starts_s = np.array([bar.start_s for bar in plan.bars])
        np.testing.assert_allclose(starts_s[1:], starts_s[:-1] + lengths_s[:-1])
        assert 20.0 < starts_s[-1] < 30.0
        if course != "jump":  # which may come after the end
            assert (np.ptp(lengths_s) < 1e-9) == (course == "steady")
