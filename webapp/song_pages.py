"""From the upload to the drawn song."""

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, send_file, url_for
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from spectro.errors import TonfilmError
from webapp.arrivals import PIECE_BYTES, admit, list_unfinished
from webapp.curves import Analysis
from webapp.drawing import draw, draw_soundtrack
from webapp.forms import UploadForm
from webapp.gallery_pages import favourite_theme, list_stills, open_gallery
from webapp.jobs import submit
from webapp.retention import forget_song, is_at_work, kept_until_s
from webapp.room import check_room
from webapp.security import own_song, visitor
from webapp.service import service
from webapp.storage import title_of
from webapp.tables import Song, State, db
from webapp.wording import describe

DEMO_TITLE = "Demo song"
N_STRIP = 4  # pictures on the first page

pages = Blueprint("songs", __name__)


@pages.get("/")
def home() -> str:
    """Show what this is, and the visitor's songs and films."""
    return _show_home(UploadForm())


@pages.post("/songs")
def upload() -> AnyResponse | tuple[str, int]:
    """Take a visitor's song, if it may be one; the worker looks into it."""
    form = UploadForm()
    if not form.validate_on_submit():
        return _show_home(form, str(form.song.errors[0])), 400
    file: FileStorage = form.song.data
    try:
        song = _take(title_of(file.filename or ""), request.content_length or 0, file.save)
    except TonfilmError as error:
        return _show_home(form, str(error)), 400
    return redirect(url_for("songs.show", song_id=song.id), 303)


@pages.post("/songs/demo")
def use_demo() -> AnyResponse:
    """Take the song that comes with the service."""
    demo_song = service().storage.demo_song
    if not demo_song.exists():
        raise TonfilmError("The demo song is missing: start Tonfilm with `make run`.")
    n_bytes = demo_song.stat().st_size
    song = _take(DEMO_TITLE, n_bytes, lambda arrived: shutil.copyfile(demo_song, arrived))
    return redirect(url_for("songs.show", song_id=song.id), 303)


@pages.get("/songs/<song_id>")
def show(song_id: str) -> str:
    """Show a song and what was heard in it."""
    song, storage = own_song(song_id), service().storage
    drawing = None
    if song.state == State.DONE:
        drawing = draw(Analysis.model_validate_json(storage.analysis(song_id).read_bytes()))
    return render_template(
        "song.html",
        song=song,
        has_file=storage.song(song_id).exists(),
        drawing=drawing,
        status=describe(song),
        kept_until_s=kept_until_s(song),
    )


@pages.get("/songs/<song_id>/status.json")
def status(song_id: str) -> dict[str, Any]:
    """Say how far the analysis is."""
    return describe(own_song(song_id))


@pages.get("/songs/<song_id>/song.wav")
def audio(song_id: str) -> Response:
    """Send the song to the player, in whatever ranges it asks for."""
    path = service().storage.song(own_song(song_id).id)
    if not path.exists():  # it was of no use
        abort(404)
    return send_file(path, mimetype="audio/wav", conditional=True)


@pages.post("/songs/<song_id>/again")
def analyse_again(song_id: str) -> AnyResponse:
    """Try an analysis again that has ended early, unless the file was of no use."""
    song = own_song(song_id)
    has_ended = song.state in (State.FAILED, State.CANCELLED)
    if has_ended and service().storage.song(song_id).exists():
        song.n_tries = 0
        submit(song)
    return redirect(url_for("songs.show", song_id=song_id), 303)


@pages.post("/songs/<song_id>/delete")
def delete(song_id: str) -> AnyResponse:
    """Delete a song with its films, unless a worker is at one of them."""
    song = own_song(song_id)
    if is_at_work(song):
        abort(409)
    forget_song(song)
    db.session.commit()
    return redirect(url_for("songs.home"), 303)


def _show_home(form: UploadForm, sentence: str = "") -> str:
    songs = db.session.scalars(
        select(Song).where(Song.visitor == visitor()).order_by(Song.created_s.desc())
    ).all()
    theme = favourite_theme()
    # Asked for already here, so that its pictures are there when they are wanted.
    gallery = open_gallery(theme, 0) if theme else None
    return render_template(
        "home.html",
        form=form,
        sentence=sentence,
        piece_bytes=PIECE_BYTES,
        unfinished=list_unfinished(),
        songs=songs,
        gallery=gallery,
        strip=[still for still in list_stills(gallery) if still.is_ready][:N_STRIP]
        if gallery
        else [],
        soundtrack=draw_soundtrack(),
        has_demo=service().storage.demo_song.exists(),
        settings=service().settings,
    )


def _take(title: str, n_bytes: int, write: Callable[[Path], object]) -> Song:
    """Let a song arrive; keep it if it may be one, and queue its analysis.

    Parameters
    ----------
    n_bytes : for which there must be room
    write : writes the song to a path

    Raises
    ------
    TonfilmError
        It is plainly no WAV, or there is no room for it.
    """
    identity = uuid.uuid4().hex
    arrived = service().storage.upload(identity)
    try:
        check_room(n_bytes)
        write(arrived)
        return admit(identity, title)
    finally:
        arrived.unlink(missing_ok=True)
