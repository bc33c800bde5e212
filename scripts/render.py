"""Make a music video out of a WAV."""

import hashlib
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from film.disk import check_folder, check_output, plain_disk_errors
from film.measured import add_measures
from film.picture_files import PictureFile, read_picture
from film.presets import PRESETS, read_preset
from film.process import settle_process
from film.recipe import (
    BLEND_NAMES,
    LAYERS,
    MAX_KEYFRAMES,
    Recipe,
    build_recipe,
    choose_keyframes,
)
from film.report import Report
from film.stems import parse_stems
from film.video import read_recipe
from scripts.progress import show_progress
from spectro.audio import load
from spectro.errors import TonfilmError
from spectro.pins import parse_pin
from spectro.routes import change_routes, parse_route

WORK = Path(__file__).resolve().parents[1] / "instance" / "work"

# Options that are a field of the recipe as they stand; the others are read first.
SAME_NAME = ("theme", "fps", "level", "frequency", "timbre", "before", "inside", "after", "layer")
FIELDS = {name: name for name in (*SAME_NAME, "blend", "quality", "seed", "flash_guard")} | {
    "start": "start_s",
    "duration": "duration_s",
}

File = click.Path(dir_okay=False, path_type=Path)
SLIDER: dict[str, Any] = {"metavar": "0..1", "type": float, "default": 0.5, "show_default": True}
SWITCH: dict[str, Any] = SLIDER | {"default": 1.0}


def choose(option: str, among: Sequence[str], meaning: str) -> Callable[[Any], Any]:
    """Return an option that is one of some words, by default the recipe's."""
    default = Recipe.model_fields[option.removeprefix("--")].default
    choices = click.Choice(among)
    return click.option(option, type=choices, default=default, show_default=True, help=meaning)


@click.command()
@click.argument("song", metavar="SONG.wav", type=click.Path(path_type=Path))
@click.option("-o", "--output", metavar="FILM.mp4", type=File, required=True, help="The film.")
@click.option("--theme", default="abstract", show_default=True, help="A folder under models/.")
@click.option(
    "--keyframes",
    metavar="SEED,PICTURE,…",
    help="Stills in the order of the walk: numbers from 0 to 4294967295, and pictures of your own "
    "(JPEG, PNG, WebP; no comma in the name).",
)
@click.option(
    "--n-keyframes",
    type=click.IntRange(1, MAX_KEYFRAMES),
    default=6,
    show_default=True,
    help="How many stills --seed draws when you name none: 1 to 64.",
)
@click.option(
    "--pin",
    "pins",
    metavar="N@TIME",
    multiple=True,
    help="When the film shows a still: 2@1:04 holds the second one through the part of the song "
    "that begins there, or has the film pass it at that moment; 2@1:04-1:36 holds it just so long. "
    "Again for more of them.",
)
@click.option(
    "--size",
    default="1280x720",
    show_default=True,
    help="Width x height: even, 64 to 3840, one at most 2.5 times the other.",
)
@click.option("--fps", default="24", show_default=True, help="1 to 60; 24000/1001 is exact.")
@click.option("--level", **SLIDER, help="How much the sound level drives the picture.")
@click.option("--frequency", **SLIDER, help="How much bass, treble and harmony drive it.")
@click.option("--timbre", **SLIDER, help="How much the sound's character drives it.")
@click.option(
    "--preset",
    metavar="NAME",
    help=f"{', '.join(PRESETS)}, or a file of your own like those in presets/: sliders and routes.",
)
@click.option(
    "--route",
    "routes",
    metavar="HEARD:SEEN=AMOUNT",
    multiple=True,
    help="What drives what, -1 to 1, as onset:zoom=0.4,attack=0.02,release=0.25,delay=0,"
    "curve=square; again for more of them. 0 takes one away. See docs/manual.md.",
)
@click.option(
    "--stem",
    "stems",
    metavar="NAME=FILE.wav",
    multiple=True,
    callback=lambda _context, _option, texts: parse_stems(texts),
    help="A part of the mix, as long as the song, for routes to start from, as "
    "--stem drums=drums.wav --route drums.onset:zoom=0.4; again for more of them.",
)
@click.option("--before", **SWITCH, help="How much of what acts on the spectrogram picture.")
@click.option("--inside", **SWITCH, help="How much of what acts inside the networks.")
@click.option("--after", **SWITCH, help="How much of what acts on the painted pictures.")
@choose("--layer", LAYERS, "Which layer of the networks is bent.")
@choose("--blend", BLEND_NAMES, "How the painted frame and the still meet.")
@click.option(
    "--seed", default=0, show_default=True, help="Of directions and drawn stills: 0 to 4294967295."
)
@click.option(
    "--start",
    metavar="S",
    type=float,
    default=0.0,
    help="Begin here, in seconds: 0 to the song's length.",
)
@click.option(
    "--duration", metavar="S", type=float, help="So many seconds, above 0; else to the end."
)
@choose("--quality", ["draft", "final"], "How hard the encoder works.")
@click.option(
    "--flash-guard/--no-flash-guard",
    default=True,
    show_default=True,
    help="At most three flashes in any second. Without it a film may bring on seizures in people "
    "with photosensitive epilepsy, and says so.",
)
@click.option("--recipe", metavar="FILE", type=File, help="Take choices from a JSON or a film.")
@click.option("--save-recipe", metavar="FILE", type=File, help="Write the choices as JSON.")
@click.option("--report", metavar="FILE", type=File, help="Write times and measures as JSON.")
@click.pass_context
def command(context: click.Context, /, song: Path, output: Path, **options: Any) -> None:
    """Make a film from SONG.wav; a run that was stopped goes on where it was.

    Options given beside --recipe take the place of its choices.
    """
    given = {
        name: value
        for name, value in options.items()
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    recipe = read_choices(options, given)
    pictures = read_pictures(options["keyframes"] or "")
    check_output(output, song)
    for record in (options["save_recipe"], options["report"]):
        if record:
            check_folder(record)
    settle_process()
    # Torch takes seconds to load: only once all choices are known to be right.
    from film.pipeline import Song, make_film  # noqa: PLC0415
    from film.portraits import fit_pictures  # noqa: PLC0415
    from measures.summary import summarise_film  # noqa: PLC0415

    with plain_disk_errors(), show_progress() as progress:
        if pictures:
            load(song)  # what is wrong with the song is said before pictures take their time
            recipe = fit_pictures(recipe, pictures, progress)
        work = WORK / _digest(song, recipe)
        sounds = Song(path=song, stems=options["stems"])
        report = make_film(sounds, output, recipe, work=work, progress=progress)
        report = add_measures(report, output, summarise_film, progress)
        write_records(report, options["save_recipe"], options["report"])
    for note in (*report.notes, *(report.measured.sentences if report.measured else ())):
        click.echo(note)
    click.echo(
        f"{output}: {report.film_s:.1f} s of film in {report.wall_s:.1f} s, "
        f"{report.real_time_factor:.2f} times real time."
    )


def main() -> None:
    """Run the command; a mistake ends it with one sentence and status 2."""
    try:
        command(standalone_mode=False)
    except click.ClickException as error:
        _end(f"Error: {error.format_message()}", status=2)
    except TonfilmError as error:
        _end(f"Error: {error}", status=2)
    except (KeyboardInterrupt, click.Abort):
        _end("Stopped. What is done is kept: the same command goes on from there.", status=130)


def read_choices(options: dict[str, Any], given: dict[str, Any]) -> Recipe:
    """Build the recipe: the defaults, --recipe over them, --preset over that, then the options.

    The user's own pictures stand in it as seed 0 until they have been fitted.

    Parameters
    ----------
    options : all options with their defaults
    given : those that the user wrote

    Raises
    ------
    TonfilmError
        A choice is out of its range, or the recipe cannot be read.
    """
    if "keyframes" in given and "n_keyframes" in given:
        raise TonfilmError("Give --keyframes or --n-keyframes, not both.")
    values = read_recipe(options["recipe"]).model_dump() if options["recipe"] else {}
    if "preset" in given:
        values |= read_preset(given["preset"])
    if given.get("theme", values.get("theme")) != values.get("theme"):
        values["weights"] = None  # those of another theme
    values |= {FIELDS[name]: value for name, value in given.items() if name in FIELDS}
    if "size" in given:
        values["width"], values["height"] = _read_size(given["size"])
    if given.get("keyframes"):
        keyframes = _split_keyframes(given["keyframes"])
        values["keyframes"] = [0 if isinstance(k, Path) else k for k in keyframes]
    elif "n_keyframes" in given or "keyframes" not in values:
        values["keyframes"] = choose_keyframes(values.get("seed", 0), options["n_keyframes"])
    if "pins" in given or given.get("keyframes") or "n_keyframes" in given:
        values["pins"] = [parse_pin(text) for text in options["pins"]]  # not those of other stills
    values["stems"] = dict.fromkeys(options["stems"]) | values.get("stems", {})
    recipe = build_recipe(values)
    routes = change_routes(recipe.routes, [parse_route(text) for text in options["routes"]])
    return build_recipe(dict(recipe) | {"routes": routes})


def read_pictures(keyframes: str) -> dict[int, PictureFile]:
    """Read the pictures that --keyframes names, each file once; by their places in the list.

    Raises
    ------
    TonfilmError
        One of them cannot be used.
    """
    entries = enumerate(_split_keyframes(keyframes)) if keyframes else ()
    paths = {place: entry for place, entry in entries if isinstance(entry, Path)}
    files = {path: read_picture(path) for path in dict.fromkeys(paths.values())}
    return {place: files[path] for place, path in paths.items()}


def write_records(report: Report, recipe_path: Path | None, report_path: Path | None) -> None:
    """Write the recipe that really made the film, and what it took, where they are wanted."""
    if recipe_path:
        recipe_path.write_text(report.recipe.to_json() + "\n", encoding="utf-8")
    if report_path:
        report_path.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _digest(song: Path, recipe: Recipe) -> str:
    """Name the folder of a film's unfinished work: the same command finds it again."""
    return hashlib.sha256(f"{song.resolve()}\n{recipe.to_json()}".encode()).hexdigest()[:32]


def _end(sentence: str, *, status: int) -> None:
    click.echo(sentence, err=True)
    sys.exit(status)


def _read_size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().replace("×", "x").partition("x")
    try:
        return int(width), int(height)
    except ValueError as error:
        raise TonfilmError(f"{text!r} is no size: write width x height, as 1280x720.") from error


def _split_keyframes(text: str) -> list[int | Path]:
    """Tell seeds, which are numbers, from pictures, which are not."""
    words = [word.strip() for word in text.split(",")]
    if not all(words):
        raise TonfilmError(
            f"{text!r} is no list of stills: write numbers and names of pictures with commas, as "
            "3,holiday.jpg,42."
        )
    return [int(word) if re.fullmatch(r"[+-]?[0-9]{1,99}", word) else Path(word) for word in words]


if __name__ == "__main__":
    main()
