"""What the three places where sound can act are worth: each alone, in pairs, all, and none."""

import tempfile
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Final, get_args

from bench.choices import Choices, Tell
from bench.documents import tabulate
from bench.figures import COLUMNS, Figures, Results, describe, gather, measure
from bench.films import make_here
from bench.songs import Tune, gather_tunes
from film.recipe import Recipe
from spectro.errors import TonfilmError
from spectro.routes import CONTROLS, Mechanism

PLACES: Final[tuple[Mechanism, ...]] = get_args(Mechanism)
NAMES: Final = (
    *("r", "z", "lag_ms", "corrected", "av_align"),
    *("off_beat", "flashes", "calmed", "change"),
)
DRAWN: Final = ("z", "corrected", "av_align", "off_beat", "change", "flashes")


def name_arms() -> dict[str, tuple[Mechanism, ...]]:
    """Name the eight choices of places that are switched on."""
    arms = {
        " + ".join(places): places
        for n in range(1, len(PLACES))
        for places in combinations(PLACES, n)
    }
    return {"none": (), **arms, "all three": PLACES}


def switch(recipe: Recipe, places: Iterable[Mechanism]) -> Recipe:
    """Return the recipe with these places switched on and the others off."""
    switches: dict[str, float] = {place: float(place in places) for place in PLACES}
    return recipe.model_copy(update=switches)


def check_routes(recipe: Recipe) -> None:
    """See that a recipe's routes act at all three places.

    Raises
    ------
    TonfilmError
        They do not, and switching would tell nothing.
    """
    used = {CONTROLS[route.target].mechanism for route in recipe.routes}
    missing = [place for place in PLACES if place not in used]
    if missing:
        raise TonfilmError(
            f"No route acts {' or '.join(missing)} the networks: choose a preset whose routes act "
            "at all three places, such as club."
        )


def study(choices: Choices, tell: Tell) -> Results:
    """Make each song's film in each arm and measure it; films go as soon as they are measured.

    Raises
    ------
    TonfilmError
        A choice is not right, or a song cannot be used.
    """
    check_routes(choices.build_recipe(0))
    tunes = gather_tunes(choices)
    arms = name_arms()
    found: dict[str, list[Figures]] = {arm: [] for arm in arms}
    for number, tune in enumerate(tunes):
        recipe = choices.build_recipe(number)
        for arm, places in arms.items():
            figures = _film_and_measure(tune, switch(recipe, places))
            found[arm].append(figures)
            tell(f"song {number + 1} of {len(tunes)}, {tune.name}, {arm}: {describe(figures)}")
    return Results(songs=tuple(tune.name for tune in tunes), arms=found)


def _film_and_measure(tune: Tune, recipe: Recipe) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        report = make_here(tune.write(Path(folder) / "song.wav"), film, recipe)
        return measure(film, tune.beats_s) | {"calmed": report.n_calmed_frames / report.n_frames}


def tabulate_arms(results: Results) -> str:
    """Lay out the means over the songs, a row an arm."""
    titles = ["acts", *(COLUMNS[name].title for name in NAMES)]
    rows = [
        [arm, *(format(gather(films, name).mean, COLUMNS[name].form) for name in NAMES)]
        for arm, films in results.arms.items()
    ]
    return tabulate(titles, rows)
