"""The waveform's outline and the drawing of an analysis."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from spectro_sounds import band, hear, hold, noise, sine

from spectro.drawing import draw
from spectro.envelope import measure_envelope


@pytest.mark.parametrize("n_samples", [1, 7, 1000, 44_100 * 7])
@pytest.mark.parametrize("n_columns", [1, 10, 1200])
def test_envelope_holds_the_extremes(n_samples: int, n_columns: int) -> None:
    samples = noise(8.0)[:n_samples].astype(np.float32)
    envelope = measure_envelope(hold(samples), n_columns)
    assert envelope.lows.shape == envelope.highs.shape == (n_columns,)
    assert (envelope.lows <= envelope.highs).all()
    assert envelope.lows.min() == samples.min()
    assert envelope.highs.max() == samples.max()
    if n_samples >= n_columns:
        edges = np.arange(n_columns + 1) * n_samples // n_columns
        k = n_columns // 2
        assert envelope.highs[k] == samples[edges[k] : edges[k + 1]].max()
        assert envelope.lows[k] == samples[edges[k] : edges[k + 1]].min()


@pytest.mark.parametrize(
    "samples",
    [band(8.0), sine(1.0, 440.0), np.zeros(50_000), np.full(1, 0.5)],
    ids=["band", "tone", "silence", "one sample"],
)
def test_every_song_can_be_drawn(tmp_path: Path, samples: np.ndarray) -> None:
    features = hear(samples)
    draw(features, measure_envelope(hold(samples), 300), tmp_path / "song.png", "A song")
    with Image.open(tmp_path / "song.png") as picture:
        pixels = np.asarray(picture.convert("L"))
    assert pixels.shape[0] > 1000
    assert pixels.shape[1] > 1000
    assert pixels.std() > 5
    assert [path.name for path in tmp_path.iterdir()] == ["song.png"]


def test_the_drawing_shows_the_song(tmp_path: Path) -> None:
    pictures = []
    for samples in (band(8.0), sine(8.0, 440.0)):
        draw(hear(samples), measure_envelope(hold(samples), 300), tmp_path / "song.png", "A song")
        with Image.open(tmp_path / "song.png") as picture:
            pictures.append(np.asarray(picture.convert("L")).astype(float))
    assert np.mean(np.abs(pictures[0] - pictures[1]) > 30) > 0.1
