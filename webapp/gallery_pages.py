"""The gallery of stills, from which a film's keyframes are chosen."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from flask import Blueprint, Response, abort, send_file
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from film.cards import Card, list_themes, read_card
from webapp.jobs import submit
from webapp.service import service
from webapp.tables import N_STILLS, Gallery, State, db
from webapp.wording import describe

FAVOURITE_THEME = "abstract"
MAX_STILLS = 10 * N_STILLS  # taste: nobody looks through more
RETRY_S = 10.0  # after this a page that failed is tried again when somebody looks at it

pages = Blueprint("galleries", __name__)


@dataclass(frozen=True, kw_only=True)
class Still:
    """A place of the gallery."""

    seed: int
    is_ready: bool


def weights_name(card: Card) -> str:
    """Name a theme's weights in a few letters: other weights paint other stills."""
    words = "".join(f"{name}{digest}" for name, digest in sorted(card.weights.items()))
    return sha256(words.encode()).hexdigest()[:12]


def favourite_theme() -> str:
    """Return the theme that is offered first, or "" where none is installed."""
    themes = list_themes()
    return FAVOURITE_THEME if FAVOURITE_THEME in themes else next(iter(themes), "")


def open_gallery(theme: str, first_seed: int) -> Gallery:
    """Return a page of the gallery, and have it painted if nobody has asked for it yet.

    Raises
    ------
    TonfilmError
        There is no such theme, or its card is damaged.
    """
    weights = weights_name(read_card(theme))
    wanted = select(Gallery).where(
        Gallery.theme == theme, Gallery.weights == weights, Gallery.first_seed == first_seed
    )
    gallery = db.session.scalar(wanted)
    if gallery is not None:
        has_ended = gallery.state in (State.FAILED, State.CANCELLED)
        if has_ended and time.time() - gallery.finished_s > RETRY_S:
            gallery.n_tries = 0
            submit(gallery)
    else:
        gallery = Gallery(theme=theme, weights=weights, first_seed=first_seed)
        try:
            submit(gallery)
        except IntegrityError:  # another visitor was first by a moment
            db.session.rollback()
            gallery = db.session.scalars(wanted).one()
    return gallery


def list_stills(gallery: Gallery) -> list[Still]:
    """List the places of a gallery's page; they fill while it is painted."""
    seeds = range(gallery.first_seed, gallery.first_seed + N_STILLS)
    return find_stills(gallery.theme, gallery.weights, seeds)


def find_stills(theme: str, weights: str, seeds: Iterable[int]) -> list[Still]:
    """Say for some seeds whether their pictures are there."""
    storage = service().storage
    return [
        Still(seed=seed, is_ready=storage.still(theme, weights, seed).exists()) for seed in seeds
    ]


@pages.get("/stills/<theme>/<int:seed>.jpg")
def still(theme: str, seed: int) -> Response:
    """Send a picture of the gallery."""
    weights = weights_name(read_card(theme))
    path = service().storage.still(theme, weights, seed)
    if not path.exists():
        abort(404)
    return send_file(path, mimetype="image/jpeg", conditional=True, max_age=3600)


@pages.get("/galleries/<theme>/<int:first_seed>.json")
def status(theme: str, first_seed: int) -> dict[str, Any]:
    """Say which pictures of a page are there."""
    if first_seed % N_STILLS or first_seed >= MAX_STILLS:
        abort(404)
    gallery = open_gallery(theme, first_seed)
    ready = [still.seed for still in list_stills(gallery) if still.is_ready]
    return {**describe(gallery), "ready": ready, "error": gallery.error}
