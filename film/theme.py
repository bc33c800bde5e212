"""A theme made ready: its card and its networks, with their hashes checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from film.cards import Card, read_card, theme_folder
from keyframes.stills import Stills, load_stills
from pix2pix import weights
from pix2pix.painter import Painter, load_painter
from spectro.errors import TonfilmError

PAINTER_FILE: Final = "pix2pix.safetensors"
STILLS_FILE: Final = "keyframes.safetensors"


@dataclass(frozen=True, kw_only=True)
class Theme:
    """What paints: built once a process."""

    card: Card
    painter: Painter
    stills: Stills


def load_theme(
    name: str, asked: Mapping[str, str] | None = None, models: Path | None = None
) -> Theme:
    """Build a theme's networks.

    Parameters
    ----------
    name : of its folder
    asked : the hashes of the weights that a recipe was made with; None for what is installed
    models : folder of the themes

    Raises
    ------
    TonfilmError
        No such theme, other weights than those asked for, or a file is missing or damaged.
    """
    card = read_card(name, models)
    if asked is not None and dict(asked) != card.weights:
        raise TonfilmError(
            f"The recipe was made with another version of the theme {name!r}, so the film could "
            "not be the same: install that version, or make a new recipe."
        )
    folder = theme_folder(name, models)
    try:
        painter = load_painter(weights.load(folder / PAINTER_FILE, card.weights[PAINTER_FILE]))
        stills = load_stills(weights.load(folder / STILLS_FILE, card.weights[STILLS_FILE]))
    except KeyError as error:
        raise TonfilmError(f"The card of {name!r} does not name {error}: restore it.") from error
    except weights.BrokenWeights as error:
        raise TonfilmError(str(error)) from error
    return Theme(card=card, painter=painter, stills=stills)
