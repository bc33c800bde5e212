"""Pictures of the visitor's own, on the page of choices.

They are sent with all other fields of that page, so that nothing of what was chosen is lost.
"""

from typing import Any

from flask import Blueprint, Response, abort, request, send_file

from film.cards import read_card
from spectro.errors import TonfilmError
from webapp.film_pages import open_form, show_choice
from webapp.forms import SIZES, FilmForm
from webapp.own_pictures import take
from webapp.retention import forget_picture
from webapp.security import own_picture, own_song
from webapp.service import service
from webapp.tables import Picture, db
from webapp.wording import describe

pages = Blueprint("pictures", __name__)


@pages.post("/songs/<song_id>/pictures")
def upload(song_id: str) -> tuple[str, int]:
    """Take pictures, have them read, and choose them."""
    song = own_song(song_id)
    form = open_form()
    read_card(form.theme.data or "")  # an unknown theme has no page to go back to
    taken: list[Picture] = []
    sentence = ""
    try:
        _take_all(form, taken)
    except TonfilmError as error:
        sentence = str(error)
    form.add(picture.short for picture in taken)
    return show_choice(song, form, sentence), 400 if sentence else 200


def _take_all(form: FilmForm, taken: list[Picture]) -> None:
    size = form.size.data if form.size.data in SIZES else form.size.default
    width, height = (int(side) for side in str(size).split("x"))
    files = [file for file in request.files.getlist("pictures") if file.filename]
    if not files:
        raise TonfilmError("Choose a picture first.")
    # Those before one that cannot be taken are kept.
    taken.extend(take(file, form.theme.data or "", (width, height)) for file in files)


@pages.post("/songs/<song_id>/pictures/<picture_id>/delete")
def delete(song_id: str, picture_id: str) -> tuple[str, int]:
    """Delete a picture, unless it is just being read; films that were made with it stay."""
    song, picture = own_song(song_id), own_picture(picture_id)
    form = open_form()
    if picture.is_waiting:
        sentence = f"{picture.name} is just being read: delete it when it shows."
        return show_choice(song, form, sentence), 409
    form.drop(picture.short)
    forget_picture(picture)
    db.session.commit()
    return show_choice(song, form), 200


@pages.get("/pictures/<picture_id>/status.json")
def status(picture_id: str) -> dict[str, Any]:
    """Say how far a picture has been read."""
    picture = own_picture(picture_id)
    return {**describe(picture), "error": picture.error}


@pages.get("/pictures/<picture_id>/portrait.jpg")
def portrait(picture_id: str) -> Response:
    """Send the small picture of how the theme paints it."""
    path = service().storage.portrait(own_picture(picture_id).id)
    if not path.exists():
        abort(404)
    return send_file(path, mimetype="image/jpeg", conditional=True, max_age=3600)
