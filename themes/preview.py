"""A preview of a theme of music videos: true and painted frames side by side, with sound."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from av.container import OutputContainer
from numpy.typing import NDArray
from torchvision.transforms.v2 import functional as transforms

from pix2pix.grids import SQUARE
from pix2pix.painter import Painter
from spectro.audio import ANALYSIS_RATE
from themes.arrays import N_AT_ONCE, Bytes, to_bytes

_QUALITY = {"crf": "18", "preset": "veryfast"}


def write_preview(kept: Path, painter: Painter, output: Path) -> None:
    """Write a film, 512×256: on the left the frames of a video, on the right the painted ones.

    Parameters
    ----------
    kept : the excerpt that `training_data.ripper.rip` has kept of a video
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with np.load(kept) as excerpt:
        spectrograms, frames = excerpt["spectrograms"], excerpt["frames"]
        fps, sound = Fraction(str(excerpt["fps"])), excerpt["sound"]
    with av.open(str(output), "w") as container:
        _write(container, fps, _lay(painter, spectrograms, frames), sound)


def _lay(painter: Painter, spectrograms: Bytes, frames: Bytes) -> Iterator[Bytes]:
    """Lay true and painted frames side by side, (256, 512, 3)."""
    for start in range(0, len(frames), N_AT_ONCE):
        some = slice(start, start + N_AT_ONCE)
        heard = torch.from_numpy(spectrograms[some]).float() / 255
        painted = to_bytes(painter.paint(heard, SQUARE, SQUARE))
        size = [SQUARE, SQUARE]
        true = transforms.resize(torch.from_numpy(frames[some]).float() / 255, size, antialias=True)
        yield from np.concatenate([to_bytes(true), painted], 3).transpose(0, 2, 3, 1)


def _write(
    container: OutputContainer, fps: Fraction, pictures: Iterator[Bytes], sound: NDArray[np.int16]
) -> None:
    video = container.add_stream("libx264", rate=fps, options=_QUALITY)
    video.width, video.height, video.pix_fmt = 2 * SQUARE, SQUARE, "yuv420p"
    audio = container.add_stream("aac", rate=ANALYSIS_RATE, layout="mono")
    for picture in pictures:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        container.mux(video.encode(frame))
    container.mux(video.encode(None))
    heard = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
    heard.sample_rate = ANALYSIS_RATE
    container.mux(audio.encode(heard))
    container.mux(audio.encode(None))
