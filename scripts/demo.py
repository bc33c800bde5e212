"""Compose the demo song, and make its film with each theme."""

import subprocess
import sys
from pathlib import Path

import click
import soundfile

from film.cards import list_themes
from training_data.demo_song import compose_demo

RENDER = Path(__file__).with_name("render.py")


@click.command()
@click.option(
    "--song-only",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="WAV",
    help="Write the song alone, under this name.",
)
def main(song_only: Path | None) -> None:
    """Compose demo.wav and render it with each theme to demo-THEME.mp4, 1280x720."""
    song = song_only or Path("demo.wav")
    try:
        write_song(song)
    except (OSError, soundfile.LibsndfileError) as error:
        raise click.UsageError(f"{song} cannot be written: {error}") from error
    click.echo(f"The song is in {song}.")
    if song_only is None:
        for theme in list_themes():
            render(song, theme)


def render(song: Path, theme: str) -> None:
    """Make the film of a song with a theme and the default recipe."""
    film = Path(f"demo-{theme}.mp4")
    command = [sys.executable, str(RENDER), str(song), "-o", str(film), "--theme", theme]
    status = subprocess.run(command, check=False).returncode  # noqa: S603, our own script
    if status:
        sys.exit(status)
    click.echo(f"The film is in {film.resolve()}.")


def write_song(path: Path) -> None:
    """Write the demo song as a 16-bit WAV, which appears whole or not at all."""
    song = compose_demo()
    partial = path.with_name(f".{path.name}.partial")
    try:
        soundfile.write(partial, song.samples, song.sample_rate, subtype="PCM_16", format="WAV")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
