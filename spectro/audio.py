"""Sound files: a WAV checked once at the door, its blocks, and the mono copy for analysis."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from io import FileIO
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from spectro.errors import TonfilmError
from spectro.riff import count_samples, is_wav

ANALYSIS_RATE: Final = 44_100  # Hz, of the published spectrogram recipe
MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 8_000, 192_000  # Hz
MAX_CHANNELS: Final = 8
# Whole numbers stored as floats reach 2**31. What is far beyond is a broken file, and its square
# would leave float32.
MAX_AMPLITUDE: Final = 1e12
CODINGS: Final = (
    *("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"),
    *("ALAW", "ULAW", "IMA_ADPCM", "MS_ADPCM"),
)
BLOCK_SAMPLES: Final = 1 << 16
_NO_WAV: Final = "{} is not a WAV file: save the song as WAV and try again."


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a song may be at most; a setting of the service."""

    max_duration_s: float = 1200.0
    max_bytes: int = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Audio:
    """A WAV that has been read through once and found good."""

    path: Path
    sha256: str  # of the whole file, hexadecimal
    sample_rate: int  # Hz, 8,000 to 192,000
    n_channels: int  # 1 to 8
    n_samples: int  # a channel, that can really be read, at least 1
    n_promised_samples: int  # a channel, by the header; equal to n_samples in a whole file
    subtype: str  # libsndfile's word for the coding, such as "PCM_24"

    @property
    def duration_s(self) -> float:
        """Length of what can be read."""
        return self.n_samples / self.sample_rate

    @property
    def is_truncated(self) -> bool:
        """Claim that the file ends before its header promised."""
        return self.n_samples < self.n_promised_samples

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.float32]]:
        """Decode some samples, a block at a time.

        Parameters
        ----------
        start, stop : first sample, and the one after the last (None: the end)

        Yields
        ------
        (n, n_channels) float32, full scale = 1, finite; n at most `BLOCK_SAMPLES`
        """
        n_left = (self.n_samples if stop is None else min(stop, self.n_samples)) - start
        with self.path.open("rb", buffering=0) as file, _decoder(file) as sound:
            sound.seek(start)
            while n_left > 0:
                block = sound.read(min(n_left, BLOCK_SAMPLES), dtype="float32", always_2d=True)
                if len(block) == 0:
                    raise TonfilmError(f"{self.path.name} was changed while in use: try again.")
                n_left -= len(block)
                yield block


class Signal(Protocol):
    """A mono sound at `ANALYSIS_RATE` that can be read anywhere."""

    @property
    def n_samples(self) -> int:
        """Length of the sound."""
        ...

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Read (stop - start,) float32; what lies outside the sound is zero."""
        ...


@dataclass(frozen=True, kw_only=True)
class Mono:
    """The analysis copy on disk: raw float32, one channel at `ANALYSIS_RATE`.

    It is read, never mapped into memory: mapped pages count as the program's own.
    """

    path: Path
    n_samples: int

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Read (stop - start,) float32; what lies outside the song is zero."""
        samples = np.zeros(stop - start, np.float32)
        first, last = max(start, 0), min(stop, self.n_samples)
        if first < last:
            samples[first - start : last - start] = np.fromfile(
                self.path, "<f4", count=last - first, offset=4 * first
            )
        return samples


@dataclass(frozen=True, kw_only=True)
class HeldMono:
    """A mono sound held in memory: a made song in training, a made signal in a test."""

    samples: NDArray[np.float32]  # (n_samples,), at ANALYSIS_RATE

    @property
    def n_samples(self) -> int:
        """Length of the sound."""
        return len(self.samples)

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Read (stop - start,) float32; what lies outside the sound is zero."""
        samples = np.zeros(stop - start, np.float32)
        first, last = max(start, 0), min(stop, self.n_samples)
        if first < last:
            samples[first - start : last - start] = self.samples[first:last]
        return samples


def load(path: Path, limits: Limits = Limits()) -> Audio:
    """Check a WAV by reading it through once, in blocks.

    Raises
    ------
    TonfilmError
        where the file cannot be used, with a sentence that says why and what to do
    """
    try:
        with path.open("rb", buffering=0) as file:
            return _check(path, file, limits)
    except FileNotFoundError as error:
        raise TonfilmError(f"There is no file {path}: check the name.") from error
    except IsADirectoryError as error:
        raise TonfilmError(f"{path} is a folder: name the WAV file in it.") from error
    except OSError as error:
        raise TonfilmError(f"{path} cannot be read ({error.strerror}).") from error
    except soundfile.LibsndfileError as error:
        raise TonfilmError(
            f"{path.name} is a damaged WAV, or one coded in a way that is not known here: "
            "save it again as a plain PCM WAV."
        ) from error


def check_size(name: str, n_bytes: int, limits: Limits) -> None:
    """Refuse a file that is empty or too large, before anybody looks into it.

    Raises
    ------
    TonfilmError
        It is.
    """
    if n_bytes <= 0:
        raise TonfilmError(f"{name} is empty: choose a WAV with sound in it.")
    if n_bytes > limits.max_bytes:
        raise TonfilmError(
            f"{name} is too large ({n_bytes / 1e6:,.1f} MB): "
            f"cut it to at most {limits.max_bytes / 1e6:,.1f} MB."
        )


def check_start(name: str, start: bytes) -> None:
    """Refuse what is plainly no WAV, by its first `N_HEADER_BYTES`; nothing is decoded.

    Raises
    ------
    TonfilmError
        It is none.
    """
    if not is_wav(start):
        raise TonfilmError(_NO_WAV.format(name))


def write_mono(audio: Audio, path: Path, duration_s: Fraction | None = None) -> Mono:
    """Write the analysis copy: the mean of the channels at `ANALYSIS_RATE`, in blocks.

    The file stands under its name only when it is whole.

    Parameters
    ----------
    duration_s : what is longer is cut, what is shorter ends in silence; None: the sound's own
    """
    if duration_s is None:
        duration_s = Fraction(audio.n_samples, audio.sample_rate)
    n_samples = max(1, round(duration_s * ANALYSIS_RATE))
    resampler = soxr.ResampleStream(audio.sample_rate, ANALYSIS_RATE, 1, dtype="float32")
    unfinished = path.with_name(f"{path.name}.part")
    with unfinished.open("wb") as file:
        for block in audio.blocks():
            # Channel by channel: NumPy's mean over so short an axis takes seventeen times as long.
            mixed = reduce(np.add, block.T) / np.float32(audio.n_channels)
            file.write(resampler.resample_chunk(mixed).astype("<f4", copy=False).tobytes())
        file.write(resampler.resample_chunk(np.zeros(0, np.float32), last=True).tobytes())
        file.truncate(4 * n_samples)  # cuts, or adds zeros: the filter's end is a sample off
    unfinished.replace(path)
    return Mono(path=path, n_samples=n_samples)


def open_mono(path: Path) -> Mono:
    """Open an analysis copy that `write_mono` has written."""
    return Mono(path=path, n_samples=path.stat().st_size // 4)


def _check(path: Path, file: FileIO, limits: Limits) -> Audio:
    check_size(path.name, os.fstat(file.fileno()).st_size, limits)
    counts = count_samples(file)
    if counts is None:
        raise TonfilmError(_NO_WAV.format(path.name))
    if counts.n_present == 0:
        raise TonfilmError(f"{path.name} has a header but no sound: choose a WAV with sound in it.")
    with _decoder(file) as sound:
        _check_form(path, sound, limits)
        n_samples = min(_scan(path, sound), counts.n_present)
        if n_samples == 0:
            raise TonfilmError(f"{path.name} says that it has no sound: save it again.")
        file.seek(0)
        return Audio(
            path=path,
            sha256=hashlib.file_digest(file, "sha256").hexdigest(),
            sample_rate=sound.samplerate,
            n_channels=sound.channels,
            n_samples=n_samples,
            n_promised_samples=max(n_samples, counts.n_promised),
            subtype=sound.subtype,
        )


def _check_form(path: Path, sound: soundfile.SoundFile, limits: Limits) -> None:
    if sound.subtype not in CODINGS:
        raise TonfilmError(f"{path.name} is coded as {sound.subtype}: save it as a plain PCM WAV.")
    if not 1 <= sound.channels <= MAX_CHANNELS:
        raise TonfilmError(
            f"{path.name} has {sound.channels} channels: mix it down to at most {MAX_CHANNELS}."
        )
    if not MIN_SAMPLE_RATE <= sound.samplerate <= MAX_SAMPLE_RATE:
        raise TonfilmError(
            f"{path.name} has {sound.samplerate} samples a second: "
            f"save it with {MIN_SAMPLE_RATE:,} to {MAX_SAMPLE_RATE:,}."
        )
    if sound.frames > limits.max_duration_s * sound.samplerate:
        raise TonfilmError(
            f"{path.name} is too long ({sound.frames / sound.samplerate / 60:,.1f} minutes): "
            f"cut it to at most {limits.max_duration_s / 60:,.1f} minutes."
        )


def _scan(path: Path, sound: soundfile.SoundFile) -> int:
    n_samples = 0
    block = np.empty((BLOCK_SAMPLES, sound.channels), np.float32)
    while len(read := sound.read(out=block)):
        # Not a number compares as false, so this one test refuses it too.
        if not np.abs(read).max() <= MAX_AMPLITUDE:
            raise TonfilmError(
                f"{path.name} holds samples that are not numbers, or endless ones, "
                f"near {n_samples / sound.samplerate:,.1f} s: save it again from your program."
            )
        n_samples += len(read)
    return n_samples


def _decoder(file: FileIO) -> soundfile.SoundFile:
    # By its number: under a name such as song.raw soundfile would not look into the file.
    file.seek(0)
    return soundfile.SoundFile(file.fileno(), closefd=False)
