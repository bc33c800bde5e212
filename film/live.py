"""A film to watch while it is made: segments, and the sound to each, as fragments. No torch.

A browser's media source takes pieces of a film one after another, in any order, if each says when
it is shown. Pictures and sound come as pieces of their own, and each piece is a pure function of
the segment's file or of the song: nothing is remembered from one to the next.

    segment   |------ 0 ------|------ 1 ------|---        whole files, as `segments.plan` cuts them
    pictures  [moov|moof mdat][moov|moof mdat]            their packets, none encoded again
    AAC       |..|..|..|..|..|..|..|..|..|..|..           1,024 samples each, from the film's start
    sound     [moov|moof mdat ][moov|moof mdat]           those that begin in the segment
                         ^^^^^ ^^^^^                      both encoded with their neighbours, which
                                                          are thrown away, so that no seam is heard
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.packet import Packet

from film.segments import Segment
from film.sound import AAC_FRAME_SAMPLES, add_sound, encode_sound
from film.video import REORDER_FRAMES, Track

# The codec that `film.sound` encodes with, as browsers name it (RFC 6381).
SOUND_CODEC: Final = "mp4a.40.2"
# One fragment with its own header.
_OPTIONS: Final = {"movflags": "empty_moov+default_base_moof+skip_trailer", "use_editlist": "0"}
# AAC packets on either side that are encoded and thrown away: a packet's window reaches into the
# one before it, and the encoder settles on its choices over some more: with eight the seam was
# forty times as far from the song as other sound, with sixteen no further.
_N_AROUND: Final = 16


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Where a segment stands in its film."""

    segment: Segment
    first_frame: int  # of the film: 0 for its first segment
    fps: Fraction

    @property
    def start_s(self) -> float:
        """Tell when it is shown."""
        return float(self.first_frame / self.fps)


def list_pieces(segments: tuple[Segment, ...], fps: Fraction) -> tuple[Piece, ...]:
    """List the pieces of a film cut into segments."""
    first = segments[0].first_frame
    return tuple(
        Piece(segment=segment, first_frame=segment.first_frame - first, fps=fps)
        for segment in segments
    )


def name_codec(path: Path) -> str:
    """Name the codec of a segment as browsers ask for it, such as "avc1.64001f" (RFC 6381)."""
    with av.open(path) as container:
        extradata = container.streams.video[0].codec_context.extradata or b""
    # An AVCDecoderConfigurationRecord: its version, then profile, compatibility, level.
    return f"avc1.{extradata[1:4].hex()}"


def cut_pictures(path: Path, piece: Piece) -> bytes:
    """Return a whole segment as a fragment that is shown `REORDER_FRAMES` after its time.

    No picture can be decoded before time 0, and some are decoded before their turn: whoever plays
    the fragments takes that back.
    """
    file = io.BytesIO()
    with av.open(path) as source, av.open(file, "w", format="mp4", options=_OPTIONS) as container:
        template = source.streams.video[0]
        stream = container.add_stream_from_template(template)
        stream.time_base = 1 / piece.fps
        packets = (packet for packet in source.demux(template) if packet.size)
        for place, packet in enumerate(packets):
            pts = round((packet.pts or 0) * packet.time_base * piece.fps)
            packet.time_base = 1 / piece.fps
            packet.pts, packet.dts, packet.duration = pts + REORDER_FRAMES, place, 1
            packet.stream = stream
            container.mux(packet)
        start = piece.first_frame / piece.fps / stream.time_base
    return move(file.getvalue(), round(start))


def cut_sound(track: Track, piece: Piece, *, is_last: bool) -> bytes:
    """Return the sound to a segment as a fragment; empty where no AAC packet begins in it.

    Parameters
    ----------
    is_last : whether the film ends with this piece; its sound then goes to the end
    """
    packets = find_packets(track, piece, is_last=is_last)
    if not packets:
        return b""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4", options=_OPTIONS) as container:
        for packet in _encode(container, track, packets.start, packets.stop):
            container.mux(packet)
    return move(file.getvalue(), packets.start * AAC_FRAME_SAMPLES)


def find_packets(track: Track, piece: Piece, *, is_last: bool) -> range:
    """Tell which AAC packets of a film belong to a piece: those that begin in it."""
    form, excerpt = track.form, track.excerpt
    scale = Fraction(form.sample_rate, track.audio.sample_rate)
    n_samples = math.ceil((excerpt.stop_sample - excerpt.first_sample) * scale)
    n_all = math.ceil(n_samples / AAC_FRAME_SAMPLES)
    first, stop = (
        min(n_all, math.floor(frame / piece.fps * form.sample_rate / AAC_FRAME_SAMPLES))
        for frame in (piece.first_frame, piece.first_frame + piece.segment.n_frames)
    )
    return range(first, n_all if is_last else stop)


def _encode(container: Any, track: Track, first: int, stop: int) -> Iterator[Packet[Any]]:
    """Encode AAC packets `first` to `stop` of a film; their times begin at 0."""
    form, excerpt = track.form, track.excerpt
    stream = add_sound(container, form)
    begun = max(0, first - _N_AROUND)
    samples = (
        excerpt.first_sample
        + packet * AAC_FRAME_SAMPLES * track.audio.sample_rate // form.sample_rate
        for packet in (begun, stop + _N_AROUND)
    )
    start, end = (min(sample, excerpt.stop_sample) for sample in samples)
    for packet in encode_sound(stream, track.audio, form, start, end):
        # The packet that holds the first samples carries time 0; one before it holds none yet.
        place = begun + round((packet.pts or 0) / AAC_FRAME_SAMPLES)
        if first <= place < stop:
            packet.pts = packet.dts = (place - first) * AAC_FRAME_SAMPLES
            yield packet


def part(piece: bytes) -> tuple[bytes, bytes]:
    """Part what `cut_pictures` or `cut_sound` gives into its header and what is played."""
    boxes = _walk(memoryview(piece), 0, len(piece))
    place = next(content for box, content in boxes if box == b"mfhd")  # the first one in a moof
    start = place - 16  # before the heads of both boxes
    return piece[:start], piece[start:]


def move(fragments: bytes, start: int) -> bytes:
    """Let fragments be shown so much later, in units of their track.

    The muxer begins every file at 0; the time of each fragment stands in one box of it (tfdt,
    ISO/IEC 14496-12, 8.8.12).
    """
    moved = bytearray(fragments)
    for box, content in _walk(memoryview(fragments), 0, len(fragments)):
        if box == b"tfdt":
            form = ">Q" if moved[content] == 1 else ">I"  # version 1 has 64 bits
            (before,) = struct.unpack_from(form, moved, content + 4)
            struct.pack_into(form, moved, content + 4, before + start)
    return bytes(moved)


def _walk(file: memoryview, start: int, stop: int) -> Iterator[tuple[bytes, int]]:
    """Walk through the boxes of an MP4: their names, and where their contents begin."""
    while start < stop:
        size, name = struct.unpack_from(">I4s", file, start)
        if name in (b"moof", b"traf"):
            yield from _walk(file, start + 8, start + size)
        yield name, start + 8
        start += size
