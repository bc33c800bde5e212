"""Pairs read from the folder that videos were ripped into."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pair_files import write_pairs
from PIL import Image

from pix2pix.run import seeded
from spectro.errors import TonfilmError
from training_data.pair_folders import FolderPairs
from training_data.pair_index import Index


def draw_numbers(pairs: FolderPairs) -> set[int]:
    """Draw often enough to see every pair; return their numbers, which both pictures hold."""
    pairs.prepare()
    drawn = pairs.batch(seeded(0), 300, 256, 256)
    numbers = drawn.frames[:, 0, 0, 0] * 255
    assert torch.equal(drawn.spectrograms[:, 0, 0, 0] * 255, numbers)
    return {round(number) for number in numbers.tolist()}


def test_the_last_tenth_of_each_video_is_held_out(tmp_path: Path) -> None:
    write_pairs(tmp_path, {"long.mp4": 20, "short.mp4": 3, "single.mp4": 1})
    learnt, held_out = FolderPairs(tmp_path), FolderPairs(tmp_path, held_out=True)
    assert (learnt.n_pairs, learnt.n_videos) == (20, 2)
    assert (held_out.n_pairs, held_out.n_videos) == (4, 3)
    assert learnt.shapes == {(256, 256): 20}
    assert draw_numbers(held_out) == {18, 19, 22, 23}
    assert draw_numbers(learnt) == set(range(18)) | {20, 21}


def test_pairs_are_what_the_pictures_show(tmp_path: Path) -> None:
    write_pairs(tmp_path, {"song.mp4": 2})
    entry = Index(tmp_path).videos["song.mp4"][0]
    pairs = FolderPairs(tmp_path)
    pairs.prepare()
    drawn = pairs.batch(seeded(0), 3, 256, 256)
    assert drawn.spectrograms.shape == (3, 1, 256, 256)
    assert drawn.frames.shape == (3, 3, 256, 256)
    spectrogram = np.asarray(Image.open(entry.spectrogram(tmp_path)))
    frame = np.asarray(Image.open(entry.picture(tmp_path)))
    assert np.allclose(drawn.spectrograms[1, 0].numpy() * 255, spectrogram, atol=1e-3)
    assert np.allclose(drawn.frames[1].permute(1, 2, 0).numpy() * 255, frame, atol=1e-3)


def test_draws_depend_on_the_generator_alone(tmp_path: Path) -> None:
    write_pairs(tmp_path, {"song.mp4": 9})
    pairs = FolderPairs(tmp_path)
    pairs.prepare()
    one, same, other = (pairs.batch(seeded(s), 4, 256, 256).frames for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("side", [128, 512])
def test_frames_of_other_sizes_are_resized(tmp_path: Path, side: int) -> None:
    write_pairs(tmp_path, {"song.mp4": 2}, side=side)
    pairs = FolderPairs(tmp_path)
    pairs.prepare()
    frames = pairs.batch(seeded(0), 2, 256, 256).frames
    assert frames.shape == (2, 3, 256, 256)
    assert abs(frames.mean() - 0.5) < 0.02


def test_pictures_are_decoded_once_and_again_when_pairs_are_added(tmp_path: Path) -> None:
    write_pairs(tmp_path, {"song.mp4": 3})
    told: list[tuple[int, int]] = []
    FolderPairs(tmp_path).prepare(lambda *done: told.append(done))
    assert told == [(1, 3), (2, 3), (3, 3)]
    FolderPairs(tmp_path, held_out=True).prepare(pytest.fail)
    write_pairs(tmp_path, {"other.mp4": 4})
    pairs = FolderPairs(tmp_path)
    pairs.prepare(lambda *done: told.append(done))
    assert told[3:] == [(n, 7) for n in range(1, 8)]
    assert pairs.n_pairs == 5
    assert len(list((tmp_path / "arrays").iterdir())) == 2


def test_an_interrupted_decoding_is_begun_again(tmp_path: Path) -> None:
    write_pairs(tmp_path, {"song.mp4": 3})

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FolderPairs(tmp_path).prepare(stop)
    assert draw_numbers(FolderPairs(tmp_path)) == {0, 1}
    next((tmp_path / "arrays").glob("*-frames.npy")).unlink()  # between the two of them
    assert draw_numbers(FolderPairs(tmp_path)) == {0, 1}


@pytest.mark.parametrize("ailment", ["missing", "broken"])
@pytest.mark.parametrize("kind", ["frames", "spectrograms"])
def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path, kind: str, ailment: str) -> None:
    write_pairs(tmp_path, {"song.mp4": 3})
    path = tmp_path / kind / "song-001.png"
    path.unlink()
    if ailment == "broken":
        path.write_bytes(b"not a picture")
    with pytest.raises(TonfilmError, match=rf"{kind}/song-001\.png is missing or broken"):
        FolderPairs(tmp_path).prepare()


def test_a_folder_without_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TonfilmError, match="No pairs lie in"):
        FolderPairs(tmp_path / "nowhere")
    write_pairs(tmp_path, {"a.mp4": 1, "b.mp4": 1})
    with pytest.raises(TonfilmError, match="but one pair"):
        FolderPairs(tmp_path)
    assert FolderPairs(tmp_path, held_out=True).n_pairs == 2


def test_a_damaged_index_is_refused(tmp_path: Path) -> None:
    write_pairs(tmp_path, {"song.mp4": 2})
    with (tmp_path / "index.jsonl").open("a") as file:
        file.write('{"name": "half a li')
    with pytest.raises(TonfilmError, match=r"Line 3 of .* is damaged"):
        FolderPairs(tmp_path)
