"""Small music videos whose every frame and sound is known."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT = 64, 48
COLOURS = ((220, 40, 40), (40, 200, 40), (50, 50, 230), (220, 210, 40), (200, 50, 200))
TONES_HZ = (1_000, 3_000, 5_000, 7_000, 9_000)  # of each second, over again after the fifth
CODECS = {".mp4": ("libx264", "aac"), ".mkv": ("libx264", "aac"), ".webm": ("libvpx", "libopus")}
RATES = {"aac": 44_100, "libopus": 48_000}


@dataclass(frozen=True, kw_only=True)
class MusicVideo:
    """What a made music video is like."""

    duration_s: float = 6.0
    sound_s: float | None = None  # None: as long as the picture; 0: none
    sound_at_s: float = 0.0  # when it sets in
    fps: Fraction = Fraction(10)
    lost_frames: frozenset[int] = frozenset()  # not in the file: its rate varies
    is_striped: bool = False  # whether frames are stripes a pixel wide
    options: dict[str, str] = field(default_factory=dict)  # of the container

    def write(self, path: Path) -> Path:
        """Write the video, in the container that the ending names."""
        path.parent.mkdir(parents=True, exist_ok=True)
        video_codec, sound_codec = CODECS[path.suffix]
        with av.open(path, "w", options=self.options) as file:
            picture = file.add_stream(video_codec, rate=self.fps, bit_rate=2_000_000)
            picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            streams = [(picture, self._frames())]
            if self.sound_s != 0:
                sound = file.add_stream(sound_codec, rate=RATES[sound_codec], layout="mono")
                streams.append((sound, self._sounds(sound)))
            for stream, frames in streams:
                for frame in frames:
                    file.mux(stream.encode(frame))
                file.mux(stream.encode(None))
        return path

    def _frames(self) -> Iterator[av.VideoFrame]:
        for number in range(round(self.duration_s * self.fps)):
            if number in self.lost_frames:
                continue
            pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
            pixels[:, : WIDTH // 2] = level_at(number)
            pixels[:, WIDTH // 2 :] = COLOURS[int(number / self.fps) % len(COLOURS)]
            if self.is_striped:
                pixels[:] = 255 * (np.arange(WIDTH) % 2)[None, :, None]
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, 1 / self.fps
            yield frame

    def _sounds(self, stream: av.AudioStream) -> Iterator[av.AudioFrame]:
        rate = stream.rate
        seconds = self.duration_s if self.sound_s is None else self.sound_s
        times_s = self.sound_at_s + np.arange(round(seconds * rate)) / rate
        samples = 0.5 * np.sin(2 * np.pi * tone_at(times_s) * times_s)
        for start in range(0, len(samples), 960):
            piece = (samples[None, start : start + 960] * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(piece, "s16", "mono")
            frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
            frame.pts = round(self.sound_at_s * rate) + start
            yield frame


def level_at(number: int) -> int:
    """Return the grey of a frame's left half, other for each of 30."""
    return 8 * (number % 30)


def tone_at(times_s: np.ndarray) -> np.ndarray:
    """Return the pitch at some times, Hz."""
    return np.array(TONES_HZ)[times_s.astype(int) % len(TONES_HZ)]


def measure_level(frame: np.ndarray) -> float:
    """Measure the grey of a frame's left half."""
    return float(frame[:, : frame.shape[1] // 2 - 2].mean())


def check_frame(frame: np.ndarray, number: int, fps: int = 10) -> None:
    assert abs(measure_level(frame) - level_at(number)) < 3.5
    colour = frame[:, frame.shape[1] // 2 + 2 :].mean(axis=(0, 1))
    expected = COLOURS[number // fps % len(COLOURS)]
    assert np.abs(colour - expected).max() < 12


def check_tones(spectrogram: np.ndarray, end_s: float, sound_from_s: float = 0.0) -> None:
    """See that each column shows the tone of its own moment, and none before there was any."""
    times_s = end_s - 1.5 + (np.arange(256) * 257 + 255) / 44_100
    is_clear = np.abs(times_s - np.rint(times_s)) > 0.03  # columns that hold one tone
    is_sounding = is_clear & (times_s > sound_from_s + 0.03)
    rows = spectrogram.argmax(axis=0)[is_sounding]
    expected = 255 - tone_at(times_s[is_sounding]) * 510 / 44_100
    assert np.abs(rows - expected).max(initial=0) <= 1
    assert spectrogram[:, times_s < sound_from_s - 0.03].max(initial=0) == 0
