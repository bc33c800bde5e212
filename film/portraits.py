"""A user's own pictures as keyframes: fitted once for the recipe, and laid out for painting."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from film.own_pictures import Latent, OwnPicture, pack
from film.picture_files import PictureFile
from film.planes import Size, canvas_size
from film.recipe import Recipe
from film.theme import STILLS_FILE, Theme, load_theme
from keyframes.fitting import fit
from keyframes.knots import spline_rows
from keyframes.latents import Latents, Portrait, cut_anew, gather
from spectro.errors import TonfilmError


class Progress(Protocol):
    """Told how far a picture has come; raises to cancel."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note of a step: the stage is "Reading " and the picture's name."""


def fit_pictures(recipe: Recipe, pictures: Mapping[int, PictureFile], progress: Progress) -> Recipe:
    """Put pictures into a recipe, as its theme paints them at the film's shape.

    Parameters
    ----------
    pictures : by their places among the recipe's keyframes
    progress : called often

    Raises
    ------
    TonfilmError
        The theme cannot be used.
    """
    theme = load_theme(recipe.theme, recipe.weights)
    canvas = canvas_size(Size(height=recipe.height, width=recipe.width))
    keyframes, fitted = list(recipe.keyframes), dict[PictureFile, OwnPicture]()
    for place, picture in pictures.items():
        if picture not in fitted:
            tell = partial(progress, f"Reading {picture.name}")
            portrait = fit(theme.stills, cover(picture.pixels, canvas), tell)
            latent = Latent(style=portrait.style.numpy(), knots=portrait.knots.numpy())
            weights = theme.card.weights[STILLS_FILE]
            about = {"name": picture.name, "weights": weights, **asdict(canvas)}
            fitted[picture] = pack(latent, about)
        keyframes[place] = fitted[picture]
    return recipe.model_copy(update={"keyframes": tuple(keyframes)})


def cover(pixels: NDArray[np.uint8], canvas: Size) -> Tensor:
    """Scale pixels (h, w, 3) until they cover a canvas, and cut out their middle.

    Returns
    -------
    (3, canvas.height, canvas.width) float32 in [0, 1]
    """
    picture = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    scale = max(canvas.height / picture.shape[2], canvas.width / picture.shape[3])
    sides = [max(canvas.height, round(picture.shape[2] * scale))]
    sides.append(max(canvas.width, round(picture.shape[3] * scale)))
    scaled = F.interpolate(picture, sides, mode="bicubic", antialias=True).clamp(0, 1)[0]
    top, left = (sides[0] - canvas.height) // 2, (sides[1] - canvas.width) // 2
    return scaled[:, top : top + canvas.height, left : left + canvas.width]


def lay_stops(theme: Theme, recipe: Recipe, canvas: Size) -> Latents:
    """Return the latents of a recipe's keyframes, for painting on a canvas.

    Raises
    ------
    TonfilmError
        A picture was fitted to other networks than the theme's.
    """
    stops = [
        _place(keyframe, theme, canvas)
        if isinstance(keyframe, OwnPicture)
        else theme.stills.style(keyframe)
        for keyframe in recipe.keyframes
    ]
    return gather(stops)


def _place(picture: OwnPicture, theme: Theme, canvas: Size) -> Portrait:
    if picture.weights != theme.card.weights[STILLS_FILE]:
        raise TonfilmError(
            f"The recipe holds {picture.name} as another theme paints it: give the picture itself "
            f"with --keyframes, so that {theme.card.title!r} can read it, or keep that theme."
        )
    latent = picture.unpack()
    portrait = Portrait(style=torch.from_numpy(latent.style), knots=torch.from_numpy(latent.knots))
    old = Size(height=picture.height, width=picture.width)
    _check_sizes(picture, theme, old)
    if old == canvas:
        return portrait
    return cut_anew(portrait, (old.height, old.width), (canvas.height, canvas.width))


def _check_sizes(picture: OwnPicture, theme: Theme, canvas: Size) -> None:
    """Refuse numbers that no fit can have left: somebody has changed the recipe by hand."""
    form = theme.stills.generator.form
    sides = (canvas.height, canvas.width)
    n_rows, n_columns = (spline_rows(side).coarse.shape[1] for side in sides)
    if (picture.n_style, *picture.shape) != (form.n_style, form.n_fields, n_rows, n_columns):
        raise TonfilmError(
            f"The recipe holds {picture.name} in numbers that do not fit together: give the "
            "picture itself again with --keyframes."
        )
