"""Hold our films against films that must not be in time with the music, and one that must."""

from pathlib import Path
from typing import Any

import click

from bench.choices import Choices, film_options, plain_mistakes
from bench.documents import fill, read_document
from film.disk import check_folder
from film.process import settle_process
from scripts.measure import write_whole

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "synchrony.md"


@click.command()
@film_options(n_songs=10, preset=None, shown="the recipe as it stands")
@click.option(
    *("-o", "--output"),
    type=click.Path(dir_okay=False, path_type=Path),
    default=DOCUMENT,
    help="The document whose tables are written; docs/synchrony.md without it.",
)
def main(output: Path, **options: Any) -> None:
    """Measure our films of some songs beside stills, walks without sound, wrong sound and strobes.

    Each film is measured and thrown away. The tables are printed and written into a document,
    between two marks; what stands around them stays.
    """
    choices = Choices(**options)
    with plain_mistakes():
        read_document(output)  # before the work: whether there is a place for the figures
        check_folder(output)
        settle_process()
        # Torch takes seconds to load: not for --help.
        from bench.controls import run_controls, tabulate_aims, tabulate_arms  # noqa: PLC0415

        results = run_controls(choices, lambda line: click.echo(line, err=True))
        tables = (choices.describe(results.songs), tabulate_arms(results), tabulate_aims(results))
        figures = "\n\n".join(tables)
        text = fill(read_document(output), figures)
        write_whole(output, lambda part: part.write_text(text, encoding="utf-8"))
    click.echo(figures)


if __name__ == "__main__":
    main()
