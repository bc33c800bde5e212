"""Find out what the three places where sound can act are worth."""

from pathlib import Path
from typing import Any

import click

from bench.choices import EVEN_ROUTES, Choices, film_options, plain_mistakes
from bench.documents import fill, read_document
from film.disk import check_folder
from film.process import settle_process
from scripts.measure import write_whole

DOCS = Path(__file__).resolve().parents[1] / "docs"

File = click.Path(dir_okay=False, path_type=Path)


@click.command()
@film_options(n_songs=3, preset=EVEN_ROUTES, shown="bench/places.json")
@click.option(
    *("-o", "--output"),
    type=File,
    default=DOCS / "mechanisms.md",
    help="The document whose table is written; docs/mechanisms.md without it.",
)
@click.option(
    "--plot",
    type=File,
    default=DOCS / "pictures" / "mechanisms.png",
    help="Where it is drawn: a .png; docs/pictures/mechanisms.png without it.",
)
def main(output: Path, plot: Path, **options: Any) -> None:
    """Film songs with sound acting before, inside, after the networks: each, in pairs, all, none.

    Each film is measured and thrown away. The table is printed and written into a document,
    between two marks; what stands around them stays.
    """
    choices = Choices(**options)
    with plain_mistakes():
        read_document(output)  # before the work: whether there is a place for the figures
        for path in (output, plot):
            check_folder(path)
        settle_process()
        # Torch takes seconds to load: not for --help.
        from bench.drawing import draw_arms  # noqa: PLC0415
        from bench.study import DRAWN, study, tabulate_arms  # noqa: PLC0415

        results = study(choices, lambda line: click.echo(line, err=True))
        figures = f"{choices.describe(results.songs)}\n\n{tabulate_arms(results)}"
        text = fill(read_document(output), figures)
        write_whole(output, lambda part: part.write_text(text, encoding="utf-8"))
        write_whole(plot, lambda part: draw_arms(results, DRAWN, part))
    click.echo(figures)


if __name__ == "__main__":
    main()
