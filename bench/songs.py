"""Songs to measure films by: made ones, whose beats are known, and real ones, tracked.

No beats come from what makes the films: real songs are tracked by `measures`, on its own.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from bench.choices import Choices
from hearing.examples import BEATLESS, HELD_OUT_SEED
from measures.beats import track_beats
from measures.curves import Times, roll_times
from measures.film import SAMPLE_RATE
from measures.sound import listen
from spectro.audio import load
from spectro.errors import TonfilmError
from training_data.songs import Plan, draw_plan, render

# No network has learnt from these songs, and the beats' figures are taken on others.
FIRST_SEED: Final = HELD_OUT_SEED + 200_000
N_APART: Final = 8  # made songs, of which no two are of one style
LEAST_BEATS: Final = 4  # of a real song; with fewer there is no tempo to speak of


@dataclass(frozen=True, kw_only=True)
class Tune:
    """A song's sound and its beats."""

    name: str  # a made song's style, a file's name
    samples: NDArray[np.float32]  # (n_samples, n_channels), full scale = 1
    sample_rate: int  # Hz
    beats_s: Times  # (n_beats,) seconds, ascending

    @property
    def duration_s(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.sample_rate

    @property
    def beat_s(self) -> float:
        """Time from beat to beat, usually."""
        return float(np.median(np.diff(self.beats_s)))

    def mute(self) -> "Tune":
        """Return silence of the same length."""
        return replace(self, samples=np.zeros_like(self.samples))

    def roll(self, shift_s: float) -> "Tune":
        """Return the song some seconds later, its end in front, the beats with it."""
        n = round(shift_s * self.sample_rate)
        return replace(
            self,
            samples=np.roll(self.samples, n, axis=0),
            beats_s=roll_times(self.beats_s, n / self.sample_rate, self.duration_s),
        )

    def write(self, path: Path) -> Path:
        """Write a WAV."""
        soundfile.write(path, self.samples, self.sample_rate, subtype="FLOAT", format="WAV")
        return path


def gather_tunes(choices: Choices) -> list[Tune]:
    """Make and read the songs that were asked for.

    Raises
    ------
    TonfilmError
        There are none, or one that was named cannot be used.
    """
    real = read_songs(choices.music, choices.seconds) if choices.music else []
    tunes = [*compose_songs(choices.n_songs, choices.seconds), *real]
    if not tunes:
        raise TonfilmError("There is no song: ask for one with --songs, or name a folder.")
    return tunes


def compose_songs(n: int, duration_s: int) -> Iterator[Tune]:
    """Compose n songs that somebody would tap to, with drums and without in turns."""
    for plan, rng in islice(draw_plans(duration_s), n):
        song = render(plan, duration_s, rng)
        yield Tune(
            name=song.style,
            samples=song.samples,
            sample_rate=song.sample_rate,
            beats_s=song.beat_times_s,
        )


def draw_plans(duration_s: int) -> Iterator[tuple[Plan, np.random.Generator]]:
    """Draw plans of songs without end, with drums in most bars and without in turns."""
    recent = deque[str](maxlen=N_APART)
    wants_drums = True
    for seed in count(FIRST_SEED):
        rng = np.random.default_rng(seed)
        plan = draw_plan(rng, duration_s, held_out=True)
        has_drums = bool(np.mean(["drums" in bar.parts for bar in plan.bars]) > 0.5)
        if plan.style in BEATLESS or plan.style in recent or has_drums != wants_drums:
            continue
        yield plan, rng
        recent.append(plan.style)
        wants_drums = not has_drums


def read_songs(folder: Path, duration_s: int) -> list[Tune]:
    """Read the middle of each WAV in a folder, and track its beats.

    Raises
    ------
    TonfilmError
        There is no WAV, or one is too short, has no beats or cannot be read.
    """
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".wav")
    if not paths:
        raise TonfilmError(f"There is no WAV in {folder}: put some there.")
    return [_read_song(path, duration_s) for path in paths]


def _read_song(path: Path, duration_s: int) -> Tune:
    audio = load(path)
    n = duration_s * audio.sample_rate
    if audio.n_samples < n:
        raise TonfilmError(
            f"{path.name} lasts only {audio.duration_s:.1f} s: take it away, or ask for fewer "
            f"than {duration_s} seconds of each song."
        )
    start = (audio.n_samples - n) // 2  # a beginning is seldom like the song
    samples = np.concatenate(list(audio.blocks(start, start + n)))
    mono = soxr.resample(samples.mean(axis=1), audio.sample_rate, SAMPLE_RATE)
    beats_s = track_beats(listen([mono], len(mono)))
    if len(beats_s) < LEAST_BEATS:
        raise TonfilmError(f"No beats were found in the middle of {path.name}: take it away.")
    return Tune(name=path.stem, samples=samples, sample_rate=audio.sample_rate, beats_s=beats_s)
