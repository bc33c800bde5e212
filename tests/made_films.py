"""Finished films whose every frame and sound is known, to be measured."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

CLOCK = 600  # ticks a second, in which 24, 25, 30 and 60 frames a second are whole


@dataclass(frozen=True, kw_only=True)
class MadeFilm:
    """What a made film is like."""

    paint: Callable[[float], np.ndarray | float]  # seconds → (h, w, 3) bytes, or a grey
    duration_s: float = 12.0
    fps: int = 30
    frames_s: Sequence[float] | None = None  # when frames begin, where their rate varies
    width: int = 96
    height: int = 54
    sound: np.ndarray | None = None  # (n,) or (n, n_channels); None: no sound track
    sample_rate: int = 44_100
    sound_at_s: float = 0.0
    pause_s: float = 0.0  # after a second of sound there is none in the file
    key_frame_every: int = 250

    def write(self, path: Path) -> Path:
        """Write the film."""
        with av.open(path, "w") as file:
            options = {"crf": "8", "preset": "ultrafast", "g": str(self.key_frame_every)}
            picture = file.add_stream("libx264", rate=self.fps, options=options)
            picture.width, picture.height = self.width, self.height
            # Odd sizes cannot have colours at half the size.
            picture.pix_fmt = "yuv444p" if self.width % 2 or self.height % 2 else "yuv420p"
            picture.codec_context.time_base = Fraction(1, CLOCK)
            streams = [(picture, self._paint_frames(picture.pix_fmt))]
            if self.sound is not None:
                layout = "mono" if self.sound.ndim == 1 else "stereo"
                stream = file.add_stream("aac", rate=self.sample_rate, layout=layout)
                streams.append((stream, self._cut_sound(self.sound, layout)))
            for stream, frames in streams:
                for frame in frames:
                    file.mux(stream.encode(frame))
                file.mux(stream.encode(None))
        return path

    def _paint_frames(self, pixel_format: str) -> Iterator[av.VideoFrame]:
        n_frames = round(self.duration_s * self.fps)
        frames_s = [n / self.fps for n in range(n_frames)] if not self.frames_s else self.frames_s
        shape = (self.height, self.width, 3)
        for time_s in frames_s:
            pixels = np.broadcast_to(np.asarray(self.paint(time_s)), shape)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels, np.uint8), "rgb24")
            frame = frame.reformat(format=pixel_format)
            frame.pts, frame.time_base = round(time_s * CLOCK), Fraction(1, CLOCK)
            yield frame

    def _cut_sound(self, sound: np.ndarray, layout: str) -> Iterator[av.AudioFrame]:
        samples = np.rint(32_000 * sound).astype(np.int16)
        for start in range(0, len(samples), 1024):
            piece = samples[start : start + 1024].reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(piece, "s16", layout)
            frame.sample_rate, frame.time_base = self.sample_rate, Fraction(1, self.sample_rate)
            wait_s = self.sound_at_s + self.pause_s * (start >= self.sample_rate)
            frame.pts = start + round(wait_s * self.sample_rate)
            yield frame


def click_at(clicks_s: np.ndarray, duration_s: float, sample_rate: int = 44_100) -> np.ndarray:
    """Make a click, 5 ms of decaying noise, at each time: (n,) of about full scale."""
    samples = np.zeros(round(duration_s * sample_rate))
    click = np.random.default_rng(0).uniform(-0.8, 0.8, round(0.005 * sample_rate))
    click *= np.linspace(1, 0, len(click)) ** 2
    for start in np.rint(np.asarray(clicks_s) * sample_rate).astype(int):
        samples[start : start + len(click)] += click[: len(samples) - start]
    return samples


def flash_at(flashes_s: np.ndarray) -> Callable[[float], float]:
    """Return a painter of a dark grey that jumps to a lighter one at each time and sinks back."""

    def paint(time_s: float) -> float:
        since_s = time_s + 1e-6 - flashes_s
        since_s = since_s[since_s >= 0]
        return 40 + 150 * np.exp(-since_s.min() / 0.15) if len(since_s) else 40

    return paint


def jump_at(jumps_s: np.ndarray) -> Callable[[float], float]:
    """Return a painter of two greys that take turns, changing at each time."""

    def paint(time_s: float) -> float:
        return 60 + 80 * (np.count_nonzero(time_s + 1e-6 >= jumps_s) % 2)

    return paint


def strobe(rate_hz: float, light: np.ndarray | float = 255.0) -> Callable[[float], np.ndarray]:
    """Return a painter of black and light that take turns, so many times a second."""

    def paint(time_s: float) -> np.ndarray:
        return np.asarray(light) * (int(2 * rate_hz * time_s + 1e-6) % 2)

    return paint
