"""Films that must not score, and one that must, beside ours: what synchrony figures are worth."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.choices import Choices, Tell
from bench.documents import tabulate
from bench.figures import COLUMNS, Figures, Interval, Results, describe, gather, measure
from bench.films import make_here
from bench.pictures import combine, film_still, film_strobe
from bench.songs import Tune, gather_tunes
from film.recipe import Recipe
from measures.calm import CALM_GOAL
from measures.curves import Times
from spectro.errors import TonfilmError

NAMES: Final = (
    *("r", "z", "lag_ms", "f1", "corrected"),
    *("av_align", "off_beat", "flashes", "change"),
)
# Midway between two sixteenths, as far from every beat, eighth and sixteenth as can be, and so far
# that nobody would look for the picture there.
SHIFT_BEATS: Final = 2.375
OURS, STILL, SILENT = "our film", "still picture", "walk without sound"
SWAPPED, SHIFTED, STROBE = "film of another song", "our film, sound shifted", "beat strobe"
ARMS: Final = (OURS, STILL, SILENT, SWAPPED, SHIFTED, STROBE)
FRAME_MS: Final = 1000 / 24  # at the recipe's own rate


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the films of one song are made from."""

    tune: Tune
    recipe: Recipe
    song: Path  # its WAV
    film: Path  # ours
    other: Path  # ours of another song


@dataclass(frozen=True, kw_only=True)
class Aim:
    """What a figure should come to."""

    arm: str
    name: str  # of COLUMNS
    words: str
    is_met: Callable[[Interval], bool]


def _holds_zero(interval: Interval) -> bool:
    # Of one film alone nothing is known of chance, and nothing is met.
    return interval.low <= 0 <= interval.high


AIMS: Final = (
    Aim(arm=OURS, name="z", words="above 3", is_met=lambda i: i.mean > 3),
    Aim(arm=OURS, name="corrected", words="at least .5", is_met=lambda i: i.mean >= 0.5),
    Aim(arm=OURS, name="off_ms", words="within a frame", is_met=lambda i: i.mean <= FRAME_MS),
    Aim(arm=OURS, name="av_align", words="at least .15", is_met=lambda i: i.mean >= 0.15),
    Aim(arm=OURS, name="off_beat", words="at least .97", is_met=lambda i: i.mean >= CALM_GOAL),
    *(
        Aim(arm=arm, name=name, words="0 within", is_met=_holds_zero)
        for arm in (STILL, SILENT, SWAPPED)
        for name in ("z", "corrected")
    ),
)


def run_controls(choices: Choices, tell: Tell) -> Results:
    """Make all films of each song and measure them; nothing of them is left.

    Raises
    ------
    TonfilmError
        A choice is not right, a song cannot be used, or there is only one.
    """
    choices.build_recipe(0)
    tunes = gather_tunes(choices)
    if len(tunes) < 2:
        raise TonfilmError("A film is held against that of another song: ask for two songs.")
    found: dict[str, list[Figures]] = {arm: [] for arm in ARMS}
    with tempfile.TemporaryDirectory() as name:
        for number, case in enumerate(_make_cases(choices, tunes, Path(name), tell), 1):
            for arm, film, beats_s in make_arms(case, Path(name)):
                figures = measure(film, beats_s)
                found[arm].append(figures)
                tell(f"song {number}, {case.tune.name}, {arm}: {describe(figures)}")
    return Results(songs=tuple(tune.name for tune in tunes), arms=found)


def _make_cases(
    choices: Choices, tunes: Sequence[Tune], folder: Path, tell: Tell
) -> Iterator[Case]:
    """Make our film of each song, and then hand them out."""
    films = [folder / f"ours-{number}.mp4" for number in range(len(tunes))]
    songs = [film.with_suffix(".wav") for film in films]
    recipes = [choices.build_recipe(number) for number in range(len(tunes))]
    for number, tune in enumerate(tunes):
        make_here(tune.write(songs[number]), films[number], recipes[number])
        tell(f"our film of song {number + 1} of {len(tunes)}, {tune.name}, is made")
    others = [*films[1:], films[0]]
    for tune, recipe, song, film, other in zip(tunes, recipes, songs, films, others, strict=True):
        yield Case(tune=tune, recipe=recipe, song=song, film=film, other=other)


def make_arms(case: Case, folder: Path) -> Iterator[tuple[str, Path, Times]]:
    """Make the film of each arm: its name, the file, and the beats of the sound in it."""
    tune, recipe = case.tune, case.recipe
    yield OURS, case.film, tune.beats_s
    shifted = tune.roll(SHIFT_BEATS * tune.beat_s)
    later = shifted.write(folder / "later.wav")
    # With the sliders at 0 the walk would still keep the beat: it must have heard nothing.
    silence = tune.mute().write(folder / "silence.wav")
    walk, still, strobe = (folder / f"{name}.mp4" for name in ("walk", "still", "strobe"))
    make_here(silence, walk, recipe)
    film_still(case.film, recipe, still)
    film_strobe(case.song, tune.beats_s, recipe, strobe)
    for arm, pictures, song, beats_s in (
        (STILL, still, case.song, tune.beats_s),
        (SILENT, walk, case.song, tune.beats_s),
        (SWAPPED, case.other, case.song, tune.beats_s),
        (SHIFTED, case.film, later, shifted.beats_s),
        (STROBE, strobe, case.song, tune.beats_s),
    ):
        yield arm, combine(pictures, song, recipe, folder / "film.mp4"), beats_s


def tabulate_arms(results: Results) -> str:
    """Lay out means over the songs with their intervals, a row an arm."""
    titles = ["film", *(COLUMNS[name].title for name in NAMES)]
    rows = [
        [arm, *(gather(films, name).show(COLUMNS[name].form) for name in NAMES)]
        for arm, films in results.arms.items()
    ]
    return tabulate(titles, rows)


def tabulate_aims(results: Results) -> str:
    """Lay out what was aimed at, beside what was measured."""
    rows = []
    for aim in AIMS:
        measured, column = gather(results.arms[aim.arm], aim.name), COLUMNS[aim.name]
        verdict = "yes" if aim.is_met(measured) else "**no**"
        rows.append([aim.arm, column.title, aim.words, measured.show(column.form), verdict])
    return tabulate(["film", "figure", "aim", "measured", "met"], rows)
