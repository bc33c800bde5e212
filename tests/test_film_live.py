"""The pieces of a film that is being made are the film: every frame and every sound, once."""

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from conftest import WriteWav, music
from numpy.typing import NDArray

from film.encoding import SegmentWriter, VideoForm
from film.live import Piece, cut_pictures, cut_sound, list_pieces, name_codec
from film.segments import Segment, cut_excerpt, plan
from film.sound import choose_form
from film.video import REORDER_FRAMES, Track
from spectro.audio import load
from spectro.timeline import Timeline

RATES = [Fraction(24), Fraction(24_000, 1001), Fraction(60)]
SEED = 3


def _open(path: Path, fps: Fraction, start_s: float = 0.0) -> tuple[Track, tuple[Piece, ...]]:
    audio = load(path)
    timeline = Timeline(fps=fps, n_samples=audio.n_samples, sample_rate=audio.sample_rate)
    excerpt = cut_excerpt(timeline, start_s, None)
    pieces = list_pieces(plan(excerpt.first_frame, excerpt.stop_frame, fps), fps)
    return Track(audio=audio, form=choose_form(audio), excerpt=excerpt, title=""), pieces


def _write_segment(folder: Path, piece: Piece, quality: str) -> Path:
    path = folder / piece.segment.file_name
    form = VideoForm(width=64, height=64, fps=piece.fps, quality=quality)  # type: ignore[arg-type]
    n = piece.segment.n_frames
    planes = np.full((n, 96, 64), 128, np.uint8)
    planes[:, :64] = (
        16 + 20 * (np.arange(piece.first_frame, piece.first_frame + n) % 10)[:, None, None]
    )
    with SegmentWriter(path, form, n) as writer:
        writer.write(planes)
        writer.finish()
    return path


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("quality", ["draft", "final"])
def test_every_frame_is_shown_once_and_at_its_time(
    write_wav: WriteWav, tmp_path: Path, fps: Fraction, quality: str
) -> None:
    _, pieces = _open(write_wav(music(9.3)), fps)
    assert len(pieces) > 2
    content = b"".join(
        cut_pictures(_write_segment(tmp_path, piece, quality), piece) for piece in pieces
    )
    with av.open(io.BytesIO(content)) as film:
        frames = [
            (frame.pts * frame.time_base * fps, frame.to_ndarray()[8, 8])
            for frame in film.decode(video=0)
        ]
    n = pieces[-1].first_frame + pieces[-1].segment.n_frames
    assert [time for time, _ in frames] == [REORDER_FRAMES + place for place in range(n)]
    levels = np.array([level for _, level in frames], int)
    assert np.abs(levels - 16 - 20 * (np.arange(n) % 10)).max() < 6


def test_a_piece_says_when_it_is_shown_whatever_was_played_before(
    write_wav: WriteWav, tmp_path: Path
) -> None:
    track, pieces = _open(write_wav(music(9.3)), Fraction(24))
    piece = pieces[3]
    assert piece.start_s == 4.0
    early = float(REORDER_FRAMES / piece.fps)
    with av.open(io.BytesIO(cut_pictures(_write_segment(tmp_path, piece, "final"), piece))) as film:
        shown_s = [float(frame.pts * frame.time_base) - early for frame in film.decode(video=0)]
    with av.open(io.BytesIO(cut_sound(track, piece, is_last=False))) as film:
        first = next(film.decode(audio=0))
        assert float(first.pts * first.time_base) == pytest.approx(4.0, abs=1024 / 44_100)
    assert min(shown_s) == pytest.approx(4.0)


@pytest.mark.parametrize(("fps", "start_s"), [(RATES[0], 0.0), (RATES[1], 1.5)])
def test_pieces_of_sound_join_without_a_seam(
    write_wav: WriteWav, fps: Fraction, start_s: float
) -> None:
    # Loud noise under music: a seam would show at once, and AAC has much to choose.
    samples = music(11.0)
    samples = 0.5 * samples + 0.1 * np.random.default_rng(SEED).standard_normal(samples.shape)
    track, pieces = _open(write_wav(samples.astype(np.float32)), fps, start_s)
    said = samples[track.excerpt.first_sample :, 0]
    error = _listen(track, pieces, said)
    in_one_go = _listen(track, [_join(pieces)], said)
    for piece in pieces[1:]:
        seam = round(piece.start_s * 44_100)
        near = slice(max(0, seam - 3000), seam + 3000)
        # An encoder begins badly, in one go as well.
        assert error[near].max() < 2.5 * max(np.median(in_one_go), in_one_go[near].max() / 2)


def _join(pieces: Sequence[Piece]) -> Piece:
    first, last = pieces[0].segment, pieces[-1].segment
    whole = Segment(first_frame=first.first_frame, stop_frame=last.stop_frame)
    return Piece(segment=whole, first_frame=0, fps=pieces[0].fps)


def _listen(track: Track, pieces: Sequence[Piece], said: NDArray[np.float64]) -> Any:
    """Return how far the sound of some pieces is from what was said, smoothly."""
    content = b"".join(cut_sound(track, piece, is_last=piece is pieces[-1]) for piece in pieces)
    with av.open(io.BytesIO(content)) as film:
        frames = list(film.decode(audio=0))
    times = np.array([frame.pts for frame in frames])
    assert np.all(np.diff(times) == 1024)
    heard = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    n = len(said)
    assert n <= len(heard) < n + 2048
    return np.convolve(np.abs(heard[:n] - said), np.full(512, 1 / 512), "same")


def test_the_codec_is_named_as_browsers_ask_for_it(write_wav: WriteWav, tmp_path: Path) -> None:
    _, pieces = _open(write_wav(music(1.0)), Fraction(24))
    assert name_codec(_write_segment(tmp_path, pieces[0], "final")).startswith("avc1.6400")
    assert name_codec(_write_segment(tmp_path, pieces[0], "draft")).startswith("avc1.42")


def test_a_piece_too_short_for_sound_has_none(write_wav: WriteWav) -> None:
    track, pieces = _open(write_wav(music(1.0 + 1 / 60)), Fraction(60))
    short = Piece(segment=pieces[-1].segment, first_frame=1, fps=Fraction(6000))
    assert cut_sound(track, short, is_last=False) == b""
