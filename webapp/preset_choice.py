"""Presets on the page: what choosing one changes, and which one a film was made with."""

from collections.abc import Mapping
from typing import Any, Final

from film.presets import PRESETS, read_preset
from film.recipe import Recipe, build_recipe
from spectro.routes import Route
from webapp.route_forms import write_number, write_route

OWN: Final = "own"
PRESET_WORDS: Final = {OWN: "Balanced at first, and yours to change."} | PRESETS
# Of a recipe, what a preset may set.
DRIVES: Final = (
    *("level", "frequency", "timbre"),
    *("before", "inside", "after", "layer"),
    *("blend", "routes"),
)

Drives = dict[str, Any]  # some of `DRIVES` → value, as a recipe has it


def default_drives() -> Drives:
    """Return what drives a film when nobody chooses."""
    return {name: Recipe.model_fields[name].default for name in DRIVES}


def drives_of(recipe: Recipe) -> Drives:
    """Return what drives a film."""
    return {name: getattr(recipe, name) for name in DRIVES}


def find_preset(recipe: Recipe) -> str:
    """Name the preset that has a recipe's routes, or `OWN`: sliders may have been moved since."""
    for name in PRESETS:
        if _preset_drives(name).get("routes") == recipe.routes:
            return name
    return OWN


def change_preset(values: Drives, before: str, after: str, own: Drives) -> Drives:
    """Put a preset's values in the place of what still is as the preset before it had set it.

    Parameters
    ----------
    own : every one of `DRIVES`, for what a preset leaves open and for `OWN`
    """
    old, new = own | _preset_drives(before), own | _preset_drives(after)
    return {name: new[name] if value == old[name] else value for name, value in values.items()}


def _preset_drives(name: str) -> Drives:
    if name == OWN:
        return {}
    named = read_preset(name)
    recipe = build_recipe({"keyframes": (0,)} | named)
    return {drive: value for drive, value in drives_of(recipe).items() if drive in named}


def write_drives(values: Mapping[str, Any]) -> dict[str, Any]:
    """Write values as the fields of the form hold them: texts, and rows of texts."""
    return {name: _write(value) for name, value in values.items()}


def _write(value: str | float | tuple[Route, ...]) -> str | list[dict[str, str]]:
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return [write_route(route) for route in value]
    return write_number(value)


def write_preset(name: str, own: Drives) -> dict[str, Any]:
    """Write what choosing a preset sets."""
    return write_drives(own if name == OWN else _preset_drives(name))
