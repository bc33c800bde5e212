"""From the choice of pictures to the finished film."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response as AnyResponse

from film.cards import Card, list_themes, read_card
from film.own_pictures import OwnPicture
from film.recipe import FLASH_WARNING, Recipe, parse_recipe
from film.report import Report
from spectro.errors import TonfilmError
from spectro.routes import MAX_ROUTES
from webapp import leases
from webapp.curves import Analysis
from webapp.drawing import Section, part
from webapp.forms import BLENDS, FilmForm
from webapp.gallery_pages import (
    MAX_STILLS,
    favourite_theme,
    find_stills,
    list_stills,
    open_gallery,
    weights_name,
)
from webapp.jobs import submit
from webapp.own_pictures import MAX_MB, list_pictures
from webapp.preset_choice import PRESET_WORDS, drives_of, find_preset, write_preset
from webapp.previews import PREVIEW_S, forget_previews, preview_of
from webapp.retention import forget_film, kept_until_s
from webapp.room import check_room
from webapp.route_forms import LAYERS, MECHANISMS, name_heard, name_seen, spare_row
from webapp.security import own_film, own_song
from webapp.service import service
from webapp.share_pages import DURATIONS, share_of
from webapp.storage import title_of
from webapp.tables import N_STILLS, Film, Picture, Song, State, db
from webapp.wording import REPORT_WORDS, describe

pages = Blueprint("films", __name__)
pages.add_app_template_filter(name_heard, "heard")
pages.add_app_template_filter(name_seen, "seen")


@pages.get("/songs/<song_id>/film")
def choose(song_id: str) -> AnyResponse | str:
    """Show the pictures to choose from and what else makes a film."""
    song = own_song(song_id)
    if not song.is_checked:  # its page says what it waits for, or why it is of no use
        return redirect(url_for("songs.show", song_id=song_id), 303)
    form = open_form()
    made_theme = form.theme.data if form.theme.data in list_themes() else favourite_theme()
    theme = request.args.get("theme") or made_theme
    if theme != form.theme.data:
        form.keyframes.data, form.picked.data = "", []  # those of another theme
    form.theme.data = theme
    return show_choice(song, form)


@pages.post("/songs/<song_id>/film")
def order(song_id: str) -> AnyResponse | tuple[str, int]:
    """Queue a film."""
    song = own_song(song_id)
    if not song.is_checked:
        return redirect(url_for("songs.show", song_id=song_id), 303)
    form = open_form()
    read_card(form.theme.data or "")  # an unknown theme has no page to go back to
    if not form.validate_on_submit():
        return show_choice(song, form, form.first_error()), 400
    try:
        recipe = form.recipe()
        _check_excerpt(song, recipe.start_s)
        check_room(0)
    except TonfilmError as error:
        return show_choice(song, form, str(error)), 400
    whole = ""
    if "preview" in request.form:
        forget_previews(song)
        whole, recipe = recipe.to_json(), preview_of(recipe, song, form.preview_s.data or 0.0)
    film = Film(song=song, recipe=recipe.to_json(), whole=whole)
    submit(film)
    return redirect(url_for("films.show", film_id=film.id), 303)


@pages.get("/films/<film_id>")
def show(film_id: str) -> str:
    """Show a film, or how far it is."""
    film = own_film(film_id)
    report = Report.model_validate_json(film.report) if film.state == State.DONE else None
    recipe = report.recipe if report else parse_recipe(film.recipe)
    return render_template(
        "film.html",
        film=film,
        recipe=recipe,
        keyframes=_keyframes(recipe),
        report=report,
        has_sheet=service().storage.sheet(film_id).exists(),
        status=_status(film),
        preset=find_preset(recipe),
        mechanisms=MECHANISMS,
        layers=LAYERS,
        blends=BLENDS,
        stage_words=REPORT_WORDS,
        flash_warning=FLASH_WARNING,
        kept_until_s=kept_until_s(film.song),
        share=share_of(film),
        durations=DURATIONS,
    )


@pages.get("/films/<film_id>/status.json")
def status(film_id: str) -> dict[str, Any]:
    """Say how far a film is."""
    return _status(own_film(film_id))


@pages.get("/films/<film_id>/latest.jpg")
def latest(film_id: str) -> Response:
    """Send the newest frame of a film that is being made."""
    film = own_film(film_id)
    # The film may have been painted since the page was told of the frame: then its poster, or
    # nothing in the moment before there is one.
    path = _find_newest(film)
    return send_file(path, mimetype="image/jpeg", max_age=0) if path else Response(status=204)


@pages.get("/films/<film_id>/poster.jpg")
def poster(film_id: str) -> Response:
    """Send the picture that stands for a finished film."""
    return send_poster(own_film(film_id))


@pages.get("/films/<film_id>/film.mp4")
def watch(film_id: str) -> Response:
    """Send the film to the player, in whatever ranges it asks for."""
    return send_film(own_film(film_id), as_attachment=False)


@pages.get("/films/<film_id>/download")
def download(film_id: str) -> Response:
    """Send the film as a file of the song's name."""
    return send_film(own_film(film_id), as_attachment=True)


@pages.get("/films/<film_id>/recipe.json")
def save_recipe(film_id: str) -> Response:
    """Send the recipe, for ``scripts/render.py --recipe``."""
    film = own_film(film_id)
    text = film.recipe
    if film.state == State.DONE:
        text = Report.model_validate_json(film.report).recipe.to_json()
    return Response(text + "\n", mimetype="application/json")


@pages.get("/films/<film_id>/report.json")
def save_report(film_id: str) -> Response:
    """Send what making a film took, and how tight it is."""
    film = own_film(film_id)
    if film.state != State.DONE:
        abort(404)
    return Response(film.report + "\n", mimetype="application/json")


@pages.get("/films/<film_id>/sheet.jpg")
def save_sheet(film_id: str) -> Response:
    """Send a sheet of pictures out of a finished film."""
    film = own_film(film_id)
    path = service().storage.sheet(film.id)
    if not path.exists():
        abort(404)
    name = f"{title_of(film.song.title)}.jpg"
    return send_file(path, mimetype="image/jpeg", as_attachment=True, download_name=name)


@pages.post("/films/<film_id>/whole")
def make_whole(film_id: str) -> AnyResponse:
    """Queue the film that this is a preview of."""
    preview = own_film(film_id)
    if not preview.whole:
        abort(404)
    check_room(0)
    film = Film(song=preview.song, recipe=preview.whole)
    submit(film)
    return redirect(url_for("films.show", film_id=film.id), 303)


@pages.post("/films/<film_id>/cancel")
def cancel(film_id: str) -> AnyResponse:
    """Stop making a film."""
    leases.cancel(db.engine, Film, own_film(film_id).id)
    return redirect(url_for("films.show", film_id=film_id), 303)


@pages.post("/films/<film_id>/again")
def make_again(film_id: str) -> AnyResponse:
    """Go on with a film that was cancelled or has failed, from what it had left."""
    film = own_film(film_id)
    if film.state in (State.CANCELLED, State.FAILED):
        check_room(0)
        film.n_tries = 0
        submit(film)
    return redirect(url_for("films.show", film_id=film_id), 303)


@pages.post("/films/<film_id>/delete")
def delete(film_id: str) -> AnyResponse:
    """Delete a film, unless a worker is at it."""
    film = own_film(film_id)
    if film.is_waiting:
        abort(409)
    song_id = film.song_id
    forget_film(film)
    db.session.commit()
    return redirect(url_for("songs.show", song_id=song_id), 303)


@dataclass(frozen=True, kw_only=True)
class _Keyframe:
    """A picture that the film wandered through, as its page shows it."""

    words: str
    address: str  # of a small picture; "" where there is none


def _keyframes(recipe: Recipe) -> list[_Keyframe]:
    try:
        weights = weights_name(read_card(recipe.theme))
        own = {picture.latent: picture for picture in list_pictures(recipe.theme)}
    except TonfilmError:  # the theme is no longer installed, but the film stands
        weights, own = "gone", {}
    shown = []
    for keyframe in recipe.keyframes:
        if isinstance(keyframe, OwnPicture):
            picture = own.get(keyframe.model_dump_json())
            address = _find_portrait(picture) if picture else ""
            shown.append(_Keyframe(words=keyframe.name, address=address))
            continue
        (still,) = find_stills(recipe.theme, weights, [keyframe])
        address = url_for("galleries.still", theme=recipe.theme, seed=keyframe)
        shown.append(_Keyframe(words=str(keyframe), address=address if still.is_ready else ""))
    return shown


def _find_portrait(picture: Picture) -> str:
    if not service().storage.portrait(picture.id).exists():
        return ""
    return url_for("pictures.portrait", picture_id=picture.id)


def _cards() -> dict[str, Card]:
    return {name: read_card(name) for name in list_themes()}


def open_form() -> FilmForm:
    """Open the form of a new film, or of the one in the address that is to be made again."""
    form = FilmForm()
    film_id = request.args.get("again")
    again = own_film(film_id) if film_id else None
    made = parse_recipe(again.whole or again.recipe) if again else None
    if made:
        form.own = drives_of(made)
    if request.method == "GET":
        form.fill(made)
    return form


def show_choice(song: Song, form: FilmForm, sentence: str = "") -> str:
    """Show the page of choices as a form has them, and what is wrong with it."""
    theme = form.theme.data or ""
    cards = _cards()
    chosen = {int(seed) for seed in form.picked.data or [] if seed.isdigit()}
    last = max((seed for seed in chosen if seed < MAX_STILLS), default=0)
    n_stills = max(request.args.get("n", N_STILLS, type=int), last + 1)
    n_stills = min(-(-n_stills // N_STILLS) * N_STILLS, MAX_STILLS)
    galleries = [open_gallery(theme, first) for first in range(0, n_stills, N_STILLS)]
    preset_values = {name: json.dumps(write_preset(name, form.own)) for name in PRESET_WORDS}
    return render_template(
        "choose.html",
        song=song,
        form=form,
        sentence=sentence,
        theme=theme,
        cards=cards,
        galleries=[(gallery, list_stills(gallery)) for gallery in galleries],
        chosen=chosen,
        preset_values=preset_values,
        spare=spare_row(f"routes-{MAX_ROUTES}-"),
        max_routes=MAX_ROUTES,
        preview_s=PREVIEW_S,
        again=request.args.get("again"),
        sections=_list_sections(song),
        own_pictures=list_pictures(theme),
        max_picture_mb=MAX_MB,
        n_stills=N_STILLS,
        max_stills=MAX_STILLS,
        n_more=n_stills + N_STILLS if n_stills < MAX_STILLS else 0,
    )


def _list_sections(song: Song) -> tuple[Section, ...]:
    """List the parts of a song; none where it is one, or has not been listened to yet."""
    path = service().storage.analysis(song.id)
    if song.state != State.DONE or not path.exists():
        return ()
    return part(Analysis.model_validate_json(path.read_bytes()))


def _check_excerpt(song: Song, start_s: float) -> None:
    if start_s >= song.duration_s:
        raise TonfilmError(
            f"The film would start at {start_s:g} s, but the song is only "
            f"{song.duration_s:.1f} s long: choose an earlier start."
        )


def _status(film: Film) -> dict[str, Any]:
    path = _find_newest(film)
    picture = ""
    if film.is_waiting and path:
        # Its time in the address makes the browser ask for each new picture once.
        version = path.stat().st_mtime_ns
        picture = url_for("films.latest", film_id=film.id, version=version)
    return {**describe(film), "picture": picture}


def _find_newest(film: Film) -> Path | None:
    """Find the newest frame of a film, or the poster of one that is painted."""
    storage = service().storage
    paths = (storage.work(film.id) / "latest.jpg", storage.poster(film.id))
    return next((path for path in paths if path.exists()), None)


def send_poster(film: Film) -> Response:
    """Send the picture that stands for a film, if there is one."""
    path = service().storage.poster(film.id)
    if not path.exists():
        abort(404)
    return send_file(path, mimetype="image/jpeg", conditional=True)


def send_film(film: Film, *, as_attachment: bool) -> Response:
    """Send a film that is put together, under its song's name."""
    path = service().storage.film(film.id)
    # While it is measured it is whole already, and whoever watched it being made watches on.
    if film.state not in (State.DONE, State.RUNNING) or not path.exists():
        abort(404)
    return send_file(
        path,
        mimetype="video/mp4",
        as_attachment=as_attachment,
        download_name=f"{title_of(film.song.title)}.mp4",
        conditional=True,
    )
