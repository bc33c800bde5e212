"""The order of the pictures, as one line: `3, 17@0:32-1:04+1:40-2:12, 42`.

Each picture is a seed of the gallery, or one of the visitor's own, `own:3f2a91c0`; behind an @
stands when the film shows it, more than once with a + between.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from film.own_pictures import OwnPicture
from film.recipe import Recipe
from spectro.pins import Pin, parse_stretch, write_stretch

_CHOICE = re.compile(r"(?P<picture>[0-9]{1,10}|own:[0-9a-f]{8})(?:@(?P<when>[0-9:.+-]+))?")
EXAMPLE = "give numbers with commas between them, such as 3, 17, 42"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A chosen picture."""

    picture: int | str  # its seed, or `Picture.short`
    stretches: tuple[str, ...] = ()  # when it is shown, as `parse_stretch` reads it


def read_choices(line: str) -> list[Choice]:
    """Read the line.

    Raises
    ------
    ValueError
        It cannot be read; the words say why, without a full stop.
    """
    words = re.split(r"[,;\s]+", line.strip(" ,;\t\r\n"))
    return [_read_choice(word) for word in (words if words != [""] else [])]


def _read_choice(word: str) -> Choice:
    found = _CHOICE.fullmatch(word)
    if found is None:
        raise ValueError(EXAMPLE)
    picture, when = found["picture"], found["when"]
    return Choice(
        picture=int(picture) if picture.isdigit() else picture,
        stretches=tuple(when.split("+")) if when else (),
    )


def pins_of(choices: Iterable[Choice]) -> list[Pin]:
    """List when the pictures are shown.

    Raises
    ------
    ValueError
        A time cannot be read; the words say why, without a full stop.
    """
    return [
        parse_stretch(place, stretch)
        for place, choice in enumerate(choices, 1)
        for stretch in choice.stretches
    ]


def write_choices(recipe: Recipe, names: Mapping[OwnPicture, str]) -> str:
    """Write the line of a recipe's keyframes.

    Parameters
    ----------
    names : of the visitor's own pictures; one without a name is left out
    """
    words = []
    for place, keyframe in enumerate(recipe.keyframes, 1):
        picture = names.get(keyframe) if isinstance(keyframe, OwnPicture) else str(keyframe)
        if picture:
            when = "+".join(write_stretch(pin) for pin in recipe.pins if pin.picture == place)
            words.append(f"{picture}@{when}" if when else picture)
    return ", ".join(words)
