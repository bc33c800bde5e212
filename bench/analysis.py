"""How long listening to a song takes, beside a plain librosa script for the same curves."""

import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import librosa
import soundfile
from threadpoolctl import threadpool_limits

from spectro.audio import load, write_mono
from spectro.features import extract
from spectro.pitch import HIGHEST_HZ, LOWEST_HZ
from spectro.spectrum import COLUMN_HOP, N_FFT
from spectro.timeline import Timeline

FPS = Fraction(24)
PIECE_S = 10.0  # of the song, heard first: the first call compiles
SECTIONS = 10


@dataclass(frozen=True, kw_only=True)
class Listening:
    """Seconds that one song took, from the opened WAV to all curves, on one thread."""

    song_s: float
    ours_s: float
    plain_s: float


def measure_analysis(song: Path, folder: Path) -> Listening:
    """Listen to a song twice, in our way and in librosa's."""
    with threadpool_limits(1):
        _listen_plainly(song, PIECE_S)
        begun_s = time.perf_counter()
        _listen_plainly(song, None)
        plain_s = time.perf_counter() - begun_s
        begun_s = time.perf_counter()
        audio = load(song)
        timeline = Timeline(fps=FPS, n_samples=audio.n_samples, sample_rate=audio.sample_rate)
        extract(write_mono(audio, folder / "mono.f32"), timeline)
        ours_s = time.perf_counter() - begun_s
    return Listening(song_s=audio.duration_s, ours_s=ours_s, plain_s=plain_s)


def _listen_plainly(song: Path, duration_s: float | None) -> None:
    """Compute the curves as librosa's own pages do, each by its own function on one spectrum."""
    rate = soundfile.info(song).samplerate
    n_samples = -1 if duration_s is None else round(duration_s * rate)
    samples = soundfile.read(song, n_samples, dtype="float32", always_2d=True)[0].mean(axis=1)
    spectrum = librosa.stft(samples, n_fft=N_FFT, hop_length=COLUMN_HOP)
    magnitude = abs(spectrum)
    mels = librosa.feature.melspectrogram(S=magnitude**2, sr=rate)
    lasting, struck = librosa.decompose.hpss(magnitude)
    for part in (magnitude, lasting, struck):
        librosa.feature.rms(S=part, frame_length=N_FFT)
    librosa.onset.onset_strength(S=librosa.power_to_db(mels), sr=rate)
    librosa.feature.spectral_centroid(S=magnitude, sr=rate)
    librosa.feature.spectral_rolloff(S=magnitude, sr=rate)
    librosa.feature.spectral_flatness(S=magnitude)
    librosa.feature.spectral_contrast(S=magnitude, sr=rate)
    librosa.feature.chroma_stft(S=magnitude**2, sr=rate)
    mfcc = librosa.feature.mfcc(S=librosa.power_to_db(mels), n_mfcc=13)
    librosa.yin(
        samples,
        fmin=LOWEST_HZ,
        fmax=HIGHEST_HZ,
        sr=rate,
        frame_length=N_FFT,
        hop_length=COLUMN_HOP,
    )
    librosa.beat.beat_track(y=samples, sr=rate)
    n_half = rate // COLUMN_HOP // 2
    halves = librosa.util.sync(mfcc, range(0, mfcc.shape[1], n_half))
    librosa.segment.agglomerative(halves, min(SECTIONS, halves.shape[1]))
