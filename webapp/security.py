"""Who may see what, and what a browser may load."""

import uuid

from flask import Flask, Response, abort, session

from webapp.tables import Film, Picture, Song, Upload, db

# Bootstrap's style sheet draws its small signs from data: addresses. A film that is being made is
# played from a media source, which has a blob: address.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def protect(app: Flask) -> None:
    """Send the headers that keep a page to itself with every answer."""

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        return response


def visitor() -> str:
    """Return the identity of this browser, which its signed cookie carries."""
    if "visitor" not in session:
        session["visitor"] = uuid.uuid4().hex
        session.permanent = True
    identity: str = session["visitor"]
    return identity


def own_song(identity: str) -> Song:
    """Return a song of this visitor; anybody else's does not exist for them."""
    song = db.session.get(Song, identity)
    if song is None or song.visitor != visitor():
        abort(404)
    return song


def own_upload(identity: str) -> Upload:
    """Return an upload of this visitor; anybody else's does not exist for them."""
    upload = db.session.get(Upload, identity)
    if upload is None or upload.visitor != visitor():
        abort(404)
    return upload


def own_film(identity: str) -> Film:
    """Return a film of this visitor; anybody else's does not exist for them."""
    film = db.session.get(Film, identity)
    if film is None or film.song.visitor != visitor():
        abort(404)
    return film


def own_picture(identity: str) -> Picture:
    """Return a picture of this visitor; anybody else's does not exist for them."""
    picture = db.session.get(Picture, identity)
    if picture is None or picture.visitor != visitor():
        abort(404)
    return picture
