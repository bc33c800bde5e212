"""The choices that experiments with films have in common, and how a mistake in them is told."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from film.cards import read_card
from film.disk import plain_disk_errors
from film.presets import read_preset
from film.recipe import Recipe, build_recipe, choose_keyframes
from measures.film import Unmeasurable
from scripts.measure import fail
from spectro.errors import TonfilmError

N_KEYFRAMES: Final = 6  # as of render.py
# Chance is what a film gets with its sound rolled by 5 s at least, either way: it lasts longer.
LEAST_S: Final = 11
# The same six sources lead, as fast, to something at each of the three places. Amounts are taste.
EVEN_ROUTES: Final = Path(__file__).with_name("places.json")

Command = Callable[..., None]
Tell = Callable[[str], None]  # a line about how far an experiment has come


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What films an experiment makes."""

    n_songs: int  # made ones
    music: Path | None  # a folder of WAVs beside them
    seconds: int  # of each song
    size: str  # "256x144"
    theme: str
    preset: str | None  # None: the recipe as it is when nobody chooses anything

    def build_recipe(self, seed: int) -> Recipe:
        """Build the recipe of a song's film; the seed draws its stills and directions.

        Raises
        ------
        TonfilmError
            A choice is not right.
        """
        read_card(self.theme)  # a theme that is not there is said before songs take their time
        width, _, height = self.size.partition("x")
        values = {"theme": self.theme, "width": width, "height": height, "seed": seed}
        preset = read_preset(self.preset) if self.preset else {}
        return build_recipe(preset | values | {"keyframes": choose_keyframes(seed, N_KEYFRAMES)})

    def describe(self, songs: Sequence[str]) -> str:
        """Name the choices and the songs in a sentence, to stand above a table."""
        count = "1 song" if len(songs) == 1 else f"{len(songs)} songs"
        preset = f"preset *{Path(self.preset).stem}*" if self.preset else "the recipe as it stands"
        return (
            f"{count} ({', '.join(songs)}), {self.seconds} s of each, theme *{self.theme}*, "
            f"{preset}, {self.size}."
        )


def film_options(*, n_songs: int, preset: Path | None, shown: str) -> Callable[[Command], Command]:
    """Return a decorator that gives a command the options of `Choices`.

    Parameters
    ----------
    n_songs, preset : what stands when nobody chooses
    shown : the preset's description in the help
    """
    folder = click.Path(exists=True, file_okay=False, path_type=Path)
    options = (
        click.option(
            *("--songs", "n_songs"),
            type=click.IntRange(0),
            default=n_songs,
            show_default=True,
            help="So many made songs, whose beats are known.",
        ),
        click.option("--music", type=folder, help="WAVs beside them; their beats are tracked."),
        click.option(
            "--seconds",
            type=click.IntRange(LEAST_S),
            default=15,
            show_default=True,
            help="Of each song; of a WAV the middle.",
        ),
        click.option("--size", default="256x144", show_default=True, help="Width x height."),
        click.option("--theme", default="abstract", show_default=True, help="A folder in models/."),
        click.option(
            "--preset",
            default=str(preset) if preset else None,
            show_default=shown,
            help="Its name, or a file like those in presets/.",
        ),
    )

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@contextmanager
def plain_mistakes() -> Iterator[None]:
    """End the command with one sentence and status 2 where something can be mended."""
    try:
        with plain_disk_errors():
            yield
    except (TonfilmError, Unmeasurable) as error:
        fail(str(error))
