"""A song comes in pieces, and goes on where it was when the connection is back.

    POST  /uploads          name, size, changed            → where to send it, how much is there
    PATCH /uploads/<id>     a piece; Upload-Offset: place  → how much is there; 409 at a wrong place
    GET   /uploads/<id>                                    → how much is there

As in the tus protocol, whose core this follows, but the answers are JSON, and the last one names
the song.
"""

from typing import Any

from flask import Blueprint, abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from webapp import arrivals
from webapp.arrivals import MisplacedError
from webapp.security import own_upload, visitor
from webapp.storage import title_of
from webapp.tables import Song, Upload, db

MAX_CHANGED = 40  # characters; browsers send milliseconds since 1970

pages = Blueprint("uploads", __name__)

Answer = dict[str, Any]


@pages.post("/uploads")
def begin() -> tuple[Answer, int]:
    """Open an upload, or find the one that was begun with the same file."""
    title = title_of(request.form.get("name", ""))
    n_bytes = request.form.get("size", 0, type=int)
    changed = request.form.get("changed", "")[:MAX_CHANGED]
    return _describe(arrivals.begin(title, n_bytes, changed)), 201


@pages.get("/uploads/<upload_id>")
def show(upload_id: str) -> Answer:
    """Say how much of an upload is there."""
    song = _song_of(upload_id)
    return _name(song) if song else _describe(own_upload(upload_id))


@pages.patch("/uploads/<upload_id>")
def go_on(upload_id: str) -> Answer | tuple[Answer, int]:
    """Take the next piece; the last one makes the song."""
    song = _song_of(upload_id)
    if song:  # its last piece had come, and the answer was lost
        return _name(song)
    upload = own_upload(upload_id)
    place = request.headers.get("Upload-Offset", -1, type=int)
    try:
        arrivals.receive(upload, place, request.stream)
    except MisplacedError:
        return _describe(upload), 409
    if arrivals.n_arrived(upload) < upload.n_bytes:
        return _describe(upload)
    arrivals.finish(upload)
    song = _song_of(upload_id)
    return _name(song) if song else abort(404)


@pages.post("/uploads/<upload_id>/delete")
def delete(upload_id: str) -> AnyResponse:
    """Forget an upload, and what has arrived of it."""
    arrivals.forget_upload(own_upload(upload_id))
    return redirect(url_for("songs.home"), 303)


def _describe(upload: Upload) -> Answer:
    """Say how far an upload is.

    Returns
    -------
    address : where to send pieces
    offset : bytes that are there
    song : address of the song's page when all is there, or ""
    """
    address = url_for("uploads.show", upload_id=upload.id)
    return {"address": address, "offset": arrivals.n_arrived(upload), "song": ""}


def _name(song: Song) -> Answer:
    return {"address": "", "offset": 0, "song": url_for("songs.show", song_id=song.id)}


def _song_of(upload_id: str) -> Song | None:
    """Find the song that an upload of this visitor's has become."""
    song = db.session.get(Song, upload_id)
    return song if song and song.visitor == visitor() else None
