"""A film to watch while it is made: which pieces there are, and the pieces themselves.

What cuts pieces needs PyAV, which is loaded when somebody watches, and not with the pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, url_for

from film.recipe import parse_recipe
from film.segments import Excerpt, cut_excerpt, plan
from spectro.audio import Audio, Limits, load
from spectro.timeline import Timeline
from webapp.security import own_film
from webapp.service import service
from webapp.tables import Film

if TYPE_CHECKING:
    from film.live import Piece
    from film.sound import SoundForm

MIMETYPE = "video/mp4"

pages = Blueprint("live", __name__)


@dataclass(frozen=True, kw_only=True)
class _Making:
    """A film that is being made."""

    pieces: tuple[Piece, ...]
    paths: tuple[Path, ...]  # of the pieces' segments, whether they are there or not
    excerpt: Excerpt

    def n_ready(self) -> int:
        """Count the pieces that are there, from the first on, without a gap."""
        gaps = (place for place, path in enumerate(self.paths) if not path.exists())
        return next(gaps, len(self.paths))


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
    from film.live import SOUND_CODEC  # noqa: PLC0415
    from film.video import REORDER_FRAMES  # noqa: PLC0415

    film = own_film(film_id)
    making = _find(film)
    n_ready = making.n_ready()
    if not n_ready:
        _open_song(film)  # while its first piece is painted, rather than when that is asked for
    # Its codec is asked for in the first piece, which may go at any moment.
    codecs = [_name_codec(making.paths[0]), SOUND_CODEC] if n_ready else []
    is_made = service().storage.film(film_id).exists()
    last = making.pieces[-1]
    return {
        "codecs": codecs,
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

    making = _find(own_film(film_id))
    if place >= len(making.pieces):
        abort(404)
    try:
        return _send(cut_pictures(making.paths[place], making.pieces[place]))
    except FileNotFoundError:  # the player was told of it, and the film put together since
        return Response(status=204)


@pages.get("/films/<film_id>/live/<int:place>/sound.mp4")
def sound(film_id: str, place: int) -> Response:
    """Send the sound of a piece; nothing where it is too short for any."""
    from film.live import cut_sound  # noqa: PLC0415
    from film.video import Track  # noqa: PLC0415

    film = own_film(film_id)
    making = _find(film)
    if place >= len(making.pieces):
        abort(404)
    audio, form = _open_song(film)
    track = Track(audio=audio, form=form, excerpt=making.excerpt, title="")
    is_last = place == len(making.pieces) - 1
    return _send(cut_sound(track, making.pieces[place], is_last=is_last))


def _find(film: Film) -> _Making:
    from film.live import list_pieces  # noqa: PLC0415

    recipe = parse_recipe(film.recipe)
    timeline = Timeline(
        fps=recipe.fps, n_samples=film.song.n_samples, sample_rate=film.song.sample_rate
    )
    excerpt = cut_excerpt(timeline, recipe.start_s, recipe.duration_s)
    segments = plan(excerpt.first_frame, excerpt.stop_frame, recipe.fps)
    folder = service().storage.work(film.id)
    return _Making(
        pieces=list_pieces(segments, recipe.fps),
        paths=tuple(folder / segment.file_name for segment in segments),
        excerpt=excerpt,
    )


def _open_song(film: Film) -> tuple[Audio, SoundForm]:
    return _open(service().storage.song(film.song_id), service().settings.limits)


def _name_codec(path: Path) -> str:
    from film.live import name_codec  # noqa: PLC0415

    try:
        return name_codec(path)
    except FileNotFoundError:  # the film was put together at this moment
        return ""


@lru_cache(maxsize=4)
def _open(path: Path, limits: Limits) -> tuple[Audio, SoundForm]:
    """Open a song once for all of its pieces: its whole file is read for its hash and its peak."""
    from film.sound import choose_form  # noqa: PLC0415

    audio = load(path, limits)
    return audio, choose_form(audio)


def _send(content: bytes) -> Response:
    response = Response(content, mimetype=MIMETYPE)
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response
