"""The floor: what a film would cost if only its networks' sums and its encoder cost anything."""

import itertools
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import av
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from film.encoding import SegmentWriter, VideoForm
from film.engines import Duet
from film.recipe import Recipe
from film.segments import BATCH_FRAMES
from film.theme import load_theme
from spectro.routes import CONTROLS
from spectro.score import Rows

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


def measure_floor(film: Path, recipe: Recipe) -> Floor:
    """Measure the floor of a finished film on this machine.

    The networks' multiply-adds at the rate of large matrix products in their precision, and
    after that the encoder alone on the film's own frames: both want the same cores.
    """
    theme = load_theme(recipe.theme)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        Duet(theme, recipe).paint(*_neutral_batch())
    multiply_adds = counter.get_total_flops() / 2 / BATCH_FRAMES
    rate = _matrix_rate(theme.painter.dtype)
    frames = _decode(film)
    return Floor(
        multiply_adds=multiply_adds,
        rate=rate,
        networks_s=multiply_adds / rate,
        encoder_s=median(_time_encoder(frames, recipe) for _ in range(N_RUNS)),
    )


def _neutral_batch() -> tuple[Rows, NDArray[np.float32]]:
    """Return rows and windows of a batch in which nothing is heard."""
    neutral = np.array([[control.neutral for control in CONTROLS.values()]], np.float32)
    rows = Rows(
        first_frame=0,
        keyframe=np.zeros(BATCH_FRAMES, np.float32),
        toward=np.zeros(BATCH_FRAMES, np.int64),
        controls=neutral.repeat(BATCH_FRAMES, axis=0),
    )
    return rows, np.zeros((BATCH_FRAMES, 256, 256), np.float32)


def _decode(film: Path) -> NDArray[np.uint8]:
    """Decode `N_ENCODED` frames after the first few seconds, as the encoder takes them."""
    with av.open(film) as container:
        frames = itertools.islice(container.decode(video=0), N_ENCODED, 2 * N_ENCODED)
        return np.stack([frame.to_ndarray() for frame in frames]).astype(np.uint8)


def _time_encoder(frames: NDArray[np.uint8], recipe: Recipe) -> float:
    form = VideoForm(
        width=recipe.width, height=recipe.height, fps=recipe.fps, quality=recipe.quality
    )
    with tempfile.TemporaryDirectory() as folder:
        start_s = time.perf_counter()
        with SegmentWriter(Path(folder) / "segment.mp4", form, len(frames)) as writer:
            writer.write(frames)
            writer.finish()
        return (time.perf_counter() - start_s) / len(frames)


def _matrix_rate(dtype: torch.dtype) -> float:
    """Measure multiply-adds a second of square matrix products, the best of some."""
    a, b = torch.rand(SIDE, SIDE).to(dtype), torch.rand(SIDE, SIDE).to(dtype)
    seconds = []
    for _ in range(N_RUNS):
        start_s = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - start_s)
    return float(SIDE**3 / min(seconds))
