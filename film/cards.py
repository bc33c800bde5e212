"""Themes on disk: a folder of weights and the card that says what they are. No torch."""

import os
import re
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spectro.errors import TonfilmError

CARD_NAME: Final = "card.json"
THEME_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
BASE: Final = "base"  # networks of all makers, which new themes start from; no theme to paint with


class Card(BaseModel):
    """What a theme's `card.json` says; what is named here is what making a film needs.

    A card also tells how the theme was trained and how good it is. That is for readers, so other
    fields are kept as they stand.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    title: str = Field(min_length=1)
    description: str = ""
    weights: dict[str, str] = Field(min_length=1)  # file name → its SHA-256, hexadecimal


def models_folder() -> Path:
    """Return where the themes lie: TONFILM_MODELS, or `models` beside this package."""
    override = os.environ.get("TONFILM_MODELS")
    return Path(override) if override else Path(__file__).resolve().parents[1] / "models"


def list_themes(models: Path | None = None) -> list[str]:
    """List the names of the themes that have a card, in alphabetical order."""
    cards = (models or models_folder()).glob(f"*/{CARD_NAME}")
    return sorted(name for card in cards if (name := card.parent.name) != BASE)


def theme_folder(name: str, models: Path | None = None) -> Path:
    """Find a theme's folder.

    Raises
    ------
    TonfilmError
        No such theme.
    """
    known = list_themes(models)
    # The name comes from forms and recipes: the pattern keeps it inside the folder.
    if not THEME_NAME.fullmatch(name) or name not in known:
        names = ", ".join(known) or "none is installed"
        raise TonfilmError(f"There is no theme {name!r}: choose one of these ({names}).")
    return (models or models_folder()) / name


def read_card(name: str, models: Path | None = None) -> Card:
    """Read a theme's card.

    Raises
    ------
    TonfilmError
        No such theme, or its card is damaged.
    """
    path = theme_folder(name, models) / CARD_NAME
    try:
        return Card.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise TonfilmError(f"The card {path} is damaged: restore the theme's folder.") from error
