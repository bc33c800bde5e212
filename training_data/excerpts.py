"""Made music videos: frames in a row of songs, as a rule of such that no training hears.

Half of those are in styles, and played on instruments, that no training hears either.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from spectro import windows
from spectro.timeline import Timeline
from training_data import songs
from training_data.listening import opened
from training_data.pairs import HELD_OUT_SEED, Direction

FIRST_SEED = 2 * HELD_OUT_SEED  # other songs than those of the held-out pairs
FPS = Fraction(24)
SONG_S = 20.0
SIDE = 256  # pixels
_N_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """Consecutive frames of one song."""

    style: str  # of the song, a key of `styles.STYLES` or `held_out.HELD_OUT_STYLES`
    spectrograms: Tensor  # (n, 256, 256) float32 in [0, 1], cut as a film's are
    frames: Tensor  # (n, 3, 256, 256) float32 in [0, 1], the true ones


def make_excerpts(
    direction: Direction, n_songs: int, n_frames: int, *, held_out: bool = True
) -> Iterator[Excerpt]:
    """Make the middle n_frames, up to 480, of each song, always the same ones."""
    first = FIRST_SEED if held_out else 0
    for seed in range(first, first + n_songs):
        song = songs.compose(seed, SONG_S, held_out=held_out)
        heard = _hear(song, n_frames)
        # The director reads what the pairs hold: bytes.
        seen = heard.mul(255).round().div(255)
        frames = [
            direction.paint(direction.direct(seen[start : start + _N_AT_ONCE]), SIDE, SIDE)
            for start in range(0, n_frames, _N_AT_ONCE)
        ]
        yield Excerpt(style=song.style, spectrograms=heard, frames=torch.cat(frames))


def _hear(song: songs.Song, n_frames: int) -> Tensor:
    """Take a song through the doors that a film goes through."""
    with opened(song) as (audio, mono):
        timeline = Timeline(fps=FPS, n_samples=audio.n_samples, sample_rate=audio.sample_rate)
        white_db = windows.measure_reference_db(mono)
        first = (timeline.n_frames - n_frames) // 2
        return torch.from_numpy(windows.slice_windows(mono, white_db, timeline, first, n_frames))
