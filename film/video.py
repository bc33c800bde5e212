"""The film as a file: segments and sound into an MP4, and the recipe out of it. No torch.

00000000-00000096.mp4 ┐
00000096-00000192.mp4 ┤ join: packets are copied, nothing is encoded again
  the song's own sound ┘──────────────────────────────────── film.mp4
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.packet import Packet
from av.video.stream import VideoStream

from film.disk import settle_file
from film.recipe import FLASH_WARNING, Recipe, parse_recipe
from film.segments import Excerpt
from film.sound import SoundForm, add_sound, encode_sound
from spectro.audio import Audio
from spectro.errors import TonfilmError

# How many packets a picture may be sent ahead of its turn: B-frames that lean on B-frames need 2.
REORDER_FRAMES: Final = 2
# A recipe has some 3,000, and 35,000 more for each own picture: what is larger is something else.
MAX_RECIPE_BYTES: Final = 1 << 23


@dataclass(frozen=True, kw_only=True)
class Track:
    """The song's part in a film."""

    audio: Audio
    form: SoundForm
    excerpt: Excerpt
    title: str  # what players show


def join(
    paths: Sequence[Path],
    track: Track,
    recipe: Recipe,
    output: Path,
    progress: Callable[[int, int], None],
) -> None:
    """Put segments and sound together; the film stands under its name only when it is whole.

    Parameters
    ----------
    paths : the segments' files, in order, without a gap
    track : what is heard
    recipe : what made the film, stored as the film's comment
    output : the film
    progress : called with the frames done and all of them
    """
    unfinished = output.with_name(f".{output.name}.part")
    try:
        _write(paths, track, recipe, unfinished, progress)
        _check(unfinished, track.excerpt.n_frames)
        settle_file(unfinished, output)
    finally:
        unfinished.unlink(missing_ok=True)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe from a JSON file or out of a film.

    Raises
    ------
    TonfilmError
        There is no such file, it holds no recipe, or the recipe is not valid.
    """
    try:
        with path.open("rb") as file:
            head = file.read(MAX_RECIPE_BYTES)
    except OSError as error:
        raise TonfilmError(f"The recipe {path} cannot be read: {error.strerror}.") from error
    is_film = head[4:8] == b"ftyp"  # how an MP4 begins: its first box's size, then its name
    return parse_recipe(_read_comment(path) if is_film else head)


def _read_comment(path: Path) -> str:
    try:
        with av.open(path) as container:
            comment = container.metadata.get("comment", "")
    except av.error.FFmpegError as error:
        raise TonfilmError(f"{path.name} is a damaged film: use another recipe.") from error
    if not comment.startswith("{"):
        raise TonfilmError(f"{path.name} is not a film of Tonfilm's: it holds no recipe.")
    return comment


def _write(
    paths: Sequence[Path],
    track: Track,
    recipe: Recipe,
    path: Path,
    progress: Callable[[int, int], None],
) -> None:
    options = {
        # Puts the index first, so that a browser plays while it loads.
        "movflags": "faststart",
        # Lengths are told in this part of a second: to the sample. The muxer's own milliseconds
        # cut off a song's last ones.
        "movie_timescale": str(track.form.sample_rate),
    }
    with av.open(path, "w", format="mp4", options=options) as container:
        with av.open(paths[0]) as first:
            template = first.streams.video[0]
            video = container.add_stream_from_template(template)
            video.time_base = 1 / recipe.fps
            extradata = template.codec_context.extradata
        sound = add_sound(container, track.form)
        container.metadata["title"] = track.title
        container.metadata["comment"] = recipe.to_json()
        if not recipe.flash_guard:
            container.metadata["description"] = FLASH_WARNING
        pictures = _copy_packets(paths, video, recipe.fps, extradata)
        sounds = encode_sound(
            sound,
            track.audio,
            track.form,
            track.excerpt.first_sample,
            track.excerpt.stop_sample,
        )
        # In the order of time, so that neither waits in memory for the other.
        for packet in heapq.merge(pictures, sounds, key=_time):
            if packet.stream is video:
                progress((packet.dts or 0) + REORDER_FRAMES + 1, track.excerpt.n_frames)
            container.mux(packet)


def _copy_packets(
    paths: Sequence[Path], stream: VideoStream, fps: Fraction, extradata: bytes | None
) -> Iterator[Packet[Any]]:
    """Read the segments' packets one after another, on one clock that counts frames."""
    first_frame = 0
    for path in paths:
        with av.open(path) as container:
            source = container.streams.video[0]
            if source.codec_context.extradata != extradata:
                raise RuntimeError(f"{path.name} was encoded in another way than the first segment")
            packets = (packet for packet in container.demux(source) if packet.size)
            for n_before, packet in enumerate(packets):
                pts = first_frame + round((packet.pts or 0) * packet.time_base * fps)
                packet.time_base = 1 / fps
                packet.pts, packet.dts = pts, first_frame + n_before - REORDER_FRAMES
                packet.duration = 1
                packet.stream = stream
                yield packet
            first_frame += source.frames


def _time(packet: Packet[Any]) -> Fraction:
    return (packet.dts or 0) * packet.time_base


def _check(path: Path, n_frames: int) -> None:
    with av.open(path) as container:
        n_found = container.streams.video[0].frames
    if n_found != n_frames:
        raise RuntimeError(f"the film holds {n_found} frames of {n_frames}")
