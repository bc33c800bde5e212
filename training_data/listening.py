"""Made songs through the doors that a film's song goes through: a WAV, and its one channel."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import soundfile

from spectro.audio import Audio, Mono, load, write_mono
from training_data.songs import Song


@contextmanager
def opened(song: Song) -> Iterator[tuple[Audio, Mono]]:
    """Write a song to a folder that goes afterwards, and open it as a film does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "song.wav"
        soundfile.write(path, song.samples, song.sample_rate)
        audio = load(path)
        yield audio, write_mono(audio, Path(folder) / "song.mono")
