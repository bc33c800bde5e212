"""Segments stand only when whole, and join into a film that is exact in time."""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import WriteWav, clicks, music
from film_files import decode_frames, decode_sound

from film.disk import check_output, plain_disk_errors
from film.encoding import SegmentWriter, VideoForm, encode_still, is_whole
from film.recipe import Recipe
from film.segments import cut_excerpt, plan
from film.sound import choose_form
from film.video import Track, join, read_recipe
from spectro.audio import load
from spectro.errors import TonfilmError
from spectro.timeline import Timeline

NTSC = Fraction(24_000, 1001)
RECIPE = Recipe(keyframes=(1, 2), width=64, height=64)


def form(fps: Fraction = Fraction(24), quality: str = "final") -> VideoForm:
    return VideoForm(width=64, height=64, fps=fps, quality=quality)


def luma_of(frame: int) -> int:
    """Give each frame a grey of its own."""
    return 20 + frame * 7 % 200


def ignore(done: int, total: int) -> None:
    """Take no note of progress."""


def paint(first: int, stop: int) -> np.ndarray:
    planes = np.full((stop - first, 96, 64), 128, np.uint8)
    for k, frame in enumerate(range(first, stop)):
        planes[k, :64] = luma_of(frame)
    return planes


def write_segment(path: Path, planes: np.ndarray, *, quality: str = "final") -> None:
    with SegmentWriter(path, form(quality=quality), len(planes)) as writer:
        writer.write(planes)
        writer.finish()


def make(
    song: Path, output: Path, fps: Fraction, *, start_s: float = 0.0, quality: str = "draft"
) -> Path:
    """Make a film of greys over a song, in segments."""
    audio = load(song)
    timeline = Timeline(fps=fps, n_samples=audio.n_samples, sample_rate=audio.sample_rate)
    excerpt = cut_excerpt(timeline, start_s, None)
    paths = []
    for segment in plan(excerpt.first_frame, excerpt.stop_frame, fps):
        paths.append(output.parent / segment.file_name)
        with SegmentWriter(paths[-1], form(fps, quality), segment.n_frames) as writer:
            writer.write(paint(segment.first_frame, segment.stop_frame))
            writer.finish()
    track = Track(audio=audio, form=choose_form(audio), excerpt=excerpt, title="A song")
    recipe = RECIPE.model_copy(update={"fps": fps, "start_s": start_s})
    join(paths, track, recipe, output, ignore)
    return output


@pytest.mark.parametrize("quality", ["draft", "final"])
@pytest.mark.parametrize("n_frames", [1, 2, 3, 25])
def test_a_segment_holds_its_frames_and_starts_with_one_that_needs_no_other(
    tmp_path: Path, quality: str, n_frames: int
) -> None:
    path = tmp_path / "segment.mp4"
    write_segment(path, paint(0, n_frames), quality=quality)
    assert is_whole(path, n_frames)
    assert not is_whole(path, n_frames + 1)
    lumas = decode_frames(path)[:, :64].mean((1, 2))
    np.testing.assert_allclose(lumas, [luma_of(n) for n in range(n_frames)], atol=1)
    with av.open(path) as container:
        keys = [packet.is_keyframe for packet in container.demux(video=0) if packet.size]
    assert keys == [True] + [False] * (n_frames - 1)


@pytest.mark.parametrize("n_frames", [23, 25])
def test_a_wrong_number_of_frames_makes_no_segment(tmp_path: Path, n_frames: int) -> None:
    path = tmp_path / "segment.mp4"
    with SegmentWriter(path, form(), 24) as writer:
        writer.write(paint(0, n_frames))
        with pytest.raises(RuntimeError, match=f"{n_frames} frames of 24"):
            writer.finish()
    assert list(tmp_path.iterdir()) == []


def test_leaving_early_makes_no_segment(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path / "segment.mp4", form(), 24) as writer:
        writer.write(paint(0, 24))
    assert list(tmp_path.iterdir()) == []


def test_a_cut_off_segment_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "segment.mp4"
    write_segment(path, paint(0, 24))
    for n_bytes in (0, 100, path.stat().st_size // 2):
        torn = tmp_path / "torn.mp4"
        torn.write_bytes(path.read_bytes()[:n_bytes])
        assert not is_whole(torn, 24)
    assert not is_whole(tmp_path / "none.mp4", 24)


@pytest.mark.parametrize("quality", ["draft", "final"])
def test_the_same_frames_give_the_same_bytes(tmp_path: Path, quality: str) -> None:
    noise = np.random.default_rng(0).integers(16, 235, (96, 64), np.uint8)
    planes = np.stack([np.roll(noise, (n, 2 * n), (0, 1)) for n in range(48)])
    contents = set()
    for _ in range(12):
        write_segment(tmp_path / "segment.mp4", planes, quality=quality)
        contents.add((tmp_path / "segment.mp4").read_bytes())
    assert len(contents) == 1


def test_a_still_keeps_its_colours(tmp_path: Path) -> None:
    planes = np.full((96, 64), 128, np.uint8)
    planes[:64] = 63  # red of BT.709: 63, 102, 240
    planes[64:80], planes[80:] = 102, 240
    path = tmp_path / "latest.jpg"
    path.write_bytes(encode_still(planes))
    with av.open(path) as still:
        picture = next(still.decode(video=0)).to_ndarray(format="rgb24")
    assert picture.shape == (64, 64, 3)
    np.testing.assert_allclose(picture[32, 32], (255, 0, 0), atol=4)


@pytest.mark.parametrize("quality", ["draft", "final"])
@pytest.mark.parametrize("fps", [Fraction(24), NTSC, Fraction(60), Fraction(1199, 50)])
def test_a_film_is_exact_in_frames_and_time(
    tmp_path: Path, write_wav: WriteWav, fps: Fraction, quality: str
) -> None:
    n_samples = 44_100 * 5 + 1
    film = make(write_wav(clicks(n_samples / 44_100)), tmp_path / "f.mp4", fps, quality=quality)
    n_frames = -(-n_samples * fps // 44_100)
    lumas = decode_frames(film)[:, :64].mean((1, 2))
    np.testing.assert_allclose(lumas, [luma_of(n) for n in range(n_frames)], atol=1)
    with av.open(film) as container:
        video = container.streams.video[0]
        assert (video.frames, video.average_rate, video.start_time) == (n_frames, fps, 0)
        times = [frame.pts * frame.time_base for frame in container.decode(video=0)]
        assert times == [n / fps for n in range(n_frames)]
    with av.open(film) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert all(packet.dts <= packet.pts for packet in packets)
    assert sum(packet.duration * packet.time_base for packet in packets) == n_frames / fps


def test_a_film_carries_the_right_tags_and_plays_while_it_loads(
    tmp_path: Path, write_wav: WriteWav
) -> None:
    film = make(write_wav(music(1.0)), tmp_path / "f.mp4", Fraction(24))
    with av.open(film) as container:
        video = container.streams.video[0].codec_context
        assert (video.name, video.pix_fmt) == ("h264", "yuv420p")
        tags = (video.color_primaries, video.color_trc, video.colorspace, video.color_range)
        assert tags == (1, 1, 1, 1)  # BT.709 thrice, and limited range
    content = film.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert content.index(b"colr") < content.index(b"mdat")


@pytest.mark.parametrize("start_s", [0.0, 1.03])
@pytest.mark.parametrize("sample_rate", [8_000, 44_100, 48_000, 96_000, 37_800, 192_000])
def test_sound_is_neither_early_nor_late(
    tmp_path: Path, write_wav: WriteWav, sample_rate: int, start_s: float
) -> None:
    samples = np.zeros(sample_rate * 3, np.float32)
    samples[round(2.25 * sample_rate)] = 0.9
    film = make(write_wav(samples, sample_rate), tmp_path / "f.mp4", Fraction(24), start_s=start_s)
    sound = np.abs(decode_sound(film)[0])
    with av.open(film) as container:
        heard_s = sound.argmax() / container.streams.audio[0].rate
    first_frame = round(start_s * 24)
    assert heard_s == pytest.approx(2.25 - first_frame / 24, abs=0.001)


@pytest.mark.parametrize(
    ("sample_rate", "n_channels", "aac_rate", "bit_rate"),
    [
        (8_000, 1, 8_000, 48_000),
        (8_000, 2, 8_000, 96_000),
        (11_025, 1, 11_025, 66_150),
        (22_050, 2, 22_050, 256_000),
        (44_100, 1, 44_100, 256_000),
        (44_100, 2, 44_100, 256_000),
        (37_800, 2, 44_100, 256_000),
        (96_000, 2, 96_000, 256_000),
        (176_400, 2, 96_000, 256_000),
        (48_000, 3, 48_000, 256_000),
        (48_000, 8, 48_000, 256_000),
    ],
)
def test_the_sound_has_the_best_form_that_aac_allows(
    tmp_path: Path,
    write_wav: WriteWav,
    *,
    sample_rate: int,
    n_channels: int,
    aac_rate: int,
    bit_rate: int,
) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (sample_rate, n_channels))
    song = write_wav(noise, sample_rate)
    sound = choose_form(load(song))
    assert (sound.sample_rate, sound.bit_rate) == (aac_rate, bit_rate)
    with av.open(make(song, tmp_path / "f.mp4", Fraction(24))) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.rate) == ("aac", aac_rate)
        assert stream.channels == min(n_channels, 2)
        assert stream.duration * stream.time_base == pytest.approx(1, abs=1e-4)
        assert 0.6 * bit_rate < stream.bit_rate < 1.1 * bit_rate  # the encoder seldom needs all
    assert any("mixed down" in note for note in sound.notes) == (n_channels > 2)
    assert any(str(aac_rate) in note for note in sound.notes) == (aac_rate != sample_rate)


@pytest.mark.parametrize("n_channels", range(3, 9))
def test_no_channel_is_lost_in_mixing_down(
    tmp_path: Path, write_wav: WriteWav, n_channels: int
) -> None:
    # A tone of its own in each channel: all of them are found in the film, left or right.
    times_s = np.arange(22_050) / 44_100
    tones_hz = 400 + 200 * np.arange(n_channels)
    samples = np.sin(2 * np.pi * tones_hz * times_s[:, None])
    film = make(write_wav(samples), tmp_path / "f.mp4", Fraction(24))
    sound = decode_sound(film)
    assert np.abs(sound).max() < 1.3  # 1 but for the encoder
    power = np.abs(np.fft.rfft(sound[:, 2000:20_000] * np.hanning(18_000))).max(0)
    peaks = power[np.rint(tones_hz * 18_000 / 44_100).astype(int)]
    assert peaks.min() > 0.2 * peaks.max()


def test_sound_beyond_full_scale_is_turned_down(tmp_path: Path, write_wav: WriteWav) -> None:
    tone = 4 * np.sin(2 * np.pi * 500 * np.arange(44_100) / 44_100)
    song = write_wav(tone.astype(np.float32), subtype="FLOAT")
    assert "12.0 dB beyond full scale" in choose_form(load(song)).notes[0]
    sound = decode_sound(make(song, tmp_path / "f.mp4", Fraction(24)))[0, 4000:40_000]
    assert np.abs(sound).max() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("n_samples", [1, 2, 1023, 1025])
def test_the_shortest_songs_make_films(tmp_path: Path, write_wav: WriteWav, n_samples: int) -> None:
    film = make(write_wav(np.full(n_samples, 0.5)), tmp_path / "f.mp4", Fraction(24))
    assert len(decode_frames(film)) == 1
    assert decode_sound(film).size >= n_samples


def test_the_recipe_comes_back_out_of_the_film(tmp_path: Path, write_wav: WriteWav) -> None:
    film = make(write_wav(music(0.5)), tmp_path / "f.mp4", NTSC)
    assert read_recipe(film) == RECIPE.model_copy(update={"fps": NTSC})
    (tmp_path / "recipe.json").write_text(RECIPE.to_json())
    assert read_recipe(tmp_path / "recipe.json") == RECIPE


def test_what_holds_no_recipe_is_refused(tmp_path: Path, write_wav: WriteWav) -> None:
    plain = tmp_path / "plain.mp4"
    write_segment(plain, paint(0, 8))
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(plain.read_bytes()[:200])
    for path, sentence in (
        (plain, "not a film of Tonfilm's"),
        (torn, "damaged film"),
        (write_wav(music(0.1)), "not readable JSON"),
        (tmp_path / "none.json", "cannot be read"),
        (tmp_path, "cannot be read"),
    ):
        with pytest.raises(TonfilmError, match=sentence):
            read_recipe(path)


def test_segments_of_another_kind_are_not_joined(tmp_path: Path, write_wav: WriteWav) -> None:
    song = load(write_wav(music(1.0)))
    timeline = Timeline(fps=Fraction(24), n_samples=song.n_samples, sample_rate=44_100)
    excerpt = cut_excerpt(timeline, 0, None)
    track = Track(audio=song, form=choose_form(song), excerpt=excerpt, title="A song")
    paths = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    write_segment(paths[0], paint(0, 12), quality="draft")
    write_segment(paths[1], paint(12, 24), quality="final")
    with pytest.raises(RuntimeError, match="another way"):
        join(paths, track, RECIPE, tmp_path / "f.mp4", ignore)
    write_segment(paths[1], paint(12, 23), quality="draft")
    with pytest.raises(RuntimeError, match="23 frames of 24"):
        join(paths, track, RECIPE, tmp_path / "f.mp4", ignore)
    assert {path.name for path in tmp_path.iterdir()} == {"a.mp4", "b.mp4", "song.wav"}


@contextmanager
def small_files() -> Iterator[None]:
    """Let the system refuse files beyond 20 kB, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_takes_no_more_leaves_no_segment(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(16, 235, (48, 96, 64), np.uint8)
    sentence = "no file of this size"
    with small_files(), pytest.raises(TonfilmError, match=sentence), plain_disk_errors():
        write_segment(tmp_path / "segment.mp4", noise)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_takes_no_more_leaves_no_film(tmp_path: Path, write_wav: WriteWav) -> None:
    song = write_wav(music(1.0))
    sentence = "no file of this size"
    with small_files(), pytest.raises(TonfilmError, match=sentence), plain_disk_errors():
        make(song, tmp_path / "f.mp4", Fraction(24))
    whole = {"00000000-00000008.mp4", "00000008-00000024.mp4"}
    assert {path.name for path in tmp_path.iterdir()} == {"song.wav", *whole}


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EDQUOT, "used up"),
        (errno.EROFS, "only be read"),
        (errno.EACCES, "film.mp4 may not be written"),
    ],
)
def test_what_the_disk_refuses_is_said_plainly(number: int, sentence: str) -> None:
    with pytest.raises(TonfilmError, match=sentence), plain_disk_errors():
        raise OSError(number, os.strerror(number), "film.mp4")
    with pytest.raises(ConnectionError), plain_disk_errors():
        raise ConnectionError


@pytest.fixture
def closed_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder that may not be written to, for root too."""
    folder = tmp_path / "closed"
    folder.mkdir()
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != folder and real(path, mode))
    return folder


def test_the_output_is_checked_before_work_starts(tmp_path: Path, closed_folder: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    for path, sentence in (
        (tmp_path / "film.avi", r"let it end in \.mp4"),
        (tmp_path / "folder.mp4", "is a folder"),
        (tmp_path / "none" / "film.mp4", "There is no folder"),
        (closed_folder / "film.mp4", "may not be written to"),
        (tmp_path / "folder.mp4" / ".." / "song.mp4", "take the place of the song"),
    ):
        with pytest.raises(TonfilmError, match=sentence):
            check_output(path, tmp_path / "song.mp4")
    check_output(tmp_path / "film.mp4", tmp_path / "song.mp4")
