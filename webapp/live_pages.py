"""A film to watch while it is made: which pieces there are, and the pieces for a media source."""

from typing import Any

from flask import Blueprint, Response, abort, url_for

from webapp.making import find_making, find_track, open_song
from webapp.security import own_film
from webapp.service import service

MIMETYPE = "video/mp4"

pages = Blueprint("live", __name__)


@pages.get("/films/<film_id>/live.json")
def look(film_id: str) -> dict[str, Any]:
    """Say what there is to be seen of a film.

    Returns
    -------
    codecs : of pictures and sound, as browsers name them; empty while there is no picture yet
    duration_s : of the whole film
    early_s : how much earlier than they say pictures are to be shown
    starts_s : when each piece is shown
    n_ready : pieces that are there, from the first on
    film : address of the film when it is put together, or ""
    """
    from film.video import REORDER_FRAMES  # noqa: PLC0415

    film = own_film(film_id)
    making = find_making(film)
    n_ready = making.n_ready()
    if not n_ready:
        open_song(film)  # while its first piece is painted, rather than when that is asked for
    is_made = service().storage.film(film_id).exists()
    last = making.pieces[-1]
    return {
        "codecs": making.codecs(),
        "duration_s": float((last.first_frame + last.segment.n_frames) / last.fps),
        "early_s": float(REORDER_FRAMES / last.fps),
        "starts_s": [piece.start_s for piece in making.pieces],
        "n_ready": n_ready,
        "film": url_for("films.watch", film_id=film_id) if is_made else "",
    }


@pages.get("/films/<film_id>/live/<int:place>/pictures.mp4")
def pictures(film_id: str, place: int) -> Response:
    """Send the pictures of a piece; nothing if it is not there yet, or not any more."""
    from film.live import cut_pictures  # noqa: PLC0415

    making = find_making(own_film(film_id))
    if place >= len(making.pieces):
        abort(404)
    try:
        return send_piece(cut_pictures(making.paths[place], making.pieces[place]))
    except FileNotFoundError:  # the player was told of it, and the film put together since
        return Response(status=204)


@pages.get("/films/<film_id>/live/<int:place>/sound.mp4")
def sound(film_id: str, place: int) -> Response:
    """Send the sound of a piece; nothing where it is too short for any."""
    from film.live import cut_sound  # noqa: PLC0415

    film = own_film(film_id)
    making = find_making(film)
    if place >= len(making.pieces):
        abort(404)
    track, piece = find_track(film, making), making.pieces[place]
    return send_piece(cut_sound(track, piece, is_last=making.is_last(place)))


def send_piece(content: bytes) -> Response:
    """Send a piece, which stays as it is."""
    response = Response(content, mimetype=MIMETYPE)
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response
