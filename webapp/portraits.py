"""The worker's part of a visitor's own picture: read it, fit it, and paint it small."""

import numpy as np
import torch
from numpy.typing import NDArray

from film.own_pictures import OwnPicture
from film.picture_files import PictureFile, read_picture
from film.planes import Size, canvas_size
from film.portraits import fit_pictures, lay_stops
from film.recipe import Recipe, build_recipe
from film.theme import load_theme
from spectro.errors import TonfilmError
from webapp.jpegs import save_jpeg
from webapp.leases import Lease
from webapp.service import Service
from webapp.tables import Picture, db

JPEG_QUALITY = 90


def read_own(service: Service, picture: Picture, lease: Lease) -> str:
    """Return what the theme has made of a picture, in JSON, and keep how it paints it.

    A picture that comes back from a recipe is only painted.

    Raises
    ------
    TonfilmError
        The picture, or its theme, cannot be used.
    """
    storage, identity, name = service.storage, picture.id, picture.name
    values = {"theme": picture.theme, "width": picture.width, "height": picture.height}
    own = OwnPicture.model_validate_json(picture.latent) if picture.latent else None
    db.session.rollback()  # nothing of the database is held meanwhile
    recipe = build_recipe(values | {"keyframes": (own or 0,)})
    if own is None:
        lease("load", 0, 0)
        recipe = fit_pictures(recipe, {0: _read(service, identity, name)}, lease)
    save_jpeg(_paint(recipe), storage.portrait(identity), JPEG_QUALITY)
    storage.picture(identity).unlink(missing_ok=True)
    return "".join(it.model_dump_json() for it in recipe.keyframes if isinstance(it, OwnPicture))


def _read(service: Service, identity: str, name: str) -> PictureFile:
    path = service.storage.picture(identity)
    try:
        return PictureFile(name=name, pixels=read_picture(path).pixels)
    except TonfilmError as error:
        path.unlink(missing_ok=True)
        # The visitor knows the file by its own name only.
        raise TonfilmError(str(error).replace(path.name, name)) from error


@torch.inference_mode()
def _paint(recipe: Recipe) -> NDArray[np.uint8]:
    """Paint the one keyframe of a recipe: (h, w, 3) uint8."""
    theme = load_theme(recipe.theme)
    canvas = canvas_size(Size(height=recipe.height, width=recipe.width))
    stops = lay_stops(theme, recipe, canvas)
    painted = theme.stills.paint(stops.styles, canvas.height, canvas.width, stops.own)[0]
    pixels: NDArray[np.uint8] = (painted.cpu() * 255).round().byte().permute(1, 2, 0).numpy()
    return pixels
