"""Presets: recipes with some of the fields, under a name that a musician understands. No torch."""

import json
from pathlib import Path
from typing import Any, Final

from film.recipe import build_recipe
from spectro.errors import TonfilmError

FOLDER: Final = Path(__file__).resolve().parents[1] / "presets"
PRESETS: Final = {  # in the order in which they are offered
    "calm": "Slow light and colour; nothing strikes.",
    "pulse": "Every beat is seen.",
    "cinematic": "Wide and slow; the loud passages open up.",
    "club": "Hard hits, bent networks, turning colours.",
    "dream": "Soft, smeared, floating.",
}


def read_preset(name: str) -> dict[str, Any]:
    """Read the fields of a preset, by its name or from a file of the user's own.

    Returns
    -------
    Those fields of a recipe that the file names, as it gives them.

    Raises
    ------
    TonfilmError
        There is no such preset, or its file is no part of a recipe.
    """
    path = FOLDER / f"{name}.json" if name in PRESETS else Path(name)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        names = ", ".join(PRESETS)
        raise TonfilmError(
            f"There is no preset {name!r}: choose {names}, or name a file like those in presets/."
        ) from error
    except ValueError as error:
        raise TonfilmError(f"{path} is not readable JSON.") from error
    if not isinstance(values, dict):
        raise TonfilmError(f"{path} holds no fields of a recipe.")
    build_recipe({"keyframes": (0,)} | values)
    return values
