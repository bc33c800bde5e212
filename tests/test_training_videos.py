"""Music videos of all kinds: frames by their numbers, sound at its time."""

from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from threading import Event, Thread

import av
import numpy as np
import pytest
from music_videos import MusicVideo, check_frame, check_tones, level_at, measure_level

from spectro.windows import N_WINDOW_SAMPLES, batch_pictures
from training_data.videos import Sound, UnusableVideo, Video, open_video

SHORT = MusicVideo(duration_s=1.5)


def read_levels(video: Video, numbers: range) -> np.ndarray:
    """Measure the grey of some frames."""
    return np.array([measure_level(frame) for frame in video.frames(numbers)])


@pytest.mark.parametrize("rate", ["30", "30000/1001", "60000/1001", "25", "12.5"])
@pytest.mark.parametrize("ending", [".mkv", ".mp4"])
def test_frames_have_their_numbers_at_every_rate(tmp_path: Path, rate: str, ending: str) -> None:
    path = replace(SHORT, fps=Fraction(rate)).write(tmp_path / f"song{ending}")
    with open_video(path, 32) as video:
        assert video.fps == Fraction(rate)
        assert abs(video.duration_s - 1.5) < 0.1
        numbers = range(7, 18, 5)
        assert np.abs(read_levels(video, numbers) - list(map(level_at, numbers))).max() < 3.5


def test_frames_end_where_the_video_ends(tmp_path: Path) -> None:
    path = SHORT.write(tmp_path / "song.mp4")
    with open_video(path, 32) as video:
        assert len(list(video.frames(range(0, 100, 2)))) == 8


def test_a_varying_rate_does_not_shift_frames(tmp_path: Path) -> None:
    """The mean rate of such a file is lower, and counting by it would run ahead."""
    lost = np.random.default_rng(0).choice(np.arange(1, 58), 15, replace=False)
    made = MusicVideo(fps=Fraction(30), duration_s=2.0, lost_frames=frozenset(lost.tolist()))
    with open_video(made.write(tmp_path / "phone.mp4"), 32) as video:
        assert video.fps == 30
        n_off = read_levels(video, range(58)) / 8 - np.arange(58)
    # The last frame before a gap, or the first one after it.
    assert np.abs((n_off + 15) % 30 - 15).max() < 3.5


def test_frames_are_made_smaller_without_aliasing(tmp_path: Path) -> None:
    path = replace(SHORT, is_striped=True).write(tmp_path / "stripes.mp4")
    with open_video(path, 20) as video:
        frame = next(video.frames(range(10)))
    assert frame.shape == (20, 20, 3)
    assert np.abs(frame.astype(float) - 127.5).max() < 40


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("late.mkv", MusicVideo(duration_s=3.0, sound_at_s=0.4)),
        ("late.mp4", MusicVideo(duration_s=3.0, sound_at_s=0.4)),
        ("lengthless.mkv", MusicVideo(duration_s=3.0, options={"live": "1"})),
        ("AC:DC – Ü.mp4", MusicVideo(duration_s=3.0)),
    ],
)
def test_odd_videos_keep_their_times(
    tmp_path: Path, name: str, made: MusicVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.write(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    with open_video(Path(name), 32) as video:
        for number, frame in zip((20, 24, 28), video.frames(range(20, 30, 4)), strict=True):
            check_frame(frame, number)
        with video.open_sound(2 * 44_100 - N_WINDOW_SAMPLES) as sound:
            for end_s in (2.0, 2.4):
                end = round(end_s * 44_100)
                samples = sound.read(end - N_WINDOW_SAMPLES, end)[None]
                picture = batch_pictures(samples, np.array([-30.0]))[0]
                check_tones(picture, end_s, made.sound_at_s or -2.0)


def spoil(whole: Path, spoilt: Path, from_s: float) -> Path:
    """Copy a video with pictures that cannot be decoded from some time on."""
    with av.open(whole) as source, av.open(spoilt, "w") as target:
        streams = {s.index: target.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is None:
                continue
            copied = packet
            if packet.stream.type == "video" and packet.pts * packet.time_base > from_s:
                copied = av.Packet(b"\xc7" * 13)
                copied.pts, copied.dts = packet.pts, packet.dts
                copied.time_base = packet.time_base
            copied.stream = streams[packet.stream.index]
            target.mux(copied)
    return spoilt


@pytest.mark.parametrize("from_s", [0.5, 5.0])
def test_a_spoilt_video_comes_to_an_end(tmp_path: Path, from_s: float) -> None:
    """What ffmpeg says of it is more than a pipe holds, at once or later on."""
    whole = MusicVideo(fps=Fraction(60), duration_s=20.0, sound_s=1.0).write(tmp_path / "a.mkv")
    spoilt = spoil(whole, tmp_path / "b.mkv", from_s)
    has_ended = Event()

    def read_on() -> None:
        with suppress(UnusableVideo), open_video(spoilt, 32) as video:
            list(video.frames(range(1200)))
        has_ended.set()

    Thread(target=read_on, daemon=True).start()
    assert has_ended.wait(timeout=30)


class _Counter:
    """A reader whose samples tell their numbers."""

    def __init__(self) -> None:
        self.pos = 0
        self.largest = 0

    def read_chunk(self, n: int) -> np.ndarray:
        self.largest = max(self.largest, n)
        self.pos += n
        return np.repeat(np.arange(self.pos - n, self.pos, dtype=float)[:, None], 2, axis=1)


def test_sound_is_read_forward_in_pieces() -> None:
    reader = _Counter()
    sound = Sound(reader, 0, 10**7)
    assert not sound.read(-10, -4).any()
    assert sound.read(-3, 2).tolist() == [0, 0, 0, 0, 1]
    assert sound.read(1, 5).tolist() == [1, 2, 3, 4]
    assert sound.read(4, 5).tolist() == [4]
    # A long way on, without holding what lies between.
    assert sound.read(3_000_000, 3_000_003).tolist() == [3_000_000, 3_000_001, 3_000_002]
    assert reader.pos == 3_000_003
    assert reader.largest <= 1 << 16
