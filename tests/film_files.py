"""Reading finished films, and rows of a score made by hand."""

from pathlib import Path

import av
import numpy as np

from spectro.routes import CONTROLS
from spectro.score import Rows


def decode_frames(path: Path) -> np.ndarray:
    """Decode all frames: (n_frames, height * 3 / 2, width) uint8."""
    with av.open(path) as film:
        return np.stack([frame.to_ndarray() for frame in film.decode(video=0)])


def decode_sound(path: Path) -> np.ndarray:
    """Decode all of the sound as a player hears it from time 0: (n_channels, n) float32."""
    with av.open(path) as film:
        frames = list(film.decode(audio=0))
    assert frames[0].pts == 0
    return np.concatenate([frame.to_ndarray() for frame in frames], axis=1)


def make_rows(
    n: int = 2, *, keyframe: float = 0.0, toward: int = 0, **values: float | list[float]
) -> Rows:
    """Make n rows: neutral but for the controls named, one value or one a frame."""
    controls = np.tile([control.neutral for control in CONTROLS.values()], (n, 1))
    for name, value in values.items():
        controls[:, list(CONTROLS).index(name)] = value
    return Rows(
        first_frame=0,
        keyframe=np.full(n, keyframe, np.float32),
        toward=np.full(n, toward, np.int64),
        controls=controls.astype(np.float32),
    )
