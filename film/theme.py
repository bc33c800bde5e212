"""A theme made ready: its card and its networks, with their hashes checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

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
        files = [_find(folder / file, card.weights[file]) for file in (PAINTER_FILE, STILLS_FILE)]
        networks = _build(*files)
    except KeyError as error:
        raise TonfilmError(f"The card of {name!r} does not name {error}: restore it.") from error
    except weights.BrokenWeights as error:
        raise TonfilmError(str(error)) from error
    return Theme(card=card, painter=networks.painter, stills=networks.stills)


class _Networks(NamedTuple):
    painter: Painter
    stills: Stills


class _File(NamedTuple):
    """Weights as they lie there now: another state of a file is another file."""

    path: Path
    sha256: str
    n_bytes: int
    changed_ns: int


def _find(path: Path, sha256: str) -> _File:
    found = path.stat() if path.exists() else None  # that it is missing is told when it is read
    return _File(path, sha256, found.st_size if found else 0, found.st_mtime_ns if found else 0)


@lru_cache(maxsize=1)
def _build(painter: _File, stills: _File) -> _Networks:
    """Build networks, or give those of the job before: a worker's films are often of one theme."""
    return _Networks(
        painter=load_painter(weights.load(painter.path, painter.sha256)),
        stills=load_stills(weights.load(stills.path, stills.sha256)),
    )
