"""A film to watch while it is made, as a playlist, for browsers that have no media source.

HTTP Live Streaming (RFC 8216): a list of both parts of the film, a list of the pieces of each,
which grows, and the pieces without their headers. Pictures say a little later than their time, so
that none has to be decoded before time 0; here the sound waits as long.

    live.m3u8 ──┬── live/pictures.m3u8 ── live/pictures/head.mp4, live/0/pictures.m4s, …
                └── live/sound.m3u8 ───── live/sound/head.mp4, live/0/sound.m4s, …
"""

from __future__ import annotations

import math
from typing import Literal

from flask import Blueprint, Response, abort

from webapp.live_pages import send_piece
from webapp.making import Making, find_making, find_track
from webapp.security import own_film
from webapp.tables import Film

PLAYLIST = "application/vnd.apple.mpegurl"
VERSION = 7  # of the format: the first with pieces of MP4

Stream = Literal["pictures", "sound"]
STREAM = "<any(pictures, sound):stream>"

pages = Blueprint("playlists", __name__)


@pages.get("/films/<film_id>/live.m3u8")
def show(film_id: str) -> Response:
    """Send the list of what a film consists of."""
    film = own_film(film_id)
    making = _find_begun(film)
    codecs = ",".join(making.codecs())
    first = making.pieces[0]
    sound = find_track(film, making).form.bit_rate
    bits = 8 * making.paths[0].stat().st_size / first.segment.n_frames * first.fps + sound
    return _send(
        [
            '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,'
            'URI="live/sound.m3u8"',
            f'#EXT-X-STREAM-INF:BANDWIDTH={math.ceil(bits)},CODECS="{codecs}",AUDIO="sound"',
            "live/pictures.m3u8",
        ]
    )


@pages.get(f"/films/<film_id>/live/{STREAM}.m3u8")
def show_stream(film_id: str, stream: Stream) -> Response:
    """Send the list of the pieces that are there."""
    film = own_film(film_id)
    making = _find_begun(film)
    n_ready = making.n_ready()
    longest = max(piece.segment.n_frames / piece.fps for piece in making.pieces)
    lines = [
        f"#EXT-X-TARGETDURATION:{math.ceil(longest)}",
        "#EXT-X-PLAYLIST-TYPE:EVENT",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        "#EXT-X-START:TIME-OFFSET=0",
        f'#EXT-X-MAP:URI="{stream}/head.mp4"',
    ]
    for place in range(n_ready):
        seconds = _measure(film, making, stream, place)
        if seconds:
            lines += [f"#EXTINF:{seconds:.6f},", f"{place}/{stream}.m4s"]
    if n_ready == len(making.pieces):
        lines.append("#EXT-X-ENDLIST")
    return _send(lines)


@pages.get(f"/films/<film_id>/live/{STREAM}/head.mp4")
def head(film_id: str, stream: Stream) -> Response:
    """Send what all pieces have in common."""
    from film.live import part  # noqa: PLC0415

    film = own_film(film_id)
    making = _find_begun(film)
    # The first piece may be too short for any sound.
    contents = (_cut(film, making, stream, place) for place in range(making.n_ready()))
    content = next(filter(None, contents), None)
    if content is None:
        abort(404)
    return send_piece(part(content)[0])


@pages.get(f"/films/<film_id>/live/<int:place>/{STREAM}.m4s")
def piece(film_id: str, place: int, stream: Stream) -> Response:
    """Send a piece without its header."""
    from film.live import part  # noqa: PLC0415

    film = own_film(film_id)
    making = _find_begun(film)
    if place >= making.n_ready():
        abort(404)
    content = _cut(film, making, stream, place)
    if not content:
        abort(404)
    return send_piece(part(content)[1])


@pages.errorhandler(FileNotFoundError)
def miss(_: FileNotFoundError) -> Response:
    """Say that the film was put together while somebody asked."""
    return Response(status=404)


def _find_begun(film: Film) -> Making:
    making = find_making(film)
    if not making.n_ready():
        abort(404)
    return making


def _measure(film: Film, making: Making, stream: Stream, place: int) -> float:
    """Tell how many seconds of a piece there are."""
    from film.live import find_packets  # noqa: PLC0415
    from film.sound import AAC_FRAME_SAMPLES  # noqa: PLC0415

    piece = making.pieces[place]
    if stream == "pictures":
        return float(piece.segment.n_frames / piece.fps)
    track = find_track(film, making)
    packets = find_packets(track, piece, is_last=making.is_last(place))
    return len(packets) * AAC_FRAME_SAMPLES / track.form.sample_rate


def _cut(film: Film, making: Making, stream: Stream, place: int) -> bytes:
    from film.live import cut_pictures, cut_sound, move  # noqa: PLC0415
    from film.video import REORDER_FRAMES  # noqa: PLC0415

    piece = making.pieces[place]
    if stream == "pictures":
        return cut_pictures(making.paths[place], piece)
    track = find_track(film, making)
    sound = cut_sound(track, piece, is_last=making.is_last(place))
    return move(sound, round(REORDER_FRAMES / piece.fps * track.form.sample_rate))


def _send(lines: list[str]) -> Response:
    text = "\n".join(["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", *lines, ""])
    response = Response(text, mimetype=PLAYLIST)
    response.headers["Cache-Control"] = "no-store"
    return response
