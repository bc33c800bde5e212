"""Stems: parts of the song's mix, as WAVs of their own, that routes may listen to. No torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from film.recipe import MAX_STEMS, Recipe
from spectro.audio import Audio, Limits, load
from spectro.errors import TonfilmError
from spectro.routes import STEM_NAME, STEM_RULE

MOST_APART_S: Final = 0.1  # what programs that export stems leave off or add at the end


def parse_stems(texts: tuple[str, ...]) -> dict[str, Path]:
    """Read names and files as they are written on a command line: "drums=drums.wav".

    Raises
    ------
    TonfilmError
        One is not written so, or a name comes twice.
    """
    stems: dict[str, Path] = {}
    for text in texts:
        name, _, path = text.partition("=")
        if not path:
            raise TonfilmError(f"{text!r} is no stem: write its name and file, as drums=drums.wav.")
        if not STEM_NAME.fullmatch(name):
            raise TonfilmError(f"{name!r} is no name of a stem: {STEM_RULE}.")
        if name in stems:
            raise TonfilmError(f"There are two stems called {name}: call one of them otherwise.")
        stems[name] = Path(path)
    if len(stems) > MAX_STEMS:
        raise TonfilmError(f"There are {len(stems)} stems: at most {MAX_STEMS} can be used.")
    return stems


def load_stems(paths: Mapping[str, Path], song: Audio, limits: Limits) -> dict[str, Audio]:
    """Check the stems of a song at the door.

    Raises
    ------
    TonfilmError
        One cannot be used, or is shorter or longer than the song.
    """
    stems = {name: load(path, limits) for name, path in paths.items()}
    for name, stem in stems.items():
        if abs(stem.duration_s - song.duration_s) > MOST_APART_S:
            raise TonfilmError(
                f"The stem {name} lasts {stem.duration_s:.2f} s and the song "
                f"{song.duration_s:.2f} s: save both with the same start and end."
            )
    return stems


def check_stems(recipe: Recipe, stems: Mapping[str, Audio]) -> list[str]:
    """Return notes on stems that nothing listens to, or that the recipe was not made with.

    Raises
    ------
    TonfilmError
        The recipe listens to a stem that is not here.
    """
    missing = [name for name in recipe.stems if name not in stems]
    if missing:
        name = missing[0]
        raise TonfilmError(
            f"The recipe listens to the stem {name}: give it with --stem {name}=FILE.wav."
        )
    heard = {route.stem for route in recipe.routes}
    idle = [
        f"No route listens to the stem {name}: give one, as --route {name}.onset:zoom=0.4."
        for name in stems
        if name not in heard
    ]
    return idle + [
        f"The recipe was made with another stem called {name}: this one was used."
        for name, sha256 in recipe.stems.items()
        if sha256 not in {None, stems[name].sha256}
    ]
