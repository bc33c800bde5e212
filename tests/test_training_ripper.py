"""Music videos ripped into pairs: the right frame beside the right sound, each once."""

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from music_videos import MusicVideo, check_frame, check_tones, tone_at
from PIL import Image

from spectro.errors import TonfilmError
from training_data import ripper
from training_data.pair_index import Entry, Index
from training_data.ripper import Ripped, Ripping, rip

SMALL = Ripping(every_n_frames=4, from_s=2.0, to_s=5.0, side=32, preview_s=1.0)
NUMBERS = list(range(20, 50, 4))  # of the frames that SMALL takes at 10 frames a second
SHORT = MusicVideo(duration_s=3.0)
N_SHORT = 3  # pairs that it gives


def quiet(sentence: str) -> None:
    """Hear nothing."""


def read_frame(entry: Entry, folder: Path) -> np.ndarray:
    return np.asarray(Image.open(entry.picture(folder)))


def read_spectrogram(entry: Entry, folder: Path) -> np.ndarray:
    return np.asarray(Image.open(entry.spectrogram(folder)))


@pytest.mark.parametrize("name", ["song.mp4", "inside/song.mkv", "song.webm"])
def test_frame_and_sound_of_a_moment_are_side_by_side(tmp_path: Path, name: str) -> None:
    MusicVideo().write(tmp_path / "videos" / name)
    folder = tmp_path / "pairs"
    assert rip(tmp_path / "videos", folder, SMALL, quiet) == Ripped(
        n_pairs=len(NUMBERS), n_videos=1, n_skipped=0
    )
    entries = Index(folder).videos[name]
    assert [entry.frame for entry in entries] == NUMBERS
    assert [entry.time_s for entry in entries] == [number / 10 for number in NUMBERS]
    for entry in entries:
        frame, spectrogram = read_frame(entry, folder), read_spectrogram(entry, folder)
        assert (frame.shape, frame.dtype) == ((32, 32, 3), np.uint8)
        assert (spectrogram.shape, spectrogram.dtype) == ((256, 256), np.uint8)
        assert spectrogram.max() > 200
        check_frame(frame, entry.frame)
        check_tones(spectrogram, entry.time_s)


def test_sound_before_the_start_is_silence(tmp_path: Path) -> None:
    SHORT.write(tmp_path / "videos" / "song.mp4")
    rip(tmp_path / "videos", tmp_path / "pairs", replace(SMALL, from_s=0.0, to_s=1.5), quiet)
    entries = Index(tmp_path / "pairs").videos["song.mp4"]
    assert [entry.frame for entry in entries] == [0, 4, 8, 12]
    assert not read_spectrogram(entries[0], tmp_path / "pairs").any()
    for entry in entries[1:]:
        spectrogram = read_spectrogram(entry, tmp_path / "pairs")
        check_tones(spectrogram, entry.time_s)
        assert not spectrogram[:, : round((1.5 - entry.time_s) * 44_100 / 257) - 6].any()


def test_the_folder_can_be_read_by_hand(tmp_path: Path) -> None:
    SHORT.write(tmp_path / "videos" / "My Song (live).mp4")
    before = set(tmp_path.rglob("*"))
    rip(tmp_path / "videos", tmp_path / "pairs", SMALL, quiet)
    written = set(tmp_path.rglob("*")) - before
    assert all(path.is_relative_to(tmp_path / "pairs") for path in written)
    lines = [json.loads(s) for s in (tmp_path / "pairs" / "index.jsonl").read_text().splitlines()]
    names = {line["name"] for line in lines}
    assert len(names) == N_SHORT
    assert {path.stem for path in (tmp_path / "pairs" / "frames").iterdir()} == names
    assert {path.stem for path in (tmp_path / "pairs" / "spectrograms").iterdir()} == names
    line = lines[1]
    assert line.pop("name").startswith("my-song-live-")
    assert line.pop("white_db") < 0
    status = (tmp_path / "videos" / "My Song (live).mp4").stat()
    assert line == {
        "video": "My Song (live).mp4",
        "time_s": 2.4,
        "frame": 24,
        "fps": "10",
        "n_bytes": status.st_size,
        "modified_ns": status.st_mtime_ns,
    }


def test_a_preview_holds_all_frames_from_the_middle(tmp_path: Path) -> None:
    MusicVideo().write(tmp_path / "videos" / "song.mkv")
    rip(tmp_path / "videos", tmp_path / "pairs", SMALL, quiet)
    with np.load(tmp_path / "pairs" / "preview.npz") as preview:
        arrays = dict(preview)
    assert (str(arrays["fps"]), str(arrays["video"])) == ("10", "song.mkv")
    first = round(float(arrays["time_s"]) * 10)
    assert 25 <= first <= 31  # a second in the middle of 2.0 to 4.8 s
    assert (arrays["frames"].shape, arrays["frames"].dtype) == ((10, 3, 32, 32), np.uint8)
    assert arrays["spectrograms"].shape == (10, 256, 256)
    for place in range(10):
        check_frame(arrays["frames"][place].transpose(1, 2, 0), first + place)
        check_tones(arrays["spectrograms"][place], (first + place) / 10)
    assert (arrays["sound"].shape, arrays["sound"].dtype) == ((44_100,), np.int16)
    # The pitch of each tenth of a second, but for those that hold a change.
    for tenth, samples in enumerate(arrays["sound"].reshape(10, 4_410).astype(float)):
        hz = np.abs(np.fft.rfft(samples)).argmax() * 10
        assert hz == tone_at(np.array([(first + tenth + 0.5) / 10]))[0]


def test_a_video_that_ends_early_gives_what_it_has(tmp_path: Path) -> None:
    replace(SHORT, sound_s=6.0).write(tmp_path / "videos" / "long-sound.mp4")
    cut = MusicVideo().write(tmp_path / "videos" / "cut.mkv")
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    rip(tmp_path / "videos", tmp_path / "pairs", SMALL, quiet)
    videos = Index(tmp_path / "pairs").videos
    assert [entry.frame for entry in videos["long-sound.mp4"]] == NUMBERS[:N_SHORT]
    assert 2 < len(videos["cut.mkv"]) < len(NUMBERS)
    for entry in videos["cut.mkv"][:-1]:  # where a file is cut, a frame may be one for another
        check_frame(read_frame(entry, tmp_path / "pairs"), entry.frame)


def break_files(videos: Path) -> None:
    """Write videos that cannot be used."""
    replace(SHORT, sound_s=0.0).write(videos / "a-mute.mp4")
    replace(SHORT, duration_s=2.0).write(videos / "b-short.mp4")
    replace(SHORT, duration_s=1.0, sound_s=3.0).write(videos / "c-dark.mkv")
    (videos / "d-empty.mp4").write_bytes(b"")
    (videos / "e-text.MOV").write_text("Not a video at all.\n")
    whole = SHORT.write(videos / "f-cut.mp4").read_bytes()
    (videos / "f-cut.mp4").write_bytes(whole[: len(whole) // 2])
    (videos / "notes.txt").write_text("Other files are not complained of.\n")
    (videos / "._song.mp4").write_bytes(b"nor are hidden ones")


REASONS = [
    "a-mute.mp4 was skipped: it has no sound.",
    "b-short.mp4 was skipped: it is too short, 2 s, where ripping begins at 2 s.",
    "c-dark.mkv was skipped: its picture ends before 2 s.",
    "d-empty.mp4 was skipped: it is empty.",
    "e-text.MOV was skipped: it is broken, or holds no picture.",
    "f-cut.mp4 was skipped: it is broken, or holds no picture.",
]


def test_videos_that_cannot_be_used_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    break_files(tmp_path / "videos")
    SHORT.write(tmp_path / "videos" / "good.mp4")
    told: list[str] = []
    ripped = rip(tmp_path / "videos", tmp_path / "pairs", SMALL, told.append)
    assert ripped == Ripped(n_pairs=N_SHORT, n_videos=1, n_skipped=6)
    assert told == [*REASONS, f"good.mp4: {N_SHORT} pairs."]


def test_a_folder_without_a_usable_video_is_refused(tmp_path: Path) -> None:
    told: list[str] = []
    with pytest.raises(TonfilmError, match="There is no folder"):
        rip(tmp_path / "videos", tmp_path / "pairs", SMALL, told.append)
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "notes.txt").write_text("none")
    with pytest.raises(TonfilmError, match="No video lies in"):
        rip(tmp_path / "videos", tmp_path / "pairs", SMALL, told.append)
    break_files(tmp_path / "videos")
    with pytest.raises(TonfilmError, match="None of the 6 videos"):
        rip(tmp_path / "videos", tmp_path / "pairs", SMALL, told.append)
    assert told == REASONS
    # Other numbers may help, and nothing stands in their way.
    assert rip(tmp_path / "videos", tmp_path / "pairs", replace(SMALL, from_s=0.5), quiet).n_pairs


def test_only_new_videos_are_added(tmp_path: Path) -> None:
    videos, folder = tmp_path / "videos", tmp_path / "pairs"
    SHORT.write(videos / "second.mp4")
    rip(videos, folder, SMALL, quiet)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")}
    rip(videos, folder, SMALL, pytest.fail)
    SHORT.write(videos / "first" / "second.mp4")  # of the same name and length
    told: list[str] = []
    ripped = rip(videos, folder, SMALL, told.append)
    assert ripped == Ripped(n_pairs=2 * N_SHORT, n_videos=2, n_skipped=0)
    assert told == [f"first/second.mp4: {N_SHORT} pairs."]
    del before[folder / "index.jsonl"]
    assert all(path.stat().st_mtime_ns == modified for path, modified in before.items())
    assert len(list((folder / "frames").iterdir())) == 2 * N_SHORT


def test_a_changed_video_is_ripped_again(tmp_path: Path) -> None:
    SHORT.write(tmp_path / "videos" / "song.mp4")
    rip(tmp_path / "videos", tmp_path / "pairs", SMALL, quiet)
    MusicVideo().write(tmp_path / "videos" / "song.mp4")
    ripped = rip(tmp_path / "videos", tmp_path / "pairs", SMALL, quiet)
    assert ripped == Ripped(n_pairs=len(NUMBERS), n_videos=1, n_skipped=0)
    assert len(list((tmp_path / "pairs" / "frames").iterdir())) == len(NUMBERS)
    assert len(list((tmp_path / "pairs" / "spectrograms").iterdir())) == len(NUMBERS)


def stop_after(n: int, function: Callable[..., object]) -> Callable[..., object]:
    """Let a function be called n times, then be interrupted as by Ctrl-C."""
    calls = iter(range(n))

    def called(*arguments: object) -> object:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return function(*arguments)

    return called


def test_an_interrupted_ripping_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    videos, folder = tmp_path / "videos", tmp_path / "pairs"
    for name in ("a.mp4", "b.mp4"):
        SHORT.write(videos / name)
    # Three windows of the first video, ten of the preview, and two of the second video.
    n_windows = N_SHORT + 10 + 2
    with monkeypatch.context() as patched:
        patched.setattr(ripper, "batch_pictures", stop_after(n_windows, ripper.batch_pictures))
        with pytest.raises(KeyboardInterrupt):
            rip(videos, folder, SMALL, quiet)
    assert list(Index(folder).videos) == ["a.mp4"]
    assert len(list((folder / "frames").iterdir())) == N_SHORT + 2
    told: list[str] = []
    ripped = rip(videos, folder, SMALL, told.append)
    assert ripped == Ripped(n_pairs=2 * N_SHORT, n_videos=2, n_skipped=0)
    assert told == [f"b.mp4: {N_SHORT} pairs."]
    for entry in Index(folder).videos["b.mp4"]:
        check_frame(read_frame(entry, folder), entry.frame)
        check_tones(read_spectrogram(entry, folder), entry.time_s)
    assert len(list((folder / "frames").iterdir())) == 2 * N_SHORT


def test_a_folder_keeps_its_numbers(tmp_path: Path) -> None:
    SHORT.write(tmp_path / "videos" / "song.mp4")
    rip(tmp_path / "videos", tmp_path / "pairs", SMALL, quiet)
    with pytest.raises(TonfilmError, match=r"was ripped with every_n_frames 4, from_s 2\.0"):
        rip(tmp_path / "videos", tmp_path / "pairs", replace(SMALL, every_n_frames=5), quiet)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"every_n_frames": 0}, "every_n_frames is at least 1"),
        ({"from_s": -1.0}, "from_s is at least 0"),
        ({"from_s": 90.0}, "less than to_s"),
        ({"to_s": float("nan")}, "less than to_s"),
        ({"side": 8}, "side is at least 16"),
        ({"preview_s": 0.0}, "preview_s is more than 0"),
    ],
)
def test_numbers_out_of_range_are_refused(numbers: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Ripping(**numbers)


@pytest.mark.parametrize(
    ("ripping", "fps", "expected"),
    [
        (Ripping(), "30", range(900, 2700, 45)),  # forty frames
        (Ripping(), "24000/1001", range(720, 2158, 45)),  # the 720th starts at 30.03 s
        (replace(SMALL, from_s=0.4, to_s=1.2), "10", range(4, 12, 4)),
        (replace(SMALL, from_s=1.01, to_s=1.02), "10", range(11, 12)),
    ],
)
def test_frames_lie_between_two_times(ripping: Ripping, fps: str, expected: range) -> None:
    assert ripping.numbers(Fraction(fps)) == expected
