"""Visitors' own pictures: taken, found again by a film's order, and brought back from a recipe."""

import re
import time
import uuid
from typing import Final

from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage

from film.cards import list_themes, read_card
from film.own_pictures import OwnPicture
from film.picture_headers import read_size
from film.recipe import Recipe
from spectro.errors import TonfilmError
from webapp.jobs import submit
from webapp.security import visitor
from webapp.service import service
from webapp.tables import Picture, State, db

MAX_MB: Final = 32  # of a file, in MiB; taste: a photograph has less
MAX_PIXELS: Final = 100_000_000  # decoded they take three bytes each
MAX_PICTURES: Final = 24  # of a visitor; taste
STILLS_FILE: Final = "keyframes.safetensors"  # as `film.theme` names it, which needs torch
_KINDS: Final = "a JPEG, a PNG without a palette or a WebP"


def take(file: FileStorage, theme: str, size: tuple[int, int]) -> Picture:
    """Keep a picture that arrives, and have it read as a theme paints it.

    Parameters
    ----------
    size : width and height of the film, for whose shape it is cut

    Raises
    ------
    TonfilmError
        It cannot be taken; nothing is kept.
    """
    name = name_of(file.filename or "")
    n_pictures = db.session.scalar(
        select(func.count()).select_from(Picture).where(Picture.visitor == visitor())
    )
    if (n_pictures or 0) >= MAX_PICTURES:
        raise TonfilmError(
            f"You have {MAX_PICTURES} pictures of your own, and there is no room for more: delete "
            "one first."
        )
    data = file.stream.read((MAX_MB << 20) + 1)
    _check(name, data)
    identity = uuid.uuid4().hex
    service().storage.picture(identity).write_bytes(data)
    width, height = size
    picture = Picture(
        id=identity,
        visitor=visitor(),
        name=name,
        theme=theme,
        weights=_weights_of(theme),
        width=width,
        height=height,
    )
    submit(picture)
    return picture


def name_of(file_name: str) -> str:
    """Name a picture by its file; the name is only ever shown."""
    plain = re.split(r"[\\/]", file_name)[-1].encode(errors="replace").decode()
    return " ".join(re.sub(r"[\x00-\x1f\x7f]+", " ", plain).split())[:80] or "picture"


def _check(name: str, data: bytes) -> None:
    if len(data) > MAX_MB << 20:
        raise TonfilmError(f"{name} is too large: choose a picture of at most {MAX_MB} MB.")
    size = read_size(data)
    if size is None:
        raise TonfilmError(f"{name} is no picture that can be read: choose {_KINDS}.")
    width, height = size
    if width * height > MAX_PIXELS:
        raise TonfilmError(
            f"{name} has {width}×{height} pixels: choose one of at most 100 million, such as "
            "10,000×10,000."
        )


def _weights_of(theme: str) -> str:
    """Name the networks that a picture is read by."""
    return read_card(theme).weights.get(STILLS_FILE, "")


def list_pictures(theme: str) -> list[Picture]:
    """List this visitor's pictures of a theme, the oldest first."""
    wanted = (
        Picture.visitor == visitor(),
        Picture.theme == theme,
        Picture.weights == _weights_of(theme),
    )
    return list(db.session.scalars(select(Picture).where(*wanted).order_by(Picture.created_s)))


def find(name: str, theme: str) -> OwnPicture:
    """Find what the theme has made of a picture that the order of the pictures names.

    Parameters
    ----------
    name : as `Picture.short` writes it

    Raises
    ------
    TonfilmError
        It is not there, or not yet.
    """
    for picture in list_pictures(theme):
        if picture.short != name:
            continue
        if picture.is_waiting:
            raise TonfilmError(
                f"{picture.name} is still being read: wait until it shows, and try again."
            )
        if picture.state != State.DONE:
            raise TonfilmError(f"{picture.name} could not be read: take it out of the order.")
        picture.used_s = time.time()
        return OwnPicture.model_validate_json(picture.latent)
    raise TonfilmError(
        f"There is no picture {name} of yours for this theme: take it out of the order, or add it "
        "again."
    )


def bring_back(recipe: Recipe) -> dict[OwnPicture, str]:
    """Give the visitor the pictures of a recipe, where they have been deleted since.

    Returns
    -------
    The names that the order of the pictures has for them; none for those of other networks.
    """
    own = {keyframe for keyframe in recipe.keyframes if isinstance(keyframe, OwnPicture)}
    if not own or recipe.theme not in list_themes():
        return {}
    known = {picture.latent: picture for picture in list_pictures(recipe.theme) if picture.latent}
    names = {}
    for keyframe in sorted(own, key=lambda picture: picture.name):
        if keyframe.weights != _weights_of(recipe.theme):
            continue
        latent = keyframe.model_dump_json()
        if latent not in known:
            known[latent] = Picture(
                visitor=visitor(),
                name=keyframe.name,
                theme=recipe.theme,
                weights=keyframe.weights,
                width=recipe.width,
                height=recipe.height,
                latent=latent,
            )
            submit(known[latent])
        names[keyframe] = known[latent].short
    return names
