"""A film's link for others: made, shown, and taken back by the visitor whose film it is.

A link is signed with the secret of the service and holds a random key and the moment until which
it works. The film's row holds the same key: when that is gone the link leads nowhere.
"""

import secrets
import time
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, abort, current_app, redirect, request, url_for
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from spectro.errors import TonfilmError
from webapp.retention import DAY_S
from webapp.security import own_film
from webapp.service import service
from webapp.tables import Film, State, db

DURATIONS: Final = {"1": "a day", "7": "a week", "30": "a month"}  # by days
KEY_BYTES: Final = 12  # nobody tries out 2^96 of them

TORN = "This link is not whole: copy all of it, or ask for it once more."
EXPIRED = "This link has expired: ask whoever sent it for a new one."
TAKEN_BACK = "This film is no longer shared: ask whoever sent the link."

pages = Blueprint("shares", __name__)


@dataclass(frozen=True, kw_only=True)
class Share:
    """A link that works."""

    address: str
    until_s: float  # since 1970
    is_local: bool  # it leads to this machine from this machine alone


@pages.post("/films/<film_id>/share")
def make(film_id: str) -> AnyResponse:
    """Make a link to a finished film; an earlier one is taken back by it."""
    film = own_film(film_id)
    days = request.form.get("days", "")
    if film.state != State.DONE or film.whole:
        raise TonfilmError("Only a finished film can be shared: wait until it is done.")
    if days not in DURATIONS:
        raise TonfilmError("Choose how long the link shall work: a day, a week or a month.")
    film.share_key = secrets.token_urlsafe(KEY_BYTES)
    film.shared_until_s = time.time() + int(days) * DAY_S
    db.session.commit()
    return _show_again(film)


@pages.post("/films/<film_id>/unshare")
def take_back(film_id: str) -> AnyResponse:
    """Let the link to a film lead nowhere from now on."""
    film = own_film(film_id)
    film.share_key, film.shared_until_s = "", 0.0
    db.session.commit()
    return _show_again(film)


def share_of(film: Film) -> Share | None:
    """Return the link to a film, if there is one that works."""
    if not film.share_key or film.shared_until_s <= time.time():
        return None
    settings = service().settings
    link = _signer().dumps([film.share_key, int(film.shared_until_s)])
    site = (settings.address or request.host_url).rstrip("/")
    return Share(
        address=site + url_for("guests.show", link=link),
        until_s=film.shared_until_s,
        is_local=not settings.is_public,
    )


def shared_film(link: str) -> Film:
    """Return the film that a link leads to; one that leads nowhere is answered by a sentence."""
    try:
        key, until_s = _signer().loads(link)
    except BadData:
        abort(404, TORN)
    if until_s <= time.time():
        abort(410, EXPIRED)
    film = db.session.scalar(select(Film).where(Film.share_key == key, Film.state == State.DONE))
    if film is None:
        abort(410, TAKEN_BACK)
    return film


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="share")


def _show_again(film: Film) -> AnyResponse:
    return redirect(url_for("films.show", film_id=film.id, _anchor="share"), 303)
