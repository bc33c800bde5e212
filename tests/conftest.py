"""What tests share: made sounds as WAVs, and a theme of tiny networks."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from film.process import settle_process

settle_process()

import torch  # noqa: E402, after the threads are settled

import pix2pix.networks  # noqa: E402
from keyframes.form import Form  # noqa: E402
from keyframes.generator import Generator  # noqa: E402
from keyframes.layers import initialise  # noqa: E402
from keyframes.stills import save_generator  # noqa: E402
from pix2pix.networks import UNet, UNetConfig  # noqa: E402
from pix2pix.painter import save_network  # noqa: E402

WriteWav = Callable[..., Path]


@pytest.fixture
def write_wav(tmp_path: Path) -> WriteWav:
    """Return a function that writes samples (n,) or (n, n_channels) into a WAV of that name."""

    def write(
        samples: np.ndarray,
        sample_rate: int = 44_100,
        *,
        name: str = "song.wav",
        subtype: str = "PCM_16",
    ) -> Path:
        path = tmp_path / name
        soundfile.write(path, samples, sample_rate, subtype=subtype, format="WAV")
        return path

    return write


def clicks(duration_s: float, *, every_s: float = 0.5, sample_rate: int = 44_100) -> np.ndarray:
    """Make a click track: (n,) float32, 5 ms of decaying noise at every beat."""
    samples = np.zeros(round(duration_s * sample_rate), np.float32)
    click = np.random.default_rng(0).uniform(-0.8, 0.8, round(0.005 * sample_rate))
    click *= np.linspace(1, 0, len(click)) ** 2
    for start in np.arange(0, len(samples) - len(click), round(every_s * sample_rate)):
        samples[start : start + len(click)] = click
    return samples


def music(duration_s: float, *, sample_rate: int = 44_100) -> np.ndarray:
    """Make a stereo song of clicks, a bass and a sweep: (n, 2) float32."""
    times_s = np.arange(round(duration_s * sample_rate)) / sample_rate
    bass = 0.3 * np.sin(2 * np.pi * 55 * times_s) * (np.sin(2 * np.pi * times_s) > 0)
    sweep = 0.2 * np.sin(2 * np.pi * (300 + 200 * times_s) * times_s)
    beat = 0.4 * clicks(duration_s, sample_rate=sample_rate)
    return np.stack([beat + bass, beat + sweep], axis=1).astype(np.float32)


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a models folder that holds one theme, "tiny": real networks, small and untrained."""
    models = tmp_path_factory.mktemp("models")
    write_theme(models, "tiny", seed=0)
    return models


@pytest.fixture
def tiny_theme(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Install the tiny theme for one test; return its name."""
    monkeypatch.setenv("TONFILM_MODELS", str(tiny_models))
    return "tiny"


def write_theme(models: Path, name: str, *, seed: int) -> None:
    """Write a theme of tiny networks with seeded weights."""
    folder = models / name
    folder.mkdir()
    generator = torch.Generator().manual_seed(seed)
    painter = UNet(UNetConfig(width=4))
    pix2pix.networks.initialise(painter, generator)
    for weight in painter.parameters():
        if weight.ndim > 1:  # stronger than for training: what is heard must be seen at once
            torch.nn.init.kaiming_normal_(weight, generator=generator)
    stills = Generator(Form(width=16, n_noise=8, n_style=8))
    initialise(stills, generator)
    hashes = {
        "pix2pix.safetensors": save_network(folder / "pix2pix.safetensors", painter),
        "keyframes.safetensors": save_generator(folder / "keyframes.safetensors", stills),
    }
    card = {"title": name.capitalize(), "weights": hashes}
    (folder / "card.json").write_text(json.dumps(card))
