"""The floor: what a film would cost if only its networks' sums and its encoder cost anything."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from film.encoding import SegmentWriter, VideoForm
from film.engines import Duet
from film.planes import Size, to_planes
from film.recipe import Recipe
from film.segments import BATCH_FRAMES
from film.theme import load_theme
from spectro.score import CONTROLS, Rows

N_ENCODED = 96  # frames, a segment
SIDE = 2048  # of the matrices that tell the machine's rate
N_RUNS = 5


@dataclass(frozen=True, kw_only=True)
class Floor:
    """Seconds a frame that cannot be saved without other networks or another encoder."""

    multiply_adds: float  # a frame, of both networks
    rate: float  # multiply-adds a second in matrix products, in the networks' precision
    networks_s: float  # a frame
    encoder_s: float  # a frame, the encoder alone on the same frames

    @property
    def seconds(self) -> float:
        """Seconds a frame, both together."""
        return self.networks_s + self.encoder_s


def measure_floor(recipe: Recipe) -> Floor:
    """Measure the floor of a recipe's film on this machine, as docs/manual.md defines it."""
    theme = load_theme(recipe.theme)
    duet = Duet(theme, recipe)
    frames = _paint_some(duet, recipe)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        duet.paint(*_moment(0))
    multiply_adds = counter.get_total_flops() / 2 / BATCH_FRAMES
    rate = _matrix_rate(theme.painter.dtype)
    return Floor(
        multiply_adds=multiply_adds,
        rate=rate,
        networks_s=multiply_adds / rate,
        encoder_s=median(_time_encoder(frames, recipe) for _ in range(N_RUNS)),
    )


def _moment(first_frame: int) -> tuple[Rows, Any]:
    """Return rows and windows of a batch: the walk goes on, and the sound is noise."""
    neutral = [control.neutral for control in CONTROLS.values()]
    frames = np.arange(first_frame, first_frame + BATCH_FRAMES, dtype=np.float32)
    rows = Rows(
        first_frame=first_frame,
        keyframe=frames / np.float32(96),
        controls=np.tile(np.array(neutral, np.float32), (BATCH_FRAMES, 1)),
    )
    rng = np.random.default_rng(first_frame)
    return rows, rng.random((BATCH_FRAMES, 256, 256), np.float32)


def _paint_some(duet: Duet, recipe: Recipe) -> list[Any]:
    """Paint `N_ENCODED` frames, as the encoder takes them."""
    size = Size(height=recipe.height, width=recipe.width)
    plain = torch.eye(3, 4).expand(BATCH_FRAMES, 3, 4)
    starts = range(0, N_ENCODED, BATCH_FRAMES)
    with torch.inference_mode():
        return [to_planes(duet.paint(*_moment(start)), plain, size) for start in starts]


def _time_encoder(planes: list[Any], recipe: Recipe) -> float:
    form = VideoForm(
        width=recipe.width, height=recipe.height, fps=recipe.fps, quality=recipe.quality
    )
    with tempfile.TemporaryDirectory() as folder:
        start_s = time.perf_counter()
        with SegmentWriter(Path(folder) / "segment.mp4", form, N_ENCODED) as writer:
            for block in planes:
                writer.write(block)
            writer.finish()
        return (time.perf_counter() - start_s) / N_ENCODED


def _matrix_rate(dtype: torch.dtype) -> float:
    """Measure multiply-adds a second of square matrix products, the best of some."""
    a, b = torch.rand(SIDE, SIDE).to(dtype), torch.rand(SIDE, SIDE).to(dtype)
    seconds = []
    for _ in range(N_RUNS):
        start_s = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - start_s)
    return float(SIDE**3 / min(seconds))
